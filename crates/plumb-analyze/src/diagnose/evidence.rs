//! Making evidence: what was read where, and what it says.

use plumb_model::finding::{Change, Evidence};
use plumb_model::sample::Span;

use crate::counters::explain;

/// Evidence from a counter that grew; `None` when it is unknown or stood still. A name that no kernel has would be
/// silent for ever, so in builds for tests it must be one that is explained.
pub(super) fn grown(span: Span<'_>, group: &str, name: &str) -> Option<Evidence> {
    debug_assert!(
        explain(group, name).is_some(),
        "no kernel counts {group}.{name}"
    );
    let before = span.before.counters.get(group, name).ok()?;
    let after = span.after.counters.get(group, name).ok()?;
    let more = after.checked_sub(before).filter(|&more| more > 0)?;
    let readings = &span.after.counters.readings;
    let source = readings
        .iter()
        .find(|reading| reading.group == group && reading.name == name)
        .map_or("", |reading| reading.source);
    Some(Evidence {
        source: format!("{source} {group}.{name}"),
        text: format!("grew by {more} to {after} in {:.1} s", span.seconds()),
        change: Some(Change {
            before,
            after,
            interval_s: span.seconds(),
        }),
    })
}

/// Counts attempts, as `1 attempt` or `2 attempts`.
pub(super) fn attempts(count: u64) -> String {
    let word = if count == 1 { "attempt" } else { "attempts" };
    format!("{count} {word}")
}

/// Names a number of connections.
pub(super) fn connections(count: impl std::fmt::Display) -> String {
    let count = count.to_string();
    let word = if count == "1" {
        "connection"
    } else {
        "connections"
    };
    format!("{count} {word}")
}

/// Evidence that is a fact of one moment.
pub(super) fn fact(source: &str, text: impl Into<String>) -> Evidence {
    Evidence {
        source: source.to_owned(),
        text: text.into(),
        change: None,
    }
}
