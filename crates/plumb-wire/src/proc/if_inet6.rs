//! `/proc/net/if_inet6`: the IPv6 addresses of all interfaces.
//!
//! Fields have fixed widths and lines mean nothing, so damage ends the file for the reader.
//! Without IPv6 in the kernel the file does not exist.

use std::net::Ipv6Addr;

use plumb_model::interface::Ipv6Assignment;

use crate::scan::{Scanner, low32};

/// Longest name that is read.
const NAME_BYTES: usize = 20;

/// Decodes the file, up to the first field that cannot be read.
pub fn decode_if_inet6(content: &[u8]) -> Vec<Ipv6Assignment> {
    let mut scanner = Scanner::new(content);
    let mut found = Vec::new();
    while let Some(assignment) = decode_one(&mut scanner) {
        found.extend(assignment);
    }
    found
}

/// Reads one assignment; the inner `None` stands for one whose address is no address.
fn decode_one(scanner: &mut Scanner<'_>) -> Option<Option<Ipv6Assignment>> {
    let mut text = Vec::with_capacity(39);
    for group in 0..8 {
        if group > 0 {
            text.push(b':');
        }
        text.extend_from_slice(scanner.word(4)?);
    }
    let _index = short_hex(scanner)?;
    let prefix_len = short_hex(scanner)?;
    let scope = short_hex(scanner)?;
    let _flags = short_hex(scanner)?;
    let interface = scanner.word(NAME_BYTES)?.to_vec();
    let address = std::str::from_utf8(&text)
        .ok()
        .and_then(|text| text.parse::<Ipv6Addr>().ok());
    Some(address.map(|address| Ipv6Assignment {
        address,
        prefix_len: prefix_len.cast_signed(),
        scope,
        interface,
    }))
}

/// `%2x`.
fn short_hex(scanner: &mut Scanner<'_>) -> Option<u32> {
    scanner.skip_space();
    let rest = scanner.rest();
    let mut window = Scanner::new(rest.get(..2).unwrap_or(rest));
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
    fn damage_ends_the_file() {
        let good = b"fe800000000000000000000000000001 02 40 20 80 eth0\n".to_vec();
        let bad = b"fe80 02 zz 20 80 eth0\n".to_vec();
        assert_eq!(decode_if_inet6(&[&good[..], &bad, &good].concat()).len(), 1);
        assert_eq!(decode_if_inet6(b"").len(), 0);
        assert_eq!(decode_if_inet6(&good[..45]).len(), 0);
    }

    #[test]
    fn widths_cut_numbers() {
        let found = decode_if_inet6(b"fe80000000000000000000000000000102 -1 1ff 80 eth0\n");
        assert_eq!(found[0].prefix_len, -1);
        assert_eq!(found[0].scope, 0x1f);
    }
}
