//! Numbers as the C library reads them, because that is how the original reads operands.
//!
//! Blanks and a sign may come first, `0x` means sixteen and `0` means eight; `strtoul` takes a minus
//! sign and wraps.

/// What `strtol` or `strtoul` with base 0 finds at the start of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Scan {
    negative: bool,
    /// The digits' value, `None` when it does not fit 64 bits.
    magnitude: Option<u64>,
    /// Bytes consumed; 0 when there is no number.
    len: usize,
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn scan(text: &[u8]) -> Scan {
    let blanks = text.iter().take_while(|byte| is_space(**byte)).count();
    let mut at = blanks;
    let sign = text
        .get(at)
        .copied()
        .filter(|byte| matches!(byte, b'+' | b'-'));
    at += usize::from(sign.is_some());
    let rest = text.get(at..).unwrap_or_default();
    let (radix, skip) = radix_of(rest);
    let mut magnitude = Some(0u64);
    let mut digits = 0;
    for byte in rest.get(skip..).unwrap_or_default() {
        let Some(digit) = char::from(*byte).to_digit(radix) else {
            break;
        };
        magnitude = magnitude
            .and_then(|value| value.checked_mul(u64::from(radix)))
            .and_then(|value| value.checked_add(u64::from(digit)));
        digits += 1;
    }
    let len = if digits == 0 { 0 } else { at + skip + digits };
    Scan {
        negative: sign == Some(b'-'),
        magnitude,
        len,
    }
}

/// Finds the base of a number, and how many bytes only say so. A `0x` that no digit follows is a 0.
fn radix_of(digits: &[u8]) -> (u32, usize) {
    match digits {
        [b'0', b'x' | b'X', next, ..] if next.is_ascii_hexdigit() => (16, 2),
        [b'0', ..] => (8, 0),
        _ => (10, 0),
    }
}

/// Reads a whole text as `unsigned int` (`strtoul`, base 0).
pub(crate) fn unsigned(text: &[u8]) -> Option<u32> {
    let scan = scan(text);
    let magnitude = scan
        .magnitude
        .filter(|_| scan.len == text.len() && scan.len > 0)?;
    let value = if scan.negative {
        magnitude.wrapping_neg()
    } else {
        magnitude
    };
    u32::try_from(value).ok()
}

/// Reads a whole text as `long` (`strtol`, base 0).
pub(crate) fn long(text: &[u8]) -> Option<i64> {
    let scan = scan(text);
    let magnitude = scan
        .magnitude
        .filter(|_| scan.len == text.len() && scan.len > 0)?;
    if scan.negative {
        0i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
}

/// Reads what `%i` reads at the start of a text: the value, cut to 32 bits, and the bytes consumed.
pub(crate) fn percent_i(text: &[u8]) -> Option<(u32, usize)> {
    let scan = scan(text);
    let len = match text.get(scan.len..) {
        // `scanf` takes a lone `0x` whole, `strtol` only its zero.
        Some([b'x' | b'X', ..]) if ends_in_lone_zero(text, scan.len) => scan.len + 1,
        _ => scan.len,
    };
    let value = match scan
        .magnitude
        .and_then(|magnitude| i64::try_from(magnitude).ok())
    {
        Some(value) if scan.negative => -value,
        Some(value) => value,
        None if scan.negative => i64::MIN,
        None => i64::MAX,
    };
    let low = value.to_le_bytes();
    (scan.len > 0).then_some((u32::from_le_bytes([low[0], low[1], low[2], low[3]]), len))
}

fn ends_in_lone_zero(text: &[u8], len: usize) -> bool {
    let number = text.get(..len).unwrap_or_default();
    let unsigned = number
        .iter()
        .skip_while(|byte| is_space(**byte) || matches!(byte, b'+' | b'-'));
    unsigned.eq(b"0")
}

/// Reads what `%u` reads at the start of a text, cut to 32 bits (decimal only).
pub(crate) fn percent_u(text: &[u8]) -> Option<u32> {
    let blanks = text.iter().take_while(|byte| is_space(**byte)).count();
    let rest = text.get(blanks..)?;
    let (negative, digits) = match rest {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, rest),
    };
    let mut magnitude = Some(0u64);
    let mut len = 0;
    for byte in digits.iter().take_while(|byte| byte.is_ascii_digit()) {
        magnitude = magnitude
            .and_then(|value| value.checked_mul(10))
            .and_then(|value| value.checked_add(u64::from(byte - b'0')));
        len += 1;
    }
    let value = match magnitude {
        Some(value) if negative => value.wrapping_neg(),
        Some(value) => value,
        None => u64::MAX,
    };
    let low = value.to_le_bytes();
    (len > 0).then_some(u32::from_le_bytes([low[0], low[1], low[2], low[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_the_base_they_name() {
        assert_eq!(unsigned(b"0x16"), Some(22));
        assert_eq!(unsigned(b"022"), Some(18));
        assert_eq!(unsigned(b" +5"), Some(5));
        assert_eq!(unsigned(b"-18446744073709551615"), Some(1));
        assert_eq!(unsigned(b"08"), None);
        assert_eq!(unsigned(b"4294967296"), None);
        assert_eq!(unsigned(b""), None);
        assert_eq!(unsigned(b"0x"), None);
        assert_eq!(long(b"-5"), Some(-5));
        assert_eq!(long(b"9223372036854775808"), None);
        assert_eq!(long(b"5 "), None);
    }

    #[test]
    fn scanf_takes_what_it_can_and_saturates() {
        assert_eq!(percent_i(b"5x"), Some((5, 1)));
        assert_eq!(percent_i(b"09"), Some((0, 1)));
        assert_eq!(percent_i(b"0x/3"), Some((0, 2)));
        assert_eq!(percent_i(b"99999999999999999999"), Some((u32::MAX, 20)));
        assert_eq!(percent_i(b"x"), None);
        assert_eq!(percent_u(b"-1"), Some(u32::MAX));
        assert_eq!(percent_u(b"0x5"), Some(0));
        assert_eq!(percent_u(b"x"), None);
    }
}
