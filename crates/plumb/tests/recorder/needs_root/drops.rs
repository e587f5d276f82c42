//! Packets of a socket that the kernel drops are told once each, with the kernel's reason and their owner, wherever on
//! their way it happened: by a rule before or behind the socket, at a port that is closed, by a checksum.

use plumb_testkit::sandbox;
use serde_json::Value;

use super::{kernel_events, nft, texts};

fn drops(events: &[Value]) -> Vec<(&str, &str, &str)> {
    let text = |event: &'_ Value, key: &str| -> &'static str {
        String::from(event[key].as_str().unwrap_or_default()).leak()
    };
    let drops = events.iter().filter(|event| event["event"] == "drop");
    let found = drops.map(|event| {
        assert!(event["pid"].is_u64(), "nobody's: {event}");
        (
            text(event, "text"),
            text(event, "local"),
            text(event, "peer"),
        )
    });
    found.collect()
}

/// From this port.
const SENDS: &str = r#"use Socket; sub here { sockaddr_in($_[0], INADDR_LOOPBACK) }
    socket(my $s, AF_INET, SOCK_DGRAM, 0); bind($s, here(7300)); send($s, "x", 0, here($_)) for @ARGV;"#;

#[test]
fn rules_and_closed_ports_needs_root() {
    sandbox::run(|| {
        nft(
            "add table inet t; add chain inet t out { type filter hook output priority 0; }; \
             add chain inet t in { type filter hook input priority 0; }; \
             add rule inet t out udp dport 7301 drop; add rule inet t in udp dport 7302 drop",
        );
        let script = SENDS.replace("@ARGV", "7301, 7302, 7303");
        let events = kernel_events(&script);
        let from = "127.0.0.1:7300";
        assert_eq!(
            drops(&events),
            [
                ("packet dropped: NETFILTER_DROP", from, "127.0.0.1:7301"),
                ("packet dropped: NETFILTER_DROP", from, "127.0.0.1:7302"),
                ("packet dropped: NO_SOCKET", from, "127.0.0.1:7303"),
            ]
        );
    });
}

/// What comes in is the receiver's, whoever sent it.
#[test]
fn a_rule_before_the_receiver_needs_root() {
    sandbox::run(|| {
        nft(
            "add table inet t; add chain inet t in { type filter hook input priority 0; }; \
             add rule inet t in udp dport 7300 drop",
        );
        let script = "use Socket; socket(my $r, AF_INET, SOCK_DGRAM, 0);
            bind($r, sockaddr_in(7300, INADDR_ANY)); socket(my $s, AF_INET, SOCK_DGRAM, 0);
            bind($s, sockaddr_in(7304, INADDR_LOOPBACK)); send($s, 'x', 0, sockaddr_in(7300, INADDR_LOOPBACK));";
        let events = kernel_events(script);
        let dropped = (
            "packet dropped: NETFILTER_DROP",
            "127.0.0.1:7300",
            "127.0.0.1:7304",
        );
        assert_eq!(drops(&events), [dropped]);
    });
}

/// A SYN to a closed port: dropped, answered by a reset, and told once as each.
#[test]
fn a_connection_to_a_closed_port_needs_root() {
    sandbox::run(|| {
        let script = "use Socket; socket(my $c, AF_INET, SOCK_STREAM, 0);
            bind($c, sockaddr_in(7305, INADDR_LOOPBACK)); connect($c, sockaddr_in(7306, INADDR_LOOPBACK));";
        let events = kernel_events(script);
        let dropped = (
            "packet dropped: NO_SOCKET",
            "127.0.0.1:7305",
            "127.0.0.1:7306",
        );
        assert_eq!(drops(&events), [dropped], "{events:?}");
        assert_eq!(
            texts(&events, "reset-received"),
            ["reset received in SYN_SENT"]
        );
    });
}

/// A raw socket makes what a wire would damage. The sum of a datagram is looked at when it is read, that of a
/// segment when it comes.
const DAMAGES: &str = r#"use Socket; my $lo = inet_aton("127.0.0.1");
    sub put { my ($protocol, $body) = @_;
        send($raw, pack("CCnnnCCna4a4", 69, 0, 20 + length($body), 0, 0, 64, $protocol, 0, $lo, $lo) . $body, 0,
            sockaddr_in(0, $lo)); }
    socket($raw, AF_INET, SOCK_RAW, 255) or die;
    socket(my $u, AF_INET, SOCK_DGRAM, 0); bind($u, sockaddr_in(7307, $lo));
    socket(my $l, AF_INET, SOCK_STREAM, 0); bind($l, sockaddr_in(7308, $lo)); listen($l, 1);
    put(17, pack("nnnn", 7309, 7307, 12, 1) . "bad!"); recv($u, my $got, 100, MSG_DONTWAIT);
    put(6, pack("nnNNCCnnn", 7309, 7308, 1, 0, 80, 2, 1000, 1, 0));"#;

#[test]
fn damaged_packets_needs_root() {
    sandbox::run(|| {
        let events = kernel_events(DAMAGES);
        assert_eq!(
            drops(&events),
            [
                (
                    "packet dropped: UDP_CSUM",
                    "127.0.0.1:7307",
                    "127.0.0.1:7309"
                ),
                (
                    "packet dropped: TCP_CSUM",
                    "127.0.0.1:7308",
                    "127.0.0.1:7309"
                ),
            ],
            "{events:?}"
        );
    });
}
