//! Clients that the local firewall keeps from ports that are served here.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::Evidence;
use plumb_model::notice::{Direction, Notice, What};
use plumb_model::snapshot::{Kind, Socket};

use super::super::turned_away::{TCP, UDP};
use super::super::{Case, evidence, not_taken, sockets, subject};
use super::Victim;

/// So many SYNs without an answer, or rejections, are no accident.
const SEVERAL: u64 = 3;

pub(super) fn victims(case: &Case<'_>) -> Vec<Victim> {
    let mut victims = unanswered(case);
    let others = some_unanswered(case).into_iter();
    let others: Vec<_> = others
        .filter(|other| {
            let is_told = |victim: &Victim| victim.subject.local == other.subject.local;
            !victims.iter().any(is_told)
        })
        .collect();
    victims.extend(others);
    victims.extend(rejected(case));
    victims
}

/// Says whether it is not the firewall that keeps an attempt from being answered.
fn is_explained(case: &Case<'_>) -> bool {
    not_taken::has_no_room(case) || not_taken::is_bad(case)
}

/// What answers an attempt.
pub(super) fn answers(what: What) -> bool {
    matches!(
        what,
        What::SynAck | What::Refusal | What::Unreachable { .. }
    )
}

/// Attempts at a port that is served here which come again and get no answer, while others do: a rule lets some of them in,
/// and those that throw the others away have counted as many.
fn some_unanswered(case: &Case<'_>) -> Vec<Victim> {
    if is_explained(case) {
        return Vec::new();
    }
    let ends = |notice: &Notice| (sockets::plain(notice.local), sockets::plain(notice.peer));
    let answered: HashSet<_> = case
        .notices
        .of(Direction::Sent, answers)
        .map(ends)
        .collect();
    let mut by_end: BTreeMap<SocketAddr, (u64, u64)> = BTreeMap::new();
    let syns = case
        .notices
        .of(Direction::Received, |what| what == What::Syn);
    let repeated = syns.filter(|notice| notice.count > 1 && !answered.contains(&ends(notice)));
    for notice in repeated {
        let (attempts, packets) = by_end.entry(sockets::plain(notice.local)).or_default();
        *attempts += 1;
        *packets += notice.count;
    }
    let counted = super::counted(case);
    let kept = by_end.into_iter().filter(|(_, (attempts, packets))| {
        // The counters are read a little after the watch begins and before it ends.
        *attempts >= SEVERAL && counted.saturating_mul(4) >= packets * 3
    });
    kept.filter_map(|(end, (attempts, packets))| {
        let (place, _) = sockets::server_of(case.span.after, end)?;
        let fact = evidence::fact(
            "packets received: SYN",
            format!(
                "{attempts} attempts at {end} came, again and again ({packets} packets), and got no answer while others did"
            ),
        );
        Some(at(case, place, end, fact))
    })
    .collect()
}

/// SYNs of one client for a port that is served here, of which none got an answer.
fn unanswered(case: &Case<'_>) -> Vec<Victim> {
    if is_explained(case) {
        return Vec::new();
    }
    let ends = |notice: &Notice| {
        (
            sockets::plain(notice.local),
            notice.peer.ip().to_canonical(),
        )
    };
    let mut silent: BTreeMap<(SocketAddr, IpAddr), u64> = BTreeMap::new();
    for notice in case
        .notices
        .of(Direction::Received, |what| what == What::Syn)
    {
        *silent.entry(ends(notice)).or_default() += notice.count;
    }
    for notice in case.notices.of(Direction::Sent, answers) {
        silent.remove(&ends(notice));
    }
    let mut by_end: BTreeMap<SocketAddr, (u64, BTreeSet<IpAddr>)> = BTreeMap::new();
    for ((end, client), count) in silent {
        let (all, clients) = by_end.entry(end).or_default();
        *all += count;
        clients.insert(client);
    }
    by_end
        .into_iter()
        .filter(|(_, (count, _))| *count >= SEVERAL)
        .filter_map(|(end, (count, clients))| {
            let (place, _) = sockets::server_of(case.span.after, end)?;
            let fact = evidence::fact(
                "packets received: SYN",
                format!("{count} attempts at {end} came and got no answer, although it is served"),
            );
            let mut victim = at(case, place, end, fact);
            if let (Some(client), 1) = (clients.first(), clients.len()) {
                victim.subject.peer = Some(client.to_string());
                victim.does = format!("keeps {client} from {end}");
            }
            Some(victim)
        })
        .collect()
}

/// Ports that are served here and in whose name something refuses. Of TCP the kernel refuses no port that
/// has a listener, and never by an ICMP error.
fn rejected(case: &Case<'_>) -> Vec<Victim> {
    if !case.span.after.can_reject() {
        return Vec::new();
    }
    let mut by_end: BTreeMap<(u8, SocketAddr), u64> = BTreeMap::new();
    let refuses = |what| matches!(what, What::Refusal | What::Unreachable { .. });
    for notice in case.notices.of(Direction::Sent, refuses) {
        let end = (notice.protocol, sockets::plain(notice.local));
        *by_end.entry(end).or_default() += notice.count;
    }
    by_end
        .into_iter()
        .filter(|(_, count)| *count >= SEVERAL)
        .filter_map(|((protocol, end), count)| {
            let place = served(case, protocol, end)?;
            let fact = evidence::fact(
                "packets sent: RST in answer to SYN, ICMP destination unreachable",
                format!("{count} packets for {end} were rejected, although it is served"),
            );
            Some(at(case, place, end, fact))
        })
        .collect()
}

/// Gives the socket that would take packets for an end.
pub(super) fn served(case: &Case<'_>, protocol: u8, end: SocketAddr) -> Option<usize> {
    let sample = case.span.after;
    match protocol {
        TCP => sockets::server_of(sample, end).map(|(place, _)| place),
        UDP => {
            // One that is connected takes its peer's alone.
            let takes_all = |socket: &Socket| {
                socket.kind == Kind::Udp && socket.peer.port().is_none_or(|port| port == 0)
            };
            let mut sockets = sample.snapshot.sockets.iter();
            sockets.position(|socket| takes_all(socket) && sockets::serves(socket, end))
        }
        _ => None,
    }
}

pub(super) fn at(case: &Case<'_>, place: usize, end: SocketAddr, fact: Evidence) -> Victim {
    let kind = match case.span.after.snapshot.sockets.get(place) {
        Some(socket) if socket.kind == Kind::Tcp => "listener",
        _ => "socket",
    };
    Victim {
        is_through: false,
        subject: subject::of_socket(&case.span.after.snapshot, place, kind),
        fact,
        does: format!("keeps clients from {end}"),
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::Known;
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::firewall::{Refuser, Verdict, Wants};
    use plumb_model::notice::Notices;
    use plumb_model::sample::Sample;
    use plumb_model::snapshot::End;
    use plumb_model::socket::SocketState;

    use super::*;
    use crate::made_up;

    const END: ([u8; 4], u16) = ([10, 0, 0, 1], 8125);

    fn sample(at_us: u64, packets: u64) -> Sample {
        let mut sample = made_up::sample(at_us, &TcpInfo::default());
        for socket in &mut sample.snapshot.sockets {
            socket.state = SocketState::LISTEN;
            socket.local = End::Inet(END.into());
            socket.peer = End::Inet(([0, 0, 0, 0], 0).into());
        }
        sample.refusers = vec![Refuser {
            family: "inet",
            table: b"t".to_vec(),
            chain: b"input".to_vec(),
            handle: 4,
            verdict: Verdict::Drop,
            packets: Known::Known(packets),
            by_chance: false,
            hook: None,
            wants: Wants::default(),
        }];
        sample
    }

    /// How many ends are told when ten clients try so often each, half of them are let in, and the rule counts so many.
    fn told(tries: u64, counted: u64) -> usize {
        let notice = |what, direction, port, count| Notice {
            what,
            direction,
            protocol: TCP,
            local: END.into(),
            peer: ([10, 0, 0, 2], port).into(),
            interface: 2,
            count,
            age_us: 1_500_000,
            last_age_us: 0,
        };
        let came = (1..=10).map(|port| notice(What::Syn, Direction::Received, port, tries));
        let went = (1..=5).map(|port| notice(What::SynAck, Direction::Sent, port, 1));
        let notices = Notices {
            all: came.chain(went).collect(),
            ..Notices::default()
        };
        let (before, after) = (sample(1_000_000, 0), sample(3_000_000, counted));
        let case = Case {
            notices: &notices,
            ..made_up::between(&before, &after)
        };
        victims(&case).len()
    }

    #[test]
    fn attempts_over_a_rate_that_a_rule_throws_away_are_told_although_others_are_let_in() {
        assert_eq!(told(2, 10), 1);
        // Too young to know, and thrown away by nobody here.
        assert_eq!(told(1, 5), 0);
        assert_eq!(told(2, 0), 0);
    }
}
