//! `fd-limit`: a process is at or near the number of descriptors it may open (`RLIMIT_NOFILE`).
//!
//! At the limit `accept` and `socket` fail with EMFILE and connections wait in the queue.

use plumb_model::Known;
use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::sample::DescriptorUse;

use super::{Case, evidence};

/// The id of the finding.
pub const ID: &str = "fd-limit";
/// From this share of the limit on it is said, in percent.
const NEAR_PERCENT: u64 = 90;
/// A lower limit is no limit of a program's but a lock: it must not open anything (a sandbox).
const SERIOUS: u64 = 8;
/// So few free descriptors are none: the next burst takes them.
const FEW_LEFT: u64 = 8;

/// Looks for processes near their limit.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let used = case.span.after.descriptors.iter();
    let near = used.filter(|used| is_near(used));
    near.filter_map(|used| Some(finding(used, used.open.ok()?, used.limit.ok()?)))
        .collect()
}

/// Says whether a process has (nearly) every descriptor that it may have.
pub(super) fn is_near(used: &DescriptorUse) -> bool {
    match (used.open, used.limit) {
        (Known::Known(open), Known::Known(limit)) => {
            limit >= SERIOUS && open.saturating_mul(100) >= limit.saturating_mul(NEAR_PERCENT)
        }
        _ => false,
    }
}

fn finding(used: &DescriptorUse, open: u64, limit: u64) -> Finding {
    let left = limit.saturating_sub(open);
    let name = String::from_utf8_lossy(&used.comm).into_owned();
    let pid = used.pid;
    Finding {
        kind: ID,
        severity: if left <= FEW_LEFT {
            Severity::Critical
        } else {
            Severity::Warning
        },
        summary: format!(
            "{name} (pid {}) has {open} of {limit} descriptors open",
            pid.0
        ),
        subject: Subject {
            kind: "process",
            pid: Some(pid),
            process: Some(name),
            ..Subject::default()
        },
        evidence: vec![evidence::fact(
            "/proc/PID/fd, /proc/PID/limits",
            format!("{open} open, {limit} allowed, {left} left"),
        )],
        hints: vec![
            format!(
                "see which sockets it keeps: plumb ls 'pid = {}' --group-by state",
                pid.0
            ),
            format!(
                "raise the limit: prlimit --pid {} --nofile={}",
                pid.0,
                limit.saturating_mul(4)
            ),
        ],
        confidence: Confidence::Certain,
    }
}
