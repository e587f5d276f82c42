//! What comes back of a packet that was sent: the control messages of an error queue (`linux/errqueue.h`,
//! ip(7)), and ICMP echo messages (RFC 792, RFC 4443).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::netlink::frame::{u16_at, u32_at};

/// Bytes of `struct cmsghdr` with 64-bit words; plumb is built for no others.
const HEADER_BYTES: usize = 16;
const ALIGNMENT: usize = 8;
const SOL_SOCKET: u32 = 1;
/// `SCM_TIMESTAMPNS` as 64-bit programs see it.
const TIMESTAMP_NS: u32 = 35;
const SOL_IP: u32 = 0;
const SOL_IPV6: u32 = 41;
const IP_TTL: u32 = 2;
const IP_RECVERR: u32 = 11;
const IPV6_RECVERR: u32 = 25;
const IPV6_HOPLIMIT: u32 = 52;
/// Bytes of `struct sock_extended_err`; the address of who said it stands behind.
const ERROR_BYTES: usize = 16;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// An error of the queue (`struct sock_extended_err`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtendedError {
    /// The errno it became.
    pub errno: u32,
    /// Where it came from.
    pub origin: Origin,
    /// ICMP type.
    pub kind: u8,
    /// ICMP code.
    pub code: u8,
    /// Of "too big" the MTU.
    pub info: u32,
    /// Who said it.
    pub offender: Option<IpAddr>,
}

/// `SO_EE_ORIGIN_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// This host itself.
    Local,
    /// ICMP.
    Icmp,
    /// `ICMPv6`.
    Icmp6,
    /// Something else, raw.
    Other(u8),
}

/// What the control messages of one packet say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Control {
    /// The error, when it is one.
    pub error: Option<ExtendedError>,
    /// TTL or hop limit with which the packet came.
    pub ttl: Option<u8>,
    /// When the kernel got it: since 1970.
    pub received: Option<Duration>,
}

/// Decodes control messages; what is none ends them.
pub fn decode_control(mut bytes: &[u8]) -> Control {
    let mut control = Control::default();
    while let Some((level, kind, payload, rest)) = split(bytes) {
        match (level, kind) {
            (SOL_IP, IP_RECVERR) | (SOL_IPV6, IPV6_RECVERR) => {
                control.error = decode_error(payload).or(control.error);
            }
            (SOL_IP, IP_TTL) | (SOL_IPV6, IPV6_HOPLIMIT) => {
                control.ttl = u32_at(payload, 0).and_then(|ttl| u8::try_from(ttl).ok());
            }
            (SOL_SOCKET, TIMESTAMP_NS) => control.received = decode_time(payload),
            _ => {}
        }
        bytes = rest;
    }
    control
}

fn split(bytes: &[u8]) -> Option<(u32, u32, &[u8], &[u8])> {
    let len = u64::from_ne_bytes(*bytes.first_chunk()?);
    let len = usize::try_from(len).ok()?;
    let payload = bytes.get(HEADER_BYTES..len)?;
    let rest = bytes.get(len.checked_next_multiple_of(ALIGNMENT)?..);
    Some((
        u32_at(bytes, 8)?,
        u32_at(bytes, 12)?,
        payload,
        rest.unwrap_or(&[]),
    ))
}

/// `struct timespec`: two words.
fn decode_time(payload: &[u8]) -> Option<Duration> {
    let seconds = u64::from_ne_bytes(*payload.first_chunk()?);
    let nanoseconds = u64::from_ne_bytes(*payload.get(8..)?.first_chunk()?);
    let nanoseconds = u32::try_from(nanoseconds)
        .ok()
        .filter(|&ns| ns < 1_000_000_000)?;
    Some(Duration::new(seconds, nanoseconds))
}

fn decode_error(payload: &[u8]) -> Option<ExtendedError> {
    let &[origin, kind, code] = payload.get(4..7)?.first_chunk()?;
    Some(ExtendedError {
        errno: u32_at(payload, 0)?,
        origin: match origin {
            1 => Origin::Local,
            2 => Origin::Icmp,
            3 => Origin::Icmp6,
            other => Origin::Other(other),
        },
        kind,
        code,
        info: u32_at(payload, 8)?,
        offender: payload.get(ERROR_BYTES..).and_then(decode_offender),
    })
}

fn decode_offender(address: &[u8]) -> Option<IpAddr> {
    match u16_at(address, 0)? {
        AF_INET => {
            let octets: [u8; 4] = *address.get(4..)?.first_chunk()?;
            Some(IpAddr::V4(Ipv4Addr::from(octets)))
        }
        AF_INET6 => {
            let octets: [u8; 16] = *address.get(8..)?.first_chunk()?;
            Some(IpAddr::V6(Ipv6Addr::from(octets)))
        }
        _ => None,
    }
}

/// Bytes of the header of an echo message.
pub const ECHO_BYTES: usize = 8;
const ECHO: u8 = 8;
const ECHO_REPLY: u8 = 0;
const ECHO6: u8 = 128;
const ECHO_REPLY6: u8 = 129;

/// Encodes an echo request with its checksum (of `ICMPv6` the kernel makes it) and `payload` bytes.
pub fn encode_echo(ipv6: bool, id: u16, sequence: u16, payload: usize) -> Vec<u8> {
    let mut bytes = vec![if ipv6 { ECHO6 } else { ECHO }, 0, 0, 0];
    bytes.extend(id.to_be_bytes());
    bytes.extend(sequence.to_be_bytes());
    bytes.resize(ECHO_BYTES + payload, 0x70);
    if !ipv6 {
        let sum = checksum(&bytes).to_be_bytes();
        if let Some(slot) = bytes.get_mut(2..4) {
            slot.copy_from_slice(&sum);
        }
    }
    bytes
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum = 0_u32;
    for pair in bytes.chunks(2) {
        let word = match *pair {
            [high, low] => u16::from_be_bytes([high, low]),
            [high] => u16::from_be_bytes([high, 0]),
            _ => 0,
        };
        sum = sum.wrapping_add(word.into());
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

/// An echo message that came back: a reply, or the request inside an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo {
    /// Whether it is a reply.
    pub is_reply: bool,
    /// Its identifier.
    pub id: u16,
    /// Its number.
    pub sequence: u16,
}

/// Decodes an echo message; `None` for any other.
pub fn decode_echo(bytes: &[u8]) -> Option<Echo> {
    let &[kind, _, _, _, a, b, c, d] = bytes.first_chunk()?;
    let is_reply = match kind {
        ECHO | ECHO6 => false,
        ECHO_REPLY | ECHO_REPLY6 => true,
        _ => return None,
    };
    Some(Echo {
        is_reply,
        id: u16::from_be_bytes([a, b]),
        sequence: u16::from_be_bytes([c, d]),
    })
}

/// Gives what is behind the IPv4 header that a raw socket shows.
pub fn behind_ipv4_header(packet: &[u8]) -> Option<&[u8]> {
    let words = usize::from(packet.first()? & 0x0f);
    packet.get(words * 4..)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The control messages of a UDP probe with TTL 1 on Linux 6.18, as strace shows them.
    fn time_exceeded() -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(20_u64.to_ne_bytes());
        bytes.extend([0_u32.to_ne_bytes(), 2_u32.to_ne_bytes()].concat());
        bytes.extend(64_u32.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(48_u64.to_ne_bytes());
        bytes.extend([0_u32.to_ne_bytes(), 11_u32.to_ne_bytes()].concat());
        bytes.extend(113_u32.to_ne_bytes());
        bytes.extend([2, 11, 0, 0]);
        bytes.extend([0; 8]);
        bytes.extend([2, 0, 0, 0, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(32_u64.to_ne_bytes());
        bytes.extend([1_u32.to_ne_bytes(), 35_u32.to_ne_bytes()].concat());
        bytes.extend([1_700_000_000_u64.to_ne_bytes(), 5_u64.to_ne_bytes()].concat());
        bytes
    }

    #[test]
    fn an_error_says_who_and_what() {
        let control = decode_control(&time_exceeded());
        assert_eq!(control.ttl, Some(64));
        assert_eq!(control.received, Some(Duration::new(1_700_000_000, 5)));
        let error = control.error.expect("there is one");
        assert_eq!(
            (error.kind, error.code, error.origin),
            (11, 0, Origin::Icmp)
        );
        assert_eq!(error.offender, Some(IpAddr::from([10, 0, 0, 2])));
    }

    #[test]
    fn every_shorter_control_is_less_and_no_panic() {
        let bytes = time_exceeded();
        for len in 0..bytes.len() {
            decode_control(&bytes[..len]);
        }
        assert_eq!(decode_control(&bytes[..24]).error, None);
        assert_eq!(decode_control(&[0; 64]), Control::default());
        assert_eq!(decode_control(&[0xff; 64]), Control::default());
    }

    #[test]
    fn an_echo_comes_back_as_it_went_and_its_checksum_is_right() {
        for payload in [0, 1, 56, 1472] {
            let bytes = encode_echo(false, 0x1234, 7, payload);
            assert_eq!(checksum(&bytes), 0, "{payload}");
            let echo = decode_echo(&bytes).expect("it is one");
            assert_eq!((echo.id, echo.sequence, echo.is_reply), (0x1234, 7, false));
        }
        assert_eq!(
            decode_echo(&encode_echo(true, 1, 2, 0)).map(|e| e.sequence),
            Some(2)
        );
        assert_eq!(decode_echo(&[3, 3, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(behind_ipv4_header(&[0x45; 21]), Some(&[0x45][..]));
        assert_eq!(behind_ipv4_header(&[0x4f; 21]), None);
    }
}
