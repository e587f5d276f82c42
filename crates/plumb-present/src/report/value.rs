//! Numbers as people read them in the tables of verbs. JSON and CSV keep the number and its unit.

/// Writes a number of bytes with a binary unit, at most four digits: `0 B`, `1023 B`, `1.5 KiB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut scaled = count;
    let mut rest = 0;
    let mut unit = "B";
    for next in UNITS {
        if scaled < 1024 {
            break;
        }
        rest = scaled % 1024;
        scaled /= 1024;
        unit = next;
    }
    if scaled < 10 {
        format!("{scaled}.{} {unit}", rest * 10 / 1024)
    } else {
        format!("{scaled} {unit}")
    }
}

/// Writes a time with the unit that suits it: `850 us`, `12.3 ms`, `4.2 s`, `3m 20s`, `5h 02m`, `2d 3h`.
pub fn duration_us(us: u64) -> String {
    const SECOND: u64 = 1_000_000;
    let seconds = us / SECOND;
    match us {
        0..1_000 => format!("{us} us"),
        1_000..100_000 => format!("{}.{} ms", us / 1_000, us / 100 % 10),
        100_000..SECOND => format!("{} ms", us / 1_000),
        _ if seconds < 60 => format!("{seconds}.{} s", us / 100_000 % 10),
        _ if seconds < 3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ if seconds < 86_400 => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// Writes how often something happens, with the unit that makes it at least one: `120/s`, `1.5/s`,
/// `3.0/min`, `2.0/h`, `1.2/d`; `0/s` for never.
pub fn rate(per_second: f64) -> String {
    let units = [(1.0, "s"), (60.0, "min"), (3600.0, "h"), (86_400.0, "d")];
    if per_second <= 0.0 {
        return "0/s".to_owned();
    }
    let fitting = units
        .iter()
        .find(|(seconds, _)| per_second * seconds >= 1.0);
    let (seconds, unit) = fitting.unwrap_or(&(86_400.0, "d"));
    let number = per_second * seconds;
    if number >= 100.0 {
        format!("{number:.0}/{unit}")
    } else {
        format!("{number:.1}/{unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_the_unit_that_keeps_them_short() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (10 * 1024, "10 KiB"),
            (5 << 30, "5.0 GiB"),
            (u64::MAX, "15 EiB"),
        ];
        for (count, text) in cases {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn times_have_the_unit_that_suits_them() {
        let cases = [
            (850, "850 us"),
            (12_345, "12.3 ms"),
            (250_000, "250 ms"),
            (4_200_000, "4.2 s"),
            (200_000_000, "3m 20s"),
            (18_120_000_000, "5h 02m"),
            (183_600_000_000, "2d 3h"),
        ];
        for (us, text) in cases {
            assert_eq!(duration_us(us), text);
        }
    }

    #[test]
    fn rates_have_the_unit_that_makes_them_one() {
        let cases = [
            (0.0, "0/s"),
            (1234.5, "1234/s"),
            (1.25, "1.2/s"),
            (0.05, "3.0/min"),
            (0.001, "3.6/h"),
            (0.00002, "1.7/d"),
            (0.000_001, "0.1/d"),
        ];
        for (per_second, text) in cases {
            assert_eq!(rate(per_second), text);
        }
    }
}
