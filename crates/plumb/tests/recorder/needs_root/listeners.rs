//! `plumb trace` tells of listeners whose queues are full, of those made meanwhile and of those that were there.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use plumb_testkit::sandbox;
use serde_json::Value;

use super::json;

/// Listens with room for two, says so, and never accepts.
const LISTENS: &str = r#"use Socket; $| = 1; socket(my $l, AF_INET, SOCK_STREAM, 0);
    bind($l, sockaddr_in(7400, INADDR_LOOPBACK)); listen($l, 1); print "listening\n"; sleep 3;"#;
const AT: &str = "127.0.0.1:7400";

/// Knocks until the listener is gone, or has refused often enough.
fn knock(at: SocketAddr) -> Vec<TcpStream> {
    let mut held = Vec::new();
    for _ in 0..200 {
        match TcpStream::connect_timeout(&at, Duration::from_millis(100)) {
            Ok(stream) => held.push(stream),
            // Not there yet, or no room.
            Err(_) if held.is_empty() => std::thread::sleep(Duration::from_millis(20)),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => break,
            Err(_) => {}
        }
    }
    held
}

/// The rows of full listeners of a trace.
fn full(trace: &Value) -> Vec<&Value> {
    let events = trace["events"].as_array().into_iter().flatten();
    events
        .filter(|event| event["event"] == "listener-full")
        .collect()
}

fn is_of_the_accept_queue(trace: &Value, pid: Option<u32>) {
    assert_eq!(trace["complete"], true, "{}", trace["reasons"]);
    let rows = full(trace);
    let of = |row: &Value, key: &str| row["listener"][key].as_u64().unwrap_or_default();
    let dropped: u64 = rows.iter().map(|row| of(row, "dropped")).sum();
    assert!(dropped >= 3, "{trace}");
    for row in rows {
        assert_eq!(row["local"], AT, "{row}");
        assert_eq!(row["listener"]["full_queue"], "accept", "{row}");
        assert!(of(row, "accept_queue") > of(row, "limit"), "{row}");
        assert_eq!(of(row, "limit"), 1, "{row}");
        let text = row["text"].as_str().unwrap_or_default();
        assert!(text.starts_with("accept queue full: dropped "), "{text}");
        assert!(
            pid.is_none() || row["pid"].as_u64() == pid.map(u64::from),
            "{row}"
        );
    }
}

#[test]
fn a_listener_made_meanwhile_that_never_accepts_needs_root() {
    sandbox::run(|| {
        let clients = std::thread::spawn(|| knock(AT.parse().expect("an address")));
        let (_, trace) = json(&["trace", "--no-calls", "--json", "--", "perl", "-e", LISTENS]);
        drop(clients.join());
        is_of_the_accept_queue(&trace, None);
    });
}

#[test]
fn a_listener_that_was_there_before_needs_root() {
    sandbox::run(|| {
        let mut child: Child = Command::new("perl")
            .args(["-e", &LISTENS.replace("sleep 3", "sleep 20")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("perl is installed");
        let clients = std::thread::spawn(|| knock(AT.parse().expect("an address")));
        let pid = child.id().to_string();
        let words = ["trace", "--no-calls", "--json", "-p", &pid, "--for", "3s"];
        let (_, trace) = json(&words);
        child.kill().expect("it is ours");
        child.wait().expect("it ends");
        drop(clients.join());
        is_of_the_accept_queue(&trace, Some(child.id()));
    });
}

/// As many come as there is room for, and all are taken.
#[test]
fn a_listener_with_room_is_not_told_of_needs_root() {
    sandbox::run(|| {
        let listener = TcpListener::bind("127.0.0.1:7401").expect("the port is free");
        let held: Vec<OwnedFd> = (0..50)
            .flat_map(|_| {
                let client = TcpStream::connect("127.0.0.1:7401").expect("it listens");
                let (served, _) = listener.accept().expect("it came");
                [client.into(), served.into()]
            })
            .collect();
        let (_, trace) = json(&["trace", "--no-calls", "--json", "--for", "300ms"]);
        let told: Vec<_> = full(&trace)
            .into_iter()
            .filter(|row| row["local"] == "127.0.0.1:7401")
            .collect();
        assert!(told.is_empty(), "{told:?}");
        drop(held);
    });
}
