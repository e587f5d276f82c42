//! `interface-down`: an interface that is switched off or has no carrier, and that somebody needs.
//!
//! A connection has its address, the route to a destination leads there, it throws away what should leave by it, or next hops
//! behind it go on to be asked for. One that rests on another (VLAN, macvlan), is the other end of one, or has it for a port,
//! is down because that is.

use std::net::IpAddr;

use plumb_model::finding::{Confidence, Finding, Severity};
use plumb_model::link::Link;
use plumb_model::socket::SocketState;

use super::super::{Case, attempts, evidence, neighbour, of_interest};
use super::{DOWN, name};

/// `ENETUNREACH`.
const NO_ROUTE: i32 = 101;
/// One datagram that is refused is an accident.
const REFUSED: u64 = 2;
/// The counter of packets that could not leave.
const SENT_IN_VAIN: &str = "tx_dropped";

/// Looks for interfaces that are needed and cannot send.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let links = case.span.after.links.iter();
    let dead = links.filter(|link| {
        let base = &link.base;
        !(base.is_loopback() || base.is_up() && base.has_carrier())
    });
    dead.filter_map(|link| Some(down(case, link, &needed_by(case, link)?)))
        .collect()
}

/// Says who needs an interface.
fn needed_by(case: &Case<'_>, link: &Link) -> Option<String> {
    let by_socket = by_socket_or_route(case, link);
    by_socket
        .or_else(|| by_packets(case, link))
        .or_else(|| by_refused_datagrams(case, link))
}

/// Says who sends datagrams for the network of an interface that is switched off, which the kernel refuses: with it went the
/// route, and a socket that is not connected tells of no peer.
fn by_refused_datagrams(case: &Case<'_>, link: &Link) -> Option<String> {
    let calls = case.notices.refused_calls.iter();
    let sends = calls.filter(|call| {
        call.is_send() && call.errno == NO_ROUTE && belongs_to_dead(case, link, call.address.ip())
    });
    let refused: u64 = sends.clone().map(|call| call.count).sum();
    let first = sends.into_iter().next()?;
    let who = String::from_utf8_lossy(&first.comm);
    (refused >= REFUSED).then(|| {
        format!(
            "{refused} datagrams of {who} for {} behind it were refused",
            first.address.ip()
        )
    })
}

/// Says what is to be sent by an interface, whoever sends it: what it threw away, next hops that are asked for there.
fn by_packets(case: &Case<'_>, link: &Link) -> Option<String> {
    let links = &case.span.before.links;
    let earlier = links
        .iter()
        .find(|other| other.base.index == link.base.index);
    let was = earlier.map_or(u64::MAX, |earlier| super::value(earlier, SENT_IN_VAIN));
    let dropped = super::value(link, SENT_IN_VAIN).saturating_sub(was);
    if dropped >= super::SEVERAL {
        return Some(format!(
            "{dropped} packets that should leave by it were thrown away in {:.1} s",
            case.span.seconds()
        ));
    }
    let mut neighbours = case.span.after.neighbours.iter();
    let hop = neighbours.find(|hop| {
        hop.interface == link.base.index
            && hop.is_unresolved()
            && neighbour::is_sent_in_vain(case, hop)
    });
    hop.map(|hop| format!("packets for {} behind it go on", hop.ip))
}

fn by_socket_or_route(case: &Case<'_>, link: &Link) -> Option<String> {
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
    if count > 0 {
        return Some(format!(
            "its address is that of {}",
            evidence::connections(count)
        ));
    }
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
    lost.map(|to| format!("the network of {} is behind it", to.ip))
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

fn down(case: &Case<'_>, link: &Link, needed: &str) -> Finding {
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
                "sock_diag, rtnetlink RTM_GETROUTE, RTM_GETNEIGH, IFLA_STATS64 tx_dropped",
                needed.to_owned(),
            ),
        ],
        hints: vec![hint],
        confidence: Confidence::Certain,
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
    let is_dead = |other: &&Link| !(other.base.is_up() && other.base.has_carrier());
    let lower = links
        .iter()
        .find(|other| link.base.lower == Some(other.base.index));
    let mut ports = links
        .iter()
        .filter(|other| other.base.master == Some(link.base.index));
    let dead = lower.filter(is_dead).or_else(|| {
        let first = ports.next().filter(is_dead)?;
        ports.all(|port| is_dead(&port)).then_some(first)
    })?;
    Some((name(dead), !dead.base.is_up()))
}

#[cfg(test)]
mod tests {
    use plumb_model::Known;
    use plumb_model::id::Pid;
    use plumb_model::link::{LinkStatistics, STATISTICS};
    use plumb_model::notice::{Notices, RefusedCall};
    use plumb_model::rtnl::{self, Neighbour};
    use plumb_model::sample::Sample;

    use super::super::super::{Focus, diagnose};
    use super::*;
    use crate::made_up;

    const UP: u32 = 1;
    const CARRIER: u32 = 0x1_0000;

    /// An interface that threw so many packets away instead of sending them.
    fn link(index: u32, name: &str, flags: u32, tx_dropped: u64) -> Link {
        let value = |name: &&str| {
            if *name == SENT_IN_VAIN { tx_dropped } else { 0 }
        };
        Link {
            base: rtnl::Link {
                index,
                name: name.as_bytes().to_vec(),
                flags,
                hardware: 1,
                mtu: None,
                master: None,
                lower: None,
                operational_state: None,
            },
            tx_queue_len: Known::Known(1000),
            address: None,
            kind: None,
            vrf_table: None,
            carrier_changes: Known::Known(0),
            qdisc: None,
            statistics: Known::Known(LinkStatistics {
                values: STATISTICS.iter().map(value).collect(),
            }),
        }
    }

    fn told(before: Vec<Link>, after: Vec<Link>, idle_ms: [u64; 2]) -> Vec<(&'static str, String)> {
        let sample = |at_us, links, idle_ms| Sample {
            at_us,
            links,
            neighbours: vec![Neighbour {
                interface: 9,
                ip: [10, 4, 0, 2].into(),
                state: 1,
                flags: 0,
                link_address: None,
                probes: None,
                idle_ms: Some(idle_ms),
            }],
            ..Sample::default()
        };
        let before = sample(1_000_000, before, idle_ms[0]);
        let after = sample(3_000_000, after, idle_ms[1]);
        let focus = Focus::default();
        let found = diagnose(&Case {
            focus: &focus,
            ..made_up::between(&before, &after)
        });
        let found = found.into_iter();
        found.map(|found| (found.kind, found.summary)).collect()
    }

    #[test]
    fn what_a_tunnel_without_carrier_drops_is_told_as_interface_down() {
        let tun = |dropped| vec![link(3, "tun0", UP, dropped)];
        let found = told(tun(2), tun(42), [0, 2_000]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, DOWN);
        assert!(found[0].1.contains("40 packets that should leave by it"));
        // An idle one.
        assert_eq!(told(tun(2), tun(3), [0, 2_000]), []);
    }

    #[test]
    fn a_macvlan_whose_parent_is_switched_off_says_so_and_is_needed_by_who_is_behind_it() {
        let both = || {
            let mut upper = link(9, "mv0", UP, 0);
            upper.base.lower = Some(2);
            vec![link(2, "eth0", 0, 0), upper]
        };
        let found = told(both(), both(), [40, 10]);
        assert_eq!(found.len(), 1, "{found:?}");
        let said =
            "mv0 has no carrier because eth0 is switched off, and is needed: packets for 10.4.0.2";
        assert!(found[0].1.starts_with(said), "{found:?}");
        // He was looked for once.
        assert_eq!(told(both(), both(), [40, 2_040]), []);
    }

    #[test]
    fn a_bridge_names_its_port_where_all_are_down() {
        let links = |second: u32| {
            let port = |index, name, flags| {
                let mut port = link(index, name, flags, 0);
                port.base.master = Some(9);
                port
            };
            let ports = [port(2, "eth0", 0), port(3, "eth1", second)];
            let bridge = link(9, "br0", UP, 0);
            ports.into_iter().chain([bridge]).collect::<Vec<_>>()
        };
        let said = |second| told(links(second), links(second), [40, 10]).remove(0).1;
        assert!(said(UP).starts_with("br0 has no carrier because eth0 is switched off"));
        assert!(said(UP | CARRIER).starts_with("br0 has no carrier, and"));
    }

    #[test]
    fn datagrams_for_the_network_of_an_interface_that_is_switched_off_need_it() {
        let told = |to: [u8; 4], count| {
            let address = rtnl::Address {
                interface: 3,
                ip: [10, 3, 0, 1].into(),
                flags: 0,
                prefix_len: 24,
                scope: 0,
            };
            let sample = Sample {
                links: vec![link(3, "eth1", 0, 0)],
                addresses: vec![address],
                ..Sample::default()
            };
            let notices = Notices {
                refused_calls: vec![RefusedCall {
                    call: "sendto",
                    pid: Pid(7),
                    comm: b"us".to_vec(),
                    protocol: 17,
                    address: (to, 8125).into(),
                    source: None,
                    errno: NO_ROUTE,
                    count,
                    instead: None,
                }],
                ..Notices::default()
            };
            let case = Case {
                notices: &notices,
                ..made_up::between(&sample, &sample)
            };
            check(&case).len()
        };
        assert_eq!(told([10, 3, 0, 2], 46), 1);
        assert_eq!(told([10, 3, 0, 2], 1), 0);
        assert_eq!(told([10, 4, 0, 2], 46), 0);
    }
}
