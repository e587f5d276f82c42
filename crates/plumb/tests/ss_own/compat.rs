//! --compat and PLUMB_SS_COMPAT: each change of the bytes comes with its release, not before.
//!
//! Dumps are hand-made. A mark is tried under every release, so that one that comes too early, too
//! late, or goes again is found.

mod layout;
mod rows;
mod tables;
mod words;

use plumb_testkit::ss::dump::Row;

use crate::called::listing_of;

/// Releases of iproute2 in which something may have changed.
const RELEASES: [&str; 21] = [
    "6.1", "6.2", "6.3", "6.4", "6.5", "6.6", "6.7", "6.8", "6.9", "6.10", "6.11", "6.12", "6.13",
    "6.14", "6.15", "6.16", "6.17", "6.18", "6.19", "7.0", "7.1",
];

/// Calls `shows` under each release and checks that its answer changes to yes with `since`, for good.
fn begins(since: &str, what: &str, mut shows: impl FnMut(&str) -> bool) {
    let begin = RELEASES.iter().position(|release| *release == since);
    for (at, release) in RELEASES.iter().enumerate() {
        assert_eq!(
            shows(release),
            Some(at) >= begin,
            "{what}, since {since}: wrong under {release}"
        );
    }
}

/// Lists a dump under a release.
fn listing(release: &str, rows: &[Row], line: &str) -> String {
    let told = listing_of(rows, &format!("{line} --compat {release}"));
    assert_eq!((told.stderr.as_str(), told.status), ("", 0), "{line}");
    told.stdout
}

/// Checks that `new` is shown since a release, and `old` before it. Lines need -p, without which 6.7
/// shows neither.
fn changes(since: &str, rows: &[Row], line: &str, old: &str, new: &str) {
    begins(since, new, |release| {
        let shown = listing(release, rows, line);
        let is_new = shown.contains(new);
        assert!(
            is_new || shown.contains(old),
            "{line} under {release}\n{shown}"
        );
        assert!(
            !is_new || old.is_empty() || new.contains(old) || !shown.contains(old),
            "{line} under {release}\n{shown}"
        );
        is_new
    });
}
