//! What this host should forward between others and does not: attempts that come in and do not go out
//! again, and refusals in the name of a host that did not send them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use plumb_model::Known;
use plumb_model::finding::Subject;
use plumb_model::notice::{Direction, Notice, What};

use super::super::{Case, attempts, evidence, received_bad, sockets};
use super::{Victim, can_reject};

/// So many are no accident.
const SEVERAL: u64 = 3;

/// A packet of an attempt, by its sender and who it is for, and whether it is the answer.
type Packet = (SocketAddr, SocketAddr, bool);

pub(super) fn victims(case: &Case<'_>) -> Vec<Victim> {
    let settings = &case.span.after.settings;
    let forwards = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"];
    let forwards = forwards
        .iter()
        .any(|name| matches!(settings.number(name), Known::Known(1..)));
    if !forwards || received_bad::refuses_answers(case) {
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
            summary: format!(
                "the local firewall keeps others from connecting to {server} through this host"
            ),
        })
        .collect()
}

/// Counts SYNs and SYN-ACKs between others that came in and did not go out, by the server's end.
pub(in super::super) fn swallowed(case: &Case<'_>) -> BTreeMap<SocketAddr, u64> {
    let opens = |what| matches!(what, What::Syn | What::SynAck);
    let packet = |notice: &Notice| -> Packet {
        let (local, peer) = (sockets::plain(notice.local), sockets::plain(notice.peer));
        let answer = notice.what == What::SynAck;
        match notice.direction {
            Direction::Received => (peer, local, answer),
            Direction::Sent => (local, peer, answer),
        }
    };
    let sent: BTreeSet<Packet> = case
        .notices
        .of(Direction::Sent, opens)
        .map(packet)
        .collect();
    let mut lost = BTreeMap::new();
    for notice in case.notices.of(Direction::Received, opens) {
        let (from, to, answer) = packet(notice);
        let others = are_others(case, notice);
        if others && !sent.contains(&(from, to, answer)) {
            *lost.entry(if answer { from } else { to }).or_default() += notice.count;
        }
    }
    lost
}

/// Counts refusals that this host sent in the name of others and did not get from them.
fn rejected(case: &Case<'_>) -> BTreeMap<SocketAddr, u64> {
    let mut rejected = BTreeMap::new();
    if !can_reject(case) {
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
