//! `plumb bind` as a user meets it: words, forms, exit status, and situations with many parties.

use std::process::{Command, Output};

mod needs_root;

fn bind(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plumb"))
        .arg("bind")
        .args(words)
        .env("COLUMNS", "120")
        .output()
        .expect("the binary was built")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    for words in [
        &["127.0.0.1"][..],
        &[":x"],
        &[":80", "icmp"],
        &[":80", "--device", "no-such-interface"],
        &[":80", "--netns", "no-such-namespace"],
        &[":80", "--try", "--no-try"],
        &[":80", "-o", "xml"],
        &[],
    ] {
        let output = bind(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(!output.stderr.is_empty(), "{words:?}");
    }
}

#[test]
fn the_holder_of_a_taken_port_is_named_in_every_form() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("loopback is up");
    let address = listener.local_addr().expect("it is bound").to_string();
    let pid = std::process::id();
    for form in ["table", "wide", "json", "ndjson", "csv"] {
        let output = bind(&[&address, "-o", form]);
        assert_eq!(output.status.code(), Some(1), "{form}");
        let text = stdout(&output);
        assert!(text.contains("EADDRINUSE"), "{form}: {text}");
        assert!(text.contains(&pid.to_string()), "{form}: {text}");
    }
    let row = &json(&bind(&[&address, "--json"]))["binds"][0];
    assert_eq!(row["can_bind"], false);
    assert_eq!(row["tried"]["agrees"], true);
    assert_eq!(row["blockers"][0]["what"], "listener");
    assert_eq!(row["blockers"][0]["reuse_addr"], true);
    drop(listener);
    let output = bind(&[&address]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

#[test]
fn a_narrow_terminal_keeps_the_answer() {
    let output = Command::new(env!("CARGO_BIN_EXE_plumb"))
        .args(["bind", "127.0.0.1:0"])
        .env("COLUMNS", "40")
        .output()
        .expect("the binary was built");
    let text = stdout(&output);
    let table: Vec<&str> = text.lines().take(2).collect();
    assert!(
        table.iter().all(|line| line.chars().count() <= 40),
        "{text}"
    );
    assert!(text.contains("yes"), "{text}");
}

#[test]
fn thinking_alone_says_so() {
    let row = &json(&bind(&["127.0.0.1:0", "--no-try", "--json"]))["binds"][0];
    assert_eq!(row["can_bind"], true);
    assert_eq!(row["tried"], serde_json::Value::Null);
    assert_eq!(row["not_tried"], "--no-try");
}

#[test]
fn the_interface_of_a_link_local_address_is_told_by_its_name() {
    let row = &json(&bind(&["[fe80::1%lo]:8080", "--no-try", "--json"]))["binds"][0];
    assert_eq!(row["endpoint"], "[fe80::1%lo]:8080", "{row}");
}
