//! ` name:value`, the shape of nearly everything in the -i block.

use super::float::write_thousandths;
use crate::text::{Decimal, put};

/// Appends ` name:value` in decimal, unless it is 0.
#[inline]
pub fn field(out: &mut Vec<u8>, name: &str, value: impl Into<u64>) {
    let value = value.into();
    if value != 0 {
        always(out, name, value);
    }
}

/// Appends ` name:value` in decimal, also when it is 0.
#[inline]
pub fn always(out: &mut Vec<u8>, name: &str, value: impl Into<u64>) {
    out.push(b' ');
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    out.extend_from_slice(Decimal::new(value.into()).as_bytes());
}

/// Appends ` name:value` in decimal as a signed number of 32 bits, unless it is 0: how the original
/// shows some counters that are unsigned.
#[inline]
pub fn signed(out: &mut Vec<u8>, name: &str, value: u32) {
    if value != 0 {
        always_signed(out, name, value);
    }
}

/// Appends the same, also when it is 0.
#[inline]
pub fn always_signed(out: &mut Vec<u8>, name: &str, value: u32) {
    match u64::try_from(value.cast_signed()) {
        Ok(value) => always(out, name, value),
        Err(_) => put(out, format_args!(" {name}:{}", value.cast_signed())),
    }
}

/// Appends ` name:value` of microseconds in milliseconds, unless it is 0.
#[inline]
pub fn milliseconds(out: &mut Vec<u8>, name: &str, micros: u32) {
    if micros != 0 {
        out.push(b' ');
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        write_thousandths(out, u64::from(micros));
    }
}

/// Appends ` name:value` in hexadecimal, unless it is 0.
pub fn hex(out: &mut Vec<u8>, name: &str, value: u32) {
    if value != 0 {
        out.push(b' ');
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        push_hex(out, u64::from(value));
    }
}

/// Appends the hexadecimal digits of a number (`%llx`).
#[inline]
pub fn push_hex(out: &mut Vec<u8>, value: u64) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let shown = (64 - value.leading_zeros()).div_ceil(4).max(1);
    for place in (0..shown).rev() {
        let digit = usize::try_from(value >> (4 * place) & 15).unwrap_or(0);
        out.push(DIGITS[digit]);
    }
}

/// Appends ` word` if `present`.
#[inline]
pub fn flag(out: &mut Vec<u8>, present: bool, word: &str) {
    if present {
        out.push(b' ');
        out.extend_from_slice(word.as_bytes());
    }
}
