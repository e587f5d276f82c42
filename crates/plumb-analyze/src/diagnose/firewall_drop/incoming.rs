//! Clients that the local firewall keeps from ports that are served here.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::Evidence;
use plumb_model::notice::{Direction, Notice, What};
use plumb_model::snapshot::{Kind, Socket};

use super::super::turned_away::{TCP, UDP};
use super::super::{Case, evidence, received_bad, sockets, subject};
use super::Victim;

/// So many SYNs without an answer, or rejections, are no accident.
const SEVERAL: u64 = 3;

pub(super) fn victims(case: &Case<'_>) -> Vec<Victim> {
    let mut victims = unanswered(case);
    victims.extend(rejected(case));
    victims
}

/// SYNs of one client for a port that is served here, of which none got an answer.
fn unanswered(case: &Case<'_>) -> Vec<Victim> {
    let queue_full = ["ListenOverflows", "ListenDrops", "TCPReqQFullDrop"]
        .iter()
        .any(|name| evidence::grown(case.span, "TcpExt", name).is_some());
    if queue_full || received_bad::refuses_answers(case) {
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
    let answers = |what| {
        matches!(
            what,
            What::SynAck | What::Refusal | What::Unreachable { .. }
        )
    };
    for notice in case.notices.of(Direction::Sent, answers) {
        silent.remove(&ends(notice));
    }
    let mut by_end: BTreeMap<SocketAddr, u64> = BTreeMap::new();
    for ((end, _), count) in silent {
        *by_end.entry(end).or_default() += count;
    }
    by_end
        .into_iter()
        .filter(|(_, count)| *count >= SEVERAL)
        .filter_map(|(end, count)| {
            let (place, _) = sockets::server_of(case.span.after, end)?;
            let fact = evidence::fact(
                "packets received: SYN",
                format!("{count} attempts at {end} came and got no answer, although it is served"),
            );
            Some(at(case, place, end, fact))
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
        subject: subject::of_socket(&case.span.after.snapshot, place, kind),
        fact,
        summary: format!("the local firewall keeps clients from {end}"),
    }
}
