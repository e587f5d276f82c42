//! Where plumb's ss may differ from the original, decided one by one, each with its reason.
//!
//! One table for the tests, the fuzzer and docs/compatibility.md, as
//! [`deviations`](crate::deviations) is for netstat.

use crate::differential::{Outcome, Rule};

/// What to compare after a random command line, by what the original made of it; `None` if a
/// deviation leaves nothing to compare.
pub fn rule_for(original: &Outcome) -> Option<Rule> {
    let starts_line = |text: &[u8], part: &[u8]| {
        text.split(|&b| b == b'\n')
            .any(|line| line.starts_with(part))
    };
    if original.crashed() {
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
