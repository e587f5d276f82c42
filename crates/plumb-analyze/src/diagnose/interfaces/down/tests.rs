//! Which interfaces are told to be down, and of whom.

use std::net::{Ipv4Addr, SocketAddr};

use plumb_model::Known;
use plumb_model::diag::tcp_info::TcpInfo;
use plumb_model::id::Pid;
use plumb_model::link::{LinkStatistics, STATISTICS};
use plumb_model::notice::{Notices, RefusedCall};
use plumb_model::rtnl::{Address, Neighbour, Route, RouteType};
use plumb_model::sample::{Destination, Sample};
use plumb_model::snapshot::{End, Kind};

use super::super::super::{Focus, diagnose, neighbour, no_route};
use super::super::ERRORS;
use super::*;
use crate::made_up;

const UP: u32 = 1;
const CARRIER: u32 = 0x1_0000;

/// An interface that threw so many packets away instead of sending them.
fn link(index: u32, name: &str, flags: u32, tx_dropped: u64) -> Link {
    let value = |name: &&str| {
        if *name == SENT_IN_VAIN { tx_dropped } else { 0 }
    };
    let mut link = made_up::link(index, name);
    link.base.flags = flags;
    link.statistics = Known::Known(LinkStatistics {
        values: STATISTICS.iter().map(value).collect(),
    });
    link
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

/// A call to which the kernel said that there is no route.
fn refused(call: &'static str, protocol: u8, address: SocketAddr) -> RefusedCall {
    RefusedCall {
        call,
        pid: Pid(7),
        comm: b"us".to_vec(),
        protocol,
        address,
        source: None,
        interface: None,
        errno: NO_ROUTE,
        count: 1,
        instead: None,
    }
}

#[test]
fn datagrams_for_the_network_of_an_interface_that_is_switched_off_need_it() {
    let told = |to: IpAddr, count| {
        let address = Address {
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
                count,
                ..refused("sendto", 17, (to, 8125).into())
            }],
            ..Notices::default()
        };
        let case = Case {
            notices: &notices,
            ..made_up::between(&sample, &sample)
        };
        check(&case).len()
    };
    let behind = Ipv4Addr::new(10, 3, 0, 2);
    assert_eq!(told(behind.into(), 46), 1);
    assert_eq!(told(behind.into(), 1), 0);
    assert_eq!(told([10, 4, 0, 2].into(), 46), 0);
    // From a socket of IPv6.
    assert_eq!(told(behind.to_ipv6_mapped().into(), 46), 1);
}

#[test]
fn what_carries_a_tunnel_is_told_and_not_the_tunnel_whose_frames_find_no_way() {
    let links = |flags, frames| {
        let mut tunnel = link(8, "vx0", UP | CARRIER, 0);
        tunnel.base.lower = Some(2);
        let value = |name: &&str| if *name == UNCARRIED { frames } else { 0 };
        tunnel.statistics = Known::Known(LinkStatistics {
            values: STATISTICS.iter().map(value).collect(),
        });
        vec![link(2, "eth0", flags, 0), tunnel]
    };
    let kinds = |flags, frames| {
        let found = told(links(flags, 0), links(flags, frames), [0, 2_000]);
        found.into_iter().map(|found| found.0).collect::<Vec<_>>()
    };
    assert_eq!(kinds(0, 66), [DOWN]);
    assert_eq!(kinds(0, 0), [""; 0]);
    // What carries it is up: the way to the other end is the tunnel's own trouble.
    assert_eq!(kinds(UP | CARRIER, 66), [ERRORS]);
}

#[test]
fn an_interface_without_carrier_is_told_and_not_that_the_route_went_with_it() {
    let kinds_with = |flags, ip: [u8; 4], errno| {
        let sample = Sample {
            links: vec![link(2, "eth0", flags, 0)],
            addresses: vec![Address {
                interface: 2,
                ip: [10, 1, 0, 1].into(),
                prefix_len: 24,
                scope: 0,
                flags: 0,
            }],
            destinations: [[10, 1, 0, 2], ip]
                .map(|ip| Destination {
                    ip: ip.into(),
                    route: Err(if ip == [10, 1, 0, 2] { 101 } else { errno }),
                })
                .to_vec(),
            ..Sample::default()
        };
        let focus = Focus {
            hosts: vec![[10, 1, 0, 2].into(), ip.into()],
            ..Focus::default()
        };
        let found = diagnose(&Case {
            focus: &focus,
            ..made_up::between(&sample, &sample)
        });
        let mut kinds: Vec<_> = found.into_iter().map(|found| found.kind).collect();
        kinds.sort_unstable();
        kinds
    };
    let kinds = |ip, errno| kinds_with(UP, ip, errno);
    assert_eq!(kinds([10, 1, 0, 3], 101), [DOWN]);
    // Somewhere else, and where a route forbids.
    assert_eq!(kinds([10, 2, 0, 3], 101), [DOWN, no_route::ID]);
    assert_eq!(kinds([10, 1, 0, 3], 13), [DOWN, no_route::ID]);
    // The routes by gateways go with the one interface that is switched off, too.
    assert_eq!(kinds_with(0, [10, 2, 0, 3], 101), [DOWN]);
}

#[test]
fn who_is_reached_through_what_rests_on_an_interface_that_is_down_is_not_told_to_be_silent() {
    let links = || {
        let tunnel = |index, name, lower| {
            let mut tunnel = link(index, name, UP | CARRIER, 0);
            tunnel.base.lower = Some(lower);
            tunnel
        };
        vec![
            link(2, "eth0", 0, 0),
            tunnel(8, "vx0", 2),
            tunnel(9, "vlan", 8),
        ]
    };
    let sample = Sample {
        links: links(),
        ..Sample::default()
    };
    let case = made_up::between(&sample, &sample);
    let [lower, tunnel, ..] = &*sample.links else {
        panic!("three links")
    };
    assert!(carries(&case, lower, |upper| upper.base.index == 8));
    assert!(carries(&case, lower, |upper| upper.base.index == 9));
    assert!(carries(&case, tunnel, |upper| upper.base.index == 9));
    assert!(!carries(&case, tunnel, |upper| upper.base.index == 2));
}

/// What is found of a connected socket for datagrams from an address that no interface has by now, to which the tables have
/// no way; `earlier` says whether the first sample saw it at eth1, and `sent` what each of two interfaces that are off sent.
fn without_address(earlier: bool, sent: [u64; 2], has_way: bool) -> Vec<&'static str> {
    let (own, peer): (IpAddr, IpAddr) = (
        "fd08::1".parse().expect("an address"),
        "fd08::2".parse().expect("an address"),
    );
    let off = |index, name, sent: u64| {
        let mut link = link(index, name, 0, 0);
        let value = |name: &&str| if *name == "tx_packets" { sent } else { 0 };
        link.statistics = Known::Known(LinkStatistics {
            values: STATISTICS.iter().map(value).collect(),
        });
        link
    };
    let address = |interface, ip| Address {
        interface,
        ip,
        prefix_len: 64,
        scope: 0,
        flags: 0,
    };
    let sample = |has_own: bool| {
        let by_another = Route {
            interface: Some(2),
            ..made_up::route(RouteType::UNICAST)
        };
        let mut sample = Sample {
            links: vec![off(3, "eth1", sent[0]), off(4, "eth2", sent[1])],
            addresses: vec![address(2, [10, 9, 0, 1].into())],
            destinations: vec![Destination {
                ip: peer,
                route: if has_way {
                    Ok(by_another)
                } else {
                    Err(NO_ROUTE)
                },
            }],
            ..Sample::default()
        };
        if has_own {
            sample.addresses.push(address(3, own));
        }
        let mut socket = made_up::connection(&TcpInfo::default());
        socket.kind = Kind::Udp;
        socket.tcp = None;
        socket.local = End::Inet((own, 40_000).into());
        socket.peer = End::Inet((peer, 8125).into());
        sample.snapshot.sockets = vec![socket];
        sample
    };
    let (before, after) = (sample(earlier), sample(false));
    let found = diagnose(&made_up::between(&before, &after)).into_iter();
    found.map(|found| found.kind).collect()
}

#[test]
fn an_interface_that_is_switched_off_takes_its_ipv6_addresses_from_those_who_have_them() {
    assert_eq!(without_address(true, [9, 9], false), [DOWN]);
    assert_eq!(without_address(true, [9, 9], true), [DOWN]);
    // Before the watch: it is the only one that was used.
    assert_eq!(without_address(false, [9, 0], false), [DOWN]);
    assert!(!without_address(false, [9, 9], false).contains(&DOWN));
    // Who may send from any address has a way.
    assert_eq!(without_address(false, [9, 0], true), [""; 0]);
}

#[test]
fn a_tunnel_that_finds_no_way_for_the_few_frames_that_ask_for_a_next_hop_is_why_it_does_not_answer()
{
    let links = |frames, counter: &str, sent| {
        let value = |name: &&str| match *name {
            "tx_packets" => sent,
            name if name == counter => frames,
            _ => 0,
        };
        let mut tunnel = link(9, "vx0", UP | CARRIER, 0);
        tunnel.statistics = Known::Known(LinkStatistics {
            values: STATISTICS.iter().map(value).collect(),
        });
        vec![tunnel]
    };
    let kinds = |frames, counter, sent, idle_ms| {
        let found = told(links(0, counter, 0), links(frames, counter, sent), idle_ms);
        let mut kinds: Vec<_> = found.into_iter().map(|found| found.0).collect();
        kinds.sort_unstable();
        kinds
    };
    let asks = [40, 10];
    assert_eq!(kinds(2, UNCARRIED, 0, asks), [ERRORS]);
    assert_eq!(kinds(1, UNCARRIED, 0, asks), [neighbour::UNRESOLVED]);
    // Nobody asks for him any more.
    assert_eq!(kinds(2, UNCARRIED, 0, [40, 2_040]), [""; 0]);
    // Damaged frames, or some that found no way, keep nobody from being asked for.
    let both = [ERRORS, neighbour::UNRESOLVED];
    assert_eq!(kinds(40, "rx_crc_errors", 0, asks), both);
    assert_eq!(kinds(40, UNCARRIED, 9, asks), both);
}

/// What is found of attempts at a host behind a router, to which there is no way, where eth0 has an address of ours and is
/// off, beside another interface that is up.
fn behind_a_router(other: Option<[u8; 4]>) -> Vec<&'static str> {
    let server = IpAddr::from([10, 66, 2, 2]);
    let address = |interface, ip: [u8; 4]| Address {
        interface,
        ip: ip.into(),
        prefix_len: 24,
        scope: 0,
        flags: 0,
    };
    let own = address(3, [10, 66, 1, 2]);
    let sample = Sample {
        links: vec![link(3, "eth0", 0, 0), link(4, "eth1", UP | CARRIER, 0)],
        addresses: std::iter::once(own)
            .chain(other.map(|ip| address(4, ip)))
            .collect(),
        destinations: vec![Destination {
            ip: server,
            route: Err(NO_ROUTE),
        }],
        ..Sample::default()
    };
    let notices = Notices {
        refused_calls: vec![RefusedCall {
            count: 20,
            ..refused("connect", 6, (server, 443).into())
        }],
        ..Notices::default()
    };
    let found = made_up::found(&sample, &sample, &notices).into_iter();
    found.map(|found| found.kind).collect()
}

#[test]
fn the_only_interface_that_is_switched_off_took_every_route_with_it() {
    assert_eq!(behind_a_router(None), [DOWN]);
    assert_eq!(behind_a_router(Some([10, 7, 0, 1])), [no_route::ID]);
}
