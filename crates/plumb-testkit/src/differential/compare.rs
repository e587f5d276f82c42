//! What counts as the same: byte for byte, or what a decided deviation leaves to compare.

use super::run::{End, Outcome, count};

/// How two outcomes are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Both streams and the exit status, byte for byte.
    Exact,
    /// For a usage error: what stands before the help, the streams that are used, the status.
    Complaint,
    /// For the help and the version: the streams that are used, the status.
    Streams,
    /// For programs that repeat themselves: the shorter output is the beginning of the longer, and
    /// both have this many rounds.
    Rounds {
        /// What each round prints once.
        marker: &'static str,
        /// How many rounds.
        count: usize,
    },
    /// The original has nothing like it: ours ends with this status.
    Alone {
        /// The exit status.
        status: i32,
    },
    /// The output cannot be written: ours says so and ends with 1, the original with 0.
    WriteFailure,
}

impl Rule {
    /// Says in words what differs, `None` if the rule is kept.
    pub fn difference(&self, original: &Outcome, ours: &Outcome) -> Option<String> {
        difference(original, ours, self)
    }
}

/// Says in words what differs, `None` if the rule is kept.
pub(super) fn difference(original: &Outcome, ours: &Outcome, rule: &Rule) -> Option<String> {
    let found = match *rule {
        Rule::Exact => exact(original, ours),
        Rule::Complaint => complaint(original, ours),
        Rule::Streams => streams(original, ours),
        Rule::Rounds { marker, count } => rounds(original, ours, marker, count),
        Rule::Alone { status } => (ours.end != End::Status(status)).then_some("exit status"),
        Rule::WriteFailure => {
            let is_kept = ours.end == End::Status(1) && !ours.stderr.is_empty();
            (!is_kept).then_some("the failed write goes unsaid")
        }
    };
    found.map(str::to_owned)
}

fn exact(original: &Outcome, ours: &Outcome) -> Option<&'static str> {
    if original.stdout != ours.stdout {
        Some("standard output")
    } else if original.stderr != ours.stderr {
        Some("standard error")
    } else if original.end != ours.end {
        Some("exit status")
    } else {
        None
    }
}

fn complaint(original: &Outcome, ours: &Outcome) -> Option<&'static str> {
    if before_help(&original.stderr) == before_help(&ours.stderr) {
        streams(original, ours)
    } else {
        Some("the complaint before the help")
    }
}

/// Gives what stands before the line that starts the help.
pub(super) fn before_help(text: &[u8]) -> &[u8] {
    let mut end = 0;
    for line in text.split_inclusive(|&b| b == b'\n') {
        if line.starts_with(b"usage:") || line.starts_with(b"Usage:") {
            break;
        }
        end += line.len();
    }
    &text[..end]
}

fn streams(original: &Outcome, ours: &Outcome) -> Option<&'static str> {
    if original.stdout.is_empty() != ours.stdout.is_empty() {
        Some("use of standard output")
    } else if original.stderr.is_empty() != ours.stderr.is_empty() {
        Some("use of standard error")
    } else if original.end != ours.end {
        Some("exit status")
    } else {
        None
    }
}

fn rounds(original: &Outcome, ours: &Outcome, marker: &str, least: usize) -> Option<&'static str> {
    let is_beginning = |one: &[u8], other: &[u8]| one.starts_with(other) || other.starts_with(one);
    if !is_beginning(&original.stdout, &ours.stdout) {
        Some("standard output")
    } else if !is_beginning(&original.stderr, &ours.stderr) {
        Some("standard error")
    } else if original.end != ours.end {
        Some("exit status")
    } else if count(&ours.stdout, marker.as_bytes()) < least {
        Some("number of rounds")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(stdout: &str, stderr: &str, status: i32) -> Outcome {
        Outcome {
            stdout: stdout.into(),
            stderr: stderr.into(),
            end: End::Status(status),
        }
    }

    #[test]
    fn one_byte_on_either_stream_or_another_status_differs() {
        let base = outcome("a", "b", 0);
        assert_eq!(difference(&base, &base, &Rule::Exact), None);
        for other in [
            outcome("a ", "b", 0),
            outcome("a", "B", 0),
            outcome("a", "b", 1),
        ] {
            assert!(
                difference(&base, &other, &Rule::Exact).is_some(),
                "{other:?}"
            );
        }
    }

    #[test]
    fn the_help_may_be_worded_differently_and_the_complaint_may_not() {
        let base = outcome("", "netstat: no\nusage: theirs\n", 3);
        let same = outcome("", "netstat: no\nusage: ours\n", 3);
        assert_eq!(difference(&base, &same, &Rule::Complaint), None);
        for other in ["usage: ours\n", "netstat: yes\nusage: ours\n", ""] {
            let other = outcome("", other, 3);
            assert!(difference(&base, &other, &Rule::Complaint).is_some());
        }
    }

    #[test]
    fn rounds_may_differ_in_number_and_not_in_content() {
        let rule = Rule::Rounds {
            marker: "x",
            count: 2,
        };
        let base = outcome("x1\nx2\nx3\n", "", 0);
        assert_eq!(difference(&base, &outcome("x1\nx2\n", "", 0), &rule), None);
        assert!(difference(&base, &outcome("x1\n", "", 0), &rule).is_some());
        assert!(difference(&base, &outcome("x1\nx9\nx3\n", "", 0), &rule).is_some());
    }
}
