//! What the verbs that record tell of programs whose behaviour is known: which function left sockets open,
//! why a connection failed, that nothing stays in the kernel when plumb is killed.

mod needs_root;

use std::process::{Command, Output};

fn plumb(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumb"));
    command.args(words).output().expect("plumb runs")
}

fn status_and_complaint(words: &[&str]) -> (Option<i32>, String) {
    let output = plumb(words);
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn what_cannot_be_recorded_is_a_wrong_command_line() {
    let (status, text) = status_and_complaint(&["connects", "-p", "4194305"]);
    assert_eq!(status, Some(2));
    assert!(text.contains("there is no process 4194305"), "{text}");
    let (status, text) = status_and_complaint(&["connects", "-p", "nginx"]);
    assert_eq!(status, Some(2));
    assert!(text.contains("'process = nginx'"), "{text}");
    let (status, text) = status_and_complaint(&["leaks", "--cgroup", "/proc"]);
    assert_eq!(status, Some(2));
    assert!(text.contains("/proc is no cgroup (v2)"), "{text}");
    assert_eq!(
        status_and_complaint(&["leaks", "-p", "1", "--", "true"]).0,
        Some(2)
    );
    assert_eq!(
        status_and_complaint(&["connects", "--for", "soon"]).0,
        Some(2)
    );
}

#[test]
fn a_filter_that_no_event_answers_is_a_wrong_command_line() {
    for verb in ["trace", "connects"] {
        let (status, text) = status_and_complaint(&[verb, "dport = :80 and rtt > 20ms"]);
        assert_eq!(status, Some(2), "{verb}");
        assert!(text.contains("`rtt` cannot be asked"), "{text}");
    }
    let (status, text) = status_and_complaint(&["trace", "pid = 4194305"]);
    assert_eq!(status, Some(2));
    assert!(text.contains("there is no process 4194305"), "{text}");
    let (status, text) = status_and_complaint(&["trace", "dport"]);
    assert_eq!(status, Some(2), "{text}");
    let (status, text) = status_and_complaint(&["trace", "--container", "no-such-container"]);
    assert_eq!(status, Some(2));
    assert!(text.contains("no process is in a container"), "{text}");
}

#[test]
fn a_thread_is_no_process_and_its_process_is_named() {
    // A test runs in a thread of its own.
    let thread = rustix::thread::gettid().as_raw_pid().to_string();
    let process = std::process::id();
    for verb in ["trace", "connects", "leaks", "top", "mem"] {
        let (status, text) = status_and_complaint(&[verb, "-p", &thread]);
        assert_eq!(status, Some(2), "{verb}");
        let told = format!("{thread} is a thread of process {process}; ask for that: -p {process}");
        assert!(text.contains(&told), "{text}");
    }
    let (status, text) = status_and_complaint(&["diagnose", &thread]);
    assert_eq!(status, Some(2));
    assert!(
        text.contains(&format!("is a thread of process {process}")),
        "{text}"
    );
}

#[test]
fn a_command_without_its_dashes_is_understood() {
    for verb in ["trace", "connects", "leaks", "top"] {
        let (status, text) = status_and_complaint(&[verb, "sh", "x"]);
        assert_eq!(status, Some(2), "{verb}");
        assert!(
            text.contains("to run a command, put -- before it: -- sh x\n"),
            "{text}"
        );
    }
    for words in [&["mem", "sh", "x"][..], &["mem", "--", "sh", "x"]] {
        let (status, text) = status_and_complaint(words);
        assert_eq!(status, Some(2), "{words:?}");
        assert!(text.contains("tells plumb top -- sh x\n"), "{text}");
    }
    let (_, text) = status_and_complaint(&["trace", "no-such-program"]);
    assert!(!text.contains("to run a command"), "{text}");
}
