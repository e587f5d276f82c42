//! Recordings in namespaces of their own.

mod agree;
mod causes;
mod chosen;
mod connects;
mod datagrams;
mod drops;
mod foreign;
mod functions;
mod keep;
mod languages;
mod leaks;
mod listeners;
mod made;
mod mem;
mod resets;
mod syn_queue;
mod top;
mod trace;
mod truth;
mod user_namespace;
mod vanish;

use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Runs plumb with JSON asked for and no input.
fn json(words: &[&str]) -> (Output, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumb"));
    let output = command
        .args(words)
        .stdin(Stdio::null())
        .output()
        .expect("plumb runs");
    let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "{words:?}: {error}: {}",
            String::from_utf8_lossy(&output.stderr)
        )
    });
    (output, value)
}

/// The events of a trace of a program of perl, without calls. Nothing may be missing.
fn kernel_events(script: &str) -> Vec<Value> {
    let words = ["trace", "--no-calls", "--json", "--", "perl", "-e", script];
    let (output, trace) = json(&words);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{errors}");
    assert_eq!(trace["complete"], true, "{}", trace["reasons"]);
    trace["events"].as_array().cloned().unwrap_or_default()
}

/// The texts of events of this kind.
fn texts<'v>(events: &'v [Value], kind: &str) -> Vec<&'v str> {
    let of_kind = events.iter().filter(|event| event["event"] == kind);
    of_kind.filter_map(|event| event["text"].as_str()).collect()
}

/// Rules of nft in the namespace of the test.
fn nft(rules: &str) {
    let done = Command::new("nft").arg(rules).status();
    assert!(done.expect("nft is installed").success());
}
