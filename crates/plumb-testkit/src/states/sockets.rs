//! K: frozen sockets with every value; N: the same addresses and ports with names.

use std::io;
use std::net::{IpAddr, SocketAddr};

use super::{State, random};
use crate::differential::etc::Etc;
use crate::frozen::inet::{self, SYN_RECV, Socket, Table, Tables, Timer, nobody};
use crate::frozen::processes::Process;
use crate::frozen::{ProcTree, unix};
use crate::random::Random;
use crate::temp::TempDir;

/// K: what kernels can hold, with answers of `sock_diag`, and rows beyond that.
pub(super) fn every_value() -> io::Result<Vec<State>> {
    Ok(vec![
        as_kernels_hold_it("K sockets", 1)?,
        as_kernels_hold_it("K other sockets", 2)?,
        beyond_kernels()?,
    ])
}

/// N: names for hosts, ports, protocols and users.
pub(super) fn with_names() -> io::Result<Vec<State>> {
    let mut state = as_kernels_hold_it("N names", 3)?;
    state.etc = Etc::odd();
    let mut plain = as_kernels_hold_it("N ordinary names", 4)?;
    plain.etc = Etc::default();
    Ok(vec![state, plain])
}

fn as_kernels_hold_it(name: &str, seed: u64) -> io::Result<State> {
    let mut random = Random::new(seed);
    let mut tables = random::tables(&mut random, 60);
    for v6 in [false, true] {
        every_state_and_timer(&mut tables, v6);
        named(&mut tables, v6);
    }
    let tree = ProcTree::new()?;
    tables.write(&tree)?;
    let sockets: Vec<_> = (0..40).map(|_| random::unix_socket(&mut random)).collect();
    tree.file("net/unix", unix::text(&sockets))?;
    Process::holding(42, b"/usr/sbin/server\0", &[10_001, 10_002]).write(&tree)?;
    Process::holding(4_194_303, b"a-rather-long-program-name\0", &[10_003]).write(&tree)?;
    let diag = TempDir::new("diag")?;
    tables.write_diag(diag.path())?;
    let mut state = State::new(name, tree);
    state.diag = Some(diag);
    Ok(state)
}

fn every_state_and_timer(tables: &mut Tables, v6: bool) {
    let local = SocketAddr::new(
        if v6 {
            IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])
        } else {
            IpAddr::from([10, 1, 2, 3])
        },
        1001,
    );
    let peer = SocketAddr::new(
        if v6 {
            IpAddr::from([0x2001, 0xdb8, 1, 2, 3, 4, 5, 6])
        } else {
            IpAddr::from([192, 168, 100, 200])
        },
        443,
    );
    for state in 1..=11 {
        for code in 0..=4 {
            let mut socket = Socket::new(local, peer, state);
            socket.inode = 10_000 + u32::from(state);
            socket.uid = 1000;
            socket.recv_q = 7;
            socket.send_q = 1000;
            socket.timer = Timer {
                code,
                left_ms: if code == 0 { 0 } else { 1_239 },
                retransmits: 1,
                probes: 2,
            };
            match state {
                inet::TIME_WAIT if code != 3 => continue,
                inet::TIME_WAIT => {
                    (socket.uid, socket.inode, socket.recv_q, socket.send_q) = (0, 0, 0, 0);
                    (socket.timer.retransmits, socket.timer.probes) = (0, 0);
                }
                SYN_RECV if code != 1 => continue,
                SYN_RECV => {
                    (socket.inode, socket.recv_q, socket.send_q) = (0, 0, 0);
                    socket.timer.probes = 0;
                    tables.push(Table::Tcp, random::listener_of(&socket));
                }
                inet::LISTEN if code != 0 => continue,
                inet::LISTEN => {
                    socket.peer = nobody(v6);
                    socket.timer = Timer::default();
                }
                _ => {}
            }
            tables.push(Table::Tcp, socket);
        }
    }
}

/// Addresses and ports that `Etc::odd` has names for, at the lengths where cutting starts.
fn named(tables: &mut Tables, v6: bool) {
    let addresses: &[&str] = if v6 {
        &[
            "::1",
            "2001:db8::1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
            "::10.1.2.3",
            "fe80::1",
            "::ffff:0:0",
        ]
    } else {
        &[
            "127.0.0.1",
            "10.1.2.3",
            "192.168.100.200",
            "10.1.2.4",
            "10.1.2.6",
            "255.255.255.255",
        ]
    };
    for address in addresses {
        let address: IpAddr = address.parse().expect("the table holds addresses");
        for (table, port) in [
            (Table::Tcp, 1009),
            (Table::Tcp, 8080),
            (Table::Tcp, 1001),
            (Table::Udp, 53),
            (Table::Udp, 1002),
            (Table::UdpLite, 53),
            (Table::Raw, 1),
            (Table::Raw, 6),
            (Table::Raw, 200),
        ] {
            let end = SocketAddr::new(address, port);
            tables.push(table, Socket::new(end, end, 1));
            tables.push(table, Socket::new(end, nobody(v6), 7));
        }
    }
}

/// Rows no kernel prints today: numbers beyond 32 bits, timers beyond 4, negative ones.
fn beyond_kernels() -> io::Result<State> {
    const ENDS: &str = "0100007F:1F90 0200000A:C738";
    let rows = [
        "01 00000000:00000000 00:00000000 00000000 4294967295        0 123456789012 1 0",
        "01 FFFFFFFF:FFFFFFFF 05:FFFFFFFF FFFFFFFF 4294967296 -1 18446744073709551615 1 0",
        "01 7FFFFFFFFFFFFFFF:FFFFFFFFFFFFFFFF 01:7FFFFFFFFFFFFFFF 0 -1 0 -5 1 0",
        "01 FFFFFFFFFFFFFFFFF:FFFFFFFFFFFFFFFFF 02:FFFFFFFFFFFFFFFFF 0 -2147483649 2147483648 99999999999999999999 1",
        "01 123456789ABC:0 FF:00000064 00000001 12345678901 12345678901 5 extra words that nobody reads",
        "01 00000000:00000000 100:00000000 00000000 0 0 5",
        "1 1:2 3:4 5 6 7 8",
    ];
    let tree = ProcTree::new()?;
    for table in Table::ALL {
        let lines = std::iter::once(inet::header(table, false)).chain(
            rows.iter()
                .enumerate()
                .map(|(index, row)| format!("{index:4}: {ENDS} {row}\n")),
        );
        let text: Vec<String> = lines.collect();
        tree.file(&format!("net/{}", table.name()), text.concat())?;
        tree.file(&format!("net/{}6", table.name()), inet::header(table, true))?;
    }
    tree.file("net/unix", unix::HEADER)?;
    Ok(State::new("K beyond kernels", tree))
}

/// H: a million rows, for what happens when nobody reads on.
pub fn a_million_sockets() -> io::Result<State> {
    let mut random = Random::new(9);
    let rows: String = (0..1_000)
        .map(|index| {
            let socket = random::socket(&mut random, Table::Tcp, false);
            inet::row(Table::Tcp, false, index, &socket)
        })
        .collect();
    let tree = ProcTree::new()?;
    let text = inet::header(Table::Tcp, false) + &rows.repeat(1_000);
    tree.file("net/tcp", text)?;
    Ok(State::new("H a million sockets", tree))
}
