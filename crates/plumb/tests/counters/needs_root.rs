//! In namespaces of their own, where nothing counts but what a test does.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

use plumb_testkit::namespace::Namespace;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use serde_json::Value;

use crate::verb::{document, stats};

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(10);

fn namespace() -> Namespace {
    Namespace::new().expect("root can make a network namespace")
}

fn row<'d>(document: &'d Value, group: &str, name: &str) -> Option<&'d Value> {
    let rows = document["counters"].as_array().expect("rows");
    rows.iter()
        .find(|row| row["group"] == group && row["name"] == name)
}

/// Counts as nstat does, for the calling thread's namespace.
fn nstat() -> Value {
    let output = Command::new("nstat")
        .args(["-a", "-s", "-z", "-j"])
        .env("NSTAT_HISTORY", "/dev/null")
        .output()
        .expect("nstat is installed");
    serde_json::from_slice(&output.stdout).expect("nstat -j writes JSON")
}

fn a_connection() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let mut client = TcpStream::connect(address).expect("somebody listens");
    let (server, _) = listener.accept().expect("one waits");
    client.write_all(b"hello").expect("it is connected");
    drop(server);
}

#[test]
fn every_number_is_the_one_that_nstat_shows() {
    let (theirs, ours) = namespace().inside(|| {
        a_connection();
        // Nothing but this moves the counters of the namespace; one of IPv6 may until its addresses are
        // settled.
        let end = Instant::now() + PATIENCE;
        loop {
            let (before, ours, after) = (nstat(), stats(&["--all", "--json"]), nstat());
            if before == after {
                return (before, document(&ours));
            }
            assert!(Instant::now() < end, "the counters never rest");
        }
    });
    let theirs = theirs["kernel"].as_object().expect("nstat's counters");
    assert!(theirs.len() > 200, "{}", theirs.len());
    let rows = ours["counters"].as_array().expect("rows");
    for (name, value) in theirs {
        let joined = |row: &&Value| {
            let (group, own) = (row["group"].as_str(), row["name"].as_str());
            group
                .zip(own)
                .is_some_and(|(group, own)| format!("{group}{own}") == *name)
        };
        let row = rows
            .iter()
            .find(joined)
            .unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(row["value"].as_i64(), value.as_i64(), "{name}");
    }
    let opens = row(&ours, "Tcp", "ActiveOpens").expect("it is not 0");
    assert_eq!(opens["value"], 1);
    assert_eq!(ours["since"], "namespace", "nobody knows how old it is");
    assert!(opens["per_s"].is_null());
}

#[test]
fn a_quiet_namespace_has_nothing_to_worry_about() {
    let document = namespace().inside(|| {
        a_connection();
        document(&stats(&["--bad", "--json"]))
    });
    let rows: Vec<&Value> = document["counters"]
        .as_array()
        .expect("rows")
        .iter()
        // Those of the whole host are seen from every namespace.
        .filter(|row| row["whole_host"] == false)
        .collect();
    assert!(rows.is_empty(), "{rows:?}");
}

#[test]
fn what_the_whole_host_counts_is_not_called_the_namespaces() {
    let (text, table) = namespace().inside(|| {
        let told = |words: &[&str]| String::from_utf8_lossy(&stats(words).stdout).into_owned();
        (
            told(&["--explain", "softnet.cpu0.dropped"]),
            told(&["rt_cache", "--all"]),
        )
    });
    assert!(text.contains("the whole host, not of this"), "{text}");
    let since = "but softnet since the host started";
    assert!(text.replace('\n', " ").contains(since), "{text}");
    let since = "but rt_cache since the host started";
    assert!(table.replace('\n', " ").contains(since), "{table}");
}

#[test]
fn datagrams_lost_at_a_full_buffer_are_laid_at_their_sockets_door() {
    let (document, port) = namespace().inside(|| {
        let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        sockopt::set_socket_recv_buffer_size(&receiver, 2048).expect("a small buffer");
        let address = receiver.local_addr().expect("it is bound");
        let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        for _ in 0..200 {
            sender
                .send_to(&[0; 1000], address)
                .expect("loopback takes it");
        }
        (document(&stats(&["--bad", "--json"])), address.port())
    });
    let row = row(&document, "Udp", "RcvbufErrors").expect("they were dropped");
    assert!(
        row["value"].as_u64().is_some_and(|value| value > 100),
        "{row}"
    );
    assert_eq!(row["worrying"], true);
    let socket = &row["sockets"][0];
    assert_eq!(socket["local"], format!("127.0.0.1:{port}"));
    assert_eq!(socket["pid"], std::process::id());
    assert!(
        socket["trace"]
            .as_str()
            .is_some_and(|trace| trace.ends_with("dropped"))
    );
}

/// Begins a connection and waits for nothing.
fn begin(address: SocketAddr) -> rustix::fd::OwnedFd {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)
        .expect("a socket");
    // It says that it is under way, or that it is done.
    let _ = rustix::net::connect(&socket, &address);
    socket
}

#[test]
fn an_overflowing_listener_is_named_and_syns_are_counted() {
    let (bad, syn, port) = namespace().inside(|| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        rustix::net::listen(&listener, 1).expect("a smaller queue");
        let address = listener.local_addr().expect("it is bound");
        let clients: Vec<_> = (0..6).map(|_| begin(address)).collect();
        let end = Instant::now() + PATIENCE;
        let bad = loop {
            let document = document(&stats(&["--bad", "--json", "TcpExt"]));
            if row(&document, "TcpExt", "ListenOverflows").is_some() {
                break document;
            }
            assert!(Instant::now() < end, "nothing overflows");
        };
        let syn = document(&stats(&["--syn", "--for", "1ms", "--json"]));
        drop(clients);
        (bad, syn, address.port())
    });
    let row = row(&bad, "TcpExt", "ListenOverflows").expect("it was there");
    let socket = &row["sockets"][0];
    assert_eq!(socket["local"], format!("127.0.0.1:{port}"));
    assert_eq!(socket["state"], "LISTEN");
    assert_eq!(socket["pid"], std::process::id());
    let trace = socket["trace"].as_str().expect("a text");
    assert!(
        trace.starts_with("2 of 1 wait to be accepted, full"),
        "{trace}"
    );
    let answers = syn["answers"].as_array().expect("rows");
    let total = |id: &str| {
        answers
            .iter()
            .find(|row| row["id"] == id)
            .map(|row| &row["total"])
    };
    assert_eq!(total("syns_sent"), Some(&Value::from(6)));
    // The clients go on knocking between the two questions.
    let full = total("accept_queue_full").and_then(Value::as_u64);
    assert!(full >= row["value"].as_u64(), "{full:?}");
}

#[test]
fn another_namespace_is_looked_at_by_the_pid_of_a_thread_in_it() {
    let namespace = namespace();
    namespace.inside(a_connection);
    let place = format!("/proc/{}/task/{}/ns/net", std::process::id(), namespace.tid);
    let output = stats(&["--netns", &place, "Tcp.ActiveOpens", "--json"]);
    let document = document(&output);
    assert_eq!(
        row(&document, "Tcp", "ActiveOpens").map(|row| &row["value"]),
        Some(&Value::from(1))
    );
}

/// The rows of a counter in one namespace.
fn in_namespace<'d>(document: &'d Value, id: u64, name: &str) -> Vec<&'d Value> {
    let netns = Value::from(format!("net:[{id}]"));
    let rows = document["counters"].as_array().expect("rows");
    rows.iter()
        .filter(|row| row["netns"] == netns && row["name"] == name)
        .collect()
}

#[test]
fn every_namespace_has_counters_of_its_own_and_the_host_has_its_own_once() {
    let (once, twice) = (namespace(), namespace());
    once.inside(a_connection);
    twice.inside(|| {
        a_connection();
        a_connection();
    });
    let words = [
        "--all-netns",
        "--json",
        "--all",
        "Tcp.ActiveOpens",
        "softnet",
    ];
    let document = document(&stats(&words));
    for (namespace, opens) in [(&once, 1), (&twice, 2)] {
        let rows = in_namespace(&document, namespace.id, "ActiveOpens");
        assert_eq!(rows.len(), 1, "{}", namespace.id);
        assert_eq!(rows[0]["value"], opens);
        assert!(rows[0]["per_s"].is_null(), "nobody knows how old it is");
    }
    assert_eq!(document["since"], "namespace");
    let rows = document["counters"].as_array().expect("rows");
    let softnet = rows
        .iter()
        .filter(|row| row["group"] == "softnet" && row["name"] == "processed");
    let processors: Vec<Option<&str>> = softnet
        .inspect(|row| assert!(row["netns"].is_null(), "{row}"))
        .map(|row| row["instance"].as_str())
        .collect();
    let different: BTreeSet<_> = processors.iter().copied().collect();
    assert_eq!(processors.len(), different.len(), "the host's, told once");
}

#[test]
fn questions_are_answered_for_each_namespace() {
    let (once, twice) = (namespace(), namespace());
    once.inside(a_connection);
    twice.inside(|| {
        a_connection();
        a_connection();
    });
    let words = ["--all-netns", "--syn", "--for", "10ms"];
    let document = document(&stats(&[&words[..], &["--json"]].concat()));
    let table = stats(&[&words[..], &["--color", "never"]].concat());
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(table.starts_with("Netns"), "{table}");
    for (namespace, syns) in [(&once, 1), (&twice, 2)] {
        let label = format!("net:[{}]", namespace.id);
        let rows = document["answers"].as_array().expect("rows").iter();
        let sent: Vec<_> = rows
            .filter(|row| row["netns"] == label.as_str() && row["id"] == "syns_sent")
            .collect();
        assert_eq!(sent.len(), 1, "{document}");
        assert_eq!(
            (&sent[0]["now"], &sent[0]["total"]),
            (&0.into(), &syns.into())
        );
        assert!(table.contains(&label), "{table}");
    }
    assert_eq!(document["question"], "syn");
}

#[test]
fn what_worries_in_a_namespace_is_laid_at_the_door_of_its_own_sockets() {
    let (bad, quiet) = (namespace(), namespace());
    let kept = |namespace: &Namespace, sent: usize| {
        namespace.inside(move || {
            let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 7007)).expect("a free port");
            sockopt::set_socket_recv_buffer_size(&receiver, 2048).expect("a small buffer");
            let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            for _ in 0..sent {
                let to = (Ipv4Addr::LOCALHOST, 7007);
                sender.send_to(&[0; 1000], to).expect("loopback takes it");
            }
            receiver
        })
    };
    let receivers = (kept(&bad, 200), kept(&quiet, 100));
    let words = ["--all-netns", "--explain", "Udp.RcvbufErrors"];
    let document = document(&stats(&[&words[..], &["--json"]].concat()));
    let blocks = stats(&[&words[..], &["--color", "never"]].concat());
    for namespace in [&bad, &quiet] {
        let rows = in_namespace(&document, namespace.id, "RcvbufErrors");
        assert_eq!(rows.len(), 1, "{}", namespace.id);
        let sockets = rows[0]["sockets"].as_array().expect("sockets");
        assert_eq!(sockets.len(), 1, "of its own namespace alone: {sockets:?}");
        let told = String::from_utf8_lossy(&blocks.stdout).into_owned();
        let head = format!("Udp.RcvbufErrors in net:[{}]  ", namespace.id);
        assert!(told.contains(&head), "{told}");
    }
    drop(receivers);
}

#[test]
fn only_what_happened_between_two_readings_is_told_of_each_namespace() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;

    let (busy, new) = (namespace(), namespace());
    busy.inside(a_connection);
    let mut child = Command::new(env!("CARGO_BIN_EXE_plumb"))
        .args(["stats", "--all-netns", "Tcp.ActiveOpens", "-o", "ndjson"])
        .args(["--every", "50ms", "--for", "8s"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("plumb is built");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let netns = Value::from(format!("net:[{}]", busy.id));
    let mut grown = 0;
    let mut new = Some(new);
    let mut is_told_gone = false;
    for line in lines {
        let line: Value =
            serde_json::from_str(&line.expect("it is text")).expect("each line is an object");
        if line["netns"] == netns {
            grown += line["delta"].as_u64().expect("there is a begin");
            assert!(line["per_s"].is_number(), "{line}");
        }
        if line["schema"].is_string()
            && let Some(new) = new.take()
        {
            // From here on there is one connection more, and one namespace less.
            busy.inside(a_connection);
            drop(new);
        }
        is_told_gone |= line["reasons"]
            .as_array()
            .is_some_and(|reasons| reasons.iter().any(is_gone));
        if grown == 1 && is_told_gone {
            break;
        }
    }
    child.kill().expect("it is ours");
    child.wait().expect("it ends");
    assert_eq!((grown, is_told_gone), (1, true));
}

fn is_gone(reason: &Value) -> bool {
    reason
        .as_str()
        .is_some_and(|text| text.contains(" is gone: "))
}

#[test]
fn namespaces_that_may_not_be_entered_are_said_to_be_missing() {
    use std::os::unix::process::CommandExt as _;

    let other = namespace();
    let output = Command::new(env!("CARGO_BIN_EXE_plumb"))
        .args(["stats", "--all-netns", "--json", "--all", "Ip.DefaultTTL"])
        .uid(65534)
        .gid(65534)
        .output()
        .expect("everybody may run it");
    assert_eq!(output.status.code(), Some(0));
    let document = document(&output);
    let rows = document["counters"].as_array().expect("rows");
    assert_eq!(rows.len(), 1, "our own needs no privilege: {rows:?}");
    assert!(in_namespace(&document, other.id, "DefaultTTL").is_empty());
    assert_eq!(document["complete"], false);
    let reasons = document["reasons"].to_string();
    assert!(reasons.contains("permission denied"), "{reasons}");
}
