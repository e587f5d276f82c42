//! What was found of processes that have ended, or closed their sockets, before the later sample.
//!
//! A command may end at any time, and its sockets end with it. So samples are taken while it runs, and what the last
//! with its sockets tells of a process is told as it was found then. What is about the host, or about nobody, the
//! later sample tells better.

use plumb_model::finding::{Finding, Subject};
use plumb_model::sample::Sample;

use super::rank;

/// Adds to what was `found` what was found `earlier` of processes that are without sockets in the later sample;
/// of what both tell, the earlier saw those sockets.
pub(super) fn join(found: Vec<Finding>, earlier: Vec<Finding>, later: &Sample) -> Vec<Finding> {
    let mut all = found;
    for finding in earlier {
        let Some(pid) = finding.subject.pid else {
            continue;
        };
        let processes = &later.snapshot.owners.processes;
        if processes.iter().any(|process| process.pid == pid) {
            continue;
        }
        let same = |other: &Finding| {
            other.kind == finding.kind && is_earlier(&other.subject, &finding.subject)
        };
        match all.iter().position(same) {
            Some(place) => all[place] = finding,
            None => all.push(finding),
        }
    }
    rank::sort(&mut all);
    all
}

/// Says whether the later of two subjects is the earlier one, whose process may be known no more.
fn is_earlier(later: &Subject, earlier: &Subject) -> bool {
    let ends = |subject: &Subject| (subject.local.clone(), subject.peer.clone());
    let nameless = later.pid.is_none() && later.kind == earlier.kind;
    later == earlier || nameless && ends(later) != (None, None) && ends(later) == ends(earlier)
}

#[cfg(test)]
mod tests {
    use plumb_model::attribution::Process;
    use plumb_model::finding::{Confidence, Severity};
    use plumb_model::{Reason, id::Pid};

    use super::*;

    fn finding(kind: &'static str, pid: Option<u32>, severity: Severity) -> Finding {
        Finding {
            kind,
            severity,
            subject: Subject {
                kind: "process",
                pid: pid.map(Pid),
                ..Subject::default()
            },
            summary: String::new(),
            evidence: Vec::new(),
            hints: Vec::new(),
            confidence: Confidence::Certain,
        }
    }

    #[test]
    fn what_was_found_of_a_process_that_has_ended_is_kept() {
        let mut later = Sample::default();
        let there = Process::unknown(Pid(7), Reason::NotInSource);
        later.snapshot.owners.processes.push(there);
        let found = vec![
            finding("port-in-use", Some(8), Severity::Critical),
            finding("packet-loss", None, Severity::Info),
        ];
        let earlier = vec![
            finding("nagle-delayed-ack", Some(8), Severity::Warning),
            finding("nagle-delayed-ack", Some(7), Severity::Critical),
            finding("nagle-delayed-ack", None, Severity::Critical),
            finding("port-in-use", Some(8), Severity::Info),
        ];
        let told: Vec<_> = join(found, earlier, &later)
            .into_iter()
            .map(|found| (found.kind, found.subject.pid, found.severity))
            .collect();
        assert_eq!(
            told,
            [
                ("nagle-delayed-ack", Some(Pid(8)), Severity::Warning),
                ("port-in-use", Some(Pid(8)), Severity::Info),
                ("packet-loss", None, Severity::Info),
            ]
        );
    }

    #[test]
    fn who_had_what_is_told_of_nobody_any_more_is_named() {
        let at = |pid| {
            let mut finding = finding("ephemeral-port-exhaustion", pid, Severity::Critical);
            finding.subject.peer = Some("10.0.0.2:80".to_owned());
            finding
        };
        let all = join(vec![at(None)], vec![at(Some(8))], &Sample::default());
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].subject.pid, Some(Pid(8)));
        let another = join(vec![at(Some(9))], vec![at(Some(8))], &Sample::default());
        assert_eq!(another.len(), 2);
    }
}
