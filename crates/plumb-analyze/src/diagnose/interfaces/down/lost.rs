//! Sockets whose address went with an interface that was switched off: those of IPv6 are taken from it then.
//!
//! Where that was between the samples, the earlier one says whose it was. Later an interface is named only where it is the
//! one that is off and carried something before, and no way leads to the other end: a proxy may send from addresses that
//! nobody here has.

use std::net::IpAddr;

use plumb_model::link::Link;
use plumb_model::sample::NO_ROUTE;
use plumb_model::snapshot::{Kind, Socket};
use plumb_model::socket::SocketState;

use super::super::super::Case;
use super::super::value;

/// The counter of packets that left.
const SENT: &str = "tx_packets";
/// In these states a socket with a peer wants something of it.
const WANTING: [SocketState; 2] = [SocketState::SYN_SENT, SocketState::ESTABLISHED];

/// Gives the ends of the sockets whose address went with an interface: ours and the other one.
pub(super) fn ends(case: &Case<'_>, link: &Link) -> Vec<(IpAddr, IpAddr)> {
    if link.base.is_up() {
        return Vec::new();
    }
    let is_only = is_only_one(case, link);
    let sockets = case.span.after.snapshot.sockets.iter();
    let wanting = sockets.filter(|socket| {
        matches!(socket.kind, Kind::Tcp | Kind::Udp) && WANTING.contains(&socket.state)
    });
    wanting
        .filter_map(ends_of)
        .filter(|(own, _)| is_gone(case, *own))
        .filter(|(own, peer)| had(case, link, *own) || is_only && has_no_way(case, *own, *peer))
        .collect()
}

fn ends_of(socket: &Socket) -> Option<(IpAddr, IpAddr)> {
    let peer = socket.peer.inet().filter(|peer| peer.port() != 0)?;
    Some((socket.local.inet()?.ip(), peer.ip()))
}

/// Says whether an address of IPv6 is no interface's any more.
fn is_gone(case: &Case<'_>, own: IpAddr) -> bool {
    let IpAddr::V6(ip) = own else {
        return false;
    };
    let is_of_host = !ip.is_unspecified()
        && !ip.is_loopback()
        && !ip.is_multicast()
        && ip.to_ipv4_mapped().is_none();
    let addresses = &case.span.after.addresses;
    is_of_host && !addresses.is_empty() && addresses.iter().all(|address| address.ip != own)
}

/// Says whether an interface had an address in the earlier sample.
pub(super) fn had(case: &Case<'_>, link: &Link, own: IpAddr) -> bool {
    let mut earlier = case.span.before.addresses.iter();
    earlier.any(|address| address.interface == link.base.index && address.ip == own)
}

/// Says whether of all interfaces that are switched off this one alone was used before.
fn is_only_one(case: &Case<'_>, link: &Link) -> bool {
    let links = case.span.after.links.iter();
    let mut used = links
        .filter(|other| !other.base.is_up() && !other.base.is_loopback() && value(other, SENT) > 0);
    let first = used.next().map(|other| other.base.index);
    first == Some(link.base.index) && used.next().is_none()
}

fn has_no_way(case: &Case<'_>, own: IpAddr, peer: IpAddr) -> bool {
    let mut destinations = case.span.after.destinations.iter();
    let mut calls = case.notices.refused_calls.iter();
    destinations.any(|to| to.ip == peer && to.route == Err(NO_ROUTE))
        || calls.any(|call| {
            call.errno == NO_ROUTE && call.source == Some(own) && call.address.ip() == peer
        })
}
