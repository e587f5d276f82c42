//! Rows of `/proc/net/{tcp,tcp6,udp,udp6,udplite,udplite6,raw,raw6}`.
//!
//! All eight files share one shape: slot, local and remote `ADDRESS:PORT` in hexadecimal of the
//! host's byte order, state, queues, timer, uid, inode. The caller skips each file's first line.
//! The running original decides what a damaged row means: fields that are missing behind the ones
//! it insists on are those of the row before. Kernels print them all, so this matters to files
//! that are no kernel's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use plumb_model::socket::{Endpoint, InetProtocol, InetSocket, IpVersion, SocketState, Timer};
use plumb_model::{Inode, Known, Port, Reason, Uid};

use crate::scan::{Scanner, low32};

/// Longest run of hexadecimal digits taken as an address.
const ADDRESS_DIGITS: usize = 64;
/// An address with more digits than this is IPv6.
const IPV4_DIGITS: usize = 8;

/// Decodes the rows of one file, in order.
#[derive(Debug, Clone)]
pub struct InetRows {
    protocol: InetProtocol,
    last: Tail,
    octets: [u8; 16],
}

/// The fields behind the timer, of which a short row may lack the last ones.
#[derive(Debug, Clone, Default)]
struct Tail {
    retransmits: u64,
    uid: u32,
    probes: i64,
    inode: u64,
}

impl InetRows {
    /// Starts a file of one protocol.
    pub fn new(protocol: InetProtocol) -> Self {
        Self {
            protocol,
            last: Tail::default(),
            octets: [0; 16],
        }
    }

    /// Decodes one row; `None` when it has too few fields to be one (11 for TCP, 10 for the
    /// others).
    pub fn decode(&mut self, line: &[u8]) -> Option<InetSocket> {
        let mut scanner = Scanner::new(line);
        scanner.decimal()?;
        scanner.literal(b':')?;
        scanner.skip_space();
        let local = scan_endpoint(&mut scanner)?;
        scanner.skip_space();
        let peer = scan_endpoint(&mut scanner)?;
        let state = SocketState(low32(scanner.hex()?));
        let send_q = scanner.hex()?;
        scanner.literal(b':')?;
        let recv_q = scanner.hex()?;
        let code = low32(scanner.hex()?);
        scanner.literal(b':')?;
        let expires_ticks = scanner.hex()?;
        let complete = self.last.scan(&mut scanner);
        if self.protocol == InetProtocol::Tcp && !complete {
            return None;
        }
        // The local address alone says which version the row is of.
        let version = if local.digits.len() > IPV4_DIGITS {
            IpVersion::V6
        } else {
            IpVersion::V4
        };
        Some(InetSocket {
            local: self.endpoint(version, &local),
            peer: self.endpoint(version, &peer),
            state,
            recv_q,
            send_q,
            timer: Timer {
                code,
                expires_ticks,
                retransmits: self.last.retransmits,
                probes: self.last.probes,
            },
            raw_uid: Uid(self.last.uid),
            raw_inode: Inode(self.last.inode),
            cookie: Known::Unknown(Reason::NotInSource),
        })
    }

    fn endpoint(&mut self, version: IpVersion, text: &EndpointText<'_>) -> Endpoint {
        let addr = match version {
            IpVersion::V4 => IpAddr::V4(decode_ipv4(text.digits)),
            IpVersion::V6 => IpAddr::V6(self.decode_ipv6(text.digits)),
        };
        Endpoint {
            addr,
            port: text.port,
        }
    }

    /// Decodes the digits of an IPv6 address: four 32-bit words in the host's byte order. Words
    /// that are missing are those of the address before.
    fn decode_ipv6(&mut self, digits: &[u8]) -> Ipv6Addr {
        for (word, octets) in digits.chunks(8).zip(self.octets.chunks_exact_mut(4)) {
            octets.copy_from_slice(&decode_word(word).to_ne_bytes());
        }
        Ipv6Addr::from(self.octets)
    }
}

impl Tail {
    /// Reads as many fields as there are; says whether the first of them was there.
    fn scan(&mut self, scanner: &mut Scanner<'_>) -> bool {
        let Some(retransmits) = scanner.hex() else {
            return false;
        };
        self.retransmits = retransmits;
        // Each field counts only behind the one before it.
        let _ = self.scan_rest(scanner);
        true
    }

    fn scan_rest(&mut self, scanner: &mut Scanner<'_>) -> Option<()> {
        self.uid = low32(scanner.decimal()?);
        self.probes = i64::from(low32(scanner.decimal()?).cast_signed());
        self.inode = scanner.decimal()?;
        Some(())
    }
}

/// The digits and the port of one end.
struct EndpointText<'a> {
    digits: &'a [u8],
    port: Port,
}

fn scan_endpoint<'a>(scanner: &mut Scanner<'a>) -> Option<EndpointText<'a>> {
    let digits = scanner.hex_digits(ADDRESS_DIGITS)?;
    scanner.literal(b':')?;
    let port = Port(low32(scanner.hex()?));
    Some(EndpointText { digits, port })
}

fn decode_ipv4(digits: &[u8]) -> Ipv4Addr {
    Ipv4Addr::from(decode_word(digits).to_ne_bytes())
}

fn decode_word(digits: &[u8]) -> u32 {
    low32(Scanner::new(digits).hex().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Written by hand in the kernel's format; captures of a kernel are in tests/golden.
    const LISTEN: &[u8] = b"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 12345 1 0000000000000000 100 0 0 10 0\n";
    const MAPPED: &[u8] = b"   1: 0000000000000000FFFF00000100007F:0050 0000000000000000FFFF00000100007F:C350 01 00000007:000003E8 01:0000007B 00000001     0        2 678 1 0 20 4 30 10 -1\n";

    #[test]
    fn a_listener_reads_its_backlog_uid_and_inode() {
        let row = InetRows::new(InetProtocol::Tcp)
            .decode(LISTEN)
            .expect("a kernel row decodes");
        assert_eq!(row.local.addr, IpAddr::from([127, 0, 0, 1]));
        assert_eq!(row.local.port, Port(8080));
        assert_eq!(row.state, SocketState::LISTEN);
        assert_eq!((row.recv_q, row.send_q), (3, 0));
        assert_eq!((row.raw_uid, row.raw_inode), (Uid(1000), Inode(12345)));
    }

    #[test]
    fn a_mapped_connection_keeps_its_ipv6_form_and_timer() {
        let row = InetRows::new(InetProtocol::Tcp)
            .decode(MAPPED)
            .expect("a kernel row decodes");
        assert_eq!(row.local.addr.to_string(), "::ffff:127.0.0.1");
        assert_eq!((row.send_q, row.recv_q), (7, 1000));
        assert_eq!(
            row.timer,
            Timer {
                code: 1,
                expires_ticks: 0x7b,
                retransmits: 1,
                probes: 2
            }
        );
    }

    #[test]
    fn tcp_needs_eleven_fields_and_udp_ten() {
        let ten = b"0: 00000000:0001 00000000:0002 07 0:0 00:0";
        assert!(InetRows::new(InetProtocol::Tcp).decode(ten).is_none());
        assert!(InetRows::new(InetProtocol::Udp).decode(ten).is_some());
        let nine = b"0: 00000000:0001 00000000:0002 07 0:0 00:";
        assert!(InetRows::new(InetProtocol::Udp).decode(nine).is_none());
    }

    #[test]
    fn a_short_row_is_completed_by_the_row_before() {
        let mut rows = InetRows::new(InetProtocol::Tcp);
        rows.decode(LISTEN).expect("a kernel row decodes");
        let short = b"1: 00000000:0001 00000000:0002 01 0:0 00:0 5 77";
        let row = rows.decode(short).expect("eleven fields are a row");
        assert_eq!((row.raw_uid, row.raw_inode), (Uid(77), Inode(12345)));
        assert_eq!(row.timer.retransmits, 5);
    }
}
