//! The kernel's side: sockets as its tables can tell of them, and the bytes it would write of them.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use plumb_model::socket::{Endpoint, InetSocket, SocketState, Timer};
use plumb_model::{Cookie, Inode, Known, Port, Reason, Uid};
use plumb_wire::netlink::inet_diag::INET_DIAG_INFO;
use proptest::prelude::*;

fn endpoints() -> impl Strategy<Value = (Endpoint, Endpoint)> {
    let end = |addr: IpAddr, port: u16| Endpoint {
        addr,
        port: Port(u32::from(port)),
    };
    let v4 = any::<(Ipv4Addr, u16, Ipv4Addr, u16)>()
        .prop_map(move |(a, p, b, q)| (end(a.into(), p), end(b.into(), q)));
    let v6 = any::<(Ipv6Addr, u16, Ipv6Addr, u16)>()
        .prop_map(move |(a, p, b, q)| (end(a.into(), p), end(b.into(), q)));
    let mapped = any::<(Ipv4Addr, u16)>().prop_map(move |(a, p)| {
        let end = end(a.to_ipv6_mapped().into(), p);
        (end, end)
    });
    prop_oneof![v4, v6, mapped]
}

/// Sockets as `/proc` can tell of them.
pub(crate) fn proc_sockets() -> impl Strategy<Value = InetSocket> {
    let timer = (0..=4_u32, any::<u64>(), any::<u32>(), any::<i32>());
    let rest = (0..=12_u32, any::<(u32, u32, u32, u64)>());
    (endpoints(), rest, timer).prop_map(|((local, peer), (state, row), timer)| InetSocket {
        local,
        peer,
        state: SocketState(state),
        recv_q: u64::from(row.0),
        send_q: u64::from(row.1),
        timer: Timer {
            code: timer.0,
            expires_ticks: timer.1,
            retransmits: u64::from(timer.2),
            probes: i64::from(timer.3),
        },
        raw_uid: Uid(row.2),
        raw_inode: Inode(row.3),
        cookie: Known::Unknown(Reason::NotInSource),
    })
}

/// Sockets as sock_diag can tell of them.
pub(crate) fn diag_sockets() -> impl Strategy<Value = InetSocket> {
    let timer = (0..=u32::MAX / 10, any::<u8>(), any::<u8>());
    (proc_sockets(), any::<u32>(), any::<u64>(), timer).prop_map(|(row, inode, cookie, timer)| {
        InetSocket {
            send_q: match row.state {
                SocketState::LISTEN => 0,
                _ => row.send_q,
            },
            timer: Timer {
                code: row.timer.code,
                expires_ticks: u64::from(timer.0),
                retransmits: u64::from(timer.1),
                probes: i64::from(timer.2),
            },
            raw_inode: Inode(u64::from(inode)),
            cookie: Known::Known(Cookie(cookie)),
            ..row
        }
    })
}

/// `ADDRESS:PORT` of a `/proc` row: 32-bit words of the host's byte order.
fn proc_endpoint(end: Endpoint) -> String {
    let octets = match end.addr {
        IpAddr::V4(addr) => addr.octets().to_vec(),
        IpAddr::V6(addr) => addr.octets().to_vec(),
    };
    let mut text = String::new();
    for word in octets.as_chunks().0 {
        let _ = write!(text, "{:08X}", u32::from_ne_bytes(*word));
    }
    let _ = write!(text, ":{:04X}", end.port.0);
    text
}

/// The row of a socket, as the kernel writes it.
pub(crate) fn proc_line(slot: u32, row: &InetSocket) -> String {
    format!(
        "{slot:4}: {} {} {:02X} {:08X}:{:08X} {:02X}:{:08X} {:08X} {:5} {:8} {} 1 0 20 4 30 10 -1\n",
        proc_endpoint(row.local),
        proc_endpoint(row.peer),
        row.state.0,
        row.send_q,
        row.recv_q,
        row.timer.code,
        row.timer.expires_ticks,
        row.timer.retransmits,
        row.raw_uid.0,
        row.timer.probes,
        row.raw_inode.0,
    )
}

fn low<const N: usize>(value: u64) -> [u8; N] {
    let bytes = if cfg!(target_endian = "little") {
        value.to_le_bytes()
    } else {
        let mut bytes = value.to_be_bytes();
        bytes.rotate_left(8 - N);
        bytes
    };
    *bytes.first_chunk().expect("at most 8 bytes are asked for")
}

pub(crate) fn attribute(kind: u16, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len() + 4).expect("a small attribute");
    let mut bytes = [len.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// `struct inet_diag_msg` and a `tcp_info` of a socket; `limit` is the backlog limit of a listener.
pub(crate) fn diag_message(row: &InetSocket, limit: u32, left_ms: u32) -> Vec<u8> {
    let narrow = |value: u64| u8::try_from(value).expect("the strategy gives a byte");
    let (family, octets) = match row.local.addr {
        IpAddr::V4(_) => (2, 4),
        IpAddr::V6(_) => (10, 16),
    };
    let mut bytes = vec![
        family,
        narrow(row.state.0.into()),
        narrow(row.timer.code.into()),
        0,
    ];
    for end in [row.local, row.peer] {
        bytes.extend(u16::try_from(end.port.0).expect("a port").to_be_bytes());
    }
    for end in [row.local, row.peer] {
        match end.addr {
            IpAddr::V4(addr) => bytes.extend(addr.octets()),
            IpAddr::V6(addr) => bytes.extend(addr.octets()),
        }
        bytes.resize(bytes.len() + 16 - octets, 0);
    }
    let Known::Known(Cookie(cookie)) = row.cookie else {
        panic!("the strategy gives a cookie")
    };
    let send_q = match row.state {
        SocketState::LISTEN => u64::from(limit),
        _ => row.send_q,
    };
    let expires_ms = row.timer.expires_ticks * 10 + u64::from(left_ms);
    // The interface, the two halves of the cookie, then the counters.
    for word in [
        7,
        cookie,
        cookie >> 32,
        expires_ms.min(u32::MAX.into()),
        row.recv_q,
        send_q,
    ] {
        bytes.extend(low::<4>(word));
    }
    bytes.extend(row.raw_uid.0.to_ne_bytes());
    bytes.extend(low::<4>(row.raw_inode.0));
    assert_eq!(bytes.len(), 72);
    let probes = u64::try_from(row.timer.probes).expect("the strategy gives a byte");
    let info = [1, 0, narrow(row.timer.retransmits), narrow(probes), 0, 0];
    bytes.extend(attribute(5, b"cubic\0"));
    bytes.extend(attribute(INET_DIAG_INFO, &info));
    bytes
}

/// One netlink message: type, flags, payload.
pub(crate) fn message(kind: u16, interrupted: bool, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(16 + payload.len()).expect("a small message");
    let mut bytes = len.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(if interrupted { 0x12_u16 } else { 2 }.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}
