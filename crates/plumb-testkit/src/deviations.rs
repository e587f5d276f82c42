//! Where plumb's netstat may differ from the original, decided one by one, each with its reason.
//!
//! One table for the tests, the fuzzer and docs/compatibility.md: a test compares the document
//! with it, so that nothing is excused in silence.

use crate::command_lines::{COMMAND_LINES, CommandLine};
use crate::differential::{Outcome, Rule};

/// One decided difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deviation {
    /// Its name in docs/compatibility.md.
    pub id: &'static str,
    /// Why it was decided.
    pub reason: &'static str,
    /// The command lines of the plan it touches, and what is still compared.
    pub lines: &'static [(u16, Check)],
}

/// What is still compared on a command line that a deviation touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Another rule than byte for byte.
    By(Rule),
    /// Ours has to leave what the original leaves for these words.
    AsIf(&'static str),
}

const COMPLAINT: Check = Check::By(Rule::Complaint);
const STREAMS: Check = Check::By(Rule::Streams);

/// All decided differences.
pub const DEVIATIONS: &[Deviation] = &[
    Deviation {
        id: "help-text",
        reason: "the original's help is its authors' prose; ours is worded anew, on the same streams \
                 and with the same exit status",
        lines: &[
            (158, COMPLAINT),
            (161, COMPLAINT),
            (165, COMPLAINT),
            (166, COMPLAINT),
            (167, COMPLAINT),
            (168, COMPLAINT),
            (169, COMPLAINT),
            (170, COMPLAINT),
            (171, COMPLAINT),
            (172, COMPLAINT),
            (173, COMPLAINT),
            (174, COMPLAINT),
            (175, COMPLAINT),
            (176, COMPLAINT),
            (177, COMPLAINT),
            (178, STREAMS),
        ],
    },
    Deviation {
        id: "version-text",
        reason: "the version names the program that runs",
        lines: &[(179, STREAMS), (180, STREAMS)],
    },
    Deviation {
        id: "memory-mode",
        reason: "tutorials promise `-m`; the original refuses it, ours shows the network's memory",
        lines: &[
            (156, Check::By(Rule::Alone { status: 0 })),
            (157, Check::By(Rule::Alone { status: 0 })),
            (181, Check::By(Rule::Alone { status: 0 })),
        ],
    },
    Deviation {
        id: "interface-option",
        reason: "tutorials promise `-I=NAME`; the original refuses it, ours shows one interface",
        lines: &[
            (159, Check::By(Rule::Alone { status: 3 })),
            (160, Check::By(Rule::Alone { status: 1 })),
        ],
    },
    Deviation {
        id: "tcpip-option",
        reason: "the original answers `--tcpip` with an internal error and ignores it; ours does \
                 what `-A tcpip` does in both",
        lines: &[(53, Check::AsIf("-A tcpip"))],
    },
    Deviation {
        id: "write-failure",
        reason: "output that could not be written is an error: ours says so and exits with 1, the \
                 original exits with 0",
        lines: &[(190, Check::By(Rule::WriteFailure))],
    },
    Deviation {
        id: "groups-continuous",
        reason: "from the second round of `-gc` on, the original reads the IPv4 groups as IPv6 and \
                 prints garbage; ours repeats the first round",
        lines: &[],
    },
    Deviation {
        id: "unknown-tcp-state",
        reason: "for TCP states above 11 the original reads past its table of names",
        lines: &[],
    },
    Deviation {
        id: "undefined-output",
        reason: "on some damaged rows the original prints memory it never set or values of another \
                 table, or crashes; ours prints 0 or calls the row bogus, and where the original disagrees with itself \
                 there is nothing to compare",
        lines: &[],
    },
    Deviation {
        id: "live-table",
        reason: "while connections come and go the original repeats rows and misses others; ours \
                 shows each socket once, and those that a second reading finds behind the others",
        lines: &[],
    },
    Deviation {
        id: "own-options",
        reason: "`--json`, `--all-netns`, `--all-owners` and `--stack` are ours; the original refuses them. They have to be \
                 spelled out, so no abbreviation of an original option changes",
        lines: &[],
    },
    Deviation {
        id: "terminal-escapes",
        reason: "on a terminal, bytes of outside names that a terminal would act on are shown as \
                 `\\xNN`; a pipe gets what the original prints",
        lines: &[],
    },
    Deviation {
        id: "extinct-tables",
        reason: "of tables no kernel of this century has, ours shows what can be read, where the \
                 original overruns its buffers: ROSE rows, cut AX.25 and X.25 rows, state numbers \
                 without a name, the IPv6 neighbour cache, the route cache of Linux 2.0; routes of \
                 IPX, AX.25, X.25, NET/ROM, ROSE and DDP are refused as on every current kernel",
        lines: &[],
    },
    Deviation {
        id: "endless-reads",
        reason: "where a directory stands in place of a table, the original reads it for ever; ours \
                 takes it for an empty table",
        lines: &[],
    },
    Deviation {
        id: "selinux",
        reason: "security contexts are compared only as far as machines without SELinux show them: \
                 `-Z` is refused with the same words",
        lines: &[],
    },
];

/// Finds the deviation that touches a command line of the plan.
pub fn of(line: &CommandLine) -> Option<(&'static Deviation, Check)> {
    DEVIATIONS.iter().find_map(|deviation| {
        let touched = deviation.lines.iter();
        let check = touched
            .into_iter()
            .find(|(number, _)| *number == line.number)?;
        Some((deviation, check.1))
    })
}

/// Counts the command lines of the plan that are the same byte for byte.
pub fn identical_lines() -> usize {
    COMMAND_LINES
        .iter()
        .filter(|line| of(line).is_none())
        .count()
}

/// What to compare after a random command line, by what the original made of it; `None` if a
/// deviation leaves nothing to compare.
pub fn rule_for(original: &Outcome) -> Option<Rule> {
    let has = |text: &[u8], part: &str| text.windows(part.len()).any(|w| w == part.as_bytes());
    let starts_line = |text: &[u8], part: &str| {
        text.split(|&b| b == b'\n')
            .any(|line| line.starts_with(part.as_bytes()))
    };
    let is_ours_alone = ["-- 'm'", "-- 'I'", "Internal Error `longopts"];
    if original.crashed() || is_ours_alone.iter().any(|part| has(&original.stderr, part)) {
        return None;
    }
    Some(if starts_line(&original.stderr, "usage:") {
        Rule::Complaint
    } else if original.stdout.starts_with(b"usage:") || original.stdout.starts_with(b"net-tools ") {
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
        let mut numbers: Vec<u16> = Vec::new();
        let mut ids: Vec<&str> = Vec::new();
        for deviation in DEVIATIONS {
            assert!(!deviation.reason.is_empty());
            ids.push(deviation.id);
            numbers.extend(deviation.lines.iter().map(|(number, _)| number));
        }
        let count = (ids.len(), numbers.len());
        ids.sort_unstable();
        ids.dedup();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!((ids.len(), numbers.len()), count);
        assert_eq!(identical_lines(), COMMAND_LINES.len() - numbers.len());
    }
}
