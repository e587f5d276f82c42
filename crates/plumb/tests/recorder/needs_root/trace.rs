//! `plumb trace` tells calls, states and bytes in their order. Perl makes the calls: it is everywhere and makes
//! no others.

use plumb_testkit::sandbox;
use serde_json::{Value, json};

use super::super::plumb;
use super::json;

/// A server and a client in one process: 1000 bytes one way, 50 the other, the client closes first.
const CONVERSATION: &str = r#"
use Socket;
socket(my $l, AF_INET, SOCK_STREAM, 0); bind($l, sockaddr_in(7000, INADDR_LOOPBACK)); listen($l, 5);
socket(my $c, AF_INET, SOCK_STREAM, 0); connect($c, sockaddr_in(7000, INADDR_LOOPBACK));
accept(my $a, $l);
syswrite($c, "x" x 1000); sysread($a, my $b, 4000); syswrite($a, "y" x 50); sysread($c, $b, 100);
close($c); sysread($a, $b, 10); close($a);
socket(my $r, AF_INET, SOCK_STREAM, 0); connect($r, sockaddr_in(1, INADDR_LOOPBACK)); close($r);
"#;

/// The names of the calls and kernel events, in the order told.
fn order(events: &[Value]) -> Vec<&str> {
    let name = |event| -> Option<&str> {
        let event: &Value = event;
        event["call"].as_str().or_else(|| event["event"].as_str())
    };
    events.iter().filter_map(name).collect()
}

fn find<'v>(events: &'v [Value], key: &str, text: &str) -> &'v Value {
    let found = events
        .iter()
        .find(|event| event[key].as_str().is_some_and(|is| is.contains(text)));
    found.unwrap_or_else(|| panic!("no {key} {text} among {}", json!(events)))
}

#[test]
fn one_timeline_of_calls_and_states_needs_root() {
    sandbox::run(|| {
        let (output, trace) = json(&["trace", "--json", "--", "perl", "-e", CONVERSATION]);
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(trace["complete"], true, "{}", trace["reasons"]);
        let events = trace["events"].as_array().cloned().unwrap_or_default();
        let calls: Vec<&str> = order(&events);
        let at = |word: &str| {
            calls
                .iter()
                .position(|is| *is == word)
                .unwrap_or(usize::MAX)
        };
        assert!(
            at("bind") < at("listen") && at("listen") < at("connect"),
            "{calls:?}"
        );
        assert!(at("connect") < at("accept4").min(at("accept")), "{calls:?}");

        let closed = find(&events, "text", "ESTABLISHED > FIN_WAIT1");
        assert_eq!(
            (&closed["sent_bytes"], &closed["received_bytes"]),
            (&json!(1000), &json!(50))
        );
        let done = find(&events, "text", "ESTABLISHED > CLOSE_WAIT");
        assert_eq!(
            (&done["sent_bytes"], &done["received_bytes"]),
            (&json!(50), &json!(1000))
        );
        assert_eq!(find(&events, "event", "end-of-file")["unread_bytes"], 0);
        let refused = find(&events, "error", "ECONNREFUSED");
        assert!(refused["peer"] == "127.0.0.1:1", "{refused}");

        let client = &trace["connections"][0];
        let phases: Vec<&str> = client["phases"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|phase| phase["phase"].as_str())
            .collect();
        assert_eq!(
            phases,
            ["connect", "send", "wait", "receive", "rest"],
            "{client}"
        );
    });
}

#[test]
fn text_is_as_strace_prints_it_when_asked_needs_root() {
    sandbox::run(|| {
        let output = plumb(&["trace", "--strace-like", "--", "perl", "-e", CONVERSATION]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = |part: &str| {
            text.lines()
                .any(|line| line.starts_with("[pid ") && line.contains(part))
        };
        assert!(line(", 127.0.0.1:7000) = 0 <0."), "{text}");
        assert!(line("= -1 ECONNREFUSED <0."), "{text}");
        assert!(line("--- ") && line("SYN_SENT > ESTABLISHED"), "{text}");
        let output = plumb(&["trace", "--waterfall", "--no-calls", "--", "true"]);
        assert_eq!(
            output.status.code(),
            Some(2),
            "these two exclude each other"
        );
    });
}

/// A call that has not returned when the time is over is told as one; the command goes on, until its alarm.
#[test]
fn a_call_under_way_is_told_as_unfinished_needs_root() {
    sandbox::run(|| {
        let script = r"use Socket; alarm 3; socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0); sysread($a, my $c, 1);";
        let words = [
            "trace",
            "--strace-like",
            "--for",
            "1s",
            "--",
            "perl",
            "-e",
            script,
        ];
        let output = plumb(&words);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            text.contains("read(") && text.contains("<unfinished ...>"),
            "{text}"
        );
    });
}
