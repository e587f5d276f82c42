//! The nstat command line as a typed request, read strictly left to right.

use std::ffi::{CString, OsString};

use plumb_wire::scan::Scanner;

use crate::getopt::{Long, Parser, Short, Step, Table};

/// Seconds that a sampler averages over when -t does not say.
const INTERVAL_SECS: i32 = 60;

/// What to show and what to remember.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// -a: show the counters themselves.
    pub ignore_history: bool,
    /// -z: also what is 0.
    pub zeros: bool,
    /// -j.
    pub json: bool,
    /// Our --json64: JSON with whole values.
    pub wide: bool,
    /// -p.
    pub pretty: bool,
    /// -n.
    pub no_output: bool,
    /// -s.
    pub no_update: bool,
    /// -r.
    pub reset: bool,
    /// Shell patterns, one of which a name must match; none means all.
    pub patterns: Vec<CString>,
}

/// What a sampler does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Milliseconds between two samples, above 0.
    pub scan_ms: u32,
    /// Seconds after which nine tenths of an old rate are forgotten, above 0.
    pub interval_secs: u32,
    /// -z: also what is 0.
    pub zeros: bool,
}

/// What a command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Show counters once.
    Show(Box<Options>),
    /// -d: become a sampler.
    Sample(Plan),
    /// -V.
    Version,
    /// -h, or a usage error with its complaint (without `ARGV0: `).
    Usage(Option<Vec<u8>>),
    /// -t without a positive number.
    BadInterval,
}

#[derive(Debug, Clone, Copy)]
enum Key {
    Help,
    Version,
    Ignore,
    NoUpdate,
    Reset,
    NoOutput,
    Zeros,
    Json,
    Json64,
    Pretty,
    Scan,
    Interval,
}

const SHORT: &[Short<Key>] = &[
    Short::flag(b'h', Key::Help),
    Short::flag(b'?', Key::Help),
    Short::flag(b'v', Key::Version),
    Short::flag(b'V', Key::Version),
    Short::flag(b'a', Key::Ignore),
    Short::flag(b's', Key::NoUpdate),
    Short::flag(b'r', Key::Reset),
    Short::flag(b'n', Key::NoOutput),
    Short::flag(b'z', Key::Zeros),
    Short::flag(b'j', Key::Json),
    Short::flag(b'p', Key::Pretty),
    Short::with_value(b'd', Key::Scan),
    Short::with_value(b't', Key::Interval),
];

// The order decides how lists of possibilities read (`--no`: nooutput, then noupdate).
const LONG: &[Long<Key>] = &[
    Long::flag("help", b'h', Key::Help),
    Long::flag("ignore", b'a', Key::Ignore),
    Long::with_value("scan", b'd', Key::Scan),
    Long::flag("nooutput", b'n', Key::NoOutput),
    Long::flag("json", b'j', Key::Json),
    Long::flag("reset", b'r', Key::Reset),
    Long::flag("noupdate", b's', Key::NoUpdate),
    Long::flag("pretty", b'p', Key::Pretty),
    Long::with_value("interval", b't', Key::Interval),
    Long::flag("version", b'V', Key::Version),
    Long::flag("zeros", b'z', Key::Zeros),
];

const EXACT: &[Long<Key>] = &[Long::flag("json64", b'J', Key::Json64)];

impl Request {
    /// Reads the words after argv[0].
    pub fn parse(words: Vec<OsString>, posixly_correct: bool) -> Self {
        let table = Table {
            short: SHORT,
            long: LONG,
            exact: EXACT,
        };
        let mut options = Options::default();
        let mut scan_secs = 0;
        let mut interval_secs = INTERVAL_SECS;
        for step in Parser::new(table, words, posixly_correct) {
            match step {
                Step::Error(complaint) => return Self::Usage(Some(complaint)),
                Step::Operand(word) => options.patterns.extend(CString::new(word)),
                Step::Option(Key::Help, _) => return Self::Usage(None),
                Step::Option(Key::Version, _) => return Self::Version,
                Step::Option(Key::Ignore, _) => options.ignore_history = true,
                Step::Option(Key::NoUpdate, _) => options.no_update = true,
                Step::Option(Key::Reset, _) => options.reset = true,
                Step::Option(Key::NoOutput, _) => options.no_output = true,
                Step::Option(Key::Zeros, _) => options.zeros = true,
                Step::Option(Key::Json, _) => options.json = true,
                Step::Option(Key::Json64, _) => {
                    options.json = true;
                    options.wide = true;
                }
                Step::Option(Key::Pretty, _) => options.pretty = true,
                Step::Option(Key::Scan, word) => scan_secs = number(word),
                Step::Option(Key::Interval, word) => {
                    interval_secs = number(word);
                    if interval_secs <= 0 {
                        return Self::BadInterval;
                    }
                }
            }
        }
        match (
            u32::try_from(scan_secs.wrapping_mul(1000)),
            u32::try_from(interval_secs),
        ) {
            (Ok(scan_ms @ 1..), Ok(interval_secs)) => Self::Sample(Plan {
                scan_ms,
                interval_secs,
                zeros: options.zeros,
            }),
            _ => Self::Show(Box::new(options)),
        }
    }
}

/// Reads a number as `atoi` does: what is none is 0, what is too large loses its upper half.
#[expect(clippy::cast_possible_truncation, reason = "that is what atoi does")]
fn number(word: Option<Vec<u8>>) -> i32 {
    let word = word.unwrap_or_default();
    Scanner::new(&word).signed().unwrap_or(0) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Request {
        Request::parse(words.iter().map(OsString::from).collect(), false)
    }

    #[test]
    fn the_manual_page_explains_every_option() {
        crate::manual::assert_explains(
            "plumb-nstat.1",
            &Table {
                short: SHORT,
                long: LONG,
                exact: EXACT,
            },
        );
    }

    #[test]
    fn a_positive_scan_makes_a_sampler() {
        let plan = |scan_ms, interval_secs| {
            Request::Sample(Plan {
                scan_ms,
                interval_secs,
                zeros: false,
            })
        };
        assert_eq!(parse(&["-d", "5x", "A*"]), plan(5_000, 60));
        assert_eq!(parse(&["--scan=1", "-t3"]), plan(1_000, 3));
        for word in ["0", "-5", "x", ""] {
            assert!(matches!(parse(&["-d", word]), Request::Show(_)), "{word}");
        }
    }

    #[test]
    fn what_ends_the_program_does_so_at_its_place() {
        assert_eq!(parse(&["-V", "-t", "0"]), Request::Version);
        assert_eq!(parse(&["-t", "0", "-V"]), Request::BadInterval);
        assert_eq!(parse(&["-h", "-Q"]), Request::Usage(None));
        let Request::Usage(Some(complaint)) = parse(&["--no"]) else {
            panic!("--no is ambiguous");
        };
        assert_eq!(
            complaint,
            b"option '--no' is ambiguous; possibilities: '--nooutput' '--noupdate'"
        );
    }
}
