//! X: tables that most kernels lack: SCTP, IPX, masqueraded connections, the old route cache.

use std::io;
use std::net::Ipv4Addr;

use super::{State, whole};
use crate::differential::etc::Etc;
use crate::frozen::legacy::{self, Association};
use crate::frozen::routes::{self, Route};

pub(super) fn every_table() -> io::Result<Vec<State>> {
    let mut states = Vec::new();
    for (name, etc) in [
        ("X tables", Etc::default()),
        ("X tables with names", Etc::odd()),
    ] {
        let tree = whole(6)?;
        tree.file("net/sctp/eps", endpoints())?;
        tree.file("net/sctp/assocs", associations())?;
        tree.file("net/ipx/socket", ipx())?;
        tree.file("net/ip_masquerade", masquerade())?;
        let cached = cached();
        tree.file("net/rt_cache", routes::rt_cache() + &cached)?;
        let mut state = State::new(name, tree);
        state.etc = etc;
        states.push(state);
    }
    states.push(headers_alone()?);
    Ok(states)
}

fn endpoints() -> String {
    let row = legacy::sctp_endpoint;
    [
        legacy::SCTP_EPS_HEADER.to_owned(),
        row(10, 3868, 0, 10_001, &["127.0.0.1"]),
        row(1, 22, 1000, 10_002, &["10.1.2.3", "192.168.100.200"]),
        row(7, 65_535, 65_534, 123_456, &["0.0.0.0"]),
        row(
            10,
            1,
            0,
            10_003,
            &[
                "2001:0db8:0000:0000:0000:0000:0000:0001",
                "0000:0000:0000:0000:0000:0000:0000:0000",
            ],
        ),
        row(12, 1, 0, 10_004, &[]),
        row(0, 0, 0, 0, &["10.0.0.1"]),
    ]
    .concat()
}

fn associations() -> String {
    let base = Association {
        socket_state: 1,
        state: 3,
        queues: (12, 3_456_789),
        owner: (1000, 10_005),
        ports: (3868, 40_000),
        local: vec!["*127.0.0.1"],
        peer: vec!["*10.1.2.3"],
    };
    let mut text = legacy::SCTP_ASSOCS_HEADER.to_owned();
    for state in 0..=12 {
        text.push_str(&legacy::sctp_association(&Association {
            state,
            socket_state: state,
            ..base.clone()
        }));
    }
    text.push_str(&legacy::sctp_association(&Association {
        local: vec!["*127.0.0.1", "10.1.2.3", "10.1.2.4"],
        peer: vec!["192.168.100.200", "*10.9.9.9"],
        ..base.clone()
    }));
    text.push_str(&legacy::sctp_association(&Association {
        local: vec!["*2001:0db8:0000:0000:0000:0000:0000:0001"],
        peer: vec![
            "*fe80:0000:0000:0000:1111:2222:3333:4444",
            "0000:0000:0000:0000:0000:0000:0000:0001",
        ],
        ..base
    }));
    text
}

fn ipx() -> String {
    let mut text = legacy::IPX_HEADER.to_owned();
    for state in [0, 1, 7, 8] {
        text.push_str(&legacy::ipx(
            (0x1234_5678, 0x4000),
            Some((1, 0xaabb_ccdd_eeff, 0x0451)),
            (5, 60_000),
            state,
            1000,
        ));
        text.push_str(&legacy::ipx((0, 0x0102), None, (0, 0), state, 0));
    }
    text
}

fn masquerade() -> String {
    let source = (Ipv4Addr::new(10, 1, 2, 3), 1001);
    let destination = (Ipv4Addr::new(192, 168, 100, 200), 8080);
    let mut text = legacy::masquerade_header();
    for (protocol, expires) in [
        ("TCP", 90_000),
        ("UDP", 12_345),
        ("ICMP", 0),
        ("TCP", 8_640_000),
    ] {
        text.push_str(&legacy::masquerade(
            protocol,
            source,
            destination,
            61_234,
            (u32::MAX, -5, 32_767),
            expires,
        ));
    }
    text
}

fn cached() -> String {
    let route = Route {
        interface: "eth0",
        destination: Ipv4Addr::new(10, 1, 2, 3),
        gateway: Ipv4Addr::new(10, 9, 0, 254),
        flags: 0x8000_0000,
        counts: (1, 23, 0),
        mask: Ipv4Addr::UNSPECIFIED,
        tcp: (1500, 0, 300),
    };
    let local = Route {
        interface: "a-long-interfac",
        flags: 0x9000_0005,
        tcp: (16_436, 5_840, 1_000_000),
        ..route.clone()
    };
    let source = Ipv4Addr::new(192, 168, 100, 200);
    routes::rt_cache_row(&route, source) + &routes::rt_cache_row(&local, Ipv4Addr::LOCALHOST)
}

fn headers_alone() -> io::Result<State> {
    let tree = whole(7)?;
    tree.file("net/sctp/eps", legacy::SCTP_EPS_HEADER)?;
    tree.file("net/sctp/assocs", legacy::SCTP_ASSOCS_HEADER)?;
    tree.file("net/ipx/socket", legacy::IPX_HEADER)?;
    tree.file("net/ip_masquerade", legacy::masquerade_header())?;
    Ok(State::new("X headers alone", tree))
}
