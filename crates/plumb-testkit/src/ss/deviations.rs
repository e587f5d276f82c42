//! Where plumb's ss may differ from the original, decided one by one, each with its reason.
//!
//! One table for the tests, the fuzzer and docs/compatibility.md, as
//! [`deviations`](crate::deviations) is for netstat.

use super::command_lines::{COMMAND_LINES, CommandLine};
use crate::deviations::{Check, Deviation};
use crate::differential::{Outcome, Rule};

/// All decided differences.
pub const DEVIATIONS: &[Deviation] = &[];

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
