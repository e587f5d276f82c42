//! `plumb connects` names the cause of each kind of failure, made for real: a peer that does not answer, routes
//! that forbid, rules that reject in each way, and a socket that is destroyed.

use plumb_testkit::lab::Stage;
use plumb_testkit::sandbox;
use serde_json::{Value, json};

use super::json as run;

/// What the peer does with the ports 9 to 13.
const RULES: &str = "add table inet t; add chain inet t in { type filter hook input priority 0; }; \
    add rule inet t in tcp dport { 9, 13 } drop; \
    add rule inet t in tcp dport 10 reject; \
    add rule inet t in tcp dport 11 reject with tcp reset; \
    add rule inet t in tcp dport 12 reject with icmpx type admin-prohibited";

/// The host under test, with routes that lead nowhere, and a peer behind rules.
fn stage() -> Stage {
    let mut stage = Stage::new().expect("the sandbox is ours");
    let peer = stage.peer("peer").expect("a namespace");
    stage
        .veth(&peer, ("veth0", "10.9.0.1/24"), ("veth1", "10.9.0.2/24"))
        .expect("veth");
    stage.nft(Some(&peer), RULES).expect("nft is installed");
    let route = |kind, to| stage.run("ip", ["route", "add", kind, to]);
    route("unreachable", "10.8.0.0/24").expect("a route");
    route("prohibit", "10.7.0.0/24").expect("a route");
    stage
        .sysctl("net.ipv4.tcp_syn_retries", 1)
        .expect("the namespace is ours");
    stage
}

/// The attempts of a line of bash: to which peer, what came of it, and what else is said.
fn attempts(script: &str) -> Vec<(String, String, String)> {
    let (_, connects) = run(&["connects", "--json", "--failed", "--", "bash", "-c", script]);
    assert_eq!(connects["complete"], true, "{connects}");
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let rows = connects["connects"].as_array().into_iter().flatten();
    rows.map(|row| (text(row, "peer"), text(row, "outcome"), text(row, "detail")))
        .collect()
}

#[test]
fn every_kind_of_failure_has_its_cause_needs_root() {
    sandbox::run(|| {
        let _stage = stage();
        // Where, the cause, and a part of what else is said.
        let causes = [
            ("10.9.0.2:9", "timed-out", "SYN sent "),
            ("10.8.0.1:9", "unreachable", ""),
            ("10.7.0.1:9", "firewall", ""),
            ("10.9.0.2:10", "firewall", "an ICMP message"),
            ("10.9.0.2:11", "refused", ""),
            ("10.9.0.2:12", "unreachable", ""),
        ];
        let lines = causes.map(|(to, ..)| {
            let to = to.replace(':', "/");
            format!("(exec 3<>/dev/tcp/{to})")
        });
        let told = attempts(&format!("{}; true", lines.join("; ")));
        assert_eq!(told.len(), causes.len(), "{told:?}");
        for ((to, outcome, part), (peer, told, detail)) in causes.iter().zip(&told) {
            assert_eq!((peer.as_str(), told.as_str()), (*to, *outcome), "{detail}");
            assert!(detail.contains(part), "{to}: {detail}");
        }
    });
}

#[test]
fn who_destroys_a_socket_ends_its_attempt_needs_root() {
    sandbox::run(|| {
        let _stage = stage();
        let waiting = "ss -Htn state syn-sent dport = 13";
        let script = format!(
            "(exec 3<>/dev/tcp/10.9.0.2/13) & \
             for i in {{1..200}}; do [ -n \"$({waiting})\" ] && break; sleep 0.01; done; \
             ss -K dport = 13 >/dev/null; wait; true"
        );
        let told = attempts(&script);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(
            (told[0].0.as_str(), told[0].1.as_str()),
            ("10.9.0.2:13", "destroyed"),
            "{told:?}"
        );
    });
}

#[test]
fn causes_are_counted_for_each_path_of_code_needs_root() {
    sandbox::run(|| {
        let _stage = stage();
        let script = r"use Socket;
            sub try_here { my ($host, $port) = @_; socket(my $s, AF_INET, SOCK_STREAM, 0);
                connect($s, sockaddr_in($port, inet_aton($host))); }
            try_here('10.9.0.2', 11) for 1..3; try_here('10.8.0.1', 9); try_here('10.9.0.2', 10);";
        let words = ["connects", "--json", "--failed", "--by-code", "--"];
        let (output, connects) = run(&[&words[..], &["perl", "-e", script]].concat());
        // One line of C inside the interpreter makes them all.
        let paths = connects["paths"].as_array().cloned().unwrap_or_default();
        assert_eq!(paths.len(), 1, "{connects}");
        assert_eq!(
            paths[0]["outcomes"],
            json!({"refused": 3, "unreachable": 1, "firewall": 1})
        );
        assert_eq!(paths[0]["failed"], 5);
        assert_eq!(output.status.code(), Some(1), "failures were asked to fail");
    });
}
