//! B: rows cut short, rows with words too many, rubbish, empty lines, no last newline.

use std::io;

use super::whole::FILES;
use super::{State, whole};

pub(super) fn every_table() -> io::Result<Vec<State>> {
    let damages: [(&str, Damage); 8] = [
        ("cut rows", |text| {
            each_row(text, |row| row[..row.len() / 2].to_owned())
        }),
        ("one word", |text| {
            each_row(text, |row| {
                row.split_whitespace().next().unwrap_or("").to_owned()
            })
        }),
        ("words too many", |text| {
            each_row(text, |row| format!("{row} 1 2 three"))
        }),
        ("empty lines between", |text| text.replace('\n', "\n\n")),
        ("no last newline", |text| {
            text.trim_end_matches('\n').to_owned()
        }),
        ("header alone", |text| {
            text.lines().next().unwrap_or("").to_owned() + "\n"
        }),
        ("rubbish", |_| {
            "rubbish\n%s %n\n\n:\n: :\n0: x:y z\n   \t\n".to_owned()
        }),
        ("last field missing", |text| {
            each_row(text, without_last_word)
        }),
    ];
    let mut states = Vec::new();
    for (name, damage) in damages {
        let tree = whole(10)?;
        for file in FILES {
            let path = tree.path().join(file);
            // Lossy on purpose: the seed's odd names need not survive, the damage matters.
            let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
            if *file == "net/ipv6_route" && name == "rubbish" {
                // Read without a route before them, such rows show memory that was never set.
                continue;
            }
            tree.file(file, damage(&text))?;
        }
        states.push(State::new(&format!("B {name}"), tree));
    }
    Ok(states)
}

/// What happens to the text of a table.
type Damage = fn(&str) -> String;

/// Changes every line but the first.
fn each_row(text: &str, change: impl Fn(&str) -> String) -> String {
    let mut lines = text.lines();
    let header = lines.next().unwrap_or("").to_owned();
    std::iter::once(header)
        .chain(lines.map(change))
        .map(|line| line + "\n")
        .collect()
}

fn without_last_word(row: &str) -> String {
    row.trim_end()
        .rsplit_once(' ')
        .map_or("", |(rest, _)| rest)
        .to_owned()
}
