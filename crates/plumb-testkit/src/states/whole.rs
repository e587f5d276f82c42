//! A tree with every file netstat reads, each with a few ordinary rows.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::frozen::processes::Process;
use crate::frozen::routes::{Route, Route6};
use crate::frozen::{ProcTree, counters, devices, groups, legacy, routes, unix};
use crate::random::Random;
use crate::states::random;

/// The files of [`whole`], relative to `/proc`.
pub(crate) const FILES: &[&str] = &[
    "net/tcp",
    "net/tcp6",
    "net/udp",
    "net/udp6",
    "net/udplite",
    "net/udplite6",
    "net/raw",
    "net/raw6",
    "net/unix",
    "net/snmp",
    "net/netstat",
    "net/snmp6",
    "net/sctp/snmp",
    "net/sctp/eps",
    "net/sctp/assocs",
    "net/dev",
    "net/if_inet6",
    "net/route",
    "net/ipv6_route",
    "net/rt_cache",
    "net/igmp",
    "net/igmp6",
    "net/ipx/socket",
    "net/ip_masquerade",
];

/// Writes the tree; the seed decides the sockets.
pub fn whole(seed: u64) -> io::Result<ProcTree> {
    let tree = ProcTree::new()?;
    fill(&tree, &mut Random::new(seed))?;
    Ok(tree)
}

/// Fills an empty tree.
pub(crate) fn fill(tree: &ProcTree, random: &mut Random) -> io::Result<()> {
    let tables = random::tables(random, 6);
    tables.write(tree)?;
    let sockets: Vec<_> = (0..random.between(0, 6))
        .map(|_| random::unix_socket(random))
        .collect();
    tree.file("net/unix", unix::text(&sockets))?;
    fill_counters(tree, random)?;
    tree.file("net/dev", dev(random))?;
    tree.file(
        "net/if_inet6",
        devices::if_inet6(Ipv6Addr::LOCALHOST, 1, 128, 0x10, "lo"),
    )?;
    fill_routes(tree)?;
    let interfaces = interfaces();
    tree.file("net/igmp", groups::igmp(&interfaces))?;
    tree.file("net/igmp6", groups::igmp6(&interfaces))?;
    fill_rare(tree)?;
    let inodes: Vec<u32> = tables
        .of(crate::frozen::inet::Table::Tcp, false)
        .iter()
        .map(|socket| socket.inode)
        .chain(sockets.iter().map(|socket| socket.inode))
        .collect();
    Process::holding(7, b"/usr/bin/first\0-x\0", &inodes[..inodes.len() / 2]).write(tree)?;
    Process::holding(1234, b"second: title\0", &inodes).write(tree)
}

fn fill_counters(tree: &ProcTree, random: &mut Random) -> io::Result<()> {
    let mut value = |_: &str| random.any_size().to_string();
    let blocks = |file: &str, value: &mut dyn FnMut(&str) -> String| -> String {
        let blocks = counters::blocks(file);
        blocks
            .iter()
            .map(|(name, names)| counters::block(name, names, &mut *value))
            .collect()
    };
    tree.file("net/snmp", blocks(counters::SNMP, &mut value))?;
    tree.file("net/netstat", blocks(counters::NETSTAT, &mut value))?;
    let names = counters::names(counters::SNMP6);
    tree.file("net/snmp6", counters::lines(&names, &mut value))?;
    tree.file("net/sctp/snmp", counters::lines(counters::SCTP, value))
}

fn dev(random: &mut Random) -> String {
    devices::dev(&[("lo", [0; 16].map(|_: u64| random.any_size()))])
}

fn fill_routes(tree: &ProcTree) -> io::Result<()> {
    let default = Route {
        interface: "lo",
        destination: Ipv4Addr::UNSPECIFIED,
        gateway: Ipv4Addr::new(10, 9, 0, 254),
        flags: 3,
        counts: (0, 0, 100),
        mask: Ipv4Addr::UNSPECIFIED,
        tcp: (1500, 0, 0),
    };
    tree.file("net/rt_cache", routes::rt_cache())?;
    tree.file("net/route", routes::route(&[default]))?;
    let default6 = Route6 {
        destination: Ipv6Addr::UNSPECIFIED,
        prefix: 0,
        next_hop: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1),
        metric: 1024,
        counts: (1, 0),
        flags: 3,
        interface: "lo",
    };
    tree.file("net/ipv6_route", routes::ipv6_route(&[default6]))
}

fn interfaces() -> Vec<groups::Interface> {
    vec![groups::Interface {
        index: 1,
        name: "lo",
        v4: vec![(Ipv4Addr::new(224, 0, 0, 1), 1)],
        v6: vec![(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1), 1)],
    }]
}

fn fill_rare(tree: &ProcTree) -> io::Result<()> {
    let endpoint = legacy::sctp_endpoint(10, 3868, 0, 4711, &["127.0.0.1", "10.0.0.1"]);
    tree.file(
        "net/sctp/eps",
        legacy::SCTP_EPS_HEADER.to_owned() + &endpoint,
    )?;
    let association = legacy::sctp_association(&legacy::Association {
        socket_state: 1,
        state: 3,
        queues: (1, 2),
        owner: (0, 4712),
        ports: (3868, 40_000),
        local: vec!["*127.0.0.1"],
        peer: vec!["*10.0.0.2", "10.0.0.3"],
    });
    tree.file(
        "net/sctp/assocs",
        legacy::SCTP_ASSOCS_HEADER.to_owned() + &association,
    )?;
    let ipx = legacy::ipx(
        (0x1234, 0x4000),
        Some((1, 0xaabb_ccdd_eeff, 0x451)),
        (5, 6),
        1,
        0,
    );
    tree.file("net/ipx/socket", legacy::IPX_HEADER.to_owned() + &ipx)?;
    let entry = legacy::masquerade(
        "TCP",
        (Ipv4Addr::new(10, 0, 0, 1), 1024),
        (Ipv4Addr::new(192, 0, 2, 1), 80),
        61_000,
        (1, 0, 0),
        6_000,
    );
    tree.file("net/ip_masquerade", legacy::masquerade_header() + &entry)
}
