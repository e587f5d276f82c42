//! `-o`: the pending timer, ` timer:(NAME,TIME,RETRANS)`.

use plumb_model::diag::inet::{InetDiag, Protocol};

use super::view::View;
use crate::text::{Decimal, put};

/// Appends the timer of a row, if one is pending.
pub fn write_timer(out: &mut Vec<u8>, row: &InetDiag<'_>, view: &View) {
    if row.timer.code == 0 {
        return;
    }
    out.extend_from_slice(b" timer:(");
    out.extend_from_slice(name(row, view));
    out.push(b',');
    write_time(out, row.timer.expires_ms, view);
    put(
        out,
        format_args!(",{})", row.timer.retransmits.cast_signed()),
    );
}

fn name(row: &InetDiag<'_>, view: &View) -> &'static [u8] {
    if row.protocol == Protocol::SCTP {
        return b"T3_RTX";
    }
    match row.timer.code {
        1 => b"on",
        2 => b"keepalive",
        3 => b"timewait",
        4 => b"persist",
        5 if view.release.since(7, 1) => b"delack",
        _ => b"unknown",
    }
}

/// Appends a time: coarser the longer it is, and nothing for none at all.
pub fn write_time(out: &mut Vec<u8>, milliseconds: u32, view: &View) {
    let (minutes, rest) = (milliseconds / 60_000, milliseconds % 60_000);
    let mut seconds = rest / 1000;
    let mut fraction = rest % 1000;
    if minutes > 0 {
        push_number(out, minutes);
        out.extend_from_slice(b"min");
        fraction = 0;
        if minutes > 9 {
            seconds = 0;
        }
    }
    if seconds > 0 {
        if seconds > 9 {
            fraction = 0;
        }
        push_number(out, seconds);
        out.extend_from_slice(if fraction > 0 { b"." } else { b"sec" });
    }
    if fraction > 0 {
        let unit = if seconds > 0 && view.release.since(6, 11) {
            "sec"
        } else {
            "ms"
        };
        put(out, format_args!("{fraction:03}{unit}"));
    }
}

fn push_number(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(Decimal::new(u64::from(value)).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ss::view::Release;

    #[test]
    fn times_lose_what_is_too_fine() {
        let text = |ms, release| {
            let mut out = Vec::new();
            let view = View {
                release,
                ..View::default()
            };
            write_time(&mut out, ms, &view);
            String::from_utf8(out).expect("times are text")
        };
        let shown = |ms| text(ms, Release::DEFAULT);
        assert_eq!(
            [0, 1, 200, 1000, 1001, 9999, 10_000, 59_999].map(shown),
            [
                "", "001ms", "200ms", "1sec", "1.001ms", "9.999ms", "10sec", "59sec"
            ]
        );
        assert_eq!(
            [60_000, 61_000, 599_999, 600_000, 7_140_001].map(shown),
            ["1min", "1min1sec", "9min59sec", "10min", "119min"]
        );
        assert_eq!(text(9999, Release::NEWEST), "9.999sec");
        assert_eq!(text(999, Release::NEWEST), "999ms");
    }
}
