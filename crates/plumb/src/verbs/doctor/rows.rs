//! Abilities as rows, and what else the document of `plumb doctor` says.

use plumb_analyze::abilities::setcap_for_all;
use plumb_model::Known;
use plumb_model::ability::{Ability, Facts, Verdict};
use plumb_present::report::{Cell, Column, Tone};
use serde::Serialize;
use serde_json::{Value, json};

/// One row.
#[derive(Debug, Serialize)]
pub struct Row {
    area: &'static str,
    ability: String,
    verdict: &'static str,
    what: String,
    why: String,
    allow: Option<String>,
}

/// The columns; the command stands below the table, where it can be copied whole.
pub const COLUMNS: [Column<Row>; 6] = [
    Column::new("ability", "Ability", |row: &Row| Cell::new(&*row.ability))
        .about("its word, for --require"),
    Column::new("verdict", "Can", |row: &Row| {
        Cell::new(row.verdict).with(match row.verdict {
            "yes" => Tone::Good,
            "partly" => Tone::Warning,
            _ => Tone::Bad,
        })
    })
    .about("yes, partly (others' things are missing), no"),
    Column::new("why", "Why", |row: &Row| Cell::new(&*row.why))
        .shrink_to(12)
        .about("why, or how"),
    Column::new("what", "For", |row: &Row| Cell::new(&*row.what))
        .keep(20)
        .shrink_to(20)
        .about("what it is good for"),
    Column::new("area", "Area", |row: &Row| Cell::new(row.area))
        .wide_only()
        .about("what it belongs to"),
    Column::new("allow", "Allow", |row: &Row| {
        Cell::new(row.allow.as_deref().unwrap_or("-"))
    })
    .wide_only()
    .about("the command that would allow more"),
];

/// Makes the rows.
pub fn rows(abilities: Vec<Ability>) -> Vec<Row> {
    abilities
        .into_iter()
        .map(|ability| Row {
            area: ability.area,
            ability: ability.key,
            verdict: ability.verdict.word(),
            what: ability.what,
            why: ability.why,
            allow: ability.allow,
        })
        .collect()
}

/// Lists each command once, with what it is for.
pub fn footer(facts: &Facts, abilities: &[Ability]) -> Vec<String> {
    let commands = commands(abilities);
    if commands.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "More would be allowed by".to_owned()];
    for (command, keys) in commands {
        lines.push(format!("  {command}"));
        lines.push(format!("      {}", keys.join(", ")));
    }
    if let Some(command) = setcap_for_all(facts, abilities) {
        lines.push("setcap replaces what a file had. For all of it at once".to_owned());
        lines.push(format!("  {command}"));
    }
    lines
}

/// Kernel, user, engine and settings, for the envelope.
pub fn members(facts: &Facts) -> Vec<(&'static str, Value)> {
    let settings = &facts.settings;
    vec![
        ("kernel", json!(facts.release)),
        (
            "user",
            json!({
                "uid": facts.user.uid.0,
                "capabilities": facts.user.effective.names(),
                "initial_user_namespace": facts.user.is_first_namespace,
            }),
        ),
        (
            "owner_engine",
            json!({"name": facts.owners.engine, "why": facts.owners.why}),
        ),
        (
            "settings",
            json!({
                "ptrace_scope": option(&settings.ptrace_scope),
                "perf_event_paranoid": option(&settings.perf_event_paranoid),
                "unprivileged_bpf_disabled": option(&settings.unprivileged_bpf_disabled),
                "kptr_restrict": option(&settings.kptr_restrict),
                "lockdown": option(&settings.lockdown),
                "hidepid": option(&settings.hidepid),
            }),
        ),
    ]
}

/// What is unknown is null.
fn option<T: Clone>(value: &Known<T>) -> Option<T> {
    value.clone().ok()
}

/// The commands of abilities that are not whole, each once, with those it is for.
fn commands(abilities: &[Ability]) -> Vec<(&str, Vec<&str>)> {
    let mut commands: Vec<(&str, Vec<&str>)> = Vec::new();
    for ability in abilities.iter().filter(|it| it.verdict != Verdict::Yes) {
        let Some(command) = ability.allow.as_deref() else {
            continue;
        };
        match commands.iter_mut().find(|(known, _)| *known == command) {
            Some((_, keys)) => keys.push(&ability.key),
            None => commands.push((command, vec![&ability.key])),
        }
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ability(key: &str, verdict: Verdict, allow: Option<&str>) -> Ability {
        Ability {
            area: "owners",
            key: key.to_owned(),
            what: String::new(),
            verdict,
            why: String::new(),
            allow: allow.map(str::to_owned),
            gives: plumb_model::ability::Capabilities::default(),
        }
    }

    #[test]
    fn each_command_stands_once_with_all_it_is_for() {
        let abilities = [
            ability("a", Verdict::No, Some("sudo x")),
            ability("b", Verdict::Yes, Some("sudo y")),
            ability("c", Verdict::Partly, Some("sudo x")),
            ability("d", Verdict::No, None),
        ];
        assert_eq!(commands(&abilities), [("sudo x", vec!["a", "c"])]);
    }
}
