//! `plumb trace` tells calls, states and bytes in their order. Perl makes the calls: it is everywhere and makes
//! no others.

use std::process::Command;

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

/// The descriptor and most likely the kernel's memory are those of the socket before; between them a call without
/// any socket.
const AGAIN: &str = r#"
use Socket;
for my $port (7001, 7002) {
    socket(my $l, AF_INET, SOCK_STREAM, 0); bind($l, sockaddr_in($port, INADDR_LOOPBACK)); listen($l, 5);
    socket(my $c, AF_INET, SOCK_STREAM, 0); connect($c, sockaddr_in($port, INADDR_LOOPBACK));
    syswrite($c, "x" x $port); close($c); close($l);
    select(undef, undef, undef, 0.001);
}
"#;

#[test]
fn a_descriptor_used_again_is_told_with_its_new_socket_needs_root() {
    sandbox::run(|| {
        let (_, trace) = json(&["trace", "--json", "--", "perl", "-e", AGAIN]);
        let events = trace["events"].as_array().cloned().unwrap_or_default();
        for port in [7001, 7002] {
            let peer = format!("127.0.0.1:{port}");
            let of_port: Vec<&str> = events
                .iter()
                .filter(|event| event["peer"] == peer.as_str())
                .filter_map(|event| event["call"].as_str())
                .collect();
            assert_eq!(of_port, ["connect", "write", "close"], "{trace}");
        }
        let waits: Vec<&Value> = events
            .iter()
            .filter(|event| {
                let name = event["call"].as_str().unwrap_or_default();
                name.contains("select")
            })
            .collect();
        assert_eq!(waits.len(), 2, "{trace}");
        assert!(
            waits.iter().all(|wait| wait["local"].is_null()),
            "a call that has no socket is told without one: {waits:?}"
        );
    });
}

/// Calls that have all their arguments in one line: no time, no lengths behind pointers.
const ONE_SIDED: &str = r#"
use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6);
socket(my $l, AF_INET, SOCK_STREAM, 6); bind($l, sockaddr_in(7000, INADDR_LOOPBACK)); listen($l, 5);
bind($l, sockaddr_in(7001, INADDR_ANY));
socket(my $n, AF_INET, SOCK_STREAM, 0); connect($n, sockaddr_in(1, INADDR_LOOPBACK)); shutdown($n, 1);
socket(my $x, AF_INET6, SOCK_DGRAM, 17); connect($x, pack_sockaddr_in6(9, inet_pton(AF_INET6, "::1")));
send($x, "a\n\"b", MSG_DONTWAIT); shutdown($x, 2);
socket(my $u, AF_UNIX, SOCK_STREAM, 0); connect($u, pack_sockaddr_un("/nowhere/at all"));
"#;

/// Calls as far as they can be compared: without ids and times, and without what is behind descriptors. That is
/// told as it was after the call, by strace before it.
fn comparable(text: &str) -> Vec<String> {
    const CALLS: [&str; 6] = [
        "socket(",
        "bind(",
        "listen(",
        "connect(",
        "shutdown(",
        "sendto(",
    ];
    let calls = text.lines().filter_map(|line| {
        let (_, call) = line.strip_prefix("[pid ")?.split_once("] ")?;
        let wanted = CALLS.iter().any(|name| call.starts_with(name));
        wanted.then(|| without_marks(call).trim_end().to_owned())
    });
    calls.collect()
}

/// A line without what stands between `<` and `>`; an arrow ends nothing.
fn without_marks(line: &str) -> String {
    let mut depth = 0;
    let mut before = ' ';
    let mut kept = String::new();
    for letter in line.chars() {
        match letter {
            '<' => depth += 1,
            '>' if before != '-' && depth > 0 => depth -= 1,
            _ if depth == 0 => kept.push(letter),
            _ => {}
        }
        before = letter;
    }
    kept
}

#[test]
fn text_is_as_strace_prints_it_when_asked_needs_root() {
    sandbox::run(|| {
        let output = plumb(&["trace", "--strace-like", "--", "perl", "-e", ONE_SIDED]);
        let ours = String::from_utf8_lossy(&output.stdout).into_owned();
        let theirs = Command::new("strace")
            .args(["-f", "-yy", "-e", "trace=network"])
            .args(["sh", "-c", "perl -e \"$0\"; true", ONE_SIDED])
            .output()
            .expect("strace is installed");
        let theirs = String::from_utf8_lossy(&theirs.stderr).into_owned();
        let compared = comparable(&ours);
        assert_eq!(compared, comparable(&theirs), "{ours}\n{theirs}");
        assert_eq!(compared.len(), 13, "{ours}");
        for line in [
            "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 4",
            "listen(3<TCP:[127.0.0.1:7000]>, 5) = 0",
            "<UDPv6:[[::1]:",
        ] {
            assert!(
                ours.contains(line) && theirs.contains(line),
                "{line}: {ours}\n{theirs}"
            );
        }
    });
}

#[test]
fn what_the_kernel_did_stands_between_calls_needs_root() {
    sandbox::run(|| {
        let output = plumb(&["trace", "--strace-like", "--", "perl", "-e", CONVERSATION]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = |part: &str| {
            text.lines()
                .any(|line| line.starts_with("[pid ") && line.contains(part))
        };
        assert!(line("--- ") && line("SYN_SENT > ESTABLISHED"), "{text}");
        let output = plumb(&["trace", "--", "perl", "-e", CONVERSATION]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let read = text
            .lines()
            .find(|line| line.contains("read(") && line.contains("CLOSE_WAIT"));
        assert!(
            read.is_some_and(|line| line.contains("[127.0.0.1:7000 > 127.0.0.1:")
                && line.contains(" CLOSE_WAIT], \"\", 10) = 0")),
            "a descriptor is shown with the ends and the state of its socket: {text}"
        );
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

#[test]
fn a_line_is_one_in_a_pipe_whatever_a_program_calls_itself_needs_root() {
    const NAMED: &str =
        r#"use Socket; $0 = "a\nb\x1b[2J"; socket(my $s, AF_INET, SOCK_STREAM, 0);"#;
    sandbox::run(|| {
        let output = plumb(&["trace", "--", "perl", "-e", NAMED]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(r"a\x0ab\x1b[2J "), "{text}");
        let begins_with_time = |line: &str| {
            let word = line.split_whitespace().next().unwrap_or_default();
            word.parse::<f64>().is_ok()
        };
        assert!(text.lines().all(begins_with_time), "{text}");
    });
}

#[test]
fn who_reads_from_a_pipe_sees_what_happens_needs_root() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;
    use std::time::{Duration, Instant};
    const LENGTH: Duration = Duration::from_secs(30);
    let script = format!(
        "use Socket; socket(my $s, AF_INET, SOCK_STREAM, 0); sleep {}",
        LENGTH.as_secs()
    );
    for form in ["table", "ndjson"] {
        let begun = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_plumb"))
            .args(["trace", "-o", form, "--", "perl", "-e", &script])
            .stdout(Stdio::piped())
            .spawn()
            .expect("plumb runs");
        let mut line = String::new();
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        lines.read_line(&mut line).expect("text");
        assert!(!line.is_empty(), "{form}: nothing at all");
        assert!(begun.elapsed() < LENGTH, "{form}: only when it had ended");
        super::vanish::end(&mut child);
    }
}

#[test]
fn a_timeline_that_cannot_be_written_is_no_success_needs_root() {
    for words in [
        &["trace", "--"][..],
        &["trace", "-o", "ndjson", "--"],
        &["connects", "-o", "ndjson", "--"],
        &["leaks", "--"],
    ] {
        let full = std::fs::File::create("/dev/full").expect("a device");
        let output = Command::new(env!("CARGO_BIN_EXE_plumb"))
            .args(words)
            .args(["perl", "-e", CONVERSATION])
            .stdout(full)
            .output()
            .expect("plumb runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{words:?} {text}");
        assert!(text.contains("cannot be written: No space left"), "{text}");
    }
}
