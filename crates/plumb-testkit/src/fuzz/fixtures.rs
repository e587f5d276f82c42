//! Random kernel states: whole ones with random content, of which some files are damaged or missing.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::damage::damage;
use crate::differential::etc::Etc;
use crate::frozen::inet::{Table, Tables};
use crate::frozen::processes::Process;
use crate::frozen::routes::{Route, Route6};
use crate::frozen::{ProcTree, devices, groups, routes};
use crate::random::Random;
use crate::states::random;
use crate::states::{FILES, fill};
use crate::temp::TempDir;

/// What goes with the tree.
pub(super) struct Fixture {
    /// The names.
    pub etc: Etc,
    /// Whether the dumps in the diag directory tell the same as the tree.
    pub has_diag: bool,
}

/// Interfaces of [`live::make_interfaces`](crate::live::make_interfaces), and one that is not there.
const INTERFACES: &[&str] = &[
    "lo",
    "lo",
    "veth0",
    "veth1",
    "br0",
    "tun0",
    "tap9",
    "tap10",
    "a-long-name0123",
    "br-long1",
];

/// Writes a state.
pub(super) fn write(random: &mut Random, tree: &ProcTree, diag: &TempDir) -> io::Result<Fixture> {
    tree.clear()?;
    fill(tree, random)?;
    let tables = random::tables(random, 5);
    tables.write(tree)?;
    tables.write_diag(diag.path())?;
    write_others(random, tree)?;
    write_processes(random, tree, &tables)?;
    let has_diag = !spoil(random, tree, &tables)?;
    let etc = if random.chance(50) {
        Etc::odd()
    } else {
        Etc::default()
    };
    Ok(Fixture { etc, has_diag })
}

/// Damages or removes some files; says whether a file that `sock_diag` mirrors was among them.
fn spoil(random: &mut Random, tree: &ProcTree, tables: &Tables) -> io::Result<bool> {
    let mut mirrored = false;
    let percent = *random.pick(&[0, 10, 40]);
    for file in FILES {
        if !random.chance(percent) {
            continue;
        }
        mirrored |= ["net/tcp", "net/tcp6", "net/udp", "net/udp6"].contains(file);
        if random.chance(25) {
            tree.remove(file)?;
            continue;
        }
        let path = tree.path().join(file);
        let whole = fs::read(&path)?;
        let mut text = damage(random, &whole);
        if shows_unset_memory(file, &text, &whole) {
            // A decided deviation: there is nothing to compare.
            text.clone_from(&whole);
        }
        if file.starts_with("net/tcp") && has_unknown_state(&text) {
            // A decided deviation: such states are not compared.
            text = crate::frozen::inet::text(
                Table::Tcp,
                file.ends_with('6'),
                tables.of(Table::Tcp, file.ends_with('6')),
            )
            .into_bytes();
        }
        fs::write(&path, text)?;
    }
    Ok(mirrored)
}

/// The tables whose rows netstat completes from whatever row it read before.
const COMPLETED_TABLES: &[&str] = &[
    "net/tcp",
    "net/tcp6",
    "net/udp",
    "net/udp6",
    "net/udplite",
    "net/udplite6",
    "net/raw",
    "net/raw6",
];

/// Says whether the original would show what it never set, or what another table left behind: of
/// damaged SCTP addresses, of IPv6 addresses of an odd length, and of what the first row
/// of a table lacks.
fn shows_unset_memory(file: &str, text: &[u8], whole: &[u8]) -> bool {
    match file {
        "net/sctp/eps" | "net/sctp/assocs" => text != whole,
        // Routes have no line of heads.
        "net/ipv6_route" => row(text, 0) != row(whole, 0),
        _ if COMPLETED_TABLES.contains(&file) => {
            row(text, 1) != row(whole, 1) || has_odd_address(text)
        }
        _ => false,
    }
}

/// Says whether a row's addresses are neither both IPv4 nor both whole IPv6 ones.
fn has_odd_address(text: &[u8]) -> bool {
    text.split(|&b| b == b'\n').skip(1).any(|row| {
        let digits = |word: &[u8]| word.split(|&b| b == b':').next().map_or(0, <[u8]>::len);
        let mut words = row
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
            .skip(1)
            .map(digits);
        match (words.next(), words.next()) {
            (Some(local), Some(peer)) => local > 8 && (local != 32 || peer != 32),
            _ => false,
        }
    })
}

fn row(text: &[u8], index: usize) -> Option<&[u8]> {
    text.split(|&b| b == b'\n').nth(index)
}

/// Says whether a row's state is beyond those that TCP has.
fn has_unknown_state(text: &[u8]) -> bool {
    text.split(|&b| b == b'\n').skip(1).any(|row| {
        let mut words = row
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        let state = words.nth(3).map(String::from_utf8_lossy);
        state
            .is_some_and(|state| u32::from_str_radix(&state, 16).map_or(true, |number| number > 11))
    })
}

fn write_others(random: &mut Random, tree: &ProcTree) -> io::Result<()> {
    let count = random.between(0, 4);
    let mut interfaces: Vec<_> = (0..count)
        .map(|_| (interface(random), [0; 16].map(|_: u64| random.any_size())))
        .collect();
    if random.chance(10) {
        interfaces.push(("gone7", [1; 16]));
    }
    tree.file("net/dev", devices::dev(&interfaces))?;
    let route = (0..random.between(0, 6))
        .map(|_| route(random))
        .collect::<Vec<_>>();
    tree.file("net/route", routes::route(&route))?;
    let route6 = (0..random.between(0, 6))
        .map(|_| route6(random))
        .collect::<Vec<_>>();
    tree.file("net/ipv6_route", routes::ipv6_route(&route6))?;
    let members = (0..random.between(0, 3))
        .map(|_| member(random))
        .collect::<Vec<_>>();
    tree.file("net/igmp", groups::igmp(&members))?;
    tree.file("net/igmp6", groups::igmp6(&members))
}

fn interface(random: &mut Random) -> &'static str {
    INTERFACES[random.below(INTERFACES.len())]
}

fn v4(random: &mut Random) -> Ipv4Addr {
    match random.below(4) {
        0 => Ipv4Addr::UNSPECIFIED,
        1 => Ipv4Addr::new(10, 1, 2, 3),
        2 => Ipv4Addr::new(10, 9, 0, 0),
        _ => Ipv4Addr::from_bits(random.u32()),
    }
}

fn v6(random: &mut Random) -> Ipv6Addr {
    match random::address(random, true) {
        std::net::IpAddr::V6(address) => address,
        std::net::IpAddr::V4(address) => address.to_ipv6_mapped(),
    }
}

fn signed(random: &mut Random) -> i64 {
    i64::from(random::number(random)) - i64::from(random.chance(5)) * 2
}

fn route(random: &mut Random) -> Route {
    let prefix = u32::try_from(random.below(33)).unwrap_or(0);
    Route {
        interface: interface(random),
        destination: v4(random),
        gateway: v4(random),
        flags: if random.chance(50) {
            random.u32() | 1
        } else {
            *random.pick(&[1, 3, 5, 7, 0x201])
        },
        counts: (signed(random), signed(random), signed(random)),
        mask: Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - prefix).unwrap_or(0)),
        tcp: (signed(random), signed(random), signed(random)),
    }
}

fn route6(random: &mut Random) -> Route6 {
    Route6 {
        destination: v6(random),
        prefix: u8::try_from(random.below(129)).unwrap_or(0),
        next_hop: v6(random),
        metric: random::number(random),
        counts: (random::number(random), random::number(random)),
        flags: if random.chance(50) {
            random.u32()
        } else {
            *random.pick(&[1, 3, 5, 0x0020_0200])
        },
        interface: interface(random),
    }
}

fn member(random: &mut Random) -> groups::Interface {
    groups::Interface {
        index: random::number(random),
        name: interface(random),
        v4: (0..random.below(3))
            .map(|_| (v4(random), random::number(random)))
            .collect(),
        v6: (0..random.below(3))
            .map(|_| (v6(random), random::number(random)))
            .collect(),
    }
}

fn write_processes(random: &mut Random, tree: &ProcTree, tables: &Tables) -> io::Result<()> {
    let inodes: Vec<u32> = Table::ALL
        .iter()
        .flat_map(|table| [false, true].map(|v6| tables.of(*table, v6)))
        .flatten()
        .map(|socket| socket.inode)
        .collect();
    for _ in 0..random.below(4) {
        let pid = 2 + random.u32() % *random.pick(&[10, 1_000, 4_000_000]);
        if tree.path().join(pid.to_string()).exists() {
            continue;
        }
        let mut cmdline = random::name(random, 40);
        if random.chance(30) {
            cmdline.insert(0, b'/');
        }
        cmdline.extend(b"\0-x\0");
        let held: Vec<u32> = inodes
            .iter()
            .copied()
            .filter(|_| random.chance(40))
            .collect();
        let mut process = Process::holding(pid, &cmdline, &held);
        process.private = random.chance(30);
        process.write(tree)?;
    }
    Ok(())
}
