//! `--watch`: the same answer again and again, until interrupted or the pipe closes.

use std::time::{Duration, Instant};

use plumb_collect::sys::signal;

use super::screen;
use crate::output::Output;

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

/// Gives the answer of `once` every `interval`, counted from its start, as long as it says true and
/// somebody reads. On a terminal each is drawn over the last in one write; elsewhere they follow each
/// other. An interrupt ends it behind a whole answer, a terminal with the cursor on a line of its own.
pub fn repeat(
    interval: Duration,
    draw: bool,
    out: &mut Output,
    mut once: impl FnMut(&mut Output) -> bool,
) {
    signal::catch_interrupts(1);
    let clear: &[u8] = b"\x1b[2J";
    if draw {
        out.raw(|out| out.extend_from_slice(clear));
    }
    loop {
        let start = Instant::now();
        if draw {
            out.begin_screen(screen::lines());
        }
        let goes_on = once(out);
        out.end_screen();
        if !goes_on || out.has_failed() {
            break;
        }
        signal::pause(interval.saturating_sub(start.elapsed()));
        if signal::interrupted() {
            break;
        }
    }
    if draw {
        out.raw(|out| out.push(b'\n'));
        out.flush();
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
