//! `--watch`: the same answer again and again, until interrupted or the pipe closes.

use std::time::{Duration, Instant};

/// Reads an interval of a command line: `500ms`, `2s`, `1m`; a bare number is seconds.
pub fn interval(text: &str) -> Result<Duration, String> {
    let digits = text
        .bytes()
        .take_while(|byte| byte.is_ascii_digit() || *byte == b'.')
        .count();
    let (number, unit) = text.split_at(digits);
    let number: f64 = number
        .parse()
        .map_err(|_| String::from("a time as 500ms, 2s, 1m"))?;
    let factor = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(String::from("a time as 500ms, 2s, 1m")),
    };
    Duration::try_from_secs_f64(number * factor)
        .ok()
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| String::from("a time longer than nothing"))
}

/// Runs `once` every `interval`, counted from its start, as long as it says true. On a terminal the
/// screen is cleared before each; elsewhere the answers follow each other.
pub fn repeat(interval: Duration, clear: bool, mut once: impl FnMut() -> bool) {
    loop {
        let start = Instant::now();
        if clear {
            let home: &[u8] = b"\x1b[H\x1b[2J\x1b[3J";
            let _ = rustix::io::write(rustix::stdio::stdout(), home);
        }
        if !once() {
            return;
        }
        std::thread::sleep(interval.saturating_sub(start.elapsed()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_have_units() {
        assert_eq!(interval("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(interval("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(interval("2"), Ok(Duration::from_secs(2)));
        assert_eq!(interval("1m"), Ok(Duration::from_mins(1)));
        for wrong in ["", "s", "0s", "-1s", "1x", "1..2s"] {
            assert!(interval(wrong).is_err(), "{wrong}");
        }
    }
}
