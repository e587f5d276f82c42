//! Each rung of the ladders, also where a better one is there: better ones are refused, and what is told stays
//! the same. A kernel that has no such rung has a gap that says what it answered.

use std::process::{Command, Stdio};

use plumb_bpf::recorder::{Layer, Plan, Recorder, Told};
use plumb_model::event::What;
use plumb_testkit::acting;
use plumb_testkit::temp::TempDir;

use super::{listener, reasons, record};
use crate::bpf::is_needed;

/// Hooks to leave out, so that functions, then kprobes, stand in for tracepoints.
const NO_TRACEPOINTS: &str =
    "tp_btf/sock_send_length tp_btf/sock_recv_length tp_btf/inet_sk_error_report";
const KPROBES_ALONE: &str =
    "tp_btf/sock_send_length tp_btf/sock_recv_length tp_btf/inet_sk_error_report fentry fexit";

/// A port where nobody listens.
const CLOSED: &str = "9";
/// The error of such a port.
const ECONNREFUSED: i32 = 111;

/// Says whether there is a gap where one may be; then there is nothing more to see.
fn is_gap(part: &str, reasons: &[&str]) -> bool {
    for reason in reasons {
        println!("{reason}");
        assert!(!is_needed(part), "{part} is needed: {reason}");
        assert!(
            reason.contains("refused by PLUMB_HOOKS_REFUSED"),
            "{reason}"
        );
    }
    !reasons.is_empty()
}

/// Counts what `act move` moves, with the hooks that are left.
fn moved_is_counted_once(by: &str) {
    let folder = TempDir::new("moves").expect("a folder");
    let act = acting::program(folder.path());
    let plan = Plan {
        layers: vec![Layer::Traffic],
        ..Plan::default()
    };
    let recorder = Recorder::start(&plan).expect("every kernel of the matrix has a recorder");
    let gaps: Vec<String> = recorder.gaps().iter().map(|gap| gap.why.clone()).collect();
    let gaps: Vec<&str> = gaps.iter().map(String::as_str).collect();
    println!("by {by}: {:?}", recorder.used());
    if is_gap("recorder/traffic", &gaps) {
        return;
    }
    let mut command = Command::new(act);
    command.arg("move").stdin(Stdio::null());
    let mut child = command.spawn().expect("it runs");
    let pid = plumb_model::id::Pid(child.id());
    assert!(child.wait().expect("it ends").success());
    let (mut sent, mut received) = (0, 0);
    for (cookie, moved) in recorder.traffic() {
        if moved.owner == Some(pid) {
            println!("{cookie:?}: {moved:?}");
            sent += moved.sent_bytes;
            received += moved.received_bytes;
        }
    }
    let all: u64 = acting::MOVED.iter().sum();
    assert_eq!((sent, received), (all, all));
}

/// Gives the errors left at sockets that asked a closed port, with the hooks that are left.
fn errors_are_told_once(by: &str) {
    let folder = TempDir::new("errors").expect("a folder");
    let act = acting::program(folder.path());
    let plan = Plan {
        layers: vec![Layer::Faults],
        ..Plan::default()
    };
    let mut recorder = Recorder::start(&plan).expect("every kernel of the matrix has a recorder");
    let gaps: Vec<String> = recorder.gaps().iter().map(|gap| gap.why.clone()).collect();
    let gaps: Vec<&str> = gaps.iter().map(String::as_str).collect();
    println!("by {by}: {:?}", recorder.used());
    if is_gap("recorder/faults", &gaps) {
        return;
    }
    let asked = Command::new(act)
        .args(["ask", CLOSED, "3"])
        .stdin(Stdio::null())
        .status();
    assert!(asked.expect("it runs").success());
    let mut errors = Vec::new();
    recorder.poll_rest(|told| {
        if let Told::Event(event) = told
            && let What::Error { errno } = event.what
            && event
                .ends
                .is_some_and(|ends| ends.peer.port().to_string() == CLOSED)
        {
            errors.push(errno);
        }
    });
    assert_eq!(errors, [ECONNREFUSED; 3]);
}

/// The code whose read returned 0, with these hooks left out.
fn the_end_is_told_to_its_reader(refused: &str) {
    let folder = TempDir::new("told").expect("a folder");
    let act = acting::program(folder.path());
    let (listener, port) = listener();
    // Closes what comes, so that the program reads an end.
    let closer = std::thread::spawn(move || drop(listener.accept().expect("it comes")));
    let (_, leaks) = record(&["leaks"], refused, &act, &["read-end", &port, "1"]);
    closer.join().expect("it does not panic");
    if !is_gap("recorder/reading", &reasons(&leaks)) {
        let group = &leaks["groups"][0];
        assert_eq!(group["told_by"]["function"], acting::READS, "{leaks}");
    }
}

mod needs_root {
    use plumb_testkit::sandbox;

    use super::*;

    #[test]
    fn what_is_moved_is_counted_once() {
        sandbox::run(|| moved_is_counted_once("whatever there is"));
    }

    #[test]
    fn what_is_moved_is_counted_once_at_functions() {
        let refused = [("PLUMB_HOOKS_REFUSED", NO_TRACEPOINTS)];
        sandbox::run_with_environment(&refused, || moved_is_counted_once("functions"));
    }

    #[test]
    fn what_is_moved_is_counted_once_by_kprobes() {
        let refused = [("PLUMB_HOOKS_REFUSED", KPROBES_ALONE)];
        sandbox::run_with_environment(&refused, || moved_is_counted_once("kprobes"));
    }

    #[test]
    fn errors_are_told_by_whatever_there_is() {
        sandbox::run(|| errors_are_told_once("whatever there is"));
    }

    #[test]
    fn errors_are_told_at_the_function() {
        let refused = [("PLUMB_HOOKS_REFUSED", NO_TRACEPOINTS)];
        sandbox::run_with_environment(&refused, || errors_are_told_once("functions"));
    }

    #[test]
    fn errors_are_told_by_a_kprobe() {
        let refused = [("PLUMB_HOOKS_REFUSED", KPROBES_ALONE)];
        sandbox::run_with_environment(&refused, || errors_are_told_once("kprobes"));
    }

    #[test]
    fn ends_are_told_by_whatever_there_is() {
        sandbox::run(|| {
            for refused in ["", NO_TRACEPOINTS, KPROBES_ALONE] {
                println!("without: {refused}");
                the_end_is_told_to_its_reader(refused);
            }
        });
    }
}
