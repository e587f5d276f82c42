//! `interface-down`: an interface that is switched off or has no carrier, and that somebody needs.
//!
//! A connection has its address, or had it ([`lost`]), the route to a destination leads there, it throws away what should
//! leave by it, a tunnel on it finds no way for its frames, datagrams for its network are refused, or next hops behind it go
//! on to be asked for. One that rests on another (VLAN, macvlan), is the other end of one, or has it for a port, is down
//! because that is.

mod lost;

use std::net::IpAddr;

use plumb_model::finding::{Confidence, Finding, Severity};
use plumb_model::link::Link;
use plumb_model::sample::NO_ROUTE;
use plumb_model::socket::SocketState;

use super::super::{Case, attempts, evidence, of_interest};
use super::{DOWN, UNCARRIED, grown, name};

/// One datagram that is refused is an accident.
const REFUSED: u64 = 2;
/// The counter of packets that could not leave.
const SENT_IN_VAIN: &str = "tx_dropped";
/// Counters of what the kernel says by itself: which groups it has joined, and whether there is a router.
const BY_ITSELF: [&str; 3] = [
    "OutRouterSolicits",
    "OutGroupMembResponses",
    "OutMLDv2Reports",
];
/// So many interfaces may rest on each other.
const MOST_BENEATH: usize = 8;
/// `RT_SCOPE_LINK`: such an address, and one of a smaller scope, leads no further than its link.
const LINK_SCOPE: u8 = 253;

/// Looks for interfaces that are needed and cannot send.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let links = case.span.after.links.iter();
    let dead = links.filter(|link| !link.base.is_loopback() && is_dead(link));
    dead.filter_map(|link| Some(down(case, link, needed_by(case, link)?)))
        .collect()
}

/// Says who needs an interface, and how sure that is.
fn needed_by(case: &Case<'_>, link: &Link) -> Option<(String, Confidence)> {
    let certain = |needed| (needed, Confidence::Certain);
    let by_socket = by_socket(case, link).map(certain);
    by_socket
        .or_else(|| by_lost_address(case, link))
        .or_else(|| by_route(case, link).map(certain))
        .or_else(|| by_packets(case, link).map(certain))
        .or_else(|| by_refused_datagrams(case, link).map(certain))
}

/// Says who sends datagrams for the network of an interface that is switched off, which the kernel refuses: with it went the
/// route, and a socket that is not connected tells of no peer.
fn by_refused_datagrams(case: &Case<'_>, link: &Link) -> Option<String> {
    let calls = case.notices.refused_calls.iter();
    let sends = calls.filter(|call| {
        let to = call.address.ip().to_canonical();
        call.is_send() && call.errno == NO_ROUTE && belongs_to_dead(case, link, to)
    });
    let refused: u64 = sends.clone().map(|call| call.count).sum();
    let first = sends.into_iter().next()?;
    let who = String::from_utf8_lossy(&first.comm);
    (refused >= REFUSED).then(|| {
        format!(
            "{refused} datagrams of {who} for {} behind it were refused",
            first.address.ip().to_canonical()
        )
    })
}

/// Says what is to be sent by an interface, whoever sends it: what it threw away, next hops that are asked for there.
fn by_packets(case: &Case<'_>, link: &Link) -> Option<String> {
    let dropped = grown(case, link, SENT_IN_VAIN);
    if dropped >= super::SEVERAL {
        return Some(format!(
            "{dropped} packets that should leave by it were thrown away in {:.1} s",
            case.span.seconds()
        ));
    }
    if let Some((upper, frames)) = uncarried(case, link) {
        return Some(format!(
            "nothing carries the frames of {upper}, which rests on it: {frames} in {:.1} s",
            case.span.seconds()
        ));
    }
    let hop = super::asked_in_vain(case, link);
    hop.map(|hop| format!("packets for {} behind it go on", hop.ip))
}

/// Gives a tunnel on an interface that is not down with that, and found no way for its frames, with how many.
fn uncarried(case: &Case<'_>, link: &Link) -> Option<(String, u64)> {
    let mut links = case.span.after.links.iter();
    links.find_map(|upper| {
        let rests = upper.base.lower == Some(link.base.index) && !is_dead(upper);
        let frames = grown(case, upper, UNCARRIED);
        let of_somebody = frames.saturating_sub(of_the_kernel(case, UNCARRIED));
        (rests && of_somebody >= super::SEVERAL).then(|| (name(upper), frames))
    })
}

/// Counts what the kernel says by itself on links that are new to it and what may be among the packets of a counter, at most:
/// nobody misses that.
pub(super) fn of_the_kernel(case: &Case<'_>, counter: &str) -> u64 {
    if ![UNCARRIED, "tx_errors"].contains(&counter) {
        return 0;
    }
    let counters = BY_ITSELF.iter();
    let grown = counters.filter_map(|name| case.span.grown("Icmp6", name).ok());
    grown.sum()
}

fn by_socket(case: &Case<'_>, link: &Link) -> Option<String> {
    let sample = case.span.after;
    let own: Vec<_> = sample
        .addresses
        .iter()
        .filter(|address| address.interface == link.base.index)
        .map(|address| address.ip)
        .collect();
    let waits = [SocketState::SYN_SENT, SocketState::ESTABLISHED];
    let using = sample.snapshot.sockets.iter().filter(|socket| {
        let local = socket.local.inet().map(|local| local.ip().to_canonical());
        let connected = socket.peer.port().is_some() && waits.contains(&socket.state);
        connected && local.is_some_and(|local| own.contains(&local))
    });
    let count = using.count();
    (count > 0).then(|| format!("its address is that of {}", evidence::connections(count)))
}

/// Says whose address went with an interface; without an earlier sample that had it this is a conclusion.
fn by_lost_address(case: &Case<'_>, link: &Link) -> Option<(String, Confidence)> {
    let lost = lost::ends(case, link);
    let (own, peer) = lost.first()?;
    let confidence = if lost::had(case, link, *own) {
        Confidence::Certain
    } else {
        Confidence::Likely
    };
    let needed = format!(
        "its address {own} went with it, and is that of {} to {peer}",
        evidence::connections(lost.len())
    );
    Some((needed, confidence))
}

fn by_route(case: &Case<'_>, link: &Link) -> Option<String> {
    let sample = case.span.after;
    let leads = sample.destinations.iter().find(|to| {
        to.route
            .as_ref()
            .is_ok_and(|route| route.interface == Some(link.base.index))
    });
    if let Some(to) = leads {
        return Some(format!("the route to {} leads through it", to.ip));
    }
    let mut behind = sample.destinations.iter();
    let lost = behind.find(|to| {
        let strayed = || belongs_to_dead(case, link, to.ip) && is_tried_in_vain(case, to.ip);
        of_interest::is_ours(case, to.ip)
            && (to.route.is_err() && is_in_network(case, link, to.ip) || strayed())
    });
    if let Some(to) = lost {
        return Some(format!("the network of {} is behind it", to.ip));
    }
    let mut all = sample.destinations.iter();
    let unreachable = all.find(|to| {
        let is_only_way = || !link.base.is_up() && is_only_way(case, link, to.ip);
        to.route == Err(NO_ROUTE) && of_interest::is_ours(case, to.ip) && is_only_way()
    });
    unreachable.map(|to| {
        format!(
            "no other one leads to others, and there is no way to {} any more",
            to.ip
        )
    })
}

/// Says whether somebody waits for an answer of a host, or gave up to wait.
fn is_tried_in_vain(case: &Case<'_>, ip: IpAddr) -> bool {
    let waits = attempts::all(case).into_iter().any(|attempts| {
        attempts.peer.ip() == ip && attempts.answers == 0 && attempts.retransmits > 0
    });
    waits || attempts::given_up(case).keys().any(|peer| peer.ip() == ip)
}

/// Says whether an address is of the network of an interface that is switched off, and of none of the others: a less
/// specific route that is left leads it astray.
pub(in super::super) fn belongs_to_dead(case: &Case<'_>, link: &Link, ip: IpAddr) -> bool {
    let mut others = case.span.after.links.iter();
    let elsewhere = others.any(|other| other.base.is_up() && is_in_network(case, other, ip));
    !link.base.is_up() && is_in_network(case, link, ip) && !elsewhere
}

/// Says whether an address is of the network of an interface that is switched off: with it went the route.
pub(in super::super) fn is_behind_dead(case: &Case<'_>, ip: IpAddr) -> bool {
    let mut links = case.span.after.links.iter();
    links.any(|link| !link.base.is_up() && is_in_network(case, link, ip))
}

/// Says whether there is no way to an address because its network is that of a dead interface alone: the route goes with
/// the interface, or with its carrier where `ignore_routes_with_linkdown` is set. A route that forbids is no such one.
pub(in super::super) fn took_route_to(case: &Case<'_>, link: &Link, ip: IpAddr) -> bool {
    let sample = case.span.after;
    let refused = sample.refused.iter();
    let refused = refused.map(|lookup| (lookup.way.to, &lookup.route));
    let asked = sample.destinations.iter().map(|to| (to.ip, &to.route));
    let mut others = sample.links.iter();
    let elsewhere = others.any(|other| !is_dead(other) && is_in_network(case, other, ip));
    let lacks = asked
        .chain(refused)
        .any(|(to, route)| to == ip && *route == Err(NO_ROUTE));
    let is_only_way = || !link.base.is_up() && is_only_way(case, link, ip);
    let is_ours = || is_in_network(case, link, ip) || is_only_way();
    let mut lost = lost::ends(case, link).into_iter();
    lacks && (!elsewhere && is_ours() || lost.any(|(_, peer)| peer == ip))
}

/// Says whether a dead interface is all by which this host ever had a way to others of an address's family: with it went the
/// routes through its gateways.
fn is_only_way(case: &Case<'_>, link: &Link, ip: IpAddr) -> bool {
    let sample = case.span.after;
    let mut of_family = sample
        .addresses
        .iter()
        .filter(|own| own.ip.is_ipv4() == ip.is_ipv4() && own.scope < LINK_SCOPE)
        .filter(|own| !is_loopback(case, own.interface))
        .peekable();
    of_family.peek().is_some() && of_family.all(|own| own.interface == link.base.index)
}

fn is_loopback(case: &Case<'_>, interface: u32) -> bool {
    let mut links = case.span.after.links.iter();
    links.any(|link| link.base.index == interface && link.base.is_loopback())
}

/// Says whether an interface rests on another that is to carry its frames, or on one that does.
pub(in super::super) fn carries(
    case: &Case<'_>,
    link: &Link,
    is_upper: impl Fn(&Link) -> bool,
) -> bool {
    let links = &case.span.after.links;
    let beneath = |upper: &Link| {
        links
            .iter()
            .find(|other| Some(other.base.index) == upper.base.lower)
    };
    let mut uppers = links.iter().filter(|upper| is_upper(upper));
    // The kernel lets no more lie on each other (`MAX_NEST_DEV`).
    uppers.any(|upper| {
        let chain = std::iter::successors(beneath(upper), |lower| beneath(lower));
        chain
            .take(MOST_BENEATH)
            .any(|lower| lower.base.index == link.base.index)
    })
}

fn is_dead(link: &Link) -> bool {
    !(link.base.is_up() && link.base.has_carrier())
}

fn is_in_network(case: &Case<'_>, link: &Link, ip: IpAddr) -> bool {
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => (u128::from(ip.to_bits()) << 96, 32),
        IpAddr::V6(ip) => (ip.to_bits(), 128),
    };
    let mut addresses = case.span.after.addresses.iter();
    addresses.any(|own| {
        let ((own_bits, own_len), (bits, len)) = (bits(own.ip), bits(ip));
        let differ = (own_bits ^ bits).leading_zeros();
        own.interface == link.base.index && own_len == len && differ >= u32::from(own.prefix_len)
    })
}

fn down(case: &Case<'_>, link: &Link, (needed, confidence): (String, Confidence)) -> Finding {
    let name = name(link);
    let what = state(link);
    let beneath = beneath(case, link);
    let hint = match &beneath {
        _ if !link.base.is_up() => format!("switch it on: ip link set {name} up"),
        Some((other, true)) => format!("switch that on: ip link set {other} up"),
        Some((other, false)) => format!("find out why {other} has no carrier"),
        None if link.kind.as_deref() == Some(b"tun") => {
            "no program has it open: start the one that carries its packets".to_owned()
        }
        None => "a cable, the switch, or the other end of a virtual link that is down".to_owned(),
    };
    let because = match &beneath {
        Some((other, true)) => format!(" because {other} is switched off"),
        Some((other, false)) => format!(" because {other} has none"),
        None => String::new(),
    };
    Finding {
        kind: DOWN,
        severity: Severity::Critical,
        summary: format!("{name} {what}{because}, and is needed: {needed}"),
        subject: super::subject(&name),
        evidence: vec![
            evidence::fact(
                "rtnetlink RTM_GETLINK flags, IFLA_LINK, IFLA_MASTER",
                format!("{name} {what}{because}"),
            ),
            evidence::fact(
                "sock_diag, rtnetlink RTM_GETROUTE, RTM_GETNEIGH, IFLA_STATS64",
                needed,
            ),
        ],
        hints: vec![hint],
        confidence,
    }
}

fn state(link: &Link) -> &'static str {
    if link.base.is_up() {
        "has no carrier"
    } else {
        "is switched off"
    }
}

/// Gives the interface that keeps one that is switched on from having a carrier, and whether it is switched off: the one
/// that it rests on, the other end of a veth, or, where they all are down, the first of its ports.
fn beneath(case: &Case<'_>, link: &Link) -> Option<(String, bool)> {
    if !link.base.is_up() {
        return None;
    }
    let links = &case.span.after.links;
    let lower = links
        .iter()
        .find(|other| link.base.lower == Some(other.base.index));
    let mut ports = links
        .iter()
        .filter(|other| other.base.master == Some(link.base.index));
    let dead = lower.filter(|lower| is_dead(lower)).or_else(|| {
        let first = ports.next().filter(|port| is_dead(port))?;
        ports.all(is_dead).then_some(first)
    })?;
    Some((name(dead), !dead.base.is_up()))
}

#[cfg(test)]
mod tests;
