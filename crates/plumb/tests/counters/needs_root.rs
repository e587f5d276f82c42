//! In namespaces of their own, where nothing counts but what a test does.

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
        .filter(|row| {
            !["softnet", "rt_cache", "arp_cache", "ndisc_cache"]
                .map(Value::from)
                .contains(&row["group"])
        })
        .collect();
    assert!(rows.is_empty(), "{rows:?}");
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
