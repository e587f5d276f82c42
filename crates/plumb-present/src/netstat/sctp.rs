//! The SCTP rows of the Internet listing.
//!
//! A socket with several addresses takes several lines; the optional columns follow the last one.
//! Addresses are never cut here, and ports are never named.

use std::net::IpAddr;

use plumb_model::Port;
use plumb_model::sctp::{SctpKind, SctpSocket};
use plumb_model::socket::SocketState;

use super::address::write_port;
use crate::text::{blanks, left, put};

/// Width of one address column.
const ADDRESS: usize = 23;
/// Width of the one address column of an endpoint: both columns and the blank between.
const WIDE_ADDRESS: usize = 2 * ADDRESS + 1;
/// Width of what stands before the addresses on a continuation line.
const INDENT: usize = 20;
/// Width of the state.
const STATE: usize = 11;

/// Appends one endpoint or association. `host` appends the text of an address; `extras` holds the
/// optional columns as they are to be shown.
pub fn write_sctp(
    out: &mut Vec<u8>,
    socket: &SctpSocket,
    host: &mut dyn FnMut(&mut Vec<u8>, IpAddr),
    extras: &[u8],
) {
    match socket.kind {
        SctpKind::Endpoint => write_endpoint(out, socket, host),
        SctpKind::Association => write_association(out, socket, host),
    }
    out.extend_from_slice(extras);
    out.push(b'\n');
}

fn write_endpoint(
    out: &mut Vec<u8>,
    socket: &SctpSocket,
    host: &mut dyn FnMut(&mut Vec<u8>, IpAddr),
) {
    for (line, &addr) in socket.local.iter().enumerate() {
        let state = if line == 0 {
            left(out, b"sctp", INDENT);
            state_text(socket.state)
        } else {
            out.push(b'\n');
            blanks(out, INDENT);
            Vec::new()
        };
        write_address(
            out,
            Some((addr, Some(socket.local_port))),
            WIDE_ADDRESS,
            host,
        );
        out.push(b' ');
        left(out, &state, STATE);
    }
}

fn write_association(
    out: &mut Vec<u8>,
    socket: &SctpSocket,
    host: &mut dyn FnMut(&mut Vec<u8>, IpAddr),
) {
    let lines = socket.local.len().max(socket.peer.len()).max(1);
    for line in 0..lines {
        let first = line == 0;
        if first {
            put(
                out,
                format_args!("sctp  {:>6} {:>6} ", socket.recv_q, socket.send_q),
            );
        } else {
            out.push(b'\n');
            blanks(out, INDENT);
        }
        let end =
            |addrs: &[IpAddr], port| addrs.get(line).map(|&addr| (addr, first.then_some(port)));
        write_address(out, end(&socket.local, socket.local_port), ADDRESS, host);
        out.push(b' ');
        write_address(out, end(&socket.peer, socket.peer_port), ADDRESS, host);
        out.push(b' ');
        let state = if first {
            state_text(socket.state)
        } else {
            Vec::new()
        };
        left(out, &state, STATE);
    }
}

fn write_address(
    out: &mut Vec<u8>,
    end: Option<(IpAddr, Option<Port>)>,
    width: usize,
    host: &mut dyn FnMut(&mut Vec<u8>, IpAddr),
) {
    let start = out.len();
    if let Some((addr, port)) = end {
        host(out, addr);
        if let Some(Port(port)) = port {
            out.push(b':');
            write_port(out, Port(port));
        }
    }
    blanks(out, (start + width).saturating_sub(out.len()));
}

fn state_text(state: SocketState) -> Vec<u8> {
    match (state.0, state.tcp_name()) {
        (0, _) => Vec::new(),
        (_, Some(name)) => name.as_bytes().to_vec(),
        (number, None) => format!("UNKNOWN({})", number.cast_signed()).into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::{Inode, Uid};

    use super::*;
    use crate::netstat::address;

    fn socket(kind: SctpKind, local: &[[u8; 4]], peer: &[[u8; 4]], state: u32) -> SctpSocket {
        let addrs = |list: &[[u8; 4]]| list.iter().map(|&a| IpAddr::from(a)).collect();
        SctpSocket {
            kind,
            local: addrs(local),
            peer: addrs(peer),
            local_port: Port(1234),
            peer_port: Port(4321),
            state: SocketState(state),
            recv_q: 18,
            send_q: 17,
            raw_uid: Uid(0),
            raw_inode: Inode(0),
        }
    }

    fn text(socket: &SctpSocket, extras: &[u8]) -> String {
        let mut out = Vec::new();
        write_sctp(&mut out, socket, &mut address::write_address, extras);
        String::from_utf8(out).expect("ASCII in, ASCII out")
    }

    #[test]
    fn an_association_pairs_its_addresses() {
        let row = socket(
            SctpKind::Association,
            &[[10, 0, 0, 1], [10, 0, 0, 2]],
            &[[10, 1, 1, 1]],
            1,
        );
        assert_eq!(
            text(&row, b" 1000"),
            "sctp      18     17 10.0.0.1:1234           10.1.1.1:4321           ESTABLISHED\n\
             \x20                   10.0.0.2                                                    1000\n"
        );
    }

    #[test]
    fn an_endpoint_repeats_its_port() {
        let row = socket(SctpKind::Endpoint, &[[10, 0, 0, 1], [0, 0, 0, 0]], &[], 10);
        assert_eq!(
            text(&row, b""),
            "sctp                10.0.0.1:1234                                   LISTEN     \n\
             \x20                   0.0.0.0:1234                                               \n"
        );
        let bare = socket(SctpKind::Endpoint, &[], &[], 10);
        assert_eq!(text(&bare, b" x"), " x\n");
    }

    #[test]
    fn odd_states_are_numbers() {
        assert_eq!(state_text(SocketState(0)), b"");
        assert_eq!(state_text(SocketState(12)), b"UNKNOWN(12)");
        assert_eq!(state_text(SocketState(u32::MAX)), b"UNKNOWN(-1)");
    }
}
