//! What this host should forward between others and does not: attempts that come in and do not go out
//! again, and refusals in the name of a host that did not send them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::SocketAddr;

use plumb_model::Known;
use plumb_model::finding::Subject;
use plumb_model::notice::{Direction, Notice, What};

use super::super::{Case, attempts, evidence, not_taken, sockets};
use super::Victim;

/// So many are no accident.
const SEVERAL: u64 = 3;

pub(super) fn victims(case: &Case<'_>) -> Vec<Victim> {
    if !forwards(case) || not_taken::is_bad(case) {
        return Vec::new();
    }
    let mut kept: BTreeMap<SocketAddr, (u64, &str)> = BTreeMap::new();
    let reachable = |server: &SocketAddr| attempts::silent_next_hop(case, *server).is_none();
    for (server, count) in swallowed(case) {
        kept.insert(
            server,
            (count, "came to this host and did not leave it again"),
        );
    }
    for (server, count) in rejected(case) {
        // Who is refused at once does not come again: what came and did not leave are the same attempts.
        let told = kept.entry(server).or_insert((0, ""));
        *told = (told.0.max(count), "were refused by this host in its name");
    }
    kept.into_iter()
        // Who has no link layer address is sent nothing.
        .filter(|(server, (count, _))| *count >= SEVERAL && reachable(server))
        .map(|(server, (count, what))| Victim {
            is_through: true,
            subject: Subject {
                kind: "destination",
                peer: Some(server.to_string()),
                protocol: Some("tcp"),
                ..Subject::default()
            },
            fact: evidence::fact(
                "packets received and sent: SYN, SYN-ACK, refusals",
                format!(
                    "{count} packets of attempts at {server} {what} in {:.1} s",
                    case.span.seconds()
                ),
            ),
            does: format!("keeps others from connecting to {server} through this host"),
        })
        .collect()
}

/// Says whether this host is a router.
pub(super) fn forwards(case: &Case<'_>) -> bool {
    let settings = &case.span.after.settings;
    let forwards = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"];
    forwards
        .iter()
        .any(|name| matches!(settings.number(name), Known::Known(1..)))
}

/// Counts SYNs and SYN-ACKs between others that came in and did not go out, by the server's end.
pub(in super::super) fn swallowed(case: &Case<'_>) -> BTreeMap<SocketAddr, u64> {
    let opens = |what| matches!(what, What::Syn | What::SynAck);
    let sent = case.notices.of(Direction::Sent, opens);
    let sent = Handed::of(case, sent.map(Packet::of));
    let mut lost = BTreeMap::new();
    for notice in case.notices.of(Direction::Received, opens) {
        let packet = Packet::of(notice);
        if are_others(case, notice) && !sent.has(&packet) {
            *lost.entry(packet.server).or_default() += notice.count;
        }
    }
    lost
}

/// A packet of an attempt, by its ends.
struct Packet {
    client: SocketAddr,
    server: SocketAddr,
    is_answer: bool,
}

impl Packet {
    fn of(notice: &Notice) -> Self {
        let (local, peer) = (sockets::plain(notice.local), sockets::plain(notice.peer));
        let is_answer = notice.what == What::SynAck;
        let is_sent = notice.direction == Direction::Sent;
        // Who sends a SYN is the client.
        let (client, server) = if is_sent == is_answer {
            (peer, local)
        } else {
            (local, peer)
        };
        Self {
            client,
            server,
            is_answer,
        }
    }
}

/// What this host handed on. On its way it may have translated one end or both (NAT): a client's port stays as it is
/// where that is possible, and where it is not the server's end does and the client is this host.
#[derive(Default)]
struct Handed {
    clients: HashSet<(u16, bool)>,
    servers: HashSet<(SocketAddr, bool)>,
}

impl Handed {
    fn of(case: &Case<'_>, packets: impl Iterator<Item = Packet>) -> Self {
        let mut handed = Self::default();
        for packet in packets {
            handed
                .clients
                .insert((packet.client.port(), packet.is_answer));
            if sockets::is_local(case.span.after, packet.client.ip()) {
                handed.servers.insert((packet.server, packet.is_answer));
            }
        }
        handed
    }

    fn has(&self, packet: &Packet) -> bool {
        let Packet {
            client,
            server,
            is_answer,
        } = *packet;
        self.clients.contains(&(client.port(), is_answer))
            || self.servers.contains(&(server, is_answer))
    }
}

/// Counts refusals that this host sent in the name of others and did not get from them.
fn rejected(case: &Case<'_>) -> BTreeMap<SocketAddr, u64> {
    let mut rejected = BTreeMap::new();
    if !case.span.after.can_reject() {
        return rejected;
    }
    let came = case
        .notices
        .of(Direction::Received, |what| what == What::Refusal);
    let came: BTreeSet<(SocketAddr, SocketAddr)> =
        came.map(|other| (other.peer, other.local)).collect();
    for notice in case.notices.of(Direction::Sent, |_| true) {
        let by_us = match notice.what {
            What::Refusal => !came.contains(&(notice.local, notice.peer)),
            // Without a route or a next hop a router says "unreachable", too.
            What::Unreachable { code, by } => {
                let routing = if by.is_ipv4() { [0, 1] } else { [0, 3] };
                !routing.contains(&code) && sockets::is_local(case.span.after, by)
            }
            _ => false,
        };
        if by_us && are_others(case, notice) {
            *rejected.entry(sockets::plain(notice.local)).or_default() += notice.count;
        }
    }
    rejected
}

fn are_others(case: &Case<'_>, notice: &Notice) -> bool {
    let is_local = |end: SocketAddr| sockets::is_local(case.span.after, end.ip());
    !is_local(notice.local) && !is_local(notice.peer)
}

#[cfg(test)]
mod tests {
    use plumb_model::notice::Notices;
    use plumb_model::sample::Sample;

    use super::*;
    use crate::made_up;

    /// A packet that came to this host, 127.0.0.1, or that it sent.
    fn packet(what: What, is_sent: bool, from: &str, to: &str) -> Notice {
        let end = |text: &str| -> SocketAddr { text.parse().expect("an end") };
        let (local, peer) = if is_sent { (from, to) } else { (to, from) };
        Notice {
            what,
            direction: if is_sent {
                Direction::Sent
            } else {
                Direction::Received
            },
            protocol: 6,
            local: end(local),
            peer: end(peer),
            interface: 2,
            count: 4,
            age_us: 0,
            last_age_us: 0,
        }
    }

    fn lost(all: Vec<Notice>) -> Vec<String> {
        let sample = Sample::default();
        let notices = Notices {
            all,
            ..Notices::default()
        };
        let lost = swallowed(&Case {
            notices: &notices,
            ..made_up::between(&sample, &sample)
        });
        lost.keys().map(SocketAddr::to_string).collect()
    }

    #[test]
    fn what_is_translated_on_its_way_was_handed_on() {
        let (client, server) = ("10.1.0.9:5000", "10.2.0.1:80");
        let (syn, answer) = (What::Syn, What::SynAck);
        let came = |what, from, to| packet(what, false, from, to);
        let went = |what, from, to| packet(what, true, from, to);
        assert_eq!(lost(vec![came(syn, client, server)]), [server]);
        // As it came; the client is masqueraded, and with another port; the server is another's published port.
        for (from, to) in [
            (client, server),
            ("127.0.0.1:5000", server),
            ("127.0.0.1:61000", server),
            (client, "10.3.0.1:8080"),
        ] {
            let both = vec![came(syn, client, server), went(syn, from, to)];
            assert_eq!(lost(both), [""; 0], "{from} {to}");
        }
        let published = went(answer, "127.0.0.1:8080", client);
        assert_eq!(lost(vec![came(answer, server, client), published]), [""; 0]);
        // Another client's came through.
        let other = went(syn, "10.1.0.8:6000", server);
        assert_eq!(lost(vec![came(syn, client, server), other]), [server]);
    }
}
