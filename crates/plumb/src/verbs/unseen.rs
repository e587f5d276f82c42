//! What a reading of the machine did not see, in words for people; the stable word of the reason stands behind.

use std::collections::BTreeMap;

use plumb_model::Reason;
use plumb_model::snapshot::Snapshot;

use super::place;
use crate::errno;

/// Says what a snapshot lacks, a line each; namespaces that are missing for the same reason are one.
pub fn gaps(snapshot: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    let mut not_entered: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for gap in &snapshot.gaps {
        let (what, word) = (errno::plain(&gap.what), gap.reason.word());
        match namespace_of(what) {
            Some((name, why)) if gap.reason == Reason::NamespaceNotEntered => {
                let names = not_entered.entry(format!("{why} ({word})")).or_default();
                names.push(name.to_owned());
            }
            _ => lines.push(format!("not seen: {what} ({word})")),
        }
    }
    let folded = place::folded(not_entered).into_iter();
    lines.extend(folded.map(|line| format!("not seen: {line}")));
    lines
}

/// Takes the name of a namespace and why it was not entered out of what a snapshot says of it.
fn namespace_of(what: &str) -> Option<(&str, &str)> {
    let name_and_why = what.strip_prefix("network namespace ")?;
    name_and_why.rsplit_once(": ")
}

/// Says whether a reason means that there is no holder, not that we could not look.
pub fn is_certain(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::TimeWait
            | Reason::ConnectionRequest
            | Reason::NoHolder
            | Reason::KernelOwned
            | Reason::Orphan
            | Reason::InFlight
            | Reason::NotAccepted
    )
}

/// Says of how many sockets the holders are unknown, for each reason why, a line each; who has none is not missed.
pub fn of_holders(reasons: impl Iterator<Item = Reason>) -> Vec<String> {
    let mut unknown: BTreeMap<&'static str, (Reason, usize)> = BTreeMap::new();
    for reason in reasons.filter(|reason| !is_certain(*reason)) {
        unknown.entry(reason.word()).or_insert((reason, 0)).1 += 1;
    }
    let unknown = unknown.into_values();
    unknown
        .map(|(reason, count)| holders(count, reason))
        .collect()
}

/// Says that the holders of so many sockets are unknown, and why.
pub fn holders(count: usize, reason: Reason) -> String {
    let sockets = if count == 1 { "socket" } else { "sockets" };
    format!(
        "not seen: the holders of {count} {sockets}: {} ({})",
        why(reason),
        reason.word()
    )
}

fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::PermissionDenied => "other users' processes may not be looked at",
        Reason::Hidepid => "/proc hides other users' processes",
        Reason::OtherPidNamespace => "processes outside this pid namespace are not in /proc",
        Reason::ProcessEnded => "processes ended meanwhile",
        Reason::NotSupported => "/proc cannot be read",
        _ => "their processes were not found",
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::finding::Gap;

    use super::*;

    #[test]
    fn namespaces_that_may_not_be_entered_do_not_bury_the_answer() {
        let gap = |what: &str, reason| Gap {
            what: what.to_owned(),
            reason,
        };
        let refused = |name: &str| {
            let what = format!("network namespace {name}: Operation not permitted");
            gap(&what, Reason::NamespaceNotEntered)
        };
        let snapshot = Snapshot {
            gaps: vec![
                refused("web: 1"),
                refused("db"),
                gap("tcp sockets", Reason::NotSupported),
            ],
            ..Snapshot::default()
        };
        let told = gaps(&snapshot);
        assert_eq!(told.len(), 2, "{told:?}");
        let first = format!("not seen: tcp sockets ({})", Reason::NotSupported.word());
        assert_eq!(told.first(), Some(&first));
        let folded = "not seen: 2 network namespaces (web: 1, db): operation not permitted \
                      (namespace-not-entered)";
        assert_eq!(
            told.last().map(|line| line.to_lowercase()),
            Some(folded.to_owned())
        );
    }
}
