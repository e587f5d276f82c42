//! `/proc/net/if_inet6`: the IPv6 addresses of all interfaces.
//!
//! Fields have fixed widths and line ends mean nothing, as `fscanf` would have it.
//! Without IPv6 in the kernel the file does not exist.

use std::net::Ipv6Addr;

use plumb_model::interface::Ipv6Assignment;

use crate::scan::{Scanner, low32};

/// Longest name that is read.
const NAME_BYTES: usize = 20;

/// The scope bit `compat`, which the original takes away as it prints it.
const COMPATIBLE: u32 = 0x80;

/// Decodes the file. What a damaged record does not say keeps the value of the record before it,
/// and the rest of a damaged line is read as the next record.
pub fn decode_if_inet6(content: &[u8]) -> Vec<Ipv6Assignment> {
    let mut scanner = Scanner::new(content);
    let mut record = Record::default();
    let mut found = Vec::new();
    loop {
        scanner.skip_space();
        if scanner.rest().is_empty() {
            return found;
        }
        // Conversions stop at the first that fails; the rest of `record` stays.
        let _ = record.read(&mut scanner);
        found.push(record.assignment());
        record.scope &= !COMPATIBLE;
    }
}

/// The fields of a line, as far as they were ever read.
struct Record {
    groups: [Vec<u8>; 8],
    address: Ipv6Addr,
    prefix_len: u32,
    scope: u32,
    interface: Vec<u8>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            groups: Default::default(),
            address: Ipv6Addr::UNSPECIFIED,
            prefix_len: 0,
            scope: 0,
            interface: Vec::new(),
        }
    }
}

impl Record {
    fn read(&mut self, scanner: &mut Scanner<'_>) -> Option<()> {
        for group in &mut self.groups {
            *group = scanner.word(4)?.to_vec();
        }
        let _index = hex_of_width(scanner, INDEX_DIGITS)?;
        self.prefix_len = hex_of_width(scanner, 2)?;
        self.scope = hex_of_width(scanner, 2)?;
        let _flags = hex_of_width(scanner, 2)?;
        self.interface = scanner.word(NAME_BYTES)?.to_vec();
        Some(())
    }

    fn assignment(&mut self) -> Ipv6Assignment {
        let text = self.groups.join(&b':');
        let parsed = std::str::from_utf8(&text)
            .ok()
            .and_then(|text| text.parse().ok());
        self.address = parsed.unwrap_or(self.address);
        Ipv6Assignment {
            address: self.address,
            prefix_len: self.prefix_len.cast_signed(),
            scope: self.scope,
            interface: self.interface.clone(),
        }
    }
}

/// Digits of an interface index; kernels print two, and more from the 256th interface on.
const INDEX_DIGITS: usize = 8;

/// `%Nx`.
fn hex_of_width(scanner: &mut Scanner<'_>, width: usize) -> Option<u32> {
    scanner.skip_space();
    let rest = scanner.rest();
    let mut window = Scanner::new(rest.get(..width).unwrap_or(rest));
    let before = window.rest().len();
    let value = window.hex()?;
    scanner.take_while(before - window.rest().len(), |_| true)?;
    Some(low32(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernel_are_read() {
        let found = decode_if_inet6(
            b"00000000000000000000000000000001 01 80 10 80       lo\n\
              fe800000000000003c26a7fffe5f6a64 02 40 20 80     eth0\n",
        );
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].address, Ipv6Addr::LOCALHOST);
        assert_eq!((found[0].prefix_len, found[0].scope), (128, 0x10));
        assert_eq!(found[1].interface, b"eth0");
    }

    #[test]
    fn a_cut_record_is_completed_by_the_one_before() {
        let good = b"fe800000000000000000000000000001 02 40 20 80 eth0\n";
        let found = decode_if_inet6(&[&good[..], b"fe800000000000000000000000000002 03"].concat());
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].interface, b"eth0");
        assert_eq!((found[1].prefix_len, found[1].scope), (64, 0x20));
        assert_eq!(found[1].address.segments()[7], 2);
        assert_eq!(decode_if_inet6(b"").len(), 0);
        assert_eq!(decode_if_inet6(b"\n \n").len(), 0);
    }

    #[test]
    fn interfaces_beyond_the_255th_have_longer_indices() {
        let line = b"00000000000000000000000000000001 1a2 80 10 80 lo\n";
        let found = decode_if_inet6(line);
        assert_eq!((found[0].prefix_len, found[0].scope), (128, 0x10));
    }

    #[test]
    fn widths_cut_numbers() {
        let found = decode_if_inet6(b"fe80000000000000000000000000000102 -1 1ff 80 eth0\n");
        assert_eq!(found[0].prefix_len, -1);
        assert_eq!(found[0].scope, 0x1f);
    }
}
