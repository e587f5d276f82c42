//! The keys that a page of docs/ describes, and those that documents have.
//!
//! A page is read by its tables: the backquoted words of a title are the sections below it (`""` for
//! "The document"), the first cell of a line holds keys, the second says `optional`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Keys by section of the page (`## …`); `""` holds those of the envelope.
pub type Keys = BTreeMap<String, BTreeSet<String>>;

/// A page's keys: all of them, and those that a document with such rows must have.
pub fn documented(page: &str) -> (Keys, Keys) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/");
    let page = std::fs::read_to_string(format!("{path}{page}"));
    let page = page.expect("the page is in the repository");
    let (mut all, mut certain) = (Keys::new(), Keys::new());
    let mut arrays = Vec::new();
    let mut optional = BTreeSet::new();
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            optional = BTreeSet::new();
            arrays = match title {
                "The document" => vec![String::new()],
                _ => quoted(title),
            };
        }
        let mut cells = line.split(" | ");
        let (Some(keys), Some(kind)) = (cells.next(), cells.next()) else {
            continue;
        };
        if !keys.starts_with("| `") || kind.starts_with('`') {
            continue;
        }
        let may_lack = kind.contains("optional") || kind.trim().is_empty();
        for key in quoted(keys) {
            let parent = key.split_once('.').map_or("", |(parent, _)| parent);
            let parent = parent.trim_end_matches("[]");
            if may_lack || key.ends_with("_unknown") || optional.contains(parent) {
                optional.insert(key.clone());
            }
            for array in &arrays {
                if !optional.contains(&key) {
                    certain
                        .entry(array.clone())
                        .or_default()
                        .insert(key.clone());
                }
                all.entry(array.clone()).or_default().insert(key.clone());
            }
        }
    }
    (all, certain)
}

/// The words in backquotes.
fn quoted(text: &str) -> Vec<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// Adds the keys of a row to those seen before.
pub fn collect_row(value: &Value, prefix: &str, seen: &mut BTreeSet<String>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let path = format!("{prefix}{key}");
        collect_row(value, &format!("{path}."), seen);
        for item in value.as_array().into_iter().flatten() {
            collect_row(item, &format!("{path}[]."), seen);
        }
        seen.insert(path);
    }
}

/// Says what is not documented, and what is documented and never seen.
/// `exempt` are sections of which rows may lack keys.
pub fn differences(seen: &Keys, page: &str, exempt: &[&str]) -> Vec<String> {
    let (all, certain) = documented(page);
    let mut found = Vec::new();
    let shared = |key: &str| {
        let section = if key.starts_with("process.") {
            "sockets"
        } else {
            ""
        };
        all.get(section).is_some_and(|keys| keys.contains(key))
    };
    for (array, keys) in seen {
        let known = all.get(array);
        for key in keys {
            if !known.is_some_and(|known| known.contains(key)) && !shared(key) {
                found.push(format!("not documented: `{key}` in `{array}`"));
            }
        }
    }
    for (array, keys) in &certain {
        let own = seen.get(array);
        let missing = keys
            .iter()
            .filter(|key| !own.is_some_and(|own| own.contains(*key)));
        let exempt = exempt.contains(&array.as_str());
        found.extend(
            missing
                .filter(|_| !exempt)
                .map(|key| format!("never seen: `{key}` in `{array}`")),
        );
        if own.is_none_or(BTreeSet::is_empty) {
            found.push(format!("no row of `{array}` was seen"));
        }
    }
    found
}
