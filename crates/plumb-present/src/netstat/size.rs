//! Byte counts in the units of the long interface form.

use crate::text::put;

/// Units of byte counts, each 1024 times the one before.
const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// The size of the last unit.
const LARGEST_UNIT: u64 = 1 << 60;

/// Appends ` (N.N UNIT)` and a newline: one decimal, cut rather than rounded; a unit is used only
/// above its first whole number. The largest unit is divided by ten first, as the original does it,
/// which shows in a few counts.
pub(super) fn write_size(out: &mut Vec<u8>, bytes: u64) {
    let mut unit: u64 = 1;
    let mut name = UNITS[0];
    for next in UNITS.iter().skip(1) {
        let Some(larger) = unit.checked_mul(1024).filter(|&larger| bytes > larger) else {
            break;
        };
        unit = larger;
        name = next;
    }
    // Ten times as many bytes fit 64 bits in every unit but the largest.
    let tenths = match bytes.checked_mul(10) {
        Some(ten_times) if unit < LARGEST_UNIT => ten_times / unit,
        _ => bytes / (unit / 10),
    };
    put(
        out,
        format_args!(" ({}.{} {name})\n", tenths / 10, tenths % 10),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_cut_and_change_unit_above_the_limit() {
        let size = |bytes| {
            let mut out = Vec::new();
            write_size(&mut out, bytes);
            String::from_utf8(out).expect("ASCII")
        };
        assert_eq!(size(1024), " (1024.0 B)\n");
        assert_eq!(size(1025), " (1.0 KiB)\n");
        assert_eq!(size(12_345_678_901_234), " (11.2 TiB)\n");
        assert_eq!(size(u64::MAX), " (16.0 EiB)\n");
        assert_eq!(size((1 << 60) - 1), " (1023.9 PiB)\n");
        assert_eq!(size((1 << 61) - 1), " (2.0 EiB)\n");
        assert_eq!(size(9_223_372_036_854_774_783), " (7.9 EiB)\n");
    }
}
