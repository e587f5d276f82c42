//! UDP sockets of a scope have owners: when their queue is full, when an ICMP message leaves an error at them, and
//! also those that are older than the recorder.

use std::net::UdpSocket;
use std::process::{Command, Stdio};

use plumb_testkit::sandbox;
use serde_json::Value;

use super::{json, kernel_events, texts};

/// Fills the queue of a socket that nobody reads.
const FLOODS: &str = r#"use Socket; socket(my $r, AF_INET, SOCK_DGRAM, 0);
    setsockopt($r, SOL_SOCKET, SO_RCVBUF, 2304); bind($r, sockaddr_in(7200, INADDR_LOOPBACK));
    socket(my $s, AF_INET, SOCK_DGRAM, 0); send($s, "x" x 1000, 0, getsockname($r)) for 1..20;"#;

fn of_kind<'v>(events: &'v [Value], kind: &str) -> Vec<&'v Value> {
    events
        .iter()
        .filter(|event| event["event"] == kind)
        .collect()
}

#[test]
fn a_packet_that_finds_the_queue_full_is_told_once_with_its_owner_needs_root() {
    sandbox::run(|| {
        let events = kernel_events(FLOODS);
        let full = of_kind(&events, "queue-full");
        assert!((10..20).contains(&full.len()), "{events:?}");
        let receiver = of_kind(&events, "bound");
        for event in full {
            assert_eq!(
                event["text"], "receive queue full: SOCKET_RCVBUFF",
                "{event}"
            );
            assert_eq!(event["local"], "127.0.0.1:7200", "{event}");
            assert_eq!(event["cookie"], receiver[0]["cookie"], "{event}");
            assert_eq!(event["pid"], receiver[0]["pid"], "{event}");
        }
        assert!(texts(&events, "drop").is_empty(), "told twice: {events:?}");
    });
}

#[test]
fn an_error_by_icmp_is_its_sender_s_needs_root() {
    sandbox::run(|| {
        let script = "use Socket; socket(my $s, AF_INET, SOCK_DGRAM, 0);
            connect($s, sockaddr_in(9, INADDR_LOOPBACK)); send($s, 'x', 0);";
        let events = kernel_events(script);
        let errors = of_kind(&events, "error");
        assert_eq!(errors.len(), 1, "{events:?}");
        assert_eq!(errors[0]["error"], "ECONNREFUSED");
        assert_eq!(errors[0]["peer"], "127.0.0.1:9");
        assert_eq!(errors[0]["pid"], of_kind(&events, "socket")[0]["pid"]);
    });
}

/// Reads nothing of what comes, until somebody closes its input.
const KEEPS: &str = r#"use Socket; $| = 1; socket(my $r, AF_INET, SOCK_DGRAM, 0);
    setsockopt($r, SOL_SOCKET, SO_RCVBUF, 2304); bind($r, sockaddr_in(7201, INADDR_LOOPBACK));
    print "bound\n"; <STDIN>;"#;

#[test]
fn a_socket_older_than_the_recorder_has_its_owner_needs_root() {
    sandbox::run(|| {
        let mut child = Command::new("perl")
            .args(["-e", KEEPS])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("perl is installed");
        let mut said = String::new();
        let mut output = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
        std::io::BufRead::read_line(&mut output, &mut said).expect("it says so");
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let stopped = std::sync::Arc::clone(&stop);
        let sender = std::thread::spawn(move || {
            let sender = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
            while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = sender.send_to(&[0; 1000], "127.0.0.1:7201");
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        });
        let pid = child.id().to_string();
        let (_, trace) = json(&["trace", "--no-calls", "--json", "-p", &pid, "--for", "1s"]);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        sender.join().expect("it does not panic");
        drop(child.stdin.take());
        child.wait().expect("it ends");
        let events = trace["events"].as_array().cloned().unwrap_or_default();
        let full = of_kind(&events, "queue-full");
        assert!(!full.is_empty(), "{trace}");
        assert_eq!(full[0]["local"], "127.0.0.1:7201");
        assert_eq!(full[0]["pid"].as_u64(), Some(child.id().into()));
    });
}
