//! In namespaces with a cable of their own between them.

use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use plumb_testkit::namespace::Namespace;
use serde_json::Value;

use crate::verb::{document, interface, run};

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The two ends of the cable.
const NEAR: Ipv4Addr = Ipv4Addr::new(10, 0, 7, 1);
const FAR: Ipv4Addr = Ipv4Addr::new(10, 0, 7, 2);

/// Two namespaces, connected: `near7` in the first, `far7` in the second.
fn cable() -> (Namespace, Namespace) {
    let near = Namespace::new().expect("root can make a network namespace");
    let far = Namespace::new().expect("root can make a network namespace");
    near.connect(&far, 7).expect("ip is installed");
    (near, far)
}

fn called(program: &str, words: &[&str]) -> String {
    let output = Command::new(program)
        .args(words)
        .output()
        .expect("it is installed");
    assert!(output.status.success(), "{program} {words:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json(program: &str, words: &[&str]) -> Value {
    serde_json::from_str(&called(program, words)).expect("it writes JSON")
}

/// Sends datagrams to the far end, where nobody has the port.
fn send(count: usize) {
    let socket = UdpSocket::bind((NEAR, 0)).expect("a free port");
    for _ in 0..count {
        // Answers that nobody is there, and full queues, are part of the game.
        let _ = socket.send_to(&[0; 1000], (FAR, 9));
    }
}

/// A cable between two ends of one namespace, which are down.
fn twins(number: &str) {
    let (twin, other) = (format!("twin{number}"), format!("other{number}"));
    called(
        "ip",
        &["link", "add", &twin, "type", "veth", "peer", "name", &other],
    );
}

/// Says whether an envelope tells that an interface is gone.
fn tells_gone(row: &Value, name: &str) -> bool {
    let gone = row["gone"].as_array();
    gone.is_some_and(|gone| gone.iter().any(|link| link["name"] == name))
}

/// A narrow queue: a packet and a little more waits, the rest is dropped.
fn narrow(interface: &str) {
    called(
        "tc",
        &[
            "qdisc", "add", "dev", interface, "root", "tbf", "rate", "1mbit", "burst", "1600",
            "limit", "3000",
        ],
    );
}

/// Reads until ip, plumb and ip again agree that nothing moved between.
fn settled() -> (Value, Value, Value) {
    let end = Instant::now() + PATIENCE;
    let theirs = || {
        (
            json("ip", &["-s", "-s", "-j", "link"]),
            json("tc", &["-s", "-j", "qdisc"]),
        )
    };
    loop {
        let before = theirs();
        let ours = document(&["--totals"]);
        let after = theirs();
        if before == after {
            return (before.0, before.1, ours);
        }
        assert!(Instant::now() < end, "the interfaces never rest");
    }
}

#[test]
fn totals_and_queues_are_those_of_ip_and_tc() {
    let (near, _far) = cable();
    let (links, qdiscs, ours) = near.inside(|| {
        narrow("near7");
        send(50);
        settled()
    });
    for theirs in links.as_array().expect("rows") {
        let name = theirs["ifname"].as_str().expect("a name");
        let own = interface(&ours, name);
        assert_eq!(own["mtu"], theirs["mtu"], "{name}");
        assert_eq!(own["tx_queue_len"], theirs["txqlen"], "{name}");
        assert_eq!(own["mac"], theirs["address"], "{name}");
        for (side, key, counter) in [
            ("rx", "bytes", "rx_bytes"),
            ("rx", "packets", "rx_packets"),
            ("rx", "errors", "rx_errors"),
            ("rx", "dropped", "rx_dropped"),
            ("rx", "over_errors", "rx_over_errors"),
            ("rx", "multicast", "multicast"),
            ("rx", "length_errors", "rx_length_errors"),
            ("rx", "crc_errors", "rx_crc_errors"),
            ("rx", "frame_errors", "rx_frame_errors"),
            ("rx", "fifo_errors", "rx_fifo_errors"),
            ("rx", "missed_errors", "rx_missed_errors"),
            ("tx", "bytes", "tx_bytes"),
            ("tx", "packets", "tx_packets"),
            ("tx", "errors", "tx_errors"),
            ("tx", "dropped", "tx_dropped"),
            ("tx", "carrier_errors", "tx_carrier_errors"),
            ("tx", "collisions", "collisions"),
            ("tx", "aborted_errors", "tx_aborted_errors"),
            ("tx", "fifo_errors", "tx_fifo_errors"),
            ("tx", "window_errors", "tx_window_errors"),
            ("tx", "heartbeat_errors", "tx_heartbeat_errors"),
        ] {
            let number = &theirs["stats64"][side][key];
            if !number.is_null() {
                assert_eq!(&own["counters"][counter], number, "{name} {counter}");
            }
        }
    }
    let mut compared = 0;
    for theirs in qdiscs.as_array().expect("rows") {
        let own = interface(&ours, theirs["dev"].as_str().expect("a name"));
        let all = own["qdiscs"].as_array().expect("rows");
        let is_same =
            |own: &&Value| own["kind"] == theirs["kind"] && own["handle"] == theirs["handle"];
        let own = all
            .iter()
            .find(is_same)
            .unwrap_or_else(|| panic!("no {theirs}"));
        for (key, other) in [
            ("bytes", "bytes"),
            ("packets", "packets"),
            ("drops", "drops"),
            ("overlimits", "overlimits"),
            ("requeues", "requeues"),
            ("queue_bytes", "backlog"),
            ("queue_packets", "qlen"),
        ] {
            assert_eq!(own[key], theirs[other], "{key} of {theirs}");
        }
        compared += 1;
    }
    assert!(compared >= 2, "{qdiscs}");
}

#[test]
fn what_a_full_queue_drops_is_named_with_its_cause() {
    let (near, _far) = cable();
    let (document, told) = near.inside(|| {
        narrow("near7");
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let sender = scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    send(20);
                    std::thread::yield_now();
                }
            });
            let document = document(&["--for", "100ms", "near7"]);
            let told = run(&["--for", "100ms", "near7"], &[]);
            done.store(true, Ordering::Relaxed);
            sender.join().expect("it sends until told");
            (document, told)
        })
    });
    let row = interface(&document, "near7");
    let causes = row["causes"].as_array().expect("rows");
    let drops = causes.iter().find(|cause| cause["name"] == "tbf drops");
    let drops = drops.unwrap_or_else(|| panic!("{causes:?}"));
    let delta = drops["delta"].as_u64().expect("both readings have it");
    assert!(delta > 0, "{drops}");
    assert_eq!(row["drops"]["delta"], drops["delta"]);
    assert!(row["queue_packets"].is_u64(), "{row}");
    // The queue lets 1 Mbit/s out, of which bursts and rounding may make a little more.
    let rate = row["tx_bytes_per_s"].as_f64().expect("two readings");
    assert!(rate > 0.0 && rate < 500_000.0, "{rate}");
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(text.contains("near7: tbf drops"), "{text}");
}

#[test]
fn known_bytes_appear_on_both_ends() {
    let (near, far) = cable();
    let before = (
        near.inside(|| document(&["--totals", "near7"])),
        far.inside(|| document(&["--totals", "far7"])),
    );
    near.inside(|| send(100));
    let received = move || {
        let end = Instant::now() + PATIENCE;
        let start = interface(&before.1, "far7")["counters"]["rx_packets"].as_u64();
        loop {
            let now = document(&["--totals", "far7"]);
            let row = interface(&now, "far7");
            let packets = row["counters"]["rx_packets"].as_u64();
            if packets
                .zip(start)
                .is_some_and(|(now, start)| now >= start + 100)
            {
                return (before, now);
            }
            assert!(Instant::now() < end, "they never arrive: {row}");
        }
    };
    let (before, after_far) = far.inside(received);
    let after_near = near.inside(|| document(&["--totals", "near7"]));
    // Payload, UDP, IPv4 and Ethernet headers.
    let least = 100 * (1000 + 8 + 20 + 14);
    let grown = |before: &Value, after: &Value, name: &str, counter: &str| {
        let value = |document: &Value| interface(document, name)["counters"][counter].as_u64();
        value(after)
            .zip(value(before))
            .map(|(after, before)| after - before)
    };
    let sent = grown(&before.0, &after_near, "near7", "tx_bytes").expect("both are there");
    let received = grown(&before.1, &after_far, "far7", "rx_bytes").expect("both are there");
    // Neighbours are asked for as well, and routers.
    assert!((least..least + 5000).contains(&sent), "{sent}");
    assert!((least..least + 5000).contains(&received), "{received}");
}

#[test]
fn states_mtus_and_drivers_are_told() {
    let (near, far) = cable();
    far.inside(|| called("ip", &["link", "set", "far7", "down"]));
    let document = near.inside(|| {
        called("ip", &["link", "set", "near7", "mtu", "1280"]);
        twins("0");
        document(&["--for", "1ms"])
    });
    let near7 = interface(&document, "near7");
    assert_eq!(near7["state"], "no-carrier");
    assert_eq!(
        (near7["mtu"].as_u64(), near7["kind"].as_str()),
        (Some(1280), Some("veth"))
    );
    assert_eq!(near7["addresses"][0], "10.0.7.1/24");
    assert_eq!(near7["speed_unknown"], "virtual-link");
    assert!(
        near7["driver"]["peer_ifindex"].is_u64(),
        "{}",
        near7["driver"]
    );
    assert_eq!(interface(&document, "twin0")["state"], "down");
    assert_eq!(interface(&document, "lo")["state"], "up");
}

#[test]
fn an_interface_that_goes_is_said_to_be_gone_and_its_new_name_is_told() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;

    let namespace = Namespace::new().expect("root can make a network namespace");
    let rounds = namespace.inside(|| {
        twins("0");
        twins("1");
        let mut child = Command::new(env!("CARGO_BIN_EXE_plumb"))
            .args(["if", "--every", "20ms", "--for", "8s", "-o", "ndjson"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("plumb is built");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut rows: Vec<Value> = Vec::new();
        let mut changed = false;
        for line in lines {
            let line = line.expect("it is text");
            let row: Value = serde_json::from_str(&line).expect("each line is an object");
            let is_end = row["schema"].is_string();
            rows.push(row);
            // Once a round is over, another will see both changes.
            if is_end && !changed {
                called("ip", &["link", "del", "twin0"]);
                called("ip", &["link", "set", "twin1", "name", "renamed1"]);
                changed = true;
            }
            let seen = |key: &str, name: &str| rows.iter().any(|row| row[key] == name);
            let gone = rows.iter().any(|row| tells_gone(row, "twin0"));
            if gone && seen("renamed_from", "twin1") && seen("name", "renamed1") {
                break;
            }
        }
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        rows
    });
    assert!(rounds.iter().any(|row| tells_gone(row, "twin0")));
    let renamed = rounds.iter().find(|row| row["renamed_from"] == "twin1");
    let renamed = renamed.expect("the same interface under another name");
    assert_eq!(renamed["name"], "renamed1");
    assert!(
        renamed["rx_bytes_per_s"].is_number(),
        "its counters go on: {renamed}"
    );
}

#[test]
fn a_named_interface_is_followed_and_others_that_go_are_not_told() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;

    /// Rounds that the new name must be in: the first of them tells what it was.
    const ROUNDS: usize = 3;

    let namespace = Namespace::new().expect("root can make a network namespace");
    let (text, missing) = namespace.inside(|| {
        twins("0");
        twins("1");
        let mut child = Command::new(env!("CARGO_BIN_EXE_plumb"))
            .args(["if", "twin1", "--every", "20ms", "--for", "8s"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("plumb is built");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut text = String::new();
        let mut rounds = 0;
        for line in lines {
            let line = line.expect("it is text");
            if line.starts_with("twin1") && rounds == 0 {
                called("ip", &["link", "del", "twin0"]);
                called("ip", &["link", "set", "twin1", "name", "renamed1"]);
                rounds = 1;
            }
            rounds += usize::from(line.starts_with("renamed1 "));
            text = format!("{text}{line}\n");
            if rounds > ROUNDS {
                break;
            }
        }
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        (2..9).for_each(|number: u8| twins(&number.to_string()));
        let output = Command::new(env!("CARGO_BIN_EXE_plumb"))
            .args(["if", "nobody"])
            .output()
            .expect("plumb is built");
        (text, String::from_utf8_lossy(&output.stderr).into_owned())
    });
    let told = text.matches("renamed1 was twin1 before").count();
    assert_eq!(told, 1, "{text}");
    assert!(!text.contains("is gone"), "{text}");
    // The loopback and eight cables, of which ten ends are named.
    assert!(missing.contains("and 7 more"), "{missing}");
}

#[test]
fn every_namespace_is_listed_and_one_can_be_chosen() {
    let (near, far) = cable();
    let all = document(&["--all-netns", "--totals"]);
    for (name, id) in [("near7", near.id), ("far7", far.id)] {
        let row = interface(&all, name);
        assert_eq!(row["netns"], format!("net:[{id}]"));
    }
    let place = format!("net:[{}]", far.id);
    let one = document(&["--netns", &place, "--totals"]);
    interface(&one, "far7");
    let rows = one["interfaces"].as_array().expect("rows");
    assert!(rows.iter().all(|row| row["name"] != "near7"));
}
