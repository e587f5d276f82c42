//! Small pieces of fixed-width formatting over byte buffers, without allocation.
//!
//! They do what printf's `%-Ns`, `%Nld` and friends do: pad, never cut.

use std::io::Write as _;

/// Appends `text`, padded with blanks on the right to `width` bytes (`%-*s`).
pub fn left(out: &mut Vec<u8>, text: &[u8], width: usize) {
    out.extend_from_slice(text);
    blanks(out, width.saturating_sub(text.len()));
}

/// Appends `text`, padded with blanks on the left to `width` bytes (`%*s`).
pub fn right(out: &mut Vec<u8>, text: &[u8], width: usize) {
    blanks(out, width.saturating_sub(text.len()));
    out.extend_from_slice(text);
}

/// Appends `count` blanks.
pub fn blanks(out: &mut Vec<u8>, count: usize) {
    out.resize(out.len() + count, b' ');
}

/// Appends a formatted value (`put(out, format_args!("{:>8}", n))`); writing to memory cannot fail.
pub fn put(out: &mut Vec<u8>, args: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(args);
    debug_assert!(written.is_ok(), "writing to a Vec cannot fail");
}

/// The decimal digits of a number, kept on the stack.
#[derive(Debug, Clone, Copy)]
pub struct Decimal {
    digits: [u8; 20],
    start: usize,
}

impl Decimal {
    /// Converts `value`.
    pub fn new(mut value: u64) -> Self {
        let mut digits = [b'0'; 20];
        let mut start = digits.len();
        loop {
            start -= 1;
            digits[start] = b'0' + u8::try_from(value % 10).unwrap_or(0);
            value /= 10;
            if value == 0 {
                break;
            }
        }
        Self { digits, start }
    }

    /// Gives the digits.
    pub fn as_bytes(&self) -> &[u8] {
        self.digits.get(self.start..).unwrap_or(&[])
    }
}

/// Appends an unsigned number right-aligned in `width` bytes (`%*lu`).
pub fn right_u64(out: &mut Vec<u8>, value: u64, width: usize) {
    right(out, Decimal::new(value).as_bytes(), width);
}

/// Appends an unsigned number left-aligned in `width` bytes (`%-*lu`).
pub fn left_u64(out: &mut Vec<u8>, value: u64, width: usize) {
    left(out, Decimal::new(value).as_bytes(), width);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_never_cuts() {
        let mut out = Vec::new();
        left(&mut out, b"abc", 5);
        right(&mut out, b"abcdef", 3);
        right_u64(&mut out, 7, 3);
        left_u64(&mut out, u64::MAX, 2);
        assert_eq!(out, b"abc  abcdef  718446744073709551615");
    }
}
