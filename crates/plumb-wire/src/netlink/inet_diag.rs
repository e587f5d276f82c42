//! sock_diag for Internet sockets: the request and `struct inet_diag_msg`
//! (`include/uapi/linux/inet_diag.h`).
//!
//! Decoded rows say what `/proc/net/tcp` would say of the same socket: a listener's send queue is
//! 0 although the message carries the backlog limit there, and milliseconds become clock ticks.
//! Minimum kernel version: 3.3 (`SOCK_DIAG_BY_FAMILY`); below it the caller falls back to /proc.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use plumb_model::socket::{Endpoint, InetSocket, IpVersion, SocketState, Timer};
use plumb_model::{Cookie, Inode, Known, Port, Uid};

use super::frame::{HEADER_BYTES, attributes, u32_at};

/// `SOCK_DIAG_BY_FAMILY`: the message type of requests and answers.
pub const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `IPPROTO_TCP`.
pub const IPPROTO_TCP: u8 = 6;
/// `IPPROTO_UDP`.
pub const IPPROTO_UDP: u8 = 17;
/// `INET_DIAG_INFO`: the attribute that carries `struct tcp_info`.
pub const INET_DIAG_INFO: u16 = 2;
/// `INET_DIAG_SKMEMINFO`: the attribute that carries the socket's memory counters.
pub const INET_DIAG_SKMEMINFO: u16 = 7;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
const REQUEST_BYTES: usize = HEADER_BYTES + 56;
const MESSAGE_BYTES: usize = 72;
/// Where `id.idiag_cookie` stands in a message.
const COOKIE_AT: usize = 44;
/// States 1 to 12; 13, sockets that are bound and nothing else, is in no `/proc` table.
const ALL_STATES: u32 = 0x1ffe;
/// The kernel's timer is in milliseconds, `/proc`'s in ticks of 10 ms.
const MS_PER_TICK: u64 = 10;

/// Encodes a dump request for every socket of one protocol and IP version.
///
/// `extensions` is a set of bits `1 << (INET_DIAG_X - 1)` of attributes wanted beside the row.
pub fn encode_dump_request(
    version: IpVersion,
    protocol: u8,
    extensions: u8,
) -> [u8; REQUEST_BYTES] {
    let mut request = [0; REQUEST_BYTES];
    let family = match version {
        IpVersion::V4 => AF_INET,
        IpVersion::V6 => AF_INET6,
    };
    request[..4].copy_from_slice(&72_u32.to_ne_bytes());
    request[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request[6..8].copy_from_slice(&(NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    request[HEADER_BYTES] = family;
    request[HEADER_BYTES + 1] = protocol;
    request[HEADER_BYTES + 2] = extensions;
    request[HEADER_BYTES + 4..HEADER_BYTES + 8].copy_from_slice(&ALL_STATES.to_ne_bytes());
    request
}

/// Gives the extension bit of an attribute, for [`encode_dump_request`].
pub const fn extension(attribute: u16) -> u8 {
    1 << (attribute - 1)
}

/// Decodes one message; `None` when it is shorter than `struct inet_diag_msg` or of no IP family.
///
/// `timer.retransmits` and `timer.probes` come from the `tcp_info` attribute, and are 0 where it
/// was not asked for.
#[inline]
pub fn decode_inet_diag(payload: &[u8]) -> Option<InetSocket> {
    let (message, rest) = payload.split_first_chunk::<MESSAGE_BYTES>()?;
    let word = |at: usize| u32_at(message, at).unwrap_or(0);
    let state = SocketState(u32::from(message[1]));
    let (local, peer) = match message[0] {
        AF_INET => (ipv4(message, 8), ipv4(message, 24)),
        AF_INET6 => (ipv6(message, 8), ipv6(message, 24)),
        _ => return None,
    };
    let mut timer = Timer {
        code: u32::from(message[2]),
        expires_ticks: u64::from(word(52)) / MS_PER_TICK,
        retransmits: 0,
        probes: 0,
    };
    if let Some(info) = attribute(rest, INET_DIAG_INFO) {
        // tcpi_retransmits and tcpi_probes.
        timer.retransmits = u64::from(info.get(2).copied().unwrap_or(0));
        timer.probes = i64::from(info.get(3).copied().unwrap_or(0));
    }
    let send_q = match state {
        SocketState::LISTEN => 0,
        _ => u64::from(word(60)),
    };
    Some(InetSocket {
        local: Endpoint {
            addr: local,
            port: port(message, 4),
        },
        peer: Endpoint {
            addr: peer,
            port: port(message, 6),
        },
        state,
        recv_q: u64::from(word(56)),
        send_q,
        timer,
        raw_uid: Uid(word(64)),
        raw_inode: Inode(u64::from(word(68))),
        cookie: Known::Known(Cookie(
            u64::from(word(COOKIE_AT)) | u64::from(word(COOKIE_AT + 4)) << 32,
        )),
    })
}

/// Gives the cookie of a message, the kernel's name for the socket; `None` when it is too short or the
/// kernel gave none.
#[inline]
pub fn cookie(payload: &[u8]) -> Option<u64> {
    let (low, high) = (u32_at(payload, COOKIE_AT)?, u32_at(payload, COOKIE_AT + 4)?);
    match u64::from(low) | u64::from(high) << 32 {
        0 | u64::MAX => None,
        cookie => Some(cookie),
    }
}

/// Finds an attribute of a message by its type; the payload starts behind the fixed part.
pub fn find_attribute(payload: &[u8], kind: u16) -> Option<&[u8]> {
    attribute(payload.get(MESSAGE_BYTES..)?, kind)
}

fn attribute(bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    attributes(bytes)
        .find(|(kind, _)| *kind == wanted)
        .map(|(_, payload)| payload)
}

fn port(message: &[u8; MESSAGE_BYTES], at: usize) -> Port {
    Port(u32::from(message[at]) << 8 | u32::from(message[at + 1]))
}

fn ipv4(message: &[u8; MESSAGE_BYTES], at: usize) -> IpAddr {
    let octets: [u8; 4] = message[at..].first_chunk().copied().unwrap_or_default();
    IpAddr::V4(Ipv4Addr::from(octets))
}

fn ipv6(message: &[u8; MESSAGE_BYTES], at: usize) -> IpAddr {
    let octets: [u8; 16] = message[at..].first_chunk().copied().unwrap_or_default();
    IpAddr::V6(Ipv6Addr::from(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A listener on 127.0.0.1:8080, backlog 3 of 128, written by hand; captures are in tests/golden.
    fn listener() -> Vec<u8> {
        let mut message = vec![AF_INET, 10, 0, 0, 0x1f, 0x90, 0, 0, 127, 0, 0, 1];
        message.resize(MESSAGE_BYTES, 0);
        message[44..48].copy_from_slice(&7_u32.to_ne_bytes());
        message[56..60].copy_from_slice(&3_u32.to_ne_bytes());
        message[60..64].copy_from_slice(&128_u32.to_ne_bytes());
        message[64..68].copy_from_slice(&1000_u32.to_ne_bytes());
        message[68..72].copy_from_slice(&4242_u32.to_ne_bytes());
        message
    }

    #[test]
    fn a_listener_says_what_proc_says() {
        let row = decode_inet_diag(&listener()).expect("a whole message decodes");
        assert_eq!(row.local.addr, IpAddr::from([127, 0, 0, 1]));
        assert_eq!(row.local.port, Port(8080));
        assert_eq!((row.recv_q, row.send_q), (3, 0), "the limit is no queue");
        assert_eq!(row.raw_inode, Inode(4242));
        assert_eq!(row.cookie, Known::Known(Cookie(7)));
    }

    #[test]
    fn counters_of_the_timer_come_from_tcp_info() {
        let mut message = listener();
        message[1] = 1;
        message[2] = 1;
        message[52..56].copy_from_slice(&1239_u32.to_ne_bytes());
        message.extend(8_u16.to_ne_bytes());
        message.extend(INET_DIAG_INFO.to_ne_bytes());
        message.extend([1, 0, 5, 6]);
        let row = decode_inet_diag(&message).expect("a whole message decodes");
        assert_eq!(row.send_q, 128);
        assert_eq!(
            row.timer,
            Timer {
                code: 1,
                expires_ticks: 123,
                retransmits: 5,
                probes: 6
            }
        );
    }

    #[test]
    fn short_and_foreign_messages_are_refused() {
        assert!(decode_inet_diag(&listener()[..71]).is_none());
        let mut foreign = listener();
        foreign[0] = 1;
        assert!(decode_inet_diag(&foreign).is_none());
    }
}
