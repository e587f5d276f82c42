//! The command line and the forms of the output, on this machine as it is.

use std::process::{Command, Output};

use serde_json::Value;

/// Runs `plumb if` with these words, with these variables.
pub fn run(words: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumb"));
    command.arg("if").args(words).env_remove("COLUMNS");
    for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    command.output().expect("plumb is built")
}

/// Runs it for its JSON document.
pub fn document(words: &[&str]) -> Value {
    let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
    let output = run(&words, &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("standard output is one document")
}

/// Finds an interface in it.
pub fn interface<'d>(document: &'d Value, name: &str) -> &'d Value {
    let rows = document["interfaces"].as_array().expect("rows");
    let found = rows.iter().find(|row| row["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {document}"))
}

#[test]
fn rates_need_two_readings_and_totals_need_one() {
    let sampled = document(&["--for", "10ms"]);
    assert_eq!(sampled["schema"], "plumb.if/1");
    assert_eq!(sampled["complete"], true, "{}", sampled["reasons"]);
    assert!(
        sampled["interval_s"]
            .as_f64()
            .is_some_and(|s| (0.01..60.0).contains(&s))
    );
    let lo = interface(&sampled, "lo");
    assert!(
        lo["rx_bytes_per_s"].is_number() && lo["drops"]["delta"].is_u64(),
        "{lo}"
    );
    assert_eq!(lo["kind"], "loopback");
    assert!(lo["speed_mbit_s"].is_null());
    assert_eq!(lo["speed_unknown"], "virtual-link");
    let totals = document(&["--totals", "lo"]);
    assert!(totals["interval_s"].is_null());
    let lo = interface(&totals, "lo");
    assert!(lo["rx_bytes_per_s"].is_null() && lo["counters"]["rx_bytes"].is_u64());
    assert_eq!(totals["interfaces"].as_array().map(Vec::len), Some(1));
}

#[test]
fn wrong_words_are_refused_with_what_would_be_right() {
    let output = run(&["no-such-interface"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("no interface no-such-interface; there are"),
        "{said}"
    );
    for words in [
        &["--every", "soon"][..],
        &["--totals", "--every", "1s"],
        &["-c", "nonsense"],
    ] {
        assert_eq!(run(words, &[]).status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn no_line_is_wider_than_a_small_terminal() {
    for words in [&["--for", "1ms"][..], &["--every", "1ms", "--for", "3ms"]] {
        let output = run(words, &[("COLUMNS", "40")]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("lo") && text.contains("Drops"), "{text}");
        let wide: Vec<&str> = text
            .lines()
            .filter(|line| line.chars().count() > 40)
            .collect();
        assert!(wide.is_empty(), "{wide:?}");
    }
}

#[test]
fn bars_are_blocks_only_where_the_locale_knows_them() {
    let words = ["--every", "1ms", "--for", "3ms", "lo"];
    let text = |variables: &[(&str, &str)]| {
        String::from_utf8_lossy(&run(&words, variables).stdout).into_owned()
    };
    assert!(text(&[("LANG", "C.UTF-8")]).contains('▁'));
    let ascii = text(&[("LANG", "C.UTF-8"), ("LC_ALL", "C")]);
    assert!(ascii.is_ascii() && ascii.contains(". "), "{ascii}");
}

#[test]
fn a_link_of_software_says_why_it_has_no_speed() {
    let output = run(&["--totals", "-c", "name,speed", "lo"], &[]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text.lines().nth(1), Some("lo    (virtual)"), "{text}");
}

#[test]
fn csv_has_plain_numbers() {
    let output = run(
        &[
            "--for",
            "1ms",
            "-o",
            "csv",
            "-c",
            "name,rx,tx-total,speed",
            "lo",
        ],
        &[],
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some("name,rx_bytes_per_s,tx_bytes,speed_mbit_s")
    );
    let cells: Vec<&str> = lines.next().expect("a row").split(',').collect();
    assert_eq!((cells[0], cells[3]), ("lo", ""));
    assert!(
        cells[1].parse::<u64>().is_ok() && cells[2].parse::<u64>().is_ok(),
        "{cells:?}"
    );
}
