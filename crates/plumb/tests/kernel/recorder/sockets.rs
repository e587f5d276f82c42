//! Sockets that have no states, from their making to their end, with the hooks this kernel has: at cgroups, and by the
//! calls alone.

use plumb_testkit::acting;
use plumb_testkit::temp::TempDir;
use serde_json::Value;

use super::{assert_complete, record};

/// A port where nobody listens.
const CLOSED: &str = "9";

/// The kernel events of a program that does this: kind, words, and whose it is.
fn told(refused: &str, does: &[&str]) -> Vec<(String, String, Option<u64>)> {
    let folder = TempDir::new("sockets").expect("a folder");
    let act = acting::program(folder.path());
    let (_, trace) = record(&["trace", "--no-calls"], refused, &act, does);
    assert_complete(&trace);
    let text = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
    let events = trace["events"].as_array().into_iter().flatten();
    let told = |event| {
        println!("{event}");
        (
            text(event, "event"),
            text(event, "text"),
            event["pid"].as_u64(),
        )
    };
    events.map(told).collect()
}

fn count(told: &[(String, String, Option<u64>)], kind: &str, words: &str) -> usize {
    let whose = told.first().and_then(|first| first.2);
    assert!(whose.is_some(), "nothing was told, or nobody's");
    let is_it = |(what, text, pid): &&(String, String, Option<u64>)| {
        what == kind && text.starts_with(words) && *pid == whose
    };
    told.iter().filter(is_it).count()
}

mod needs_root {
    use plumb_testkit::sandbox;

    use super::*;

    #[test]
    fn datagram_sockets_are_told_from_making_to_end() {
        sandbox::run(|| {
            let told = told("", &["ask", CLOSED, "3"]);
            assert_eq!(count(&told, "socket", "socket made: UDP"), 3);
            assert_eq!(
                count(&told, "bound", "bound: UDP, by the kernel's choice"),
                3
            );
            assert_eq!(
                count(&told, "error", "error left at the socket: ECONNREFUSED"),
                3
            );
            assert_eq!(count(&told, "closed", "closed: UDP, the process ends"), 3);
        });
    }

    #[test]
    fn connections_are_bound_while_they_connect() {
        sandbox::run(|| {
            let told = told("", &["connect", CLOSED, "2"]);
            assert_eq!(count(&told, "socket", "socket made: TCP"), 2);
            assert_eq!(
                count(&told, "bound", "bound: TCP, by the kernel's choice"),
                2
            );
            // The state says that it ended.
            assert_eq!(count(&told, "closed", ""), 0);
        });
    }

    #[test]
    fn a_full_queue_of_datagrams_is_its_owner_s_and_told_once() {
        sandbox::run(|| {
            let told = told("", &["flood", "7200", "20"]);
            assert!(count(&told, "queue-full", "receive queue full") >= 10);
            assert!(!told.iter().any(|(kind, ..)| kind == "drop"), "{told:?}");
            assert_eq!(count(&told, "bound", "bound: UDP"), 2);
            assert_eq!(count(&told, "closed", "closed: UDP"), 2);
        });
    }

    #[test]
    fn without_cgroups_the_calls_tell() {
        sandbox::run(|| {
            let told = told("cgroup", &["flood", "7200", "1"]);
            assert_eq!(count(&told, "socket", "socket made: UDP"), 2);
            assert_eq!(count(&told, "bound", "bound: UDP"), 1);
            assert_eq!(count(&told, "closed", ""), 0);
        });
    }
}
