//! The recorder on whatever kernel runs this: the hooks it finds are those docs/trace.md says this kernel has, and
//! what the verbs tell of a known program is true, whichever hook told it.
//!
//! `PLUMB_NEED_BPF` (see [`crate::bpf`]) names the parts that must be there; a part that is not is a gap in words.

mod background;
mod containers;
mod fallback;
mod hooks;
mod interrupted;
mod sockets;
mod verbs;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The plumb under test.
pub fn plumb() -> Command {
    let program = std::env::var_os("PLUMB_UNDER_TEST")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_plumb")), PathBuf::from);
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

/// Runs a verb on `act` (plumb-testkit, `acting`) with JSON asked for; these hooks are left out.
fn record(words: &[&str], refused: &str, act: &Path, does: &[&str]) -> (Output, Value) {
    let mut command = plumb();
    command.env("PLUMB_HOOKS_REFUSED", refused);
    command
        .args(words)
        .args(["--json", "--"])
        .arg(act)
        .args(does);
    let output = command.output().expect("plumb runs");
    let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let text = String::from_utf8_lossy(&output.stderr);
        panic!("{words:?} {does:?}: {error}: {text}")
    });
    (output, value)
}

/// A listener of which nobody takes a connection, and its port.
fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    (listener, port.to_string())
}

/// What was not seen, in words.
fn reasons(document: &Value) -> Vec<&str> {
    let reasons = document["reasons"].as_array().into_iter().flatten();
    reasons.filter_map(Value::as_str).collect()
}

/// Wants everything to have been seen. That programs are not called for what interrupts them is a limit of the kernel,
/// which a guest without hardware help reaches sooner than others.
fn assert_complete(document: &Value) {
    let known = "the kernel does not run a program that it has interrupted";
    let reasons = reasons(document);
    let other: Vec<_> = reasons.iter().filter(|why| !why.ends_with(known)).collect();
    assert!(other.is_empty(), "{other:?}");
    assert_eq!(document["complete"], reasons.is_empty(), "{reasons:?}");
}
