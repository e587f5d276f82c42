//! Recordings in namespaces of their own.

mod causes;
mod chosen;
mod connects;
mod functions;
mod keep;
mod languages;
mod leaks;
mod listeners;
mod mem;
mod top;
mod trace;
mod truth;
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
