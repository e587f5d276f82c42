//! `plumb doctor`: its document, its exit codes, and what root and nobody are told.

mod needs_root;

use std::process::{Command, Output};

use serde_json::Value;

fn doctor() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumb"));
    command.arg("doctor");
    command
}

fn run(command: &mut Command) -> Output {
    command.output().expect("the program starts")
}

/// The document of a call.
fn document(command: &mut Command) -> Value {
    let output = run(command.arg("--json"));
    serde_json::from_slice(&output.stdout).expect("valid JSON")
}

/// Verdict and command of an ability.
fn told(document: &Value, key: &str) -> (String, Option<String>) {
    let abilities = document["abilities"].as_array().expect("an array");
    let ability = abilities.iter().find(|ability| ability["ability"] == key);
    let ability = ability.unwrap_or_else(|| panic!("there is an ability {key}"));
    let text = |value: &Value| value.as_str().map(str::to_owned);
    (
        text(&ability["verdict"]).expect("a word"),
        text(&ability["allow"]),
    )
}

#[test]
fn the_document_is_whole_for_anybody() {
    let document = document(&mut doctor());
    assert_eq!(document["schema"], "plumb.doctor/1");
    assert_eq!(document["complete"], true);
    assert!(document["kernel"].is_string());
    assert!(document["owner_engine"]["why"].is_string());
    assert_eq!(told(&document, "diag-tcp").0, "yes");
    for ability in document["abilities"].as_array().expect("an array") {
        let verdict = ability["verdict"].as_str().expect("a word");
        assert!(["yes", "partly", "no"].contains(&verdict), "{ability}");
        assert!(
            !ability["why"].as_str().expect("text").is_empty(),
            "{ability}"
        );
    }
}

#[test]
fn what_is_required_and_there_is_fine() {
    let output = run(doctor().args(["--require", "diag-tcp,diag-unix"]));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn words_that_are_no_ability_are_a_mistake() {
    let output = run(doctor().args(["--require", "telepathy"]));
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("no ability telepathy; there are diag-tcp,"),
        "{said}"
    );
    assert!(output.stdout.is_empty());
    let group = run(doctor().arg("--install-iterator=no-such-group-of-ours"));
    assert_eq!(group.status.code(), Some(2));
    let both = run(doctor().args(["--install-iterator", "--remove-iterator"]));
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn a_narrow_table_has_every_ability_and_whole_commands() {
    let output = run(doctor().env("COLUMNS", "40"));
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    let (rows, commands) = table.split_once("\n\n").unwrap_or((&table, ""));
    assert!(rows.lines().all(|row| row.chars().count() <= 40), "{rows}");
    assert!(rows.lines().any(|row| row.starts_with("owners ")), "{rows}");
    assert!(!commands.contains('\u{2026}'), "{commands}");
}
