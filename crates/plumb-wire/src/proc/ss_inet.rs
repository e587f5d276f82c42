//! Rows of `/proc/net/{tcp,tcp6,udp,udp6,raw,raw6}`, as the original ss reads them.
//!
//! It is not netstat's reading ([`super::inet`]): the line is cut at fixed distances from its first
//! three colons, the file says which IP version it is of, numbers are 32 bits wide, and what a short
//! line lacks is 0. A line without its end within 255 bytes, or with too few colons, ends the table.
//! Queues, timers and the rest are kept in the model of sock_diag.

use plumb_model::diag::inet::{
    AF_INET, AF_INET6, DiagEndpoint, DiagTimer, Extensions, InetDiag, ProcDetails, ProcTcp,
    Protocol,
};
use plumb_model::socket::IpVersion;

use crate::scan::{Scanner, low32};

/// Most bytes of a line, its end included.
const LINE_BYTES: usize = 255;
/// Bytes from a colon to where the next field begins: the port has four digits.
const PORT_BYTES: usize = 5;
/// The timer that counts retransmissions; all others count probes.
const RETRANSMIT_TIMER: u32 = 1;
/// Clock ticks in a second (USER_HZ).
const TICKS_PER_SECOND: u32 = 100;

/// A row, and the state the original judges it by.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcRow<'a> {
    /// The row.
    pub row: InetDiag<'a>,
    /// Number of the state for selecting (0 to 31): made of one character of the line, and so
    /// another than the row's own where the line is damaged.
    pub selected_as: u32,
}

/// The rows of one file, in order, up to the first line that ends the table.
#[derive(Debug, Clone)]
pub struct InetLines<'a> {
    rest: &'a [u8],
    is_cut: bool,
    protocol: Protocol,
    version: IpVersion,
}

impl<'a> InetLines<'a> {
    /// Starts a file; its first line is a header.
    pub fn new(file: &'a [u8], protocol: Protocol, version: IpVersion) -> Self {
        let mut lines = Self {
            rest: file,
            is_cut: false,
            protocol,
            version,
        };
        if lines.line().is_none() {
            lines.rest = &[];
        }
        lines
    }

    /// Says whether a line without its end ended the table: then the original reads no other file
    /// of the protocol.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    fn line(&mut self) -> Option<&'a [u8]> {
        let end = self
            .rest
            .iter()
            .take(LINE_BYTES)
            .position(|&b| b == b'\n')?;
        let (line, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(1..).unwrap_or(&[]);
        Some(line)
    }

    fn row(&self, line: &'a [u8]) -> Option<ProcRow<'a>> {
        let (_, line) = cut_behind_colon(line, 2)?;
        let (local, line) = cut_behind_colon(line, PORT_BYTES + 1)?;
        let (peer, tail) = cut_behind_colon(line, PORT_BYTES + 1)?;
        let family = match self.version {
            IpVersion::V4 => AF_INET,
            IpVersion::V6 => AF_INET6,
        };
        let mut row = InetDiag {
            protocol: self.protocol,
            family,
            state: 0,
            timer: DiagTimer::default(),
            local: self.endpoint(local),
            peer: self.endpoint(peer),
            interface: 0,
            cookie: 0,
            recv_q: 0,
            send_q: 0,
            uid: 0,
            inode: 0,
            extensions: Extensions::default(),
            trailing: None,
            from_proc: None,
        };
        let mut details = ProcDetails::default();
        // Each field counts only behind the one before it.
        let _ = scan_tail(Scanner::new(tail), &mut row, &mut details);
        row.from_proc = Some(details);
        Some(ProcRow {
            row,
            selected_as: selected_as(tail),
        })
    }

    fn endpoint(&self, text: &[u8]) -> DiagEndpoint {
        let mut end = DiagEndpoint::default();
        // What is missing stays 0.
        let _ = scan_endpoint(Scanner::new(text), self.version, &mut end);
        end
    }
}

impl<'a> Iterator for InetLines<'a> {
    type Item = ProcRow<'a>;

    fn next(&mut self) -> Option<ProcRow<'a>> {
        let line = self.line();
        self.is_cut |= line.is_none() && !self.rest.is_empty();
        let row = line.and_then(|line| self.row(line));
        if row.is_none() {
            self.rest = &[];
        }
        row
    }
}

/// Cuts a line `distance` bytes behind its first colon; the byte before the cut is dropped.
fn cut_behind_colon(line: &[u8], distance: usize) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&b| b == b':')?;
    let cut = colon + distance;
    let before = line.get(..cut - 1).unwrap_or(line);
    Some((before, line.get(cut..).unwrap_or(&[])))
}

fn selected_as(tail: &[u8]) -> u32 {
    // Bytes beyond ASCII are below zero, as in the original's C.
    let digit = i32::from(tail.get(1).copied().unwrap_or(0).cast_signed());
    let state = if digit >= i32::from(b'A') {
        digit - i32::from(b'A') + 10
    } else {
        digit - i32::from(b'0')
    };
    state.cast_unsigned() & 31
}

fn scan_endpoint(
    mut scanner: Scanner<'_>,
    version: IpVersion,
    end: &mut DiagEndpoint,
) -> Option<()> {
    match version {
        IpVersion::V4 => {
            let word = low32(scanner.hex()?).to_ne_bytes();
            end.octets
                .iter_mut()
                .zip(word)
                .for_each(|(to, from)| *to = from);
        }
        IpVersion::V6 => {
            for octets in end.octets.chunks_exact_mut(4) {
                scanner.skip_space();
                let digits = scanner.hex_digits(8)?;
                let word = low32(Scanner::new(digits).hex()?);
                octets.copy_from_slice(&word.to_ne_bytes());
            }
        }
    }
    scanner.literal(b':')?;
    end.port = low32(scanner.hex()?);
    Some(())
}

fn scan_tail<'a>(
    mut scanner: Scanner<'a>,
    row: &mut InetDiag<'a>,
    details: &mut ProcDetails<'a>,
) -> Option<()> {
    row.state = low32(scanner.hex()?);
    row.send_q = low32(scanner.hex()?);
    scanner.literal(b':')?;
    row.recv_q = low32(scanner.hex()?);
    row.timer.code = low32(scanner.hex()?);
    scanner.literal(b':')?;
    row.timer.expires_ms = milliseconds(low32(scanner.hex()?));
    let retransmits = low32(scanner.hex()?);
    if row.timer.code == RETRANSMIT_TIMER {
        row.timer.retransmits = retransmits;
    }
    row.uid = unsigned(&mut scanner)?;
    let probes = unsigned(&mut scanner)?;
    if row.timer.code != RETRANSMIT_TIMER {
        row.timer.retransmits = probes;
    }
    row.inode = u64::from(unsigned(&mut scanner)?);
    details.refcount = unsigned(&mut scanner)?.cast_signed();
    details.pointer = scanner.hex()?;
    if row.protocol == Protocol::TCP {
        scan_tcp(&mut scanner, details)?;
    }
    scanner.skip_space();
    details.rest = scanner.rest();
    Some(())
}

fn scan_tcp(scanner: &mut Scanner<'_>, details: &mut ProcDetails<'_>) -> Option<()> {
    let rto_ticks = unsigned(scanner)?.cast_signed();
    let tcp = details.tcp.insert(ProcTcp {
        rto_ticks,
        ..ProcTcp::default()
    });
    tcp.ato_ticks = unsigned(scanner)?.cast_signed();
    tcp.quick = unsigned(scanner)?.cast_signed();
    tcp.cwnd = unsigned(scanner)?;
    tcp.ssthresh = unsigned(scanner)?.cast_signed();
    Some(())
}

/// `%d` and `%u` into 32 bits.
fn unsigned(scanner: &mut Scanner<'_>) -> Option<u32> {
    scanner.signed().map(|value| low32(value.cast_unsigned()))
}

/// Clock ticks in milliseconds, in the original's 32 bits.
fn milliseconds(ticks: u32) -> u32 {
    ticks.wrapping_mul(1000).wrapping_add(TICKS_PER_SECOND - 1) / TICKS_PER_SECOND
}

#[cfg(test)]
mod tests {
    use super::*;

    // Written by hand in the kernel's format.
    const HEADER: &str = "  sl  local_address rem_address   st tx_queue rx_queue\n";
    const ESTABLISHED: &str = "   1: 0100007F:1F90 0200007F:C350 01 00000007:000003E8 02:0000007B 00000003   500        2 678 3 ffffffffabcd0000 20 4 31 10 7 more words\n";

    fn rows(lines: &str, version: IpVersion) -> Vec<String> {
        let file = format!("{HEADER}{lines}");
        InetLines::new(file.as_bytes(), Protocol::TCP, version)
            .map(|ProcRow { row, .. }| {
                format!(
                    "{}:{} {}:{} {}",
                    row.local.ip(row.family),
                    row.local.port,
                    row.peer.ip(row.family),
                    row.peer.port,
                    row.state
                )
            })
            .collect()
    }

    #[test]
    fn a_line_without_its_end_cuts_the_table_and_a_strange_one_does_not() {
        let is_cut = |lines: &str| {
            let file = format!("{HEADER}{lines}");
            let mut lines = InetLines::new(file.as_bytes(), Protocol::TCP, IpVersion::V4);
            lines.by_ref().for_each(drop);
            lines.is_cut()
        };
        assert!(is_cut(ESTABLISHED.trim_end()));
        assert!(!is_cut(ESTABLISHED));
        assert!(!is_cut("no colons\n"));
        assert!(!is_cut(""));
    }

    #[test]
    fn a_state_beyond_ascii_selects_what_a_signed_char_does() {
        assert_eq!(selected_as(b" \xfe\xff"), 14);
        assert_eq!(selected_as(b" 0A"), 0);
        assert_eq!(selected_as(b" B"), 11);
    }

    #[test]
    fn a_row_has_all_its_fields() {
        let file = format!("{HEADER}{ESTABLISHED}");
        let mut lines = InetLines::new(file.as_bytes(), Protocol::TCP, IpVersion::V4);
        let ProcRow { row, selected_as } = lines.next().expect("a kernel row decodes");
        assert_eq!((row.state, selected_as), (1, 1));
        assert_eq!((row.recv_q, row.send_q), (1000, 7));
        assert_eq!((row.uid, row.inode), (500, 678));
        let timer = DiagTimer {
            code: 2,
            retransmits: 2,
            expires_ms: 1230,
        };
        assert_eq!(row.timer, timer);
        let details = row.from_proc.expect("it is from proc");
        assert_eq!(details.pointer, 0xffff_ffff_abcd_0000);
        assert_eq!(
            details.tcp.map(|tcp| (tcp.quick, tcp.ssthresh)),
            Some((31, 7))
        );
        assert_eq!(details.rest, b"more words");
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn fields_stand_at_fixed_distances_from_colons() {
        let glued = ESTABLISHED.replace("1F90 0200007F", "1F900200007F");
        let seen = ["127.0.0.1:8080 127.0.0.2:50000 1"];
        assert_eq!(rows(&glued, IpVersion::V4), seen);
        let long = ESTABLISHED.replace(":1F90", ":11F90");
        assert_eq!(
            rows(&long, IpVersion::V4),
            ["127.0.0.1:4601 127.0.0.2:50000 1"]
        );
        assert_eq!(
            rows(ESTABLISHED, IpVersion::V6),
            ["7f00:1:::0 7f00:2:::0 1"]
        );
    }

    #[test]
    fn a_line_that_is_none_ends_the_table() {
        for bad in ["", "abc", ":", "   1: 0100007F:1F90"] {
            let lines = format!("{ESTABLISHED}{bad}\n{ESTABLISHED}");
            assert_eq!(rows(&lines, IpVersion::V4).len(), 1, "{bad}");
        }
        let long = ESTABLISHED.replace("more words", &"x".repeat(200));
        assert_eq!(rows(&long, IpVersion::V4).len(), 0);
        let unended = ESTABLISHED.trim_end();
        assert_eq!(rows(unended, IpVersion::V4).len(), 0);
    }

    #[test]
    fn short_lines_and_wide_numbers_are_read_in_32_bits() {
        let line =
            "1: 0100007F:0001 0200007F:0002 0A FFFFFFFFF:123456789 4:FFFFFFFFF 0 99999999999";
        let file = format!("{HEADER}{line}\n");
        let mut lines = InetLines::new(file.as_bytes(), Protocol::TCP, IpVersion::V4);
        let row = lines.next().expect("the line has its colons").row;
        assert_eq!((row.send_q, row.recv_q), (u32::MAX, 0x2345_6789));
        assert_eq!(row.timer.expires_ms, 42_949_663);
        assert_eq!((row.uid, row.inode), (1_215_752_191, 0));
        assert_eq!(row.from_proc.and_then(|details| details.tcp), None);
    }
}
