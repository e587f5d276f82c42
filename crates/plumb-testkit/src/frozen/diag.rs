//! Encodes `sock_diag` dumps: what the kernel answers on `NETLINK_SOCK_DIAG` for given sockets.
//!
//! Layouts are those of `linux/netlink.h`, `linux/sock_diag.h`, `linux/inet_diag.h` and
//! `linux/tcp.h`. The traps are kept: a listener's send queue is its backlog limit, a connection
//! request has user 0 and no `tcp_info`, timers are milliseconds, and the retransmits and probes
//! that `/proc` shows are bytes 2 and 3 of `tcp_info`.

use std::net::{IpAddr, SocketAddr};

use super::inet::{LISTEN, SYN_RECV, Socket, TIME_WAIT, Table};

/// `SOCK_DIAG_BY_FAMILY`.
const MESSAGE_TYPE: u16 = 20;
/// `NLMSG_DONE`.
const DONE: u16 = 3;
/// `NLM_F_MULTI`.
const MULTI: u16 = 2;
/// `INET_DIAG_INFO`.
const ATTRIBUTE_INFO: u16 = 2;
/// `INET_DIAG_SHUTDOWN`.
const ATTRIBUTE_SHUTDOWN: u16 = 8;
/// `sizeof(struct tcp_info)` of Linux 6.18.
const TCP_INFO_LEN: usize = 280;

/// Gives a whole dump, `NLMSG_DONE` included.
pub fn dump(table: Table, sockets: &[Socket]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, socket) in sockets.iter().enumerate() {
        bytes.extend(message(MESSAGE_TYPE, &payload(table, index, socket)));
    }
    bytes.extend(message(DONE, &0_i32.to_ne_bytes()));
    bytes
}

/// Puts `struct nlmsghdr` in front of a payload and pads to four bytes.
fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(16 + payload.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::new();
    bytes.extend(len.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(MULTI.to_ne_bytes());
    // Sequence number, port.
    bytes.extend(1_u32.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend(payload);
    pad(&mut bytes);
    bytes
}

/// Encodes `struct inet_diag_msg` and its attributes.
fn payload(table: Table, index: usize, socket: &Socket) -> Vec<u8> {
    let is_request = table == Table::Tcp && socket.state == SYN_RECV;
    let send_q = match socket.state {
        LISTEN => socket.backlog_limit,
        _ => socket.send_q,
    };
    let retrans = match socket.timer.code {
        1 => socket.timer.retransmits,
        2 | 4 => socket.timer.probes,
        _ => 0,
    };
    let v6 = socket.local.is_ipv6();
    let mut bytes = vec![
        if v6 { 10 } else { 2 },
        socket.state,
        socket.timer.code,
        retrans,
    ];
    bytes.extend(sockid(index, socket));
    bytes.extend(socket.timer.left_ms.to_ne_bytes());
    bytes.extend(socket.recv_q.to_ne_bytes());
    bytes.extend(send_q.to_ne_bytes());
    bytes.extend(if is_request { 0 } else { socket.uid }.to_ne_bytes());
    bytes.extend(socket.inode.to_ne_bytes());
    if is_request || (table == Table::Tcp && socket.state == TIME_WAIT) {
        return bytes;
    }
    attribute(&mut bytes, ATTRIBUTE_SHUTDOWN, &[0]);
    if table == Table::Tcp {
        attribute(&mut bytes, ATTRIBUTE_INFO, &tcp_info(socket));
    }
    bytes
}

/// Encodes `struct inet_diag_sockid`.
fn sockid(index: usize, socket: &Socket) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(socket.local.port().to_be_bytes());
    bytes.extend(socket.peer.port().to_be_bytes());
    bytes.extend(address(socket.local));
    bytes.extend(address(socket.peer));
    // Bound interface.
    bytes.extend(0_u32.to_ne_bytes());
    let cookie = u64::try_from(index).unwrap_or(0) + 1;
    bytes.extend(cookie.to_ne_bytes());
    bytes
}

fn address(end: SocketAddr) -> [u8; 16] {
    match end.ip() {
        IpAddr::V4(v4) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&v4.octets());
            bytes
        }
        IpAddr::V6(v6) => v6.octets(),
    }
}

fn tcp_info(socket: &Socket) -> [u8; TCP_INFO_LEN] {
    let mut info = [0; TCP_INFO_LEN];
    info[0] = socket.state;
    if socket.state != LISTEN {
        info[2] = socket.timer.retransmits;
        info[3] = socket.timer.probes;
    }
    info
}

/// Appends one `struct nlattr`.
fn attribute(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let len = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    bytes.extend(len.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    pad(bytes);
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::super::inet::{Timer, nobody};
    use super::*;

    fn u32_at(bytes: &[u8], at: usize) -> u32 {
        u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
    }

    #[test]
    fn a_connection_lies_where_the_header_files_say() {
        let mut socket = Socket::new(
            SocketAddr::from(([127, 0, 0, 1], 0x1234)),
            SocketAddr::from(([10, 0, 0, 2], 443)),
            1,
        );
        socket.timer = Timer {
            code: 4,
            left_ms: 1500,
            retransmits: 5,
            probes: 6,
        };
        (socket.recv_q, socket.send_q, socket.uid, socket.inode) = (1, 2, 3, 4);
        let bytes = dump(Table::Tcp, &[socket]);
        // 16 header, 72 inet_diag_msg, 8 shutdown, 284 tcp_info; then 20 of NLMSG_DONE.
        assert_eq!(u32_at(&bytes, 0), 16 + 72 + 8 + 284);
        assert_eq!(bytes.len(), 16 + 72 + 8 + 284 + 20);
        assert_eq!(bytes[16..20], [2, 1, 4, 6]);
        assert_eq!(bytes[20..24], [0x12, 0x34, 1, 187]);
        assert_eq!(bytes[24..28], [127, 0, 0, 1]);
        assert_eq!(bytes[40..44], [10, 0, 0, 2]);
        assert_eq!(u32_at(&bytes, 68), 1500);
        assert_eq!([72, 76, 80, 84].map(|at| u32_at(&bytes, at)), [1, 2, 3, 4]);
        // After shutdown (8) and the attribute's own header (4): tcp_info.
        assert_eq!(bytes[100..104], [1, 0, 5, 6]);
        assert_eq!(bytes[384..386], DONE.to_ne_bytes());
    }

    #[test]
    fn a_listener_tells_its_limit_and_a_request_hides_its_user() {
        let local = SocketAddr::from(([0, 0, 0, 0], 22));
        let mut listener = Socket::new(local, nobody(false), LISTEN);
        listener.backlog_limit = 4096;
        let mut request = Socket::new(local, SocketAddr::from(([10, 0, 0, 1], 9)), SYN_RECV);
        request.uid = 33;
        assert_eq!(u32_at(&dump(Table::Tcp, &[listener]), 76), 4096);
        let request = dump(Table::Tcp, &[request]);
        assert_eq!(u32_at(&request, 80), 0);
        assert_eq!(u32_at(&request, 0), 16 + 72);
    }

    #[test]
    fn an_empty_dump_is_one_done() {
        assert_eq!(dump(Table::Udp, &[]).len(), 20);
    }
}
