//! One call of `plumb ls`, and what came of it.

use std::process::{Command, Output};

use serde_json::Value;

/// What came of a call.
pub struct Told {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit status.
    pub status: i32,
}

impl From<Output> for Told {
    fn from(output: Output) -> Self {
        Self {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            status: output.status.code().expect("it was not killed"),
        }
    }
}

/// Prepares a call.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumb"));
    command
        .arg("ls")
        .env_remove("COLUMNS")
        .env_remove("NO_COLOR");
    command
}

/// Runs `plumb ls` with words.
pub fn ls(words: &[&str]) -> Told {
    let output = command().args(words).output();
    output.expect("the program starts").into()
}

/// Runs `plumb ls -o json` with words; gives the document.
pub fn document(words: &[&str]) -> Value {
    let told = ls(&[&["-o", "json"], words].concat());
    assert_eq!(told.status, 0, "{words:?}\n{}", told.stderr);
    serde_json::from_str(&told.stdout).expect("it is JSON")
}

/// Gives one key of every socket that a filter finds, sorted.
pub fn found(words: &[&str], key: &str) -> Vec<Value> {
    let document = document(words);
    let rows = document["sockets"]
        .as_array()
        .expect("there are rows")
        .clone();
    let mut values: Vec<Value> = rows.into_iter().map(|row| row[key].clone()).collect();
    values.sort_by_key(ToString::to_string);
    values
}
