//! Text forms of inet addresses, as the original reads them.
//!
//! IPv4 has one to four parts of any base, and missing parts are zero at the end (`10` is 10.0.0.0).

use std::net::Ipv6Addr;

use crate::c_number::unsigned;

/// Reads one to four parts; `None` when it is something else.
pub(crate) fn ipv4(text: &[u8]) -> Option<[u8; 4]> {
    let mut address = [0; 4];
    let mut parts = text.split(|byte| *byte == b'.');
    for byte in &mut address {
        let Some(part) = parts.next() else { break };
        *byte = u8::try_from(unsigned(part)?).ok()?;
    }
    parts.next().is_none().then_some(address)
}

/// Reads an IPv6 address (`inet_pton`).
pub(crate) fn ipv6(text: &[u8]) -> Option<[u8; 16]> {
    let address: Ipv6Addr = str::from_utf8(text).ok()?.parse().ok()?;
    Some(address.octets())
}

/// Whether a text is one of the words for every address.
pub(crate) fn is_any(text: &[u8]) -> bool {
    matches!(text, b"any" | b"all" | b"default")
}

/// Reads what follows the slash: a length, a contiguous mask in dots, or `any`.
pub(crate) fn prefix(text: &[u8], bits: u16) -> Option<u16> {
    if let Some(len) = unsigned(text) {
        return u16::try_from(len).ok().filter(|len| *len <= bits);
    }
    if is_any(text) {
        return Some(0);
    }
    let mask = u32::from_be_bytes(ipv4(text)?);
    (mask.count_zeros() == mask.trailing_zeros())
        .then(|| u16::try_from(mask.leading_ones()).unwrap_or(bits))
}

/// Whether a name is made of digits and dots only, which the resolver reads by [`aton`] and never asks.
pub(crate) fn is_numeric_name(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| byte.is_ascii_digit() || *byte == b'.')
        && text.last().is_some_and(u8::is_ascii_digit)
}

/// Reads the classic forms of `inet_aton`: the last part fills all bytes that are left.
pub(crate) fn aton(text: &[u8]) -> Option<[u8; 4]> {
    let parts: Vec<u32> = text
        .split(|byte| *byte == b'.')
        .map(unsigned)
        .collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 {
        return None;
    }
    let mut address = 0;
    for (index, part) in first.iter().enumerate() {
        address |= u32::from(u8::try_from(*part).ok()?) << (24 - 8 * index);
    }
    let room = u32::MAX.checked_shr(u32::try_from(8 * first.len()).ok()?)?;
    (*last <= room).then(|| (address | last).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_parts_are_zero_at_the_end() {
        assert_eq!(ipv4(b"10"), Some([10, 0, 0, 0]));
        assert_eq!(ipv4(b"127.1"), Some([127, 1, 0, 0]));
        assert_eq!(ipv4(b"010.0x10.3"), Some([8, 16, 3, 0]));
        assert_eq!(ipv4(b"1.2.3.4.5"), None);
        assert_eq!(ipv4(b"1..2"), None);
        assert_eq!(ipv4(b"256"), None);
        assert_eq!(ipv4(b""), None);
    }

    #[test]
    fn masks_must_be_contiguous_and_fit() {
        assert_eq!(prefix(b"24", 32), Some(24));
        assert_eq!(prefix(b"255.128", 32), Some(9));
        assert_eq!(prefix(b"0.0.0.0", 32), Some(0));
        assert_eq!(prefix(b"255.0.255.0", 32), None);
        assert_eq!(prefix(b"33", 32), None);
        assert_eq!(prefix(b"33", 128), Some(33));
    }

    #[test]
    fn the_resolver_fills_from_the_right() {
        assert_eq!(aton(b"256"), Some([0, 0, 1, 0]));
        assert_eq!(aton(b"127.256"), Some([127, 0, 1, 0]));
        assert_eq!(aton(b"1.2.3.256"), None);
        assert_eq!(aton(b"4294967295"), Some([255; 4]));
        assert_eq!(aton(b"08"), None);
    }
}
