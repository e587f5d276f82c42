//! Floating point numbers as C's printf writes them: `%g`, `%.3g`, `%.0f`, `%.1f`.
//!
//! The standard library rounds decimal digits exactly, to even on a tie, as glibc does; only the
//! choice between the two notations and the trimming of zeros are added here.

use crate::text::{Decimal, put};

/// Integers below this are exact, and so are their digits.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// Most significant digits `%g` shows.
const DEFAULT_DIGITS: usize = 6;
/// Whole thousandths below this have no more digits than `%g` shows.
const SHORT_THOUSANDTHS: u64 = 1_000_000;

/// Appends `value` with at most `digits` significant digits (`%.*g`).
///
/// ```
/// use plumb_present::ss::float::write_g;
///
/// let mut out = Vec::new();
/// for (value, digits) in [(0.5, 6), (999_992.0, 3), (1e-5, 6), (1_234_567.0, 6)] {
///     write_g(&mut out, value, digits);
///     out.push(b' ');
/// }
/// assert_eq!(out, b"0.5 1e+06 1e-05 1.23457e+06 ");
/// ```
pub fn write_g(out: &mut Vec<u8>, value: f64, digits: usize) {
    if !value.is_finite() {
        return put(out, format_args!("{}", special(value)));
    }
    let last = digits.max(1) - 1;
    let scientific = format!("{value:.last$e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let behind_point = i32::try_from(last).unwrap_or(0) - exponent;
    if exponent < -4 || behind_point < 0 {
        out.extend_from_slice(trimmed(mantissa).as_bytes());
        let sign = if exponent < 0 { '-' } else { '+' };
        put(out, format_args!("e{sign}{:02}", exponent.unsigned_abs()));
    } else {
        let places = usize::try_from(behind_point).unwrap_or(0);
        let fixed = format!("{value:.places$}");
        out.extend_from_slice(trimmed(&fixed).as_bytes());
    }
}

/// Appends `value` without decimals (`%.0f`).
pub fn write_whole(out: &mut Vec<u8>, value: f64) {
    put(out, format_args!("{value:.0}"));
}

/// Appends `value` with one decimal (`%.1f`).
pub fn write_tenths(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        put(out, format_args!("{value:.1}"));
    } else {
        put(out, format_args!("{}", special(value)));
    }
}

/// Appends thousandths as `%g` of the value they are thousandths of: microseconds as milliseconds.
///
/// ```
/// use plumb_present::ss::float::write_thousandths;
///
/// let mut out = Vec::new();
/// for value in [0, 7, 12_345, 200_000, 1_234_567_890] {
///     write_thousandths(&mut out, value);
///     out.push(b' ');
/// }
/// assert_eq!(out, b"0 0.007 12.345 200 1.23457e+06 ");
/// ```
pub fn write_thousandths(out: &mut Vec<u8>, value: u64) {
    if value >= SHORT_THOUSANDTHS {
        return write_g(out, to_f64(value) / 1000.0, DEFAULT_DIGITS);
    }
    out.extend_from_slice(Decimal::new(value / 1000).as_bytes());
    let fraction = value % 1000;
    if fraction != 0 {
        // One more digit in front keeps the zeros behind the point.
        let digits = Decimal::new(1000 + fraction);
        let digits = digits.as_bytes().get(1..).unwrap_or(&[]);
        let kept = digits
            .iter()
            .rposition(|&d| d != b'0')
            .map_or(0, |at| at + 1);
        out.push(b'.');
        out.extend_from_slice(digits.get(..kept).unwrap_or(digits));
    }
}

/// Converts as C does: to the nearest value there is.
#[expect(clippy::cast_precision_loss, reason = "so does the original")]
pub fn to_f64(value: u64) -> f64 {
    value as f64
}

/// Gives the digits of a whole number that is exact, to write it without the detour.
pub fn exact_whole(value: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "only whole numbers below 2^53 pass"
    )]
    let whole = value as u64;
    let same = to_f64(whole).to_bits() == value.to_bits();
    (same && value < EXACT).then_some(whole)
}

fn special(value: f64) -> &'static str {
    match (value.is_nan(), value.is_sign_negative()) {
        (true, true) => "-nan",
        (true, false) => "nan",
        (false, true) => "-inf",
        (false, false) => "inf",
    }
}

fn trimmed(digits: &str) -> &str {
    if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn g(value: f64, digits: usize) -> String {
        let mut out = Vec::new();
        write_g(&mut out, value, digits);
        String::from_utf8(out).expect("digits are text")
    }

    /// Printed by printf(1) of coreutils with `%g` and `%.3g`.
    #[test]
    fn both_notations_are_printfs() {
        for (value, six, three) in [
            (0.0, "0", "0"),
            (100_000.0, "100000", "1e+05"),
            (999_999.5, "1e+06", "1e+06"),
            (999_999.4, "999999", "1e+06"),
            (0.0001, "0.0001", "0.0001"),
            (0.000_099_999_95, "0.0001", "0.0001"),
            (0.000_012_345_6, "1.23456e-05", "1.23e-05"),
            (2.5, "2.5", "2.5"),
            (123.45, "123.45", "123"),
            (122.5, "122.5", "122"),
            (1e300, "1e+300", "1e+300"),
        ] {
            assert_eq!((g(value, 6).as_str(), g(value, 3).as_str()), (six, three));
        }
        assert_eq!(g(f64::INFINITY, 6), "inf");
        assert_eq!(g(-f64::NAN.abs(), 6), "-nan");
    }

    #[test]
    fn short_thousandths_are_what_the_long_way_gives() {
        for value in (0..SHORT_THOUSANDTHS).step_by(37).chain(999_990..1_000_010) {
            let mut short = Vec::new();
            write_thousandths(&mut short, value);
            let long = g(to_f64(value) / 1000.0, 6);
            assert_eq!(String::from_utf8_lossy(&short), long);
        }
    }

    #[test]
    fn whole_numbers_are_known_to_be_whole() {
        assert_eq!(exact_whole(176.0), Some(176));
        for value in [0.5, -1.0, EXACT, f64::NAN, f64::INFINITY] {
            assert_eq!(exact_whole(value), None, "{value}");
        }
    }
}
