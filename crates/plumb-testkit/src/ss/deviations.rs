//! Where plumb's ss may differ from the original, decided one by one, each with its reason.
//!
//! One table for the tests, the fuzzer and docs/compatibility.md, as
//! [`deviations`](crate::deviations) is for netstat.

use super::command_lines::{COMMAND_LINES, CommandLine};
use crate::deviations::{Check, Deviation};
use crate::differential::{Outcome, Rule};

const COMPLAINT: Check = Check::By(Rule::Complaint);
const STREAMS: Check = Check::By(Rule::Streams);

/// All decided differences.
pub const DEVIATIONS: &[Deviation] = &[
    Deviation {
        id: "ss-help-text",
        reason: "the original's help is its authors' prose; ours is worded anew, on the same streams \
                 and with the same exit status",
        lines: &[
            (164, COMPLAINT),
            (165, COMPLAINT),
            (166, COMPLAINT),
            (167, COMPLAINT),
            (168, COMPLAINT),
            (169, COMPLAINT),
            (170, COMPLAINT),
            (172, COMPLAINT),
            (173, STREAMS),
            (178, COMPLAINT),
            (181, COMPLAINT),
            (182, COMPLAINT),
        ],
    },
    Deviation {
        id: "ss-service-of-one-protocol",
        reason: "for a service that /etc/services has for udp alone, the original compares with the \
                 port of the file's last line when both tcp and udp are listed: the second \
                 look-up, which fails, overwrites what the first one found; ours compares with the \
                 port of the service",
        lines: &[],
    },
    Deviation {
        id: "ss-undefined-output",
        reason: "on bytes no kernel sends, the original shows memory it never set, names from \
                 behind its tables, or crashes: SCTP states above 7, attributes and messages \
                 shorter than their structure, the first row of a damaged table of /proc, names \
                 of processes above 15 bytes, names of files above 64",
        lines: &[],
    },
    Deviation {
        id: "ss-rpcbind",
        reason: "with `-r` the original asks rpcbind for names of RPC services, and lists the socket \
                 it asked through; ours asks nobody",
        lines: &[],
    },
    Deviation {
        id: "ss-unwritable-dump",
        reason: "when the file of `-D` cannot be opened the original lists into nothing: what leaves \
                 it ahead of the table, such as MD5 keys, still comes out; ours writes nothing",
        lines: &[],
    },
    Deviation {
        id: "ss-terminal-escapes",
        reason: "on a terminal, bytes of outside names that a terminal would act on are shown as \
                 `\\xNN`; a pipe gets what the original prints",
        lines: &[],
    },
    Deviation {
        id: "ss-live-table",
        reason: "while connections come and go the original repeats rows and misses others; ours \
                 shows each Internet socket once, and those that a second dump finds behind the \
                 others; not with -K, which changes the table itself",
        lines: &[],
    },
    Deviation {
        id: "ss-own-options",
        reason: "`--json`, `--ndjson`, `--stream`, `--all-netns`, `--all-owners`, `--stack`, `--compat` and `--explain-filter` are ours; the \
                 original refuses them. They have to be spelled out, so no abbreviation of an \
                 original option changes",
        lines: &[],
    },
];

/// Gives the rule for a command line of the plan: byte for byte, or what its deviation leaves.
pub fn rule(line: &CommandLine) -> Rule {
    match check(line) {
        Some(Check::By(rule)) => rule,
        None | Some(Check::AsIf(_)) => Rule::Exact,
    }
}

fn check(line: &CommandLine) -> Option<Check> {
    let mut touched = DEVIATIONS.iter().flat_map(|deviation| deviation.lines);
    let found = touched.find(|(number, _)| *number == line.number);
    found.map(|(_, check)| *check)
}

/// Counts the command lines of the plan that are the same byte for byte.
pub fn identical_lines() -> usize {
    let mut numbers: Vec<u16> = COMMAND_LINES
        .iter()
        .filter(|line| check(line).is_none())
        .map(|line| line.number)
        .collect();
    numbers.dedup();
    numbers.len()
}

/// What to compare after a random command line, by what the original made of it; `None` if a
/// deviation leaves nothing to compare.
pub fn rule_for(original: &Outcome) -> Option<Rule> {
    let starts_line = |text: &[u8], part: &[u8]| {
        text.split(|&b| b == b'\n')
            .any(|line| line.starts_with(part))
    };
    // What the C library writes for a name that the original took from behind a table.
    let shows_no_name = original.stdout.windows(6).any(|part| part == b"(null)");
    if original.crashed() || shows_no_name {
        return None;
    }
    Some(if starts_line(&original.stderr, b"Usage:") {
        Rule::Complaint
    } else if original.stdout.starts_with(b"Usage:") {
        Rule::Streams
    } else {
        Rule::Exact
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_no_line_is_excused_twice() {
        let numbers: Vec<u16> = DEVIATIONS
            .iter()
            .flat_map(|deviation| deviation.lines.iter().map(|(number, _)| *number))
            .collect();
        assert!(numbers.is_sorted_by(|one, other| one < other));
        let ids: Vec<&str> = DEVIATIONS.iter().map(|deviation| deviation.id).collect();
        for id in &ids {
            assert_eq!(ids.iter().filter(|other| *other == id).count(), 1);
        }
        let lines = usize::from(super::super::command_lines::LAST);
        assert_eq!(identical_lines(), lines - numbers.len());
    }
}
