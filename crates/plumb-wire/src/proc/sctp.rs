//! `/proc/net/sctp/eps` and `/proc/net/sctp/assocs`: one line each to one value.
//!
//! Fields are words; numbers are read leniently (`atoi`), addresses the way `inet_addr` reads
//! them, because that is what decides which odd lines netstat shows. Both files start with a line
//! of heads, which the caller drops. Minimum kernel version: 2.6; without the sctp module the
//! files do not exist.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use plumb_model::sctp::{SctpKind, SctpSocket};
use plumb_model::socket::SocketState;
use plumb_model::{Inode, Port, Uid};

use crate::scan::{Scanner, low32};

/// Decodes a line of `eps`; `None` when it has fewer than 8 words.
pub fn decode_endpoint(line: &[u8]) -> Option<SctpSocket> {
    let mut words = Words::new(line);
    let [_, _, _, state, _, port, uid, inode] = words.take()?;
    Some(SctpSocket {
        kind: SctpKind::Endpoint,
        local: addresses(words.chunk(b"\t\n"), Star::Kept),
        peer: Vec::new(),
        local_port: decode_port(port),
        peer_port: Port(0),
        state: SocketState(number(state)),
        recv_q: 0,
        send_q: 0,
        raw_uid: Uid(number(uid)),
        raw_inode: Inode(any_base(inode)),
    })
}

/// Decodes a line of `assocs`; `None` when it has fewer than 13 words or no second set of
/// addresses behind `<->`.
pub fn decode_association(line: &[u8]) -> Option<SctpSocket> {
    let mut words = Words::new(line);
    let [
        _,
        _,
        _,
        state,
        _,
        _,
        _,
        send_q,
        recv_q,
        uid,
        inode,
        local_port,
        peer_port,
    ] = words.take()?;
    let local = words.chunk(b"<->\t\n");
    let peer = Some(words.chunk(b"<->\t\n")).filter(|chunk| !chunk.is_empty())?;
    Some(SctpSocket {
        kind: SctpKind::Association,
        local: addresses(local, Star::Removed),
        peer: addresses(peer, Star::Removed),
        local_port: decode_port(local_port),
        peer_port: decode_port(peer_port),
        state: SocketState(number(state)),
        recv_q: number(recv_q),
        send_q: number(send_q),
        raw_uid: Uid(number(uid)),
        raw_inode: Inode(any_base(inode)),
    })
}

/// A line cut up the way `strtok` does it.
struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Words<'a> {
    fn new(line: &'a [u8]) -> Self {
        Self {
            rest: Scanner::new(line).rest(),
        }
    }

    /// Skips leading separators, gives what stands before the next one and drops that one.
    fn chunk(&mut self, separators: &[u8]) -> &'a [u8] {
        let is_separator = |b: &u8| separators.contains(b);
        let start = self.rest.iter().position(|b| !is_separator(b));
        let rest = self
            .rest
            .get(start.unwrap_or(self.rest.len())..)
            .unwrap_or(&[]);
        let end = rest.iter().position(is_separator).unwrap_or(rest.len());
        self.rest = rest.get(end + 1..).unwrap_or(&[]);
        rest.get(..end).unwrap_or(rest)
    }

    fn take<const N: usize>(&mut self) -> Option<[&'a [u8]; N]> {
        let words = [(); N].map(|()| self.chunk(b" \t\n"));
        words.iter().all(|word| !word.is_empty()).then_some(words)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Star {
    Kept,
    Removed,
}

/// Decodes addresses separated by blanks; the `*` of a primary address is dropped where one can be.
fn addresses(chunk: &[u8], star: Star) -> Vec<IpAddr> {
    chunk
        .split(|&b| b == b' ' || b == b'\n')
        .filter(|word| !word.is_empty())
        .map(|word| match word.strip_prefix(b"*") {
            Some(plain) if star == Star::Removed => address(plain),
            _ => address(word),
        })
        .collect()
}

/// Text that is no IPv4 address becomes 255.255.255.255, which is what `inet_addr` answers.
fn address(word: &[u8]) -> IpAddr {
    if word.contains(&b':') {
        return IpAddr::V6(ipv6_groups(word).unwrap_or_else(|| other_ipv6(word)));
    }
    IpAddr::V4(inet_addr(word).map_or(Ipv4Addr::BROADCAST, Ipv4Addr::from))
}

/// The kernel prints eight groups of four digits.
fn ipv6_groups(word: &[u8]) -> Option<Ipv6Addr> {
    let mut groups = [0; 8];
    let mut rest = word;
    for (index, group) in groups.iter_mut().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix(b":")?;
        }
        let mut scanner = Scanner::new(rest.get(..4).unwrap_or(rest));
        let window = scanner.rest().len();
        *group = u16::try_from(scanner.hex()? & 0xffff).unwrap_or(0);
        rest = rest.get(window - scanner.rest().len()..)?;
    }
    Some(Ipv6Addr::from(groups))
}

fn other_ipv6(word: &[u8]) -> Ipv6Addr {
    std::str::from_utf8(word)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(Ipv6Addr::UNSPECIFIED)
}

/// Reads one to four numbers, decimal, octal or hexadecimal, the last one filling the rest.
fn inet_addr(word: &[u8]) -> Option<u32> {
    let mut rest = word;
    let mut value: u32 = 0;
    for part in 0..4_u32 {
        let (number, after) = c_number(rest)?;
        let last = after.first() != Some(&b'.');
        let limit = if last {
            u64::from(u32::MAX) >> (8 * part)
        } else {
            0xff
        };
        if number > limit {
            return None;
        }
        let number = low32(number);
        if last {
            let ends = after
                .first()
                .is_none_or(|&b| matches!(b, b' ' | 0x09..=0x0d));
            return ends.then_some(value | number);
        }
        value |= number << (24 - 8 * part);
        rest = after.get(1..)?;
    }
    None
}

/// `strtoul` with base 0 on text that starts with a digit: the value and what follows.
fn c_number(text: &[u8]) -> Option<(u64, &[u8])> {
    text.first().filter(|b| b.is_ascii_digit())?;
    let hexadecimal = matches!(text, [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit());
    let (digits, radix) = match text {
        _ if hexadecimal => (text.get(2..)?, 16),
        [b'0', ..] => (text, 8),
        _ => (text, 10),
    };
    let mut value: u64 = 0;
    let mut used = 0;
    while let Some(digit) = digits
        .get(used)
        .and_then(|&b| char::from(b).to_digit(radix))
    {
        value = value
            .saturating_mul(u64::from(radix))
            .saturating_add(u64::from(digit));
        used += 1;
    }
    Some((value, digits.get(used..)?))
}

/// `atoi`: 0 where no digits stand.
fn number(word: &[u8]) -> u32 {
    low32(Scanner::new(word).signed().unwrap_or(0).cast_unsigned())
}

fn decode_port(word: &[u8]) -> Port {
    Port(number(word) & 0xffff)
}

/// `strtoul` with base 0, sign included.
fn any_base(word: &[u8]) -> u64 {
    let (negative, digits) = match word {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, word),
    };
    let value = c_number(digits).map_or(0, |(value, _)| value);
    if negative && value != u64::MAX {
        value.wrapping_neg()
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(line: &[u8]) -> Vec<String> {
        let socket = decode_endpoint(line);
        socket.map_or(Vec::new(), |s| {
            s.local.iter().map(ToString::to_string).collect()
        })
    }

    #[test]
    fn an_endpoint_line_of_the_kernel_is_read() {
        let line = b"0000000000000000 0000000000000000 2   10  35   1234   1000 54321 10.0.0.1 \
            2001:0db8:0000:0000:0000:0000:0000:0001 \n";
        let socket = decode_endpoint(line).expect("the line is whole");
        assert_eq!(socket.state, SocketState::LISTEN);
        assert_eq!(socket.local_port, Port(1234));
        assert_eq!(
            (socket.raw_uid, socket.raw_inode),
            (Uid(1000), Inode(54321))
        );
        assert_eq!(local(line), ["10.0.0.1", "2001:db8::1"]);
    }

    #[test]
    fn an_association_keeps_pairs_and_loses_stars() {
        let line = b"d c 2 1 4 35 7 17 18 1000 54321 1234 4321 10.0.0.1 *10.0.0.2 <-> \
            *10.1.1.1 10.1.1.2 \t    7500     1\n";
        let socket = decode_association(line).expect("the line is whole");
        assert_eq!((socket.send_q, socket.recv_q), (17, 18));
        assert_eq!(socket.state, SocketState::ESTABLISHED);
        assert_eq!(
            socket.local,
            [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])]
        );
        assert_eq!(
            socket.peer,
            [IpAddr::from([10, 1, 1, 1]), IpAddr::from([10, 1, 1, 2])]
        );
    }

    #[test]
    fn short_lines_are_refused() {
        assert_eq!(decode_endpoint(b"1 2 3 4 5 6 7\n"), None);
        assert_eq!(decode_association(b"1 2 3 4 5 6 7 8 9 10 11 12 13\n"), None);
        assert_eq!(
            decode_association(b"1 2 3 4 5 6 7 8 9 10 11 12 13 1.1.1.1\n"),
            None
        );
        assert_eq!(
            decode_association(b"1 2 3\0 4 5 6 7 8 9 10 11 12 13 1 <-> 2\n"),
            None
        );
    }

    #[test]
    fn addresses_follow_inet_addr() {
        let line = b"1 2 3 4 5 6 7 8 1.2.3 010 0x1A 08 1.2.3.256 1.2.65535 z 4294967296";
        assert_eq!(
            local(line),
            [
                "1.2.0.3",
                "0.0.0.8",
                "0.0.0.26",
                "255.255.255.255",
                "255.255.255.255",
                "1.2.255.255",
                "255.255.255.255",
                "255.255.255.255"
            ]
        );
    }

    #[test]
    fn inodes_may_be_written_in_any_base() {
        assert_eq!(any_base(b"0x1A"), 26);
        assert_eq!(any_base(b"010"), 8);
        assert_eq!(any_base(b"-3"), u64::MAX - 2);
        assert_eq!(any_base(b"99999999999999999999999"), u64::MAX);
        assert_eq!(any_base(b"z"), 0);
    }
}
