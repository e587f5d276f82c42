//! `plumb connects` tells attempts that a reset ends, in the handshake and behind it, from connections that break
//! later.

use plumb_testkit::sandbox;
use serde_json::Value;

use super::{json, nft};

/// The attempts that a program of perl makes.
fn attempts(script: &str) -> Vec<Value> {
    let (output, connects) = json(&["connects", "--json", "--", "perl", "-e", script]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(connects["complete"], true, "{connects} {errors}");
    connects["connects"].as_array().cloned().unwrap_or_default()
}

/// A server that breaks off at once, one that answers first, and one that closes; the last client had sent what
/// nobody read. Each client waits for the end.
const BREAKS_OFF: &str = r#"use Socket; $SIG{PIPE} = "IGNORE";
    socket(my $l, AF_INET, SOCK_STREAM, 0); bind($l, sockaddr_in(0, INADDR_LOOPBACK)); listen($l, 5);
    for my $does ("break", "answer", "close", "read") {
        socket(my $c, AF_INET, SOCK_STREAM, 0); connect($c, getsockname($l)); accept(my $s, $l);
        if ($does eq "read") { syswrite($c, "x"); sysread($s, my $got, 1); }
        syswrite($s, "x") if $does eq "answer";
        sysread($c, my $got, 1) if $does eq "answer";
        setsockopt($s, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0)) unless $does eq "close";
        close($s); sysread($c, my $end, 1); close($c);
    }"#;

#[test]
fn a_connection_that_is_reset_before_any_byte_was_a_failed_attempt_needs_root() {
    sandbox::run(|| {
        let attempts = attempts(BREAKS_OFF);
        let outcomes: Vec<_> = attempts.iter().map(|row| &row["outcome"]).collect();
        assert_eq!(outcomes, ["reset", "connected", "connected", "connected"]);
        let reset = &attempts[0];
        assert_eq!(reset["errno"], 104, "{reset}");
        let detail = reset["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("behind the handshake"), "{detail}");
    });
}

/// Two SYNs cross, and the other side's reset comes before its answer: all of that side is made up, by a raw
/// socket.
const CROSSES: &str = r#"use Socket;
    sub sum { my $s = 0; $s += $_ for unpack("n*", $_[0] . "\0" x (length($_[0]) % 2));
        $s = ($s >> 16) + ($s & 65535) while $s > 65535; 65535 - $s }
    sub segment { my ($seq, $flags) = @_; my $lo = inet_aton("127.0.0.1");
        my $tcp = sub { pack("nnNNCCnnn", 9, 4000, $seq, 0, 80, $flags, 1000, $_[0], 0) };
        my $check = sum($lo . $lo . pack("CCn", 0, 6, 20) . $tcp->(0));
        send($raw, pack("CCnnnCCna4a4", 69, 0, 40, 0, 0, 64, 6, 0, $lo, $lo) . $tcp->($check), 0,
            sockaddr_in(0, $lo)); }
    sub wait_for { for (1..400) { return if `ss -Htan state $_[0] dport = 9` ne ""; select(undef, undef, undef, 0.01) }
        die "never $_[0]" }
    socket($raw, AF_INET, SOCK_RAW, 255) or die;
    my $child = fork();
    if (!$child) { socket(my $c, AF_INET, SOCK_STREAM, 0); bind($c, sockaddr_in(4000, INADDR_LOOPBACK));
        connect($c, sockaddr_in(9, INADDR_LOOPBACK)); exit 0; }
    wait_for("syn-sent"); segment(1000, 2); wait_for("syn-recv"); segment(1001, 4); waitpid($child, 0);"#;

#[test]
fn a_reset_between_two_syns_ends_the_attempt_needs_root() {
    sandbox::run(|| {
        let rules = "add table inet t; add chain inet t in { type filter hook input priority 0; }; \
                     add rule inet t in tcp dport 9 drop";
        nft(rules);
        let attempts = attempts(CROSSES);
        assert_eq!(attempts.len(), 1, "{attempts:?}");
        let reset = &attempts[0];
        assert_eq!(reset["outcome"], "reset", "{reset}");
        let detail = reset["detail"].as_str().unwrap_or_default();
        assert!(detail.starts_with("in the handshake"), "{detail}");
    });
}

/// Who connects to the port it is bound to meets its own SYN, and has a connection with itself.
#[test]
fn who_connects_to_itself_is_connected_needs_root() {
    sandbox::run(|| {
        let script = "use Socket; socket(my $c, AF_INET, SOCK_STREAM, 0);
            my $at = sockaddr_in(4000, INADDR_LOOPBACK); bind($c, $at); connect($c, $at) or die; close($c)";
        let attempts = attempts(script);
        let outcomes: Vec<_> = attempts.iter().map(|row| &row["outcome"]).collect();
        assert_eq!(outcomes, ["connected"]);
    });
}
