//! `/proc/net/ip_masquerade` of kernels before 2.4.

use std::net::Ipv4Addr;

use plumb_model::Port;
use plumb_model::masquerade::{MasqueradeProtocol, Masqueraded};

use crate::lines::{before_nul, pieces};
use crate::scan::{Scanner, low32};

/// Bytes of the header line that count.
const HEADER_BYTES: usize = 255;
/// A column that the known layout has.
const TELLTALE: &[u8] = b"PDelta";
/// Stands for a NUL, which ends a word but not the file.
const NUL: u8 = 1;

/// Why the table cannot be read; one such line and nothing of it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MasqueradeError {
    /// There is not even a header.
    Empty,
    /// A row is not as it should be, or the header is of an older layout.
    Format,
    /// The protocol of a row is none of TCP, UDP, ICMP.
    Protocol,
}

/// Decodes the table. Behind the header it is a stream of words; line ends mean nothing.
pub fn decode_masquerade(text: &[u8]) -> Result<Vec<Masqueraded>, MasqueradeError> {
    let header = pieces(text, HEADER_BYTES)
        .next()
        .ok_or(MasqueradeError::Empty)?;
    let is_known = before_nul(header)
        .windows(TELLTALE.len())
        .any(|part| part == TELLTALE);
    let rows = text.get(header.len()..).unwrap_or_default();
    let rows: Vec<u8> = rows.iter().map(|&b| if b == 0 { NUL } else { b }).collect();
    let mut scanner = Scanner::new(&rows);
    let mut entries = Vec::new();
    while let Some(protocol) = scanner.word(usize::MAX) {
        let entry = decode_entry(&mut scanner).filter(|_| is_known);
        let entry = entry.ok_or(MasqueradeError::Format)?;
        let protocol = match protocol.split(|&b| b == NUL).next() {
            Some(b"TCP") => MasqueradeProtocol::Tcp,
            Some(b"UDP") => MasqueradeProtocol::Udp,
            Some(b"ICMP") => MasqueradeProtocol::Icmp,
            _ => return Err(MasqueradeError::Protocol),
        };
        entries.push(Masqueraded { protocol, ..entry });
    }
    Ok(entries)
}

/// Reads what follows the protocol, which is yet to be filled in.
fn decode_entry(scanner: &mut Scanner<'_>) -> Option<Masqueraded> {
    let (source, source_port) = endpoint(scanner)?;
    let (destination, destination_port) = endpoint(scanner)?;
    Some(Masqueraded {
        protocol: MasqueradeProtocol::Tcp,
        source,
        source_port,
        destination,
        destination_port,
        masqueraded_port: port(scanner)?,
        initial_sequence: scanner.hex()?,
        delta: short(scanner)?,
        previous_delta: short(scanner)?,
        expires_ticks: scanner.decimal()?,
    })
}

fn endpoint(scanner: &mut Scanner<'_>) -> Option<(Ipv4Addr, Port)> {
    let addr = Ipv4Addr::from(low32(scanner.hex()?));
    scanner.literal(b':')?;
    Some((addr, port(scanner)?))
}

fn port(scanner: &mut Scanner<'_>) -> Option<Port> {
    Some(Port(low32(scanner.hex()?) & 0xffff))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "storing through a short pointer truncates in C"
)]
fn short(scanner: &mut Scanner<'_>) -> Option<i16> {
    Some(scanner.signed()? as i16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the manner of Linux 2.2; no kernel of today has the file.
    const HEADER: &str =
        "Prc FromIP   FPrt ToIP     TPrt Masq Init-seq  Delta PDelta Expires (free=0,0,0)\n";
    const ROW: &str = "TCP 0A000001:1F90 C0A80001:0050 F000 00000001     -1     -2   12345\n";

    fn decode(rows: &str) -> Result<Vec<Masqueraded>, MasqueradeError> {
        decode_masquerade(format!("{HEADER}{rows}").as_bytes())
    }

    #[test]
    fn rows_decode() {
        let entries = decode(&format!("{ROW}\n   \n{ROW}")).expect("the rows are whole");
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].source, Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(entries[0].destination_port, Port(80));
        assert_eq!((entries[0].delta, entries[0].previous_delta), (-1, -2));
        assert_eq!(entries[0].expires_ticks, 12345);
    }

    #[test]
    fn one_bad_row_spoils_the_table() {
        assert_eq!(decode(&format!("{ROW}x\n")), Err(MasqueradeError::Format));
        let stranger = ROW.replace("TCP", "GRE");
        assert_eq!(decode(&stranger), Err(MasqueradeError::Protocol));
        let longer = ROW.replace("12345", "12345 x");
        assert_eq!(decode(&longer), Err(MasqueradeError::Format));
        let split = ROW.replace(' ', "\n");
        assert_eq!(decode(&split).map(|entries| entries.len()), Ok(1));
        assert_eq!(decode(&format!("\0{ROW}")), Err(MasqueradeError::Protocol));
        assert_eq!(decode_masquerade(b""), Err(MasqueradeError::Empty));
        assert_eq!(decode_masquerade(ROW.as_bytes()), Ok(Vec::new()));
    }
}
