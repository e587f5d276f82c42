//! The JSON of live sockets: within the page, line by line the same, and agreeing with the original.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use plumb_testkit::sandbox;
use serde_json::Value;

use super::{PAGE, collect};
use crate::json_keys::{Keys, documented};

/// How often text and JSON may disagree because a socket changed between the two.
const ROUNDS: usize = 20;

/// How many connections are closed before an event is given up.
const CLOSED: usize = 5_000;

/// Fields of the text that are one number, the field of `tcp_info`, and its units in one of the
/// text's.
const NUMBERS: [(&str, &str, f64); 16] = [
    ("rto:", "rto_us", 1000.0),
    ("mss:", "snd_mss_bytes", 1.0),
    ("rcvmss:", "rcv_mss_bytes", 1.0),
    ("advmss:", "advmss_bytes", 1.0),
    ("pmtu:", "pmtu_bytes", 1.0),
    ("cwnd:", "snd_cwnd", 1.0),
    ("bytes_sent:", "bytes_sent", 1.0),
    ("bytes_acked:", "bytes_acked", 1.0),
    ("bytes_received:", "bytes_received", 1.0),
    ("segs_out:", "segs_out", 1.0),
    ("segs_in:", "segs_in", 1.0),
    ("data_segs_out:", "data_segs_out", 1.0),
    ("data_segs_in:", "data_segs_in", 1.0),
    ("rcv_space:", "rcv_space_bytes", 1.0),
    ("minrtt:", "min_rtt_us", 1000.0),
    ("snd_wnd:", "snd_wnd_bytes", 1.0),
];

fn plumb(words: &str) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumb"));
    let output = command.arg("ss").args(words.split(' ')).output();
    output.expect("the program starts").stdout
}

fn json(words: &str) -> Value {
    serde_json::from_slice(&plumb(words)).unwrap_or_else(|error| panic!("{words}: {error}"))
}

/// A listener, a connection that moved data both ways, and one that waits in TIME_WAIT.
fn connections() -> (TcpListener, TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:7121").expect("loopback is up");
    let closed = TcpStream::connect("127.0.0.1:7121").expect("somebody listens");
    let accepted = listener.accept().expect("somebody came").0;
    drop(closed);
    drop(accepted);
    let mut client = TcpStream::connect("127.0.0.1:7121").expect("somebody listens");
    let mut server = listener.accept().expect("somebody came").0;
    for _ in 0..20 {
        client.write_all(&[7; 1000]).expect("it is connected");
        server.read_exact(&mut [0; 1000]).expect("it was sent");
        server.write_all(&[8; 10]).expect("it is connected");
        client.read_exact(&mut [0; 10]).expect("it was sent");
    }
    (listener, client, server)
}

/// Compares a row of the original's text with the JSON of the same socket.
fn disagreements(line: &str, row: &Value) -> Vec<String> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let mut found = Vec::new();
    let mut compare = |what: &str, text: String, json: String| {
        if text != json {
            found.push(format!("{what}: {text} and {json} in {line}"));
        }
    };
    compare("recv_q", words[1].into(), row["recv_q_bytes"].to_string());
    compare("send_q", words[2].into(), row["send_q_bytes"].to_string());
    let end = |end: &Value| {
        let port = end["port"]
            .as_u64()
            .map_or("*".into(), |port| port.to_string());
        format!("{}:{port}", end["address"].as_str().unwrap_or("?"))
    };
    compare("local", words[3].into(), end(&row["local"]));
    compare("peer", words[4].into(), end(&row["peer"]));
    for word in &words {
        if let Some(inode) = word.strip_prefix("ino:") {
            // The original has a 0 for "none".
            let json = row["inode"].as_u64().unwrap_or(0);
            compare("ino", inode.into(), json.to_string());
        }
        if let Some(memory) = word.strip_prefix("skmem:") {
            compare("skmem", memory.into(), skmem(&row["skmem"]));
        }
        for (prefix, key, unit) in NUMBERS {
            if let Some(text) = word.strip_prefix(prefix) {
                let json = row["tcp_info"][key].as_f64().unwrap_or(-1.0) / unit;
                let text: f64 = text.parse().unwrap_or(-2.0);
                // The text has six digits.
                if (text - json).abs() > text.abs() * 1e-5 {
                    compare(key, text.to_string(), json.to_string());
                }
            }
        }
    }
    found
}

fn skmem(memory: &Value) -> String {
    let keys = [
        ("r", "rmem_alloc_bytes"),
        ("rb", "rcvbuf_bytes"),
        ("t", "wmem_alloc_bytes"),
        ("tb", "sndbuf_bytes"),
        ("f", "fwd_alloc_bytes"),
        ("w", "wmem_queued_bytes"),
        ("o", "optmem_bytes"),
        ("bl", "backlog_bytes"),
        ("d", "drops"),
    ];
    let parts = keys.map(|(letter, key)| format!("{letter}{}", memory[key]));
    format!("({})", parts.join(","))
}

#[test]
fn the_text_of_the_original_and_our_json_agree() {
    sandbox::run(|| {
        let _connections = connections();
        let mut last = Vec::new();
        for _ in 0..ROUNDS {
            let original = Command::new("/usr/bin/ss").arg("-HtanoeimO").output();
            let text = String::from_utf8(original.expect("ss is there").stdout);
            let text = text.expect("addresses are text");
            let document = json("-tan --json");
            let rows = document["sockets"].as_array().expect("an array");
            last.clear();
            assert_eq!(text.lines().count(), 4, "{text}");
            assert_eq!(rows.len(), 4, "{document}");
            for line in text.lines() {
                let cookie = line
                    .split(" sk:")
                    .nth(1)
                    .and_then(|rest| rest.split(' ').next());
                let cookie = u64::from_str_radix(cookie.unwrap_or(""), 16).expect("a cookie");
                let row = rows.iter().find(|row| row["cookie"] == cookie);
                last.extend(disagreements(line, row.expect("the same socket")));
            }
            if last.is_empty() {
                let time_wait = rows.iter().find(|row| row["state"] == "TIME_WAIT");
                assert_eq!(time_wait.expect("one waits")["uid_unknown"], "time-wait");
                let unseen = NUMBERS.iter().find(|(prefix, ..)| !text.contains(prefix));
                assert_eq!(unseen, None, "every number was compared");
                return;
            }
        }
        panic!("{}", last.join("\n"));
    });
}

#[test]
fn live_rows_stay_within_the_page_and_lines_are_the_rows_of_the_document() {
    sandbox::run(|| {
        let _connections = connections();
        let _udp = UdpSocket::bind("[::1]:7122").expect("loopback is up");
        let path = std::env::temp_dir().join("socket");
        let _unix = UnixListener::bind(&path).expect("the sandbox has room");
        let _waiting = UnixStream::connect(&path).expect("somebody listens");
        let mut seen = Keys::new();
        for words in [
            "-ap --json",
            "-anpT --json",
            "-s --json",
            "-a --all-netns --json",
        ] {
            let document = json(words);
            assert_eq!(
                document["complete"], true,
                "{words}: {}",
                document["reasons"]
            );
            collect(&document, &mut seen);
        }
        let (all, _) = documented(PAGE);
        for (section, keys) in &seen {
            for key in keys {
                let known = all[section].contains(key) || all[""].contains(key);
                assert!(known, "not documented: {key} in {section}");
            }
        }
        let document = json("-xan --json");
        let lines = plumb("-xan --ndjson");
        let lines: Vec<Value> = String::from_utf8_lossy(&lines)
            .lines()
            .map(|line| serde_json::from_str(line).expect("each line is JSON"))
            .collect();
        let (last, rows) = lines.split_last().expect("there is an envelope");
        assert_eq!(Some(&rows.to_vec()), document["sockets"].as_array());
        assert_eq!(last["complete"], true);
        assert!(last.get("sockets").is_none());
    });
}

#[test]
fn an_event_leaves_as_a_line_while_the_program_goes_on() {
    sandbox::run(|| {
        let listener = TcpListener::bind("127.0.0.1:7123").expect("loopback is up");
        let mut child = Command::new(env!("CARGO_BIN_EXE_plumb"))
            .args(["ss", "-Etn", "--ndjson"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let seen = AtomicBool::new(false);
        let line = std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..CLOSED {
                    if seen.load(Ordering::Relaxed) {
                        break;
                    }
                    let client = TcpStream::connect("127.0.0.1:7123").expect("somebody listens");
                    drop(client);
                    drop(listener.accept().expect("somebody came"));
                }
                child.kill().expect("it is our child");
                child.wait().expect("it is our child");
            });
            let line = lines.next();
            seen.store(true, Ordering::Relaxed);
            line
        });
        let line = line.expect("an event came").expect("it is text");
        let row: Value = serde_json::from_str(&line).expect("a line is JSON");
        assert_eq!(
            (&row["protocol"], &row["state"]),
            (&"tcp".into(), &"CLOSE".into())
        );
    });
}

#[test]
fn a_socket_that_may_not_be_killed_makes_the_document_incomplete() {
    sandbox::run(|| {
        let _connections = connections();
        let program = std::env::temp_dir().join("ss");
        std::fs::copy(env!("CARGO_BIN_EXE_plumb"), &program).expect("the sandbox has room");
        let output = Command::new("setpriv")
            .args(["--reuid", "1000", "--regid", "1000", "--clear-groups"])
            .arg(&program)
            .args(["-Ktn", "--json"])
            .output()
            .expect("setpriv is there");
        let document: Value = serde_json::from_slice(&output.stdout).expect("valid JSON");
        let reason = "SOCK_DESTROY answers: Operation not permitted";
        assert_eq!(document["reasons"], serde_json::json!([reason]));
        assert_eq!(document["complete"], false);
        assert_eq!(document["sockets"], serde_json::json!([]));
    });
}

#[test]
fn rows_that_could_not_be_judged_make_the_document_incomplete() {
    sandbox::run(|| {
        // A connected UDP socket could have a round trip time; nobody measures it.
        let socket = UdpSocket::bind("127.0.0.1:7124").expect("loopback is up");
        socket.connect("127.0.0.1:7126").expect("loopback is up");
        let output = Command::new(env!("CARGO_BIN_EXE_plumb"))
            .args(["ss", "-un", "--json", "rtt < 20ms"])
            .output()
            .expect("the program starts");
        let document: Value = serde_json::from_slice(&output.stdout).expect("valid JSON");
        assert_eq!(document["complete"], false);
        let reason = document["reasons"][0].as_str().expect("a reason");
        assert!(reason.contains("1 socket is not shown"), "{reason}");
    });
}

#[test]
fn processes_that_may_not_be_looked_at_make_the_document_incomplete() {
    sandbox::run(|| {
        let _listener = TcpListener::bind("127.0.0.1:7125").expect("loopback is up");
        let program = std::env::temp_dir().join("ss");
        std::fs::copy(env!("CARGO_BIN_EXE_plumb"), &program).expect("the sandbox has room");
        let document = |line: &str| -> Value {
            let output = Command::new("setpriv")
                .args(["--reuid", "1000", "--regid", "1000", "--clear-groups"])
                .arg(&program)
                .args(line.split(' '))
                .output()
                .expect("setpriv is there");
            serde_json::from_slice(&output.stdout).expect("valid JSON")
        };
        let asked = document("-tlnp --json");
        let row = &asked["sockets"][0];
        assert_eq!(row["processes_unknown"], "permission-denied");
        assert_eq!(asked["complete"], false);
        assert_eq!(document("-tln --json")["complete"], true);
    });
}
