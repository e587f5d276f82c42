//! Who interrupts a watch is told what was seen until then.

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use plumb_testkit::terminal::Terminal;
use rustix::process::{Pid, Signal, kill_process};

/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longer than that: who ends sooner was interrupted.
const LENGTH: &str = "10m";

/// Says whether a process has a handler of its own for a signal.
fn catches(pid: u32, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = line.and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
}

fn interrupt(child: &Child) {
    let end = Instant::now() + PATIENCE;
    while !catches(child.id(), Signal::INT) {
        assert!(Instant::now() < end, "nobody listens to an interrupt");
        std::thread::yield_now();
    }
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("an id"), Signal::INT).expect("it runs");
}

fn interrupted(words: &[&str]) -> Output {
    let child = Command::new(env!("CARGO_BIN_EXE_plumb"))
        .args(words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("plumb runs");
    interrupt(&child);
    child.wait_with_output().expect("it ends")
}

#[test]
fn an_interrupted_watch_tells_what_it_saw_until_then() {
    for (verb, rows) in [
        ("diagnose", "findings"),
        ("ports", "targets"),
        ("stats", "counters"),
        ("if", "interfaces"),
    ] {
        let begun = Instant::now();
        let output = interrupted(&[verb, "--for", LENGTH, "--json"]);
        assert!(begun.elapsed() < 2 * PATIENCE, "{verb}");
        assert_eq!(output.status.code(), Some(0), "{verb}: {output:?}");
        let document: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{verb}: {error}"));
        assert!(document[rows].is_array(), "{verb}: {document}");
    }
}

#[test]
fn a_repetition_that_is_interrupted_ends_behind_a_whole_answer() {
    for (words, rows) in [
        (&["ls", "--watch", LENGTH][..], "sockets"),
        (&["stats", "--every", LENGTH], "counters"),
        (&["stats", "--syn", "--every", LENGTH], "answers"),
        (&["if", "--every", LENGTH], "interfaces"),
    ] {
        let output = interrupted(&[words, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
        let document: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{words:?}: {error}"));
        assert!(document[rows].is_array(), "{words:?}: {document}");
    }
}

/// What stays on the terminal, the prompt of the shell must not be written into.
#[test]
fn a_terminal_is_left_on_a_line_of_its_own() {
    for words in [
        &["ls", "--watch", "10m"][..],
        &["stats", "--every", "1s"],
        &["if", "--every", "1s"],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plumb"));
        let mut terminal = Terminal::start(command.args(words), 24, 80).expect("a terminal");
        // The end of a screen: nothing below the last line.
        let is_drawn = |seen: &[u8]| seen.ends_with(b"\x1b[J");
        assert!(terminal.read_until(is_drawn), "{words:?}: no screen");
        terminal.interrupt().expect("it runs");
        let status = terminal.end().expect("it ends");
        assert_eq!(status.code(), Some(0), "{words:?}");
        assert!(
            terminal.seen.ends_with(b"\x1b[J\r\n"),
            "{words:?}: {}",
            String::from_utf8_lossy(&terminal.seen)
        );
    }
}

#[test]
fn an_interrupted_question_is_answered() {
    let output = interrupted(&["stats", "--syn", "--for", LENGTH]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("Now is the last "), "{text}");
}

#[test]
fn a_path_that_is_interrupted_between_rounds_shows_its_hops() {
    let output = interrupted(&["path", "127.0.0.1", "--udp", "-c", "3", "-i", LENGTH]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("reached in 1 hop\n"), "{text}");
}
