//! Reads text the way C's `sscanf` does, over bytes.
//!
//! The original netstat accepts a row when enough `sscanf` conversions succeed, so the exact
//! tolerance (leading white space, signs, `0x`, overflow) decides which damaged rows are printed
//! and which are reported as bogus. Every method returns `None` where the conversion would fail;
//! the caller counts.

/// A cursor over one line.
///
/// ```
/// use plumb_wire::scan::Scanner;
///
/// let mut line = Scanner::new(b"  7: 1F90 rest");
/// assert_eq!(line.decimal(), Some(7));
/// assert_eq!(line.literal(b':'), Some(()));
/// assert_eq!(line.hex(), Some(0x1f90));
/// assert_eq!(line.decimal(), None);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    /// Starts at the beginning of `line`; a NUL byte ends it, as it would end a C string.
    pub fn new(line: &'a [u8]) -> Self {
        let end = line.iter().position(|&b| b == 0).unwrap_or(line.len());
        Self {
            rest: line.get(..end).unwrap_or(line),
        }
    }

    /// Gives what was not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Skips white space (`isspace` of the C locale).
    pub fn skip_space(&mut self) {
        let skipped = self.rest.iter().take_while(|&&b| is_space(b)).count();
        self.advance(skipped);
    }

    /// Skips white space, then matches one literal byte (the format `" :"` has that shape);
    /// `%`-less literals in a format do not skip by themselves, use [`Scanner::literal`].
    pub fn literal(&mut self, byte: u8) -> Option<()> {
        if self.rest.first() == Some(&byte) {
            self.advance(1);
            Some(())
        } else {
            None
        }
    }

    /// `%X` or `%lX`: hexadecimal into 64 bits, saturating like `strtoul`; a sign negates.
    pub fn hex(&mut self) -> Option<u64> {
        self.skip_space();
        self.number(16)
    }

    /// `%d`, `%u`, `%ld`, `%lu`: decimal into 64 bits, saturating like `strtoul`; a sign negates.
    pub fn decimal(&mut self) -> Option<u64> {
        self.skip_space();
        self.number(10)
    }

    /// `%d` into 64 signed bits, saturating like `strtol`.
    pub fn signed(&mut self) -> Option<i64> {
        self.skip_space();
        let (negative, digits_at) = self.sign();
        let (magnitude, overflow, len) = self.digits(digits_at, 10)?;
        self.advance(len);
        let limit = i64::MAX.unsigned_abs();
        Some(match (negative, overflow || magnitude > limit) {
            (false, true) => i64::MAX,
            (true, true) => i64::MIN,
            (false, false) => i64::try_from(magnitude).unwrap_or(i64::MAX),
            (true, false) => 0_i64.wrapping_sub_unsigned(magnitude),
        })
    }

    /// `%Ns`: a run of non-space bytes, at most `width` of them.
    pub fn word(&mut self, width: usize) -> Option<&'a [u8]> {
        self.skip_space();
        self.take_while(width, |b| !is_space(b))
    }

    /// `%N[0-9A-Fa-f]`: a run of hexadecimal digits, without skipping white space before it.
    pub fn hex_digits(&mut self, width: usize) -> Option<&'a [u8]> {
        self.take_while(width, |b| b.is_ascii_hexdigit())
    }

    /// Takes the longest run of at most `width` bytes that satisfy `keep`; `None` if it is empty.
    pub fn take_while(&mut self, width: usize, keep: impl Fn(u8) -> bool) -> Option<&'a [u8]> {
        let len = self
            .rest
            .iter()
            .take(width)
            .take_while(|&&b| keep(b))
            .count();
        let run = self.rest.get(..len).filter(|run| !run.is_empty())?;
        self.advance(len);
        Some(run)
    }

    fn number(&mut self, radix: u32) -> Option<u64> {
        let (negative, digits_at) = self.sign();
        let (magnitude, overflow, len) = self.digits(digits_at, radix)?;
        self.advance(len);
        Some(match (overflow, negative) {
            (true, _) => u64::MAX,
            (false, true) => magnitude.wrapping_neg(),
            (false, false) => magnitude,
        })
    }

    fn sign(&self) -> (bool, usize) {
        match self.rest.first() {
            Some(b'-') => (true, 1),
            Some(b'+') => (false, 1),
            _ => (false, 0),
        }
    }

    /// Reads digits from `at`: (value, did it overflow, bytes used in all).
    fn digits(&self, at: usize, radix: u32) -> Option<(u64, bool, usize)> {
        let mut from = at;
        let mut any = false;
        if radix == 16 && self.rest.get(at) == Some(&b'0') {
            if matches!(self.rest.get(at + 1), Some(b'x' | b'X')) {
                from = at + 2;
            }
            any = from == at + 2;
        }
        let mut value: u64 = 0;
        let mut overflow = false;
        let mut end = from;
        while let Some(digit) = self
            .rest
            .get(end)
            .and_then(|&b| char::from(b).to_digit(radix))
        {
            any = true;
            match value
                .checked_mul(u64::from(radix))
                .and_then(|v| v.checked_add(u64::from(digit)))
            {
                Some(next) => value = next,
                None => overflow = true,
            }
            end += 1;
        }
        any.then_some((value, overflow, end))
    }

    fn advance(&mut self, len: usize) {
        self.rest = self.rest.get(len..).unwrap_or(&[]);
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

/// Cuts a 64-bit conversion result to the 32 bits that `%d`, `%u` or `%X` would have stored.
#[expect(
    clippy::cast_possible_truncation,
    reason = "storing through an int pointer truncates in C"
)]
pub fn low32(value: u64) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_strtoul() {
        assert_eq!(Scanner::new(b"  1F:").hex(), Some(0x1f));
        assert_eq!(Scanner::new(b"0x1F").hex(), Some(0x1f));
        assert_eq!(Scanner::new(b"-1").decimal(), Some(u64::MAX));
        assert_eq!(Scanner::new(b"-1").signed(), Some(-1));
        assert_eq!(
            Scanner::new(b"99999999999999999999999").decimal(),
            Some(u64::MAX)
        );
        assert_eq!(Scanner::new(b"zz").hex(), None);
        assert_eq!(Scanner::new(b"").decimal(), None);
    }

    #[test]
    fn a_nul_ends_the_line() {
        let mut scanner = Scanner::new(b"ab\0cd");
        assert_eq!(scanner.word(64), Some(&b"ab"[..]));
        assert_eq!(scanner.word(64), None);
    }
}
