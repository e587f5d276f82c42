//! A SYN queue that is really full: the answers to SYNs are dropped on their way, so connections stay half made.

use plumb_testkit::sandbox;
use serde_json::Value;

use super::{kernel_events, nft};

/// A listener with room for two, and more who knock than that; it looks on until the kernel has counted it.
const KNOCKS: &str = r"use Socket; use Fcntl; my $at = sockaddr_in(7500, INADDR_LOOPBACK);
    socket(my $l, AF_INET, SOCK_STREAM, 0); bind($l, $at); listen($l, 2);
    for (1..8) { socket(my $c, AF_INET, SOCK_STREAM, 0); fcntl($c, F_SETFL, O_NONBLOCK); connect($c, $at); push @c, $c; }
    select(undef, undef, undef, 0.5);";

/// The rows of the full listener, with SYN cookies or without.
fn full(cookies: &str) -> Vec<Value> {
    let set = |name: &str, value: &str| {
        std::fs::write(format!("/proc/sys/net/{name}"), value).expect("the namespace is ours");
    };
    set("ipv4/tcp_syncookies", cookies);
    // Nobody may give up, nor be answered twice, before the listener was looked at.
    set("ipv4/tcp_synack_retries", "5");
    nft(
        "add table inet t; add chain inet t in { type filter hook input priority 0; }; \
         add rule inet t in tcp sport 7500 tcp flags syn,ack / syn,ack drop",
    );
    let events = kernel_events(KNOCKS).into_iter();
    let rows: Vec<Value> = events
        .filter(|event| event["event"] == "listener-full")
        .collect();
    for row in &rows {
        assert_eq!(row["local"], "127.0.0.1:7500", "{row}");
        assert_eq!(row["listener"]["full_queue"], "syn", "{row}");
        assert_eq!(row["listener"]["limit"], 2, "{row}");
        assert_eq!(row["listener"]["accept_queue"], 0, "{row}");
        assert!(row["listener"]["syn_queue"].as_u64() >= Some(2), "{row}");
        assert!(row["pid"].is_u64(), "{row}");
    }
    rows
}

fn dropped(rows: &[Value]) -> u64 {
    let dropped = rows
        .iter()
        .filter_map(|row| row["listener"]["dropped"].as_u64());
    dropped.sum()
}

#[test]
fn without_cookies_what_finds_no_room_is_dropped_needs_root() {
    sandbox::run(|| {
        let rows = full("0");
        assert!(dropped(&rows) >= 5, "{rows:?}");
        let text = rows[0]["text"].as_str().unwrap_or_default();
        assert!(text.starts_with("SYN queue full: dropped "), "{text}");
    });
}

/// A second later the clients send again, and those that have a place already are dropped: nobody counts that here.
#[test]
fn with_cookies_nothing_is_dropped_needs_root() {
    sandbox::run(|| {
        let rows = full("1");
        assert_eq!(rows[0]["listener"]["dropped"], 0, "{rows:?}");
        let text = rows[0]["text"].as_str().unwrap_or_default();
        assert!(
            text.starts_with("SYN queue full, SYN cookies are sent"),
            "{text}"
        );
    });
}
