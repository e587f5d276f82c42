//! How many of what: the line below the table, and `totals` in JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::row::Row;

/// Counts of the rows that are shown.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// All of them.
    pub sockets: u64,
    /// By kind.
    pub by_kind: BTreeMap<&'static str, u64>,
    /// By state.
    pub by_state: BTreeMap<String, u64>,
    /// Those without a known holder, by reason.
    pub owner_unknown: BTreeMap<&'static str, u64>,
}

impl Totals {
    /// Counts rows.
    pub fn of(rows: &[Row<'_>]) -> Self {
        let mut totals = Self::default();
        let mut states: BTreeMap<(bool, u32), (u64, String)> = BTreeMap::new();
        for row in rows {
            totals.sockets += 1;
            *totals.by_kind.entry(row.socket.kind.word()).or_default() += 1;
            // The word is made once for each state, not for each row.
            let key = (row.socket.kind.has_states(), row.socket.state.0);
            let state = states
                .entry(key)
                .or_insert_with(|| (0, row.state_word().into_owned()));
            state.0 += 1;
            if let Some(reason) = row.owner_unknown() {
                *totals.owner_unknown.entry(reason.word()).or_default() += 1;
            }
        }
        for (count, word) in states.into_values() {
            *totals.by_state.entry(word).or_default() += count;
        }
        totals
    }

    /// Writes them in a line.
    pub fn line(&self) -> String {
        let sockets = if self.sockets == 1 {
            "socket"
        } else {
            "sockets"
        };
        let mut line = format!("{} {sockets}", self.sockets);
        let mut part = |before: &str, counts: String| {
            if !counts.is_empty() {
                line.push_str(before);
                line.push_str(&counts);
            }
        };
        part(": ", listed(self.by_kind.iter()));
        part("; ", listed(self.by_state.iter()));
        part("; no known owner: ", listed(self.owner_unknown.iter()));
        line
    }
}

/// Counts with their words, the greatest first.
fn listed<W: AsRef<str>>(
    counts: impl Iterator<Item = (W, impl std::borrow::Borrow<u64>)>,
) -> String {
    let mut counts: Vec<(u64, W)> = counts
        .map(|(word, count)| (*count.borrow(), word))
        .collect();
    counts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let texts: Vec<String> = counts
        .iter()
        .map(|(count, word)| format!("{count} {}", word.as_ref()))
        .collect();
    texts.join(", ")
}
