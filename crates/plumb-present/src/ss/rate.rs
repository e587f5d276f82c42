//! Rates: bits per second, exact with -n, else with three digits and a suffix.

use super::float::{exact_whole, write_g, write_whole};
use crate::text::Decimal;

/// The suffixes and where they begin. The choice falls before rounding, so there is `1e+03kbps`.
const SUFFIXES: [(f64, u8); 4] = [(1e12, b'T'), (1e9, b'G'), (1e6, b'M'), (1e3, b'k')];

/// Appends `bits` per second, without the `bps`.
///
/// ```
/// use plumb_present::ss::rate::write_rate;
///
/// let mut out = Vec::new();
/// for (bits, numeric) in [(176.0, false), (999_992.0, false), (8.8e12, false), (999.6, true)] {
///     write_rate(&mut out, bits, numeric);
///     out.push(b' ');
/// }
/// assert_eq!(out, b"176 1e+03k 8.8T 1000 ");
/// ```
pub fn write_rate(out: &mut Vec<u8>, bits: f64, numeric: bool) {
    if numeric {
        return match exact_whole(bits) {
            Some(whole) => out.extend_from_slice(Decimal::new(whole).as_bytes()),
            None => write_whole(out, bits),
        };
    }
    match SUFFIXES.iter().find(|(from, _)| bits >= *from) {
        Some((unit, suffix)) => {
            write_g(out, bits / unit, 3);
            out.push(*suffix);
        }
        None => write_g(out, bits, 6),
    }
}
