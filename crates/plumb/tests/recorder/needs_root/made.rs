//! `plumb trace` tells of sockets that are made, bound and closed, by a call or by the kernel's choice, whether calls
//! are told or not.

use plumb_testkit::sandbox;
use serde_json::Value;

use super::super::plumb;
use super::{json, kernel_events};

/// Each way to a port: bind(), the first sendto(), connect() of a datagram socket and of a stream; a socket that was
/// closed without any.
const SOCKETS: &str = r#"use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6);
    sub here { sockaddr_in($_[0], INADDR_LOOPBACK) }
    socket(my $b, AF_INET, SOCK_DGRAM, 0); bind($b, here(7100));
    socket(my $s, AF_INET, SOCK_DGRAM, 0); send($s, "x", 0, here(7100)) for 1..2;
    socket(my $c, AF_INET6, SOCK_DGRAM, 0); connect($c, pack_sockaddr_in6(7101, inet_pton(AF_INET6, "::1")));
    socket(my $l, AF_INET, SOCK_STREAM, 0); bind($l, here(7102)); listen($l, 1);
    socket(my $t, AF_INET, SOCK_STREAM, 0); connect($t, here(7102));
    socket(my $n, AF_INET6, SOCK_STREAM, 0);
    close($_) for $b, $s, $c, $t, $l; close($n);"#;

/// What happens to sockets themselves: the event, its words, and who did it.
fn told(events: &[Value]) -> Vec<(&str, &str)> {
    let kinds = ["socket", "bound", "closed"];
    let of_sockets = events.iter().filter_map(|event| {
        let kind = event["event"].as_str()?;
        kinds.contains(&kind).then(|| {
            assert_eq!(event["process"], "perl", "{event}");
            assert!(event["netns"].is_u64(), "{event}");
            (kind, event["text"].as_str().unwrap_or_default())
        })
    });
    of_sockets.collect()
}

const EXPECTED: [(&str, &str); 15] = [
    ("socket", "socket made: UDP"),
    ("bound", "bound: UDP"),
    ("socket", "socket made: UDP"),
    ("bound", "bound: UDP, by the kernel's choice"),
    ("socket", "socket made: UDP"),
    ("bound", "bound: UDP, by the kernel's choice"),
    ("socket", "socket made: TCP"),
    ("bound", "bound: TCP"),
    ("socket", "socket made: TCP"),
    ("bound", "bound: TCP, by the kernel's choice"),
    ("socket", "socket made: TCP"),
    ("closed", "closed: UDP"),
    ("closed", "closed: UDP"),
    ("closed", "closed: UDP"),
    // Connections and listeners end in a state.
    ("closed", "closed: TCP"),
];

fn row<'v>(events: &'v [Value], kind: &str, text: &str) -> Vec<&'v Value> {
    let rows = events.iter().filter(|event| event["event"] == kind);
    rows.filter(|event| event["text"] == text).collect()
}

#[test]
fn sockets_are_told_from_the_moment_they_are_made_needs_root() {
    sandbox::run(|| {
        let events = kernel_events(SOCKETS);
        assert_eq!(told(&events), EXPECTED);
        let named = |event: &&Value| event["event"] != "exec" && event["event"] != "exit";
        assert!(
            events
                .iter()
                .filter(named)
                .all(|event| event["cookie"].is_u64())
        );
        let bound = row(&events, "bound", "bound: UDP");
        assert_eq!(bound[0]["local"], "127.0.0.1:7100");
        let chosen = row(&events, "bound", "bound: UDP, by the kernel's choice");
        assert!(
            chosen[0]["local"]
                .as_str()
                .is_some_and(|at| at.starts_with("0.0.0.0:"))
        );
        assert_eq!(chosen[1]["peer"], "[::1]:7101", "{}", chosen[1]);
        // In connect(), before there is an answer; and it is the port that the connection has.
        let port = &row(&events, "bound", "bound: TCP, by the kernel's choice")[0];
        let place = |wanted: &dyn Fn(&Value) -> bool| events.iter().position(wanted);
        let states =
            |text: &str| place(&|event| event["text"] == text && event["cookie"] == port["cookie"]);
        let at = place(&|event| event == *port);
        assert!(states("CLOSE > SYN_SENT") < at, "{events:?}");
        let established = states("SYN_SENT > ESTABLISHED").expect("it connected");
        assert!(at < Some(established), "{events:?}");
        assert_eq!(events[established]["local"], port["local"]);
    });
}

#[test]
fn calls_change_nothing_about_events_in_json_and_stand_for_them_in_text_needs_root() {
    sandbox::run(|| {
        let (_, trace) = json(&["trace", "--json", "--", "perl", "-e", SOCKETS]);
        let events = trace["events"].as_array().cloned().unwrap_or_default();
        assert_eq!(told(&events), EXPECTED);
    });
}

#[test]
fn in_text_calls_stand_for_what_they_did_needs_root() {
    sandbox::run(|| {
        let output = plumb(&["trace", "--", "perl", "-e", SOCKETS]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            !text.contains("socket made") && !text.contains(" bound: UDP\n"),
            "{text}"
        );
        assert_eq!(text.matches("by the kernel's choice").count(), 3, "{text}");
        assert_eq!(text.matches(" closed: ").count(), 4, "{text}");
    });
}

/// Where programs may not be put at cgroups, the calls tell of what they did; and nobody else's.
#[test]
fn without_cgroups_calls_tell_what_they_made_and_bound_needs_root() {
    let refused = [("PLUMB_HOOKS_REFUSED", "cgroup")];
    sandbox::run_with_environment(&refused, || {
        let events = kernel_events(SOCKETS);
        let unseen = ("bound", "bound: UDP, by the kernel's choice");
        let by_calls = EXPECTED
            .into_iter()
            .filter(|told| told.0 != "closed" && *told != unseen);
        assert_eq!(told(&events), by_calls.collect::<Vec<_>>());
    });
}

/// A filter is answered by what happens after a socket was made; it is told from its beginning all the same.
#[test]
fn a_connection_that_is_wanted_is_told_from_its_making_needs_root() {
    sandbox::run(|| {
        let words = [
            "trace",
            "--no-calls",
            "--json",
            "dport = :7102",
            "--",
            "perl",
            "-e",
            SOCKETS,
        ];
        let (_, trace) = json(&words);
        let events = trace["events"].as_array().cloned().unwrap_or_default();
        let kinds: Vec<_> = told(&events);
        let expected = [
            ("socket", "socket made: TCP"),
            ("bound", "bound: TCP, by the kernel's choice"),
        ];
        assert_eq!(kinds, expected);
    });
}
