//! Every scenario, one file for each finding.

mod accept_queue_overflow;
mod close_wait_leak;
mod fd_limit;

use super::Scenario;

/// Gives all scenarios in the order of findings.md.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    [
        accept_queue_overflow::SCENARIOS,
        fd_limit::SCENARIOS,
        close_wait_leak::SCENARIOS,
    ]
    .into_iter()
    .flatten()
}
