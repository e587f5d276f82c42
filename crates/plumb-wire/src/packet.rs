//! Packets that tell of trouble, from their IP header on: TCP SYN and RST, ICMP errors (RFC 791, 792,
//! 4443, 8200, 9293).
//!
//! Extension headers of IPv6 are not followed: what stands behind one is not told. Fragments but the
//! first have no transport header and are not told either.

mod selective_ack;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use plumb_model::notice::What;

pub use self::selective_ack::{GapTold, decode_gap, is_after};

/// `IPPROTO_ICMP`.
const ICMP: u8 = 1;
/// `IPPROTO_TCP`.
const TCP: u8 = 6;
/// `IPPROTO_UDP`.
const UDP: u8 = 17;
/// `IPPROTO_ICMPV6`.
const ICMPV6: u8 = 58;
/// Bytes of a UDP header, and the port of name servers.
const UDP_BYTES: usize = 8;
const NAMES: u16 = 53;
/// TCP flags.
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// What a packet says, and about which flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// What it says.
    pub what: What,
    /// Protocol of the flow.
    pub protocol: u8,
    /// Sender of the flow's packet: of an ICMP error that of the packet inside, which is who is told.
    pub from: SocketAddr,
    /// Its destination.
    pub to: SocketAddr,
    /// The flow's packet stands inside an error: its sender is who got the error.
    pub is_inside: bool,
    /// The numbers of a TCP segment; `None` for everything else.
    pub numbers: Option<Numbers>,
}

/// How far both sides of a TCP connection had come when a segment was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// The sequence number.
    pub sequence: u32,
    /// The acknowledgement number, if the segment has one (ACK).
    pub acknowledged: Option<u32>,
}

/// What a packet of the domain name system says (RFC 1035 4.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamePacket {
    /// Who asks.
    pub client: SocketAddr,
    /// Who is asked.
    pub server: SocketAddr,
    /// Number of the question.
    pub id: u16,
    /// The answer's code (`RCODE`); `None` for a question.
    pub answer: Option<u8>,
}

/// `OPCODE` in the third byte of the header; in the fourth what is left of `Z` (RFC 2535 6.1), and `RCODE`.
const OPERATION: u8 = 0x78;
const RESERVED: u8 = 0x40;
const RESULT: u8 = 0x0f;

/// Decodes a question or an answer over UDP port 53; `None` for everything else, other uses of the port included: the
/// operation of both is 0 (QUERY), the bit between the flags is 0, a question has no result and is one at least.
pub fn decode_name_packet(packet: &[u8]) -> Option<NamePacket> {
    let ip = Ip::decode(packet).filter(|ip| ip.protocol == UDP)?;
    let (from, to) = ip.ends()?;
    let header = ip.payload.get(UDP_BYTES..)?.first_chunk::<6>()?;
    let is_answer = header[2] & 0x80 != 0;
    let is_query = header[2] & OPERATION == 0 && header[3] & RESERVED == 0;
    let asks = header[3] & RESULT == 0 && header[4..6] != [0, 0];
    if !(is_query && (is_answer || asks)) {
        return None;
    }
    let (client, server) = if is_answer { (to, from) } else { (from, to) };
    (server.port() == NAMES).then_some(NamePacket {
        client,
        server,
        id: u16::from_be_bytes([header[0], header[1]]),
        answer: is_answer.then_some(header[3] & RESULT),
    })
}

/// Decodes a packet; `None` when it tells nothing of interest or is cut short.
pub fn decode_packet(packet: &[u8]) -> Option<Told> {
    let ip = Ip::decode(packet)?;
    match ip.protocol {
        TCP => tcp(&ip),
        ICMP => icmp(&ip),
        ICMPV6 => icmpv6(&ip),
        UDP => multicast(&ip),
        _ => None,
    }
}

/// An IP packet, taken apart.
struct Ip<'a> {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    payload: &'a [u8],
}

impl<'a> Ip<'a> {
    fn decode(packet: &'a [u8]) -> Option<Self> {
        match packet.first()? >> 4 {
            4 => Self::decode_v4(packet),
            6 => Self::decode_v6(packet),
            _ => None,
        }
    }

    fn decode_v4(packet: &'a [u8]) -> Option<Self> {
        let header = packet.first_chunk::<20>()?;
        let length = usize::from(header[0] & 0x0f) * 4;
        let offset = u16::from_be_bytes([header[6], header[7]]) & 0x1fff;
        if length < 20 || offset != 0 {
            return None;
        }
        let address = |at: usize| {
            let octets: [u8; 4] = *packet.get(at..)?.first_chunk()?;
            Some(IpAddr::V4(Ipv4Addr::from(octets)))
        };
        Some(Self {
            source: address(12)?,
            destination: address(16)?,
            protocol: header[9],
            payload: packet.get(length..)?,
        })
    }

    fn decode_v6(packet: &'a [u8]) -> Option<Self> {
        let address = |at: usize| {
            let octets: [u8; 16] = *packet.get(at..)?.first_chunk()?;
            Some(IpAddr::V6(Ipv6Addr::from(octets)))
        };
        Some(Self {
            source: address(8)?,
            destination: address(24)?,
            protocol: *packet.get(6)?,
            payload: packet.get(40..)?,
        })
    }

    /// Gives the ends of a TCP or UDP packet; other protocols have port 0.
    fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        let (from, to) = if matches!(self.protocol, TCP | UDP) {
            let [a, b, c, d] = *self.payload.first_chunk::<4>()?;
            (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
        } else {
            (0, 0)
        };
        Some((
            SocketAddr::new(self.source, from),
            SocketAddr::new(self.destination, to),
        ))
    }
}

fn tcp(ip: &Ip<'_>) -> Option<Told> {
    let (from, to) = ip.ends()?;
    let flags = *ip.payload.get(13)?;
    let sequence = number(ip.payload, 4)?;
    let acknowledged = number(ip.payload, 8).filter(|_| flags & ACK != 0);
    let what = match (flags & RST != 0, flags & SYN != 0, flags & ACK != 0) {
        (true, _, true) if sequence == 0 => What::Refusal,
        (true, ..) => What::Reset,
        (false, true, true) => What::SynAck,
        (false, true, false) => What::Syn,
        (false, false, _) => return None,
    };
    Some(Told {
        what,
        protocol: TCP,
        from,
        to,
        is_inside: false,
        numbers: Some(Numbers {
            sequence,
            acknowledged,
        }),
    })
}

fn number(segment: &[u8], at: usize) -> Option<u32> {
    segment
        .get(at..)?
        .first_chunk()
        .copied()
        .map(u32::from_be_bytes)
}

fn multicast(ip: &Ip<'_>) -> Option<Told> {
    let (from, to) = ip.ends()?;
    let of_the_link = match to.ip() {
        IpAddr::V4(group) => matches!(group.octets(), [224, 0, 0, _] | [239, 255, 255, 250]),
        IpAddr::V6(group) => is_of_the_link(group),
    };
    (to.ip().is_multicast() && !of_the_link).then_some(Told {
        what: What::Multicast,
        protocol: UDP,
        from,
        to,
        is_inside: false,
        numbers: None,
    })
}

/// Says whether a group is of the interface alone, or assigned to what announces itself on a link (IANA, "IPv6 Multicast
/// Address Space", link-local and variable scope). Any other group of a link is a program's own.
fn is_of_the_link(group: Ipv6Addr) -> bool {
    match group.segments() {
        [0xff02, 0, 0, 0, 0, 0, 0, last] => {
            matches!(last, 0..=0x1f | 0x6a..=0x6f | 0xfb..=0x2ff)
        }
        [0xff01 | 0xff02, ..] => true,
        _ => false,
    }
}

fn icmp(ip: &Ip<'_>) -> Option<Told> {
    let [kind, code, _, _, _, _, high, low] = *ip.payload.first_chunk::<8>()?;
    let by = ip.source;
    let what = match (kind, code) {
        (3, 4) => What::TooBig {
            mtu_bytes: u16::from_be_bytes([high, low]).into(),
            by,
        },
        (3, code) => What::Unreachable { code, by },
        (11, code) => What::TimeExceeded { code, by },
        _ => return None,
    };
    inside(ip, what)
}

fn icmpv6(ip: &Ip<'_>) -> Option<Told> {
    let [kind, code, _, _, a, b, c, d] = *ip.payload.first_chunk::<8>()?;
    let by = ip.source;
    let what = match kind {
        1 => What::Unreachable { code, by },
        2 => What::TooBig {
            mtu_bytes: u32::from_be_bytes([a, b, c, d]),
            by,
        },
        3 => What::TimeExceeded { code, by },
        _ => return None,
    };
    inside(ip, what)
}

/// Reads the packet that an ICMP error is about.
fn inside(ip: &Ip<'_>, what: What) -> Option<Told> {
    let inner = Ip::decode(ip.payload.get(8..)?)?;
    let (from, to) = inner.ends()?;
    Some(Told {
        what,
        protocol: inner.protocol,
        from,
        to,
        is_inside: true,
        numbers: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An IPv4 header of ours: 10.0.0.1 to 10.0.0.2.
    fn v4(protocol: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0];
        packet.extend([10, 0, 0, 1, 10, 0, 0, 2]);
        packet.extend(payload);
        packet
    }

    fn tcp_segment(flags: u8, sequence: u32) -> Vec<u8> {
        let mut segment = vec![0x9c, 0x40, 0, 80];
        segment.extend(sequence.to_be_bytes());
        segment.extend([0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0]);
        segment
    }

    #[test]
    fn tcp_packets_tell_what_they_are() {
        let what = |flags, sequence| {
            decode_packet(&v4(6, &tcp_segment(flags, sequence))).map(|told| told.what)
        };
        assert_eq!(what(SYN, 7), Some(What::Syn));
        assert_eq!(what(SYN | ACK, 7), Some(What::SynAck));
        assert_eq!(what(RST | ACK, 0), Some(What::Refusal));
        assert_eq!(what(RST | ACK, 7), Some(What::Reset));
        assert_eq!(what(RST, 0), Some(What::Reset));
        assert_eq!(what(ACK, 7), None);
        let numbers = |flags| {
            let told = decode_packet(&v4(6, &tcp_segment(flags, 7)))?.numbers?;
            Some((told.sequence, told.acknowledged))
        };
        assert_eq!(numbers(SYN), Some((7, None)));
        assert_eq!(numbers(SYN | ACK), Some((7, Some(0))));
    }

    #[test]
    fn datagrams_for_a_group_of_a_program_on_the_link_are_told_and_announcements_are_not() {
        let told = |group: &str| {
            let group: Ipv6Addr = group.parse().expect("an address");
            let mut packet = vec![0x60, 0, 0, 0, 0, 8, UDP, 1];
            packet.extend(Ipv6Addr::LOCALHOST.octets());
            packet.extend(group.octets());
            packet.extend([0x9c, 0x40, 0x13, 0x8f, 0, 8, 0, 0]);
            decode_packet(&packet).map(|told| told.what)
        };
        let groups = ["ff02::77", "ff05::77", "ff12::1"];
        assert_eq!(groups.map(told), [Some(What::Multicast); 3]);
        // MLD, RIPng, mDNS, NTP, DHCP, LLMNR, neighbours.
        let links = [
            "ff02::16",
            "ff02::9",
            "ff02::fb",
            "ff02::101",
            "ff02::1:2",
            "ff02::1:3",
            "ff02::1:ff00:1",
            "ff01::77",
        ];
        assert_eq!(links.map(told), [None; 8]);
    }

    #[test]
    fn an_error_is_about_the_packet_inside() {
        let inner = v4(17, &[0x9c, 0x40, 0, 53, 0, 8, 0, 0]);
        let mut error = vec![3, 3, 0, 0, 0, 0, 0, 0];
        error.extend(&inner);
        let told = decode_packet(&v4(1, &error)).expect("a whole error");
        let by = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(told.what, What::Unreachable { code: 3, by });
        assert_eq!((told.protocol, told.to.port()), (17, 53));
        assert!(told.is_inside);
        error[1] = 4;
        error[6..8].copy_from_slice(&1400_u16.to_be_bytes());
        let told = decode_packet(&v4(1, &error)).expect("a whole error");
        let mtu_bytes = 1400;
        assert_eq!(told.what, What::TooBig { mtu_bytes, by });
    }

    #[test]
    fn questions_and_answers_of_names_have_their_number() {
        let datagram = |from: u16, to: u16, flags: [u8; 2]| {
            let mut bytes = [from.to_be_bytes(), to.to_be_bytes()].concat();
            bytes.extend([0, 20, 0, 0, 0x12, 0x34]);
            bytes.extend(flags);
            // One question.
            bytes.extend([0, 1, 0, 0, 0, 0, 0, 0]);
            v4(UDP, &bytes)
        };
        let question = decode_name_packet(&datagram(4000, 53, [1, 0])).expect("a question");
        assert_eq!((question.id, question.answer), (0x1234, None));
        let answer = decode_name_packet(&datagram(53, 4000, [0x81, 0x82])).expect("an answer");
        assert_eq!((answer.id, answer.answer), (0x1234, Some(2)));
        assert_eq!(answer.server.port(), 53);
        assert_eq!(decode_name_packet(&datagram(4000, 5353, [1, 0])), None);
    }

    #[test]
    fn datagrams_to_port_53_that_are_no_questions_are_not_taken_for_them() {
        let datagram = |text: u8| {
            let mut bytes = [4000_u16.to_be_bytes(), 53_u16.to_be_bytes()].concat();
            bytes.extend([0, 20, 0, 0]);
            bytes.extend([text; 12]);
            decode_name_packet(&v4(UDP, &bytes))
        };
        assert_eq!([0, b'x', b'@', 0xff].map(datagram), [None; 4]);
    }

    #[test]
    fn every_cut_is_survived() {
        let mut packet = v4(6, &tcp_segment(SYN, 1));
        while packet.pop().is_some() {
            assert_eq!(decode_packet(&packet).is_some(), packet.len() >= 34);
        }
    }
}
