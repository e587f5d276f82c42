//! Whose routes are asked for beside those of our own connections: where what passed on the wire raises the question.
//!
//! Who is asked about such a destination alone does not want to reach it himself: see [`is_ours`].

use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;

use plumb_model::notice::{Direction, Notices, What};

use super::{Case, sockets};

/// More are not asked for: addresses of an attack are many, and none is there.
const MOST: usize = 16;

/// Gives the destinations of packets of others that this host could not forward, and both ends of attempts that came and
/// got no answer from it.
pub fn destinations(notices: &Notices) -> Vec<IpAddr> {
    let told = notices.of(Direction::Sent, is_no_way);
    let told = told.map(|notice| notice.local.ip().to_canonical());
    let answered: HashSet<_> = notices
        .of(Direction::Sent, |_| true)
        .map(|notice| (notice.local, notice.peer))
        .collect();
    let ignored = notices.of(Direction::Received, |what| what == What::Syn);
    let ignored = ignored
        .filter(|notice| !answered.contains(&(notice.local, notice.peer)))
        .flat_map(|notice| {
            [
                notice.peer.ip().to_canonical(),
                notice.local.ip().to_canonical(),
            ]
        });
    let all: BTreeSet<IpAddr> = told.take(MOST).chain(ignored.take(MOST)).collect();
    all.into_iter().collect()
}

/// Says whether a packet is the ICMP error of who has no way for another, or one that forbids: of `ip_error` codes 0, 1
/// and 13, of `ip6_pkt_drop` 0, 1 and 3; 3 of IPv4 is a port's.
pub(super) fn is_no_way(what: What) -> bool {
    match what {
        What::Unreachable { code, by } if by.is_ipv4() => matches!(code, 0 | 1 | 13),
        What::Unreachable { code, .. } => matches!(code, 0 | 1 | 3),
        _ => false,
    }
}

/// Says whether somebody on this host wants to reach a destination, or the user asked about it.
pub(super) fn is_ours(case: &Case<'_>, ip: IpAddr) -> bool {
    let named = case.focus.hosts.contains(&ip);
    let mut calls = case.notices.refused_calls.iter();
    let mut peers = case
        .span
        .after
        .snapshot
        .sockets
        .iter()
        .map(|socket| socket.peer.inet());
    named
        || calls.any(|call| sockets::plain(call.address).ip() == ip)
        || peers.any(|peer| peer.is_some_and(|peer| peer.ip().to_canonical() == ip))
}
