//! The order of findings, and which of them say the same.

use plumb_model::finding::{Finding, Subject};

use super::{EXPLAINS, Focus};

/// Drops what another finding explains or what does not concern the focus, and puts the worst first;
/// among equals the surer, then the order of the checks.
pub(super) fn rank(found: &[Finding], focus: &Focus) -> Vec<Finding> {
    let explained = |finding: &Finding| {
        found.iter().any(|other| {
            EXPLAINS.contains(&(other.kind, finding.kind)) && same(&other.subject, &finding.subject)
        })
    };
    let mut kept: Vec<Finding> = found
        .iter()
        .filter(|finding| focus.concerns(&finding.subject) && !explained(finding))
        .cloned()
        .collect();
    kept.sort_by_key(|finding| std::cmp::Reverse((finding.severity, finding.confidence)));
    kept
}

/// Says whether two subjects may be one: nothing that both name differs, and something is alike.
fn same(one: &Subject, other: &Subject) -> bool {
    let pid = alike(one.pid.as_ref(), other.pid.as_ref());
    let local = alike(one.local.as_ref(), other.local.as_ref());
    let peer = alike(one.peer.as_ref(), other.peer.as_ref());
    let interface = alike(one.interface.as_ref(), other.interface.as_ref());
    let all = [pid, local, peer, interface];
    // Two sockets of one process are one trouble; two processes never are.
    pid == Some(true) || (!all.contains(&Some(false)) && all.contains(&Some(true)))
}

/// Compares what both name.
fn alike<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> Option<bool> {
    Some(one? == other?)
}
