//! Reads a floating-point number the way C's `scanf("%lg")` does, over bytes.
//!
//! `scanf` is more forgiving than `strtod`: what it has already taken of a number (`1e+`, `0x1p`)
//! counts, but a word that it began to recognise must be finished (`infi` is nothing).

/// Reads `%lg` at the start of `text`: white space, then a number; `None` where the conversion
/// would fail.
pub fn scan_float(text: &[u8]) -> Option<f64> {
    let text = text.trim_ascii_start();
    let (is_negative, text) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let magnitude = match text.first()? {
        b'i' | b'I' | b'n' | b'N' => named(text),
        _ => digits(text),
    }?;
    Some(if is_negative { -magnitude } else { magnitude })
}

/// Reads `inf`, `infinity` or `nan`, in letters of any case.
fn named(text: &[u8]) -> Option<f64> {
    // After "inf", one more "i" promises "infinity".
    let words: [(&[u8], &[u8], f64); 3] = [
        (b"infi", b"infinity", f64::INFINITY),
        (b"in", b"inf", f64::INFINITY),
        (b"n", b"nan", f64::NAN),
    ];
    let starts = |word: &[u8]| {
        text.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let (_, whole, value) = words.iter().find(|(promise, ..)| starts(promise))?;
    starts(whole).then_some(*value)
}

fn digits(text: &[u8]) -> Option<f64> {
    match text {
        [b'0', b'x' | b'X', rest @ ..] => hexadecimal(rest),
        _ => decimal(text),
    }
}

/// The parts of a number: digits before and after the point, and the exponent's text.
struct Parts<'a> {
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: &'a [u8],
}

fn parts(text: &[u8], radix: u32, mark: u8) -> Parts<'_> {
    let (whole, rest) = run(text, radix);
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => run(rest, radix),
        _ => (&rest[..0], rest),
    };
    let exponent = match rest {
        [first, rest @ ..] if first.eq_ignore_ascii_case(&mark) => rest,
        _ => &[],
    };
    Parts {
        whole,
        fraction,
        exponent,
    }
}

/// Splits off the digits that `text` begins with.
fn run(text: &[u8], radix: u32) -> (&[u8], &[u8]) {
    let len = text
        .iter()
        .take_while(|&&byte| char::from(byte).is_digit(radix))
        .count();
    text.split_at_checked(len).unwrap_or((text, &[]))
}

/// Gives the value of an exponent; one without digits is 0, one too large is as good as the limit.
fn exponent(text: &[u8]) -> i32 {
    /// Beyond what any number of digits that fits a line could make up for.
    const LIMIT: i32 = 1_000_000;
    let (is_negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let value = run(text, 10).0.iter().fold(0_i32, |value, &byte| {
        (value * 10 + i32::from(byte - b'0')).min(LIMIT)
    });
    if is_negative { -value } else { value }
}

fn decimal(text: &[u8]) -> Option<f64> {
    let parts = parts(text, 10, b'e');
    if parts.whole.is_empty() && parts.fraction.is_empty() {
        return None;
    }
    let digits = |bytes| std::str::from_utf8(bytes).unwrap_or("");
    format!(
        "0{}.{}e{}",
        digits(parts.whole),
        // Rust wants a digit where C does not.
        [digits(parts.fraction), "0"].concat(),
        exponent(parts.exponent)
    )
    .parse()
    .ok()
}

/// Reads the digits after `0x`; without any, the `0` is what was read.
fn hexadecimal(text: &[u8]) -> Option<f64> {
    let parts = parts(text, 16, b'p');
    if parts.whole.is_empty() && parts.fraction.is_empty() {
        return None;
    }
    let mut mantissa = 0_u64;
    let mut scale = exponent(parts.exponent);
    let whole = parts.whole.iter().map(|byte| (byte, 0));
    let fraction = parts.fraction.iter().map(|byte| (byte, 4));
    for (byte, behind_point) in whole.chain(fraction) {
        let digit = char::from(*byte).to_digit(16).unwrap_or(0);
        if mantissa >> 59 == 0 {
            mantissa = (mantissa << 4) | u64::from(digit);
            scale -= behind_point;
        } else {
            // No room: only whether anything follows still matters to the rounding.
            mantissa |= u64::from(digit != 0);
            scale += 4 - behind_point;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "rounding is what this step is")]
    let rounded = mantissa as f64;
    // In two steps, so that a small exponent does not become 0 too early.
    let half = scale / 2;
    Some(rounded * 2_f64.powi(half) * 2_f64.powi(scale - half))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_scanf_reads_them() {
        // Each pair was seen with glibc 2.36 (`nstat` on a table with a third column).
        for (text, expected) in [
            (".5", 0.5),
            ("5.", 5.0),
            ("  -.5e1", -5.0),
            ("1e", 1.0),
            ("1e+", 1.0),
            ("1.5e+x", 1.5),
            ("1e5x", 1e5),
            ("5e1.5", 50.0),
            ("00012", 12.0),
            ("1e400", f64::INFINITY),
            ("-1e99999999999999999999", f64::NEG_INFINITY),
            ("1e-400", 0.0),
            ("0x1p", 1.0),
            ("0x.8", 0.5),
            ("0x8.8p-1", 4.25),
            ("0x1.8p1x", 3.0),
            ("0x1p99999", f64::INFINITY),
            ("0x1.fffffffffffffffp0", 2.0),
            ("0x123456789abcdef12345", 85_968_058_283_706_963_460_096.0),
            ("infx", f64::INFINITY),
            ("-INFINITYx", f64::NEG_INFINITY),
        ] {
            assert_eq!(scan_float(text.as_bytes()), Some(expected), "{text}");
        }
        assert!(scan_float(b"nan(12)").is_some_and(f64::is_nan));
        assert!(scan_float(b"-NaN").is_some_and(f64::is_sign_negative));
    }

    #[test]
    fn what_is_no_number_fails() {
        for text in ["", ".", "+", "-", "+-5", "in", "infi", "infinit", "x", "na"] {
            assert_eq!(scan_float(text.as_bytes()), None, "{text}");
        }
    }
}
