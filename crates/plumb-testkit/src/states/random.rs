//! Random kernel objects, as likely odd as ordinary: sockets, names, numbers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::frozen::inet::{LISTEN, SYN_RECV, Socket, TIME_WAIT, Table, Tables, Timer, nobody};
use crate::frozen::unix;
use crate::random::Random;

const PORTS: [u16; 12] = [
    0, 1, 22, 53, 80, 443, 1001, 1002, 1009, 8080, 32_768, 65_535,
];

/// Gives an address: wildcard, loopback, named ones, or anything.
pub fn address(random: &mut Random, v6: bool) -> IpAddr {
    if v6 {
        return IpAddr::V6(address6(random));
    }
    IpAddr::V4(match random.below(6) {
        0 => Ipv4Addr::UNSPECIFIED,
        1 => Ipv4Addr::LOCALHOST,
        2 => Ipv4Addr::new(10, 1, 2, 3),
        3 => Ipv4Addr::new(192, 168, 100, 200),
        4 => Ipv4Addr::BROADCAST,
        _ => Ipv4Addr::from_bits(random.u32()),
    })
}

fn address6(random: &mut Random) -> Ipv6Addr {
    match random.below(10) {
        0 => Ipv6Addr::UNSPECIFIED,
        1 => Ipv6Addr::LOCALHOST,
        2 => Ipv4Addr::new(10, 1, 2, 3).to_ipv6_mapped(),
        3 => Ipv4Addr::from_bits(random.u32()).to_ipv6_mapped(),
        // IPv4-compatible, and what only looks like it.
        4 => Ipv6Addr::from_bits(u128::from(random.u32())),
        5 => Ipv6Addr::from_bits(u128::from(random.u32() & 0xffff)),
        6 => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
        // Runs of zero groups of every length and place.
        7 | 8 => {
            let groups = [0; 8].map(|_: u16| {
                let group = u16::try_from(random.u32() & 0xffff).unwrap_or(0);
                if random.chance(50) { 0 } else { group }
            });
            Ipv6Addr::from(groups)
        }
        _ => Ipv6Addr::from_bits((u128::from(random.u64()) << 64) | u128::from(random.u64())),
    }
}

/// Gives an address and a port.
pub fn endpoint(random: &mut Random, v6: bool) -> SocketAddr {
    let any = u16::try_from(random.u32() & 0xffff).unwrap_or(0);
    let port = if random.chance(30) {
        any
    } else {
        *random.pick(&PORTS)
    };
    SocketAddr::new(address(random, v6), port)
}

/// Gives a 32-bit number of any size.
pub fn number(random: &mut Random) -> u32 {
    u32::try_from(random.any_size()).unwrap_or(u32::MAX)
}

fn byte(random: &mut Random) -> u8 {
    let any = u8::try_from(random.u32() & 0xff).unwrap_or(0);
    if random.chance(60) { any % 4 } else { any }
}

/// Gives a socket such as a kernel could hold: what has no timer, no owner or no inode has none.
pub fn socket(random: &mut Random, table: Table, v6: bool) -> Socket {
    let state = match table {
        Table::Tcp => 1 + u8::try_from(random.below(11)).unwrap_or(0),
        Table::Udp | Table::UdpLite => *random.pick(&[7, 7, 1]),
        Table::Raw => *random.pick(&[7, 1, 12, 255]),
    };
    let mut socket = Socket::new(endpoint(random, v6), endpoint(random, v6), state);
    if random.chance(25) {
        socket.peer = nobody(v6);
    }
    socket.recv_q = number(random);
    socket.send_q = number(random);
    socket.backlog_limit = number(random);
    socket.uid = *random.pick(&[0, 33, 1000, 65_534, 4_000_000_000, u32::MAX]);
    socket.inode = number(random);
    socket.timer = Timer {
        code: u8::try_from(random.below(6)).unwrap_or(0),
        left_ms: number(random),
        retransmits: byte(random),
        probes: byte(random),
    };
    match table {
        Table::Tcp => as_tcp_has_it(&mut socket),
        // UDP has no timers, and its sock_diag answers no place for their counts.
        Table::Udp => socket.timer = Timer::default(),
        Table::UdpLite | Table::Raw => {}
    }
    socket
}

fn as_tcp_has_it(socket: &mut Socket) {
    match socket.state {
        LISTEN => {
            socket.peer = nobody(socket.local.is_ipv6());
            socket.timer = Timer::default();
        }
        SYN_RECV => {
            (socket.recv_q, socket.send_q, socket.inode) = (0, 0, 0);
            socket.timer.code = 1;
            socket.timer.probes = 0;
        }
        TIME_WAIT => {
            (socket.recv_q, socket.send_q, socket.inode, socket.uid) = (0, 0, 0, 0);
            socket.timer.code = 3;
            socket.timer.retransmits = 0;
            socket.timer.probes = 0;
        }
        _ if socket.timer.code == 0 => socket.timer.left_ms = 0,
        _ => {}
    }
}

/// Fills all tables with up to `most` sockets each. A connection request has its listener.
pub fn tables(random: &mut Random, most: usize) -> Tables {
    let mut tables = Tables::default();
    for table in Table::ALL {
        for v6 in [false, true] {
            for _ in 0..random.between(0, most) {
                let socket = socket(random, table, v6);
                if table == Table::Tcp && socket.state == SYN_RECV {
                    tables.push(table, listener_of(&socket));
                }
                tables.push(table, socket);
            }
        }
    }
    tables
}

/// Gives the listener under which a connection request waits: same place, same user.
pub fn listener_of(request: &Socket) -> Socket {
    let mut listener = Socket::new(request.local, nobody(request.local.is_ipv6()), LISTEN);
    listener.uid = request.uid;
    listener.inode = 77;
    listener
}

/// Gives a name of printable bytes, or of any bytes but NUL.
pub fn name(random: &mut Random, longest: usize) -> Vec<u8> {
    const ORDINARY: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789-_./:";
    let any = random.chance(20);
    let len = random.between(1, longest);
    let bytes = (0..len).map(|_| {
        if any {
            u8::try_from(1 + random.below(255)).unwrap_or(1)
        } else {
            *random.pick(ORDINARY)
        }
    });
    bytes.collect()
}

/// Gives a UNIX domain socket.
pub fn unix_socket(random: &mut Random) -> unix::Socket {
    let path = match random.below(4) {
        0 => Vec::new(),
        1 => [&b"@"[..], &name(random, 100)].concat(),
        2 => [&b"/run/"[..], &name(random, 100)].concat(),
        _ => b"/run/with space.sock".to_vec(),
    };
    unix::Socket {
        references: number(random),
        flags: *random.pick(&[0, 0x10000, 0x20000, 0x40000, 0x70000, u32::MAX]),
        kind: u16::try_from(random.below(8)).unwrap_or(0),
        state: u8::try_from(random.below(6)).unwrap_or(0),
        inode: number(random),
        path,
    }
}
