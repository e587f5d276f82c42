//! `plumb connects` tells every attempt, and why those failed that did. bash connects: `/dev/tcp`.

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use plumb_testkit::sandbox;
use serde_json::Value;

use super::json;

/// The outcomes of the attempts of a line of bash, in their order.
fn outcomes(script: &str) -> Vec<String> {
    let (output, connects) = json(&["connects", "--json", "--", "bash", "-c", script]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(connects["complete"], true, "{connects} {errors}");
    let rows = connects["connects"].as_array().cloned().unwrap_or_default();
    let outcome = |row: &Value| row["outcome"].as_str().unwrap_or_default().to_owned();
    rows.iter().map(outcome).collect()
}

#[test]
fn every_attempt_has_its_cause_needs_root() {
    sandbox::run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let connected = format!("exec 3<>/dev/tcp/127.0.0.1/{port}");
        let script = format!(
            "{connected}; (exec 4<>/dev/tcp/127.0.0.1/1); (exec 4<>/dev/tcp/10.9.9.9/1); true"
        );
        assert_eq!(outcomes(&script), ["connected", "refused", "no-route"]);

        let range = "/proc/sys/net/ipv4/ip_local_port_range";
        let script =
            format!("echo 40000 40000 > {range}; {connected}; exec 5<>/dev/tcp/127.0.0.1/{port}");
        assert_eq!(
            outcomes(&script).last().map(String::as_str),
            Some("no-port-left")
        );
    });
}

#[test]
fn packets_that_a_rule_drops_are_the_firewall_s_needs_root() {
    sandbox::run(|| {
        let rules = "add table inet t; add chain inet t out { type filter hook output priority 0; }; \
                     add rule inet t out tcp dport 9 drop";
        let done = Command::new("nft")
            .arg(rules)
            .status()
            .expect("nft is installed");
        assert!(done.success());
        let script = "timeout 0.2 bash -c 'exec 3<>/dev/tcp/127.0.0.1/9'; true";
        assert_eq!(outcomes(script), ["firewall"]);
    });
}

#[test]
fn a_failed_command_s_status_is_plumb_s_and_failures_fail_when_asked_needs_root() {
    sandbox::run(|| {
        let status = |words: &[&str]| json(words).0.status.code();
        assert_eq!(
            status(&["connects", "--json", "--", "bash", "-c", "exit 7"]),
            Some(7)
        );
        let refused = "(exec 3<>/dev/tcp/127.0.0.1/1); true";
        assert_eq!(
            status(&["connects", "--json", "--", "bash", "-c", refused]),
            Some(0)
        );
        let failed = [
            "connects", "--json", "--failed", "--", "bash", "-c", refused,
        ];
        assert_eq!(status(&failed), Some(1));
        let missing = ["connects", "--json", "--", "/no/such/program"];
        assert_eq!(status(&missing), Some(127));
    });
}

#[test]
fn who_may_not_record_is_told_what_it_takes_needs_root() {
    let output = Command::new(env!("CARGO_BIN_EXE_plumb"))
        .args(["connects", "--for", "1s"])
        .uid(65_534)
        .output()
        .expect("plumb runs");
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("CAP_BPF") && text.contains("setcap"),
        "{text}"
    );
}
