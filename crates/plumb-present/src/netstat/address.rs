//! Addresses as netstat prints them, and the `ADDRESS:PORT` columns made of them.

use std::net::IpAddr;

use plumb_model::Port;

pub use crate::ip_text::{write_ipv4, write_ipv6};
use crate::text::{Decimal, blanks};

/// Width of the address columns; longer text is cut unless -W.
const COLUMN: usize = 23;
/// The port keeps at most this many bytes when a column is cut.
const CUT_PORT: usize = 18;
/// Even -W cuts here.
const WIDE_LIMIT: usize = 127;
/// The prefix of IPv4-mapped addresses, which is never shown.
const MAPPED_PREFIX: &[u8] = b"::ffff:";

/// Whether address columns are cut to their width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// Cut to 23 bytes.
    Column,
    /// -W: as long as the text is.
    Wide,
}

/// Appends the numeric text of an address: what `inet_ntop` gives, IPv4-mapped addresses as plain
/// IPv4.
///
/// ```
/// use plumb_present::netstat::address::write_address;
///
/// let mut text = Vec::new();
/// write_address(&mut text, "::ffff:10.0.0.1".parse().unwrap());
/// assert_eq!(text, b"10.0.0.1");
/// ```
pub fn write_address(out: &mut Vec<u8>, addr: IpAddr) {
    match addr {
        IpAddr::V4(v4) => write_ipv4(out, v4),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => write_ipv4(out, v4),
            None => write_ipv6(out, v6),
        },
    }
}

/// Strips the prefix of an IPv4-mapped address from text that a name service may have given.
pub fn without_mapped_prefix(text: &[u8]) -> &[u8] {
    text.strip_prefix(MAPPED_PREFIX).unwrap_or(text)
}

/// Appends `ADDRESS:PORT`, cut and padded to the column; both texts are bytes, and a cut may split
/// a character as the original's does.
pub fn write_endpoint(out: &mut Vec<u8>, addr: &[u8], port: &[u8], width: Width) {
    let start = out.len();
    if width == Width::Wide || addr.len() + port.len() < COLUMN {
        out.extend_from_slice(addr);
        out.push(b':');
        out.extend_from_slice(port);
        out.truncate(start + WIDE_LIMIT);
        blanks(out, COLUMN.saturating_sub(out.len() - start));
    } else {
        let port = port.get(..CUT_PORT).unwrap_or(port);
        let room = COLUMN - 1 - port.len();
        out.extend_from_slice(addr.get(..room).unwrap_or(addr));
        out.push(b':');
        out.extend_from_slice(port);
        blanks(out, COLUMN.saturating_sub(out.len() - start));
    }
}

/// Appends the text of a numeric port, of which 16 bits are shown; `*` for none.
pub fn write_port(out: &mut Vec<u8>, port: Port) {
    match port.0 & 0xffff {
        0 => out.push(b'*'),
        number => out.extend_from_slice(Decimal::new(u64::from(number)).as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(addr: &str) -> String {
        let mut out = Vec::new();
        write_address(&mut out, addr.parse().expect("a test address parses"));
        String::from_utf8(out).expect("addresses are ASCII")
    }

    #[test]
    fn addresses_follow_inet_ntop() {
        for same in [
            "0.0.0.0",
            "255.10.1.99",
            "::",
            "::1",
            "1::",
            "2001:db8::1",
            "1:0:2:3:4:5:6:7",
            "fe80::1:0:0:1",
            "1:2:3:4:5:6:7:8",
            "1:2:3:4:5:6::",
            "0:1::",
        ] {
            assert_eq!(text(same), same);
        }
        assert_eq!(text("::ffff:10.0.0.1"), "10.0.0.1");
        assert_eq!(text("::1.2.3.4"), "::1.2.3.4");
        assert_eq!(text("::102:304"), "::1.2.3.4");
        assert_eq!(text("::1:0"), "::0.1.0.0");
        assert_eq!(text("0:0:0:1::"), "0:0:0:1::");
    }

    #[test]
    fn long_endpoints_are_cut_to_the_column() {
        let cut = |addr: &[u8], port: &[u8]| {
            let mut out = Vec::new();
            write_endpoint(&mut out, addr, port, Width::Column);
            String::from_utf8(out).expect("ASCII in, ASCII out")
        };
        assert_eq!(
            cut(b"2001:db8:1234:5678::1", b"65535"),
            "2001:db8:1234:567:65535"
        );
        assert_eq!(
            cut(b"averyveryverylonghostname", b"1009"),
            "averyveryverylongh:1009"
        );
        assert_eq!(
            cut(b"10.1.2.3", b"averyveryverylongservice"),
            "10.1:averyveryverylongs"
        );
        assert_eq!(cut(b"127.0.0.1", b"80"), "127.0.0.1:80           ");
    }

    #[test]
    fn wide_endpoints_run_over() {
        let mut out = Vec::new();
        write_endpoint(&mut out, &[b'a'; 40], b"http", Width::Wide);
        assert_eq!(out.len(), 45);
    }
}
