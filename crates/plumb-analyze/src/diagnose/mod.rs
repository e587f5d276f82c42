//! Diagnosis: two samples in, ranked causes out.
//!
//! One file for each finding, each with `pub const ID` and `pub fn check(&Case) -> Vec<Finding>`. A check
//! needs positive evidence for its cause and none against it; a single suspicious counter is `possible`
//! at most. What another finding explains better is dropped by [`EXPLAINS`], so that the same trouble is
//! reported once, under its root. On a healthy busy host all of them stay silent.

pub mod accept_queue_overflow;
pub mod close_wait_leak;
mod evidence;
pub mod fd_limit;
mod focus;
mod rank;
mod subject;

use plumb_model::finding::Finding;
use plumb_model::sample::Span;

pub use self::focus::Focus;

/// What a check is given.
#[derive(Debug, Clone, Copy)]
pub struct Case<'s> {
    /// The two samples.
    pub span: Span<'s>,
    /// What the user asked about.
    pub focus: &'s Focus,
}

/// One check.
type Check = fn(&Case<'_>) -> Vec<Finding>;

/// Every check by the id of what it finds, in the order of findings.md.
pub const CHECKS: &[(&str, Check)] = &[
    (accept_queue_overflow::ID, accept_queue_overflow::check),
    (fd_limit::ID, fd_limit::check),
    (close_wait_leak::ID, close_wait_leak::check),
];

/// Which finding is the root of which: with the first about a subject, the second is not reported about
/// the same process or endpoint.
pub const EXPLAINS: &[(&str, &str)] = &[
    // Who has no descriptor left cannot accept.
    (fd_limit::ID, accept_queue_overflow::ID),
    // Descriptors run out because closed connections are kept.
    (close_wait_leak::ID, fd_limit::ID),
];

/// Runs every check and ranks what was found, most important first.
pub fn diagnose(case: &Case<'_>) -> Vec<Finding> {
    let found: Vec<Finding> = CHECKS.iter().flat_map(|(_, check)| check(case)).collect();
    rank::rank(&found, case.focus)
}
