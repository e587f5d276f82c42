//! R: routes with every flag, reject routes, large metrics, long interface names.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::State;
use crate::differential::etc::Etc;
use crate::frozen::ProcTree;
use crate::frozen::routes::{self, Route, Route6};

pub(super) fn every_flag() -> io::Result<Vec<State>> {
    let tree = ProcTree::new()?;
    tree.file("net/route", routes::route(&v4()))?;
    tree.file("net/ipv6_route", routes::ipv6_route(&v6()))?;
    tree.file("net/rt_cache", routes::rt_cache())?;
    let mut state = State::new("R every flag", tree);
    state.etc = Etc::odd();
    Ok(vec![state])
}

fn v4() -> Vec<Route> {
    let base = Route {
        interface: "veth0",
        destination: Ipv4Addr::new(10, 9, 0, 0),
        gateway: Ipv4Addr::UNSPECIFIED,
        flags: 1,
        counts: (0, 0, 0),
        mask: Ipv4Addr::new(255, 255, 255, 0),
        tcp: (0, 0, 0),
    };
    let mut routes: Vec<Route> = (0..32)
        .map(|bit| Route {
            flags: 1 | (1 << bit),
            ..base.clone()
        })
        .collect();
    let variants: [(&str, Ipv4Addr, Ipv4Addr, u32); 9] = [
        ("eth0", Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED, 3),
        (
            "eth0",
            Ipv4Addr::UNSPECIFIED,
            Ipv4Addr::new(128, 0, 0, 0),
            1,
        ),
        (
            "a-long-interfac",
            Ipv4Addr::new(172, 16, 0, 0),
            Ipv4Addr::new(255, 240, 0, 0),
            1,
        ),
        ("eth0", Ipv4Addr::new(10, 1, 2, 3), Ipv4Addr::BROADCAST, 5),
        ("eth0", Ipv4Addr::new(10, 1, 2, 3), Ipv4Addr::BROADCAST, 7),
        (
            "*",
            Ipv4Addr::new(172, 31, 5, 5),
            Ipv4Addr::BROADCAST,
            0x205,
        ),
        (
            "*",
            Ipv4Addr::new(192, 168, 77, 0),
            Ipv4Addr::new(255, 255, 255, 0),
            0x201,
        ),
        (
            "*",
            Ipv4Addr::new(192, 168, 77, 1),
            Ipv4Addr::new(255, 255, 255, 0),
            1,
        ),
        (
            "eth0",
            Ipv4Addr::new(127, 0, 0, 0),
            Ipv4Addr::new(255, 0, 0, 0),
            1,
        ),
    ];
    for (interface, destination, mask, flags) in variants {
        for gateway in [
            Ipv4Addr::UNSPECIFIED,
            Ipv4Addr::new(10, 1, 2, 3),
            Ipv4Addr::new(10, 9, 0, 254),
        ] {
            routes.push(Route {
                interface,
                destination,
                gateway,
                flags,
                mask,
                counts: (12, 345, 1024),
                tcp: (1500, 5840, 300),
            });
        }
    }
    routes.push(Route {
        counts: (-1, i64::from(u32::MAX), i64::from(u32::MAX)),
        tcp: (
            i64::from(u32::MAX),
            i64::from(u32::MAX),
            i64::from(u32::MAX),
        ),
        ..base.clone()
    });
    routes.push(Route { flags: 0, ..base });
    routes
}

fn v6() -> Vec<Route6> {
    let base = Route6 {
        destination: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0),
        prefix: 64,
        next_hop: Ipv6Addr::UNSPECIFIED,
        metric: 256,
        counts: (1, 0),
        flags: 1,
        interface: "veth0",
    };
    let mut routes: Vec<Route6> = (0..32)
        .map(|bit| Route6 {
            flags: 1 | (1 << bit),
            ..base.clone()
        })
        .collect();
    let any = Ipv6Addr::UNSPECIFIED;
    let hop = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x1111, 0x2222, 0x3333, 0x4444);
    let full = Ipv6Addr::new(
        0x2001, 0xdb8, 0x1111, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666,
    );
    let mapped = Ipv4Addr::new(1, 2, 3, 0).to_ipv6_mapped();
    for (destination, prefix, next_hop, metric, flags) in [
        (any, 0, any, u32::MAX, 0x0020_0200),
        (any, 0, hop, 1024, 0x0045_0003),
        (Ipv6Addr::LOCALHOST, 128, any, 0, 0x8020_0001),
        (full, 128, full, 4_000_000_000, 7),
        (mapped, 120, any, 1024, 1),
        (
            mapped,
            24,
            Ipv4Addr::new(10, 1, 2, 3).to_ipv6_mapped(),
            1024,
            3,
        ),
        (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, any, 256, 1),
        (Ipv6Addr::from_bits(0x0102_0304), 128, any, 0, 1),
    ] {
        routes.push(Route6 {
            destination,
            prefix,
            next_hop,
            metric,
            counts: (u32::MAX, 1_234_567),
            flags,
            interface: "a-long-interfac",
        });
    }
    routes
}
