//! What nstat prints: the text form, which is also the form of its history file and of what its
//! sampler sends, and the JSON form.

use plumb_model::counter::RatedCounter;

use crate::text::{left, left_u64, put};

/// Width of the name; a longer one runs into the value, as in the original.
const NAME_WIDTH: usize = 32;
/// Width of the value.
const VALUE_WIDTH: usize = 16;

/// One line of output.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'a> {
    /// The counter with the value to show.
    pub name: &'a [u8],
    /// Absolute, or the growth since the last run.
    pub value: u64,
    /// Average growth per second.
    pub rate: f64,
    /// The counter is below its remembered value: it was reset, or it wrapped.
    pub has_overflowed: bool,
}

impl<'a> Row<'a> {
    /// Shows a counter as it is.
    pub fn absolute(counter: &'a RatedCounter) -> Self {
        Self {
            name: &counter.name,
            value: counter.value,
            rate: counter.rate,
            has_overflowed: false,
        }
    }
}

/// Appends the text form: a `#` line with the source, then a line for each row.
pub fn write_text(out: &mut Vec<u8>, source: &[u8], rows: &[Row<'_>]) {
    out.push(b'#');
    out.extend_from_slice(source);
    out.push(b'\n');
    for row in rows {
        left(out, row.name, NAME_WIDTH);
        left_u64(out, row.value, VALUE_WIDTH);
        write_rate(out, row.rate);
        if row.has_overflowed {
            out.extend_from_slice(b" (overflow)");
        }
        out.push(b'\n');
    }
}

/// Appends a rate as `%6.1f` does.
fn write_rate(out: &mut Vec<u8>, rate: f64) {
    if rate.is_nan() {
        let sign = if rate.is_sign_negative() { "-" } else { "" };
        put(out, format_args!("{:>6}", format!("{sign}nan")));
    } else {
        put(out, format_args!("{rate:6.1}"));
    }
}

/// How the JSON form looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JsonStyle {
    /// One counter a line, indented.
    pub is_pretty: bool,
    /// Whole values. The original cuts them to 32 bits, so that 5 GiB of octets read as 1 GiB.
    pub is_wide: bool,
}

/// Appends the JSON form: one object named after the source. There are no rates in it.
pub fn write_json(out: &mut Vec<u8>, source: &[u8], rows: &[Row<'_>], style: JsonStyle) {
    let [line, inner, colon] = if style.is_pretty {
        ["\n    ", "\n        ", ": "]
    } else {
        ["", "", ":"]
    };
    put(out, format_args!("{{{line}"));
    write_string(out, source);
    put(out, format_args!("{colon}{{"));
    for (index, row) in rows.iter().enumerate() {
        put(
            out,
            format_args!("{}{inner}", if index == 0 { "" } else { "," }),
        );
        write_string(out, row.name);
        let value = if style.is_wide {
            row.value
        } else {
            row.value & u64::from(u32::MAX)
        };
        put(out, format_args!("{colon}{value}"));
    }
    let last = if rows.is_empty() { "" } else { line };
    let end = if style.is_pretty { "\n" } else { "" };
    put(out, format_args!("{last}}}{end}}}\n"));
}

/// Appends a quoted string; bytes that are no UTF-8 stay what they are, as in the original.
fn write_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        let escaped = match byte {
            b'\t' => b't',
            b'\n' => b'n',
            b'\r' => b'r',
            0x0c => b'f',
            0x08 => b'b',
            b'\\' | b'"' => byte,
            _ => {
                out.push(byte);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', escaped]);
    }
    out.push(b'"');
}

/// Appends the usage text, which goes to standard error. The words are ours.
pub fn write_help(out: &mut Vec<u8>) {
    out.extend_from_slice(HELP.as_bytes());
}

/// Appends the version line, which is the original's to the byte: scripts compare it.
pub fn write_version(out: &mut Vec<u8>) {
    out.extend_from_slice(b"nstat utility, iproute2-6.1.0\n");
}

const HELP: &str = "\
usage: nstat [OPTIONS] [PATTERN...]   what the kernel's network counters grew by since the last run
       nstat -d SECS [-t SECS]        start a sampler, from which later runs read

  PATTERN                a shell pattern, such as 'TcpExt*Drop*'; upper and lower case are the same

Output
  -a, --ignore           the counters themselves, whatever the last run saw
  -z, --zeros            also those that are 0
  -j, --json             as JSON
  -p, --pretty           JSON for people to read
  --json64               JSON with whole values; -j cuts them to 32 bits, as nstat always did
  -n, --nooutput         nothing: only remember

Memory ($NSTAT_HISTORY, or /tmp/.nstat.uUID)
  -s, --noupdate         leave it as it is; with -a it is not even opened
  -r, --reset            forget everything first

Sampler
  -d, --scan SECS        look every SECS seconds, in the background
  -t, --interval SECS    the rate is an average over about so many seconds (60)

  -h, --help             this text
  -V, --version          the version
";

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, value: u64, rate: f64) -> Row<'_> {
        Row {
            name: name.as_bytes(),
            value,
            rate,
            has_overflowed: false,
        }
    }

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn columns_are_the_originals() {
        let long = "X".repeat(40);
        let mut rows = vec![
            row("IpInReceives", 45_641, 0.0),
            row(&long, u64::MAX, -0.04),
        ];
        rows[0].has_overflowed = true;
        let expected = format!(
            "#kernel\nIpInReceives                    45641              0.0 (overflow)\n\
             {long}18446744073709551615  -0.0\n"
        );
        assert_eq!(text(|out| write_text(out, b"kernel", &rows)), expected);
    }

    #[test]
    fn rates_round_to_even_and_may_be_no_numbers() {
        for (rate, expected) in [
            (0.25, "   0.2"),
            (123_456.75, "123456.8"),
            (1e23, "99999999999999991611392.0"),
            (f64::INFINITY, "   inf"),
            (f64::NEG_INFINITY, "  -inf"),
            (f64::NAN, "   nan"),
            (-f64::NAN, "  -nan"),
        ] {
            assert_eq!(text(|out| write_rate(out, rate)), expected);
        }
    }

    #[test]
    fn json_is_one_object_in_an_object() {
        let rows = [row("A\"\\\t", 9, 1.5), row("B", 18, 0.0)];
        let json = |rows: &[Row<'_>], is_pretty| {
            let style = JsonStyle {
                is_pretty,
                is_wide: false,
            };
            text(|out| write_json(out, b"kernel", rows, style))
        };
        assert_eq!(
            json(&rows, false),
            "{\"kernel\":{\"A\\\"\\\\\\t\":9,\"B\":18}}\n"
        );
        assert_eq!(
            json(&rows[1..], true),
            "{\n    \"kernel\": {\n        \"B\": 18\n    }\n}\n"
        );
        assert_eq!(json(&[], false), "{\"kernel\":{}}\n");
        assert_eq!(json(&[], true), "{\n    \"kernel\": {}\n}\n");
    }

    #[test]
    fn json_is_cut_to_32_bits_unless_asked() {
        let rows = [row("A", (1 << 32) + 5, 0.0)];
        for (is_wide, value) in [(false, "5"), (true, "4294967301")] {
            let style = JsonStyle {
                is_pretty: false,
                is_wide,
            };
            let json = text(|out| write_json(out, b"kernel", &rows, style));
            assert_eq!(json, format!("{{\"kernel\":{{\"A\":{value}}}}}\n"));
        }
    }
}
