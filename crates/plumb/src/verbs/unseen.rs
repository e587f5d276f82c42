//! What a reading of the machine did not see, in words for people; the stable word of the reason stands behind.

use plumb_model::Reason;
use plumb_model::snapshot::Snapshot;

use crate::errno;

/// Says what a snapshot lacks, a line each.
pub fn gaps(snapshot: &Snapshot) -> Vec<String> {
    let gaps = snapshot.gaps.iter();
    gaps.map(|gap| {
        let what = errno::plain(&gap.what);
        format!("not seen: {what} ({})", gap.reason.word())
    })
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
