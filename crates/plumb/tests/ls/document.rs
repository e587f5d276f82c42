//! The keys that `docs/json-verbs.md` promises are those that come, no more and no fewer.

use std::collections::BTreeSet;

use serde_json::Value;

/// Gives the keys of the section about `plumb.ls/1`.
pub fn promised() -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/json-verbs.md");
    let text = std::fs::read_to_string(path).expect("it is in the repository");
    let start = text.find("## `plumb.ls/1`").expect("there is a section");
    let section = &text[start + 3..];
    let section = &section[..section.find("\n## ").unwrap_or(section.len())];
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let keys = rows.flat_map(|line| {
        let cell = line.split('|').nth(1).expect("a first cell");
        cell.split(',')
            .map(|key| key.trim().trim_matches('`').to_owned())
    });
    keys.collect()
}

/// Gives the paths of all keys in a document, as `sockets[].owners[].pid`.
pub fn paths(document: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(document, "", &mut found);
    found
}

/// Gives the commands of `docs/ls.md`.
pub fn commands() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ls.md");
    let text = std::fs::read_to_string(path).expect("it is in the repository");
    let commands = text.lines().filter_map(|line| line.strip_prefix("$ "));
    commands.map(str::to_owned).collect()
}

fn collect(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                // Counts have kinds, states and reasons for keys; owners repeat what their row has.
                let counts = path.starts_with("totals.") || path.ends_with(".states");
                let repeated = path.starts_with("sockets[].owners[].");
                if counts || repeated {
                    return;
                }
                let dot = if path.is_empty() { "" } else { "." };
                let path = format!("{path}{dot}{key}");
                found.insert(path.clone());
                collect(member, &path, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect(item, &format!("{path}[]"), found);
            }
        }
        _ => {}
    }
}
