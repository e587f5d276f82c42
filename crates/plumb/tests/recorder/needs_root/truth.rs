//! Every connection of a generator that counts is accounted for: none missing, none too many, every byte.

use std::process::{Command, Stdio};

use plumb_testkit::sandbox;
use serde_json::Value;

/// Connections made; `cargo xtask test --full` asks for many more.
fn connections() -> u64 {
    let asked = std::env::var("PLUMB_TRUTH_CONNECTIONS").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(2000)
}

/// Makes ARGV[0] connections: the I-th carries I % 100 + 1 bytes from client to server, every tenth ends with a
/// reset, and after every twentieth a connection is refused.
const GENERATOR: &str = r#"
use Socket;
my $n = shift;
socket(my $l, AF_INET, SOCK_STREAM, 0); bind($l, sockaddr_in(7001, INADDR_ANY)); listen($l, 64);
for my $i (1 .. $n) {
    my $host = inet_aton("127.0.0." . (1 + $i % 200));
    socket(my $c, AF_INET, SOCK_STREAM, 0); connect($c, sockaddr_in(7001, $host)) or die "$i: $!";
    accept(my $a, $l);
    syswrite($c, "x" x ($i % 100 + 1)); sysread($a, my $b, 200);
    setsockopt($c, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0)) if $i % 10 == 0;
    close($c); close($a);
    if ($i % 20 == 0) { socket(my $r, AF_INET, SOCK_STREAM, 0); connect($r, sockaddr_in(1, $host)); close($r); }
}
"#;

fn record(words: &[&str], count: u64) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_plumb"))
        .args(words)
        .args(["--", "perl", "-e", GENERATOR, &count.to_string()])
        .stdin(Stdio::null())
        .output()
        .expect("plumb runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    String::from_utf8(output.stdout).expect("JSON is text")
}

/// How many events plumb itself says it lost; none of the usual number can be.
fn lost(document: &Value) -> u64 {
    let reasons = document["reasons"].as_array().into_iter().flatten();
    let words = reasons.filter_map(Value::as_str);
    let lost = words.filter(|reason| reason.contains("events were lost"));
    lost.filter_map(|reason| reason.split(' ').next()?.parse::<u64>().ok())
        .sum()
}

/// Nothing is missing but what was counted as lost.
fn account(what: &str, told: u64, truth: u64, lost: u64) {
    assert!(told <= truth, "{told} {what} told of {truth}");
    assert!(
        truth - told <= lost,
        "{told} {what} told of {truth}, and {lost} events counted as lost"
    );
}

#[test]
fn every_connection_is_accounted_for_needs_root() {
    sandbox::run(|| {
        let count = connections();
        let connects = record(&["connects", "--json", "--by-code"], count);
        let connects: Value = serde_json::from_str(&connects).expect("it is JSON");
        let missing = lost(&connects);
        let number = |key: &str| connects[key].as_u64().unwrap_or_default();
        account("attempts", number("attempts"), count + count / 20, missing);
        account("failures", number("failures"), count / 20, missing);

        let (mut ended, mut bytes, mut resets, mut missing) = (0, 0, 0, 0);
        for line in record(&["trace", "--no-calls", "-o", "ndjson"], count).lines() {
            let event: Value = serde_json::from_str(line).expect("each line is JSON");
            missing += lost(&event);
            resets += u64::from(event["event"] == "reset-received");
            let text = event["text"].as_str().unwrap_or_default();
            let peer = event["peer"].as_str().unwrap_or_default();
            // The client's end, told at its last change.
            if text.contains(" > CLOSE,") && peer.ends_with(":7001") {
                ended += 1;
                bytes += event["sent_bytes"].as_u64().unwrap_or_default();
            }
        }
        account("ends", ended, count, missing);
        // A connection carries a hundred bytes at most.
        account(
            "bytes",
            bytes,
            (1..=count).map(|i| i % 100 + 1).sum(),
            missing * 100,
        );
        // Each reset of a client is received by the server, and each refusal is one.
        account("resets", resets, count / 10 + count / 20, missing);
        if count <= 2000 {
            assert_eq!(missing, 0, "so few events fit the ring at once");
        }
    });
}
