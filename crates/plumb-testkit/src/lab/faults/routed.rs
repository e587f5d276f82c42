//! Between networks: routers with several ways, ways back that are missing, what a router itself cannot hand on.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use super::path::{drop_in, knock_from, peer, remote_server};
use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "no-route/way-back",
        about: "clients come to a port that is served, and there is no route to answer them by",
        make: |stage| {
            let peer = visitor(stage)?;
            for _ in 0..3 {
                knock_from(stage, &peer, "10.9.0.1:8080");
            }
            stage.wait_for_counter("Ip", "OutNoRoutes", 3)?;
            Ok(Expected::subject("peer", "10.77.0.1"))
        },
    },
    Scenario {
        name: "no-route/healthy-way-back",
        about: "the same, and there is one",
        make: |stage| {
            let peer = visitor(stage)?;
            stage.run("ip", ["route", "add", "10.77.0.0/16", "via", "10.9.0.2"])?;
            visit(stage, &peer, "10.9.0.1:8080");
            stage.wait_for_counter("Tcp", "PassiveOpens", 3)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "neighbor-unresolved/forwarded",
        about: "this host is a router, and the host that it should hand packets of others on to is not there",
        make: |stage| {
            let peer = between(stage)?;
            for _ in 0..3 {
                knock_from(stage, &peer, "10.8.0.77:443");
            }
            stage.wait_for_counter("Ip", "ForwDatagrams", 3)?;
            Ok(Expected::subject("peer", "10.8.0.77").and("interface", "veth2"))
        },
    },
    Scenario {
        name: "neighbor-unresolved/healthy-forwarded",
        about: "the same, and the host is there",
        make: |stage| {
            let peer = between(stage)?;
            visit(stage, &peer, "10.8.0.2:443");
            stage.wait_for_counter("Ip", "ForwDatagrams", 10)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "ttl-exceeded/forwarded",
        about: "this host is a router and sends what is for a network to another that sends it back",
        make: |stage| {
            let peer = between(stage)?;
            stage.run("ip", ["route", "add", "10.55.0.0/16", "via", "10.8.0.2"])?;
            // With an odd hop limit it is this host that gives them up.
            datagrams(stage, &peer, 63, "10.55.0.1:4500")?;
            stage.wait_for_counter("Ip", "InHdrErrors", 5)?;
            Ok(Expected::subject("peer", "10.55.0.1"))
        },
    },
    Scenario {
        name: "ttl-exceeded/healthy-traced",
        about: "this host is a router, and somebody traces a route through it",
        make: |stage| {
            let peer = between(stage)?;
            datagrams(stage, &peer, 1, "10.8.0.2:33434")?;
            stage.wait_for_counter("Ip", "InHdrErrors", 5)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "neighbor-unresolved/one-of-two",
        about: "of a route with two next hops one is not there, and half of the attempts wait for it",
        make: |stage| {
            two_ways(stage, "10.9.0.99", None)?;
            stage.wait_for_counter("TcpExt", "TCPTimeouts", 1)?;
            Ok(Expected::subject("peer", "10.9.0.99").and("interface", "veth0"))
        },
    },
    Scenario {
        name: "connect-timeout/one-of-two",
        about: "one of two next hops throws away what it should hand on",
        make: |stage| {
            two_ways(stage, "10.9.0.3", Some("ip daddr 10.50.0.0/16 drop"))?;
            stage.wait_for_counter("TcpExt", "TCPTimeouts", 3)?;
            let mut expected = Expected::subject("peer", "10.50.0.1:443");
            expected.seconds = 4;
            Ok(expected)
        },
    },
    Scenario {
        name: "connect-timeout/healthy-both",
        about: "both next hops hand on",
        make: |stage| {
            two_ways(stage, "10.9.0.3", None)?;
            stage.wait_for_counter("Tcp", "ActiveOpens", 20)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "interface-down/astray",
        about: "the interface of a network is switched off, and what is for it leaves by the default route",
        make: |stage| {
            peer(stage)?;
            off(stage)?;
            stage.run("ip", ["route", "add", "default", "via", "10.9.0.2"])?;
            let end: SocketAddr = "10.60.0.9:80".parse().expect("an address of ours");
            for _ in 0..3 {
                stage.repeat(move || {
                    drop(TcpStream::connect_timeout(&end, Duration::from_secs(4)));
                });
            }
            stage.wait_for_counter("TcpExt", "TCPTimeouts", 1)?;
            Ok(Expected::subject("interface", "spare0"))
        },
    },
    Scenario {
        name: "interface-down/healthy-moved",
        about: "an interface is switched off whose network is reached by another",
        make: |stage| {
            remote_server(stage)?;
            off(stage)?;
            stage.run("ip", ["addr", "add", "10.9.0.8/24", "dev", "spare0"])?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "connection-refused/datagrams",
        about: "a program sends datagrams to a port of another host that nobody has",
        make: |stage| {
            peer(stage)?;
            send(stage, "10.9.0.2:514", Duration::from_millis(50))?;
            stage.wait_for_counter("Icmp", "InDestUnreachs", 2)?;
            let mut expected = Expected::subject("peer", "10.9.0.2:514").and("protocol", "udp");
            expected.seconds = 4;
            Ok(expected)
        },
    },
    Scenario {
        name: "connection-refused/healthy-poll",
        about: "a program looks once a second whether a remote server is there",
        make: |stage| {
            peer(stage)?;
            stage.repeat(|| {
                drop(TcpStream::connect("10.9.0.2:8080"));
                std::thread::sleep(Duration::from_secs(1));
            });
            stage.wait_for_counter("Tcp", "AttemptFails", 1)?;
            let mut expected = Expected::nothing();
            expected.seconds = 4;
            Ok(expected)
        },
    },
    Scenario {
        name: "fragment-loss/ipv6",
        about: "of datagrams in fragments over IPv6 only the first fragment arrives",
        make: |stage| {
            let peer = peer6(stage)?;
            stage.sysctl("net.ipv6.ip6frag_time", 1)?;
            stage.nft(
                None,
                "add table ip6 lab; add chain ip6 lab in { type filter hook prerouting priority -450; }; \
                 add rule ip6 lab in frag frag-off != 0 drop",
            )?;
            let receiver = UdpSocket::bind("[fd00::1]:5000")?;
            stage.hold(receiver);
            let sender = stage.once_in(&peer, || UdpSocket::bind("[fd00::2]:0"))?;
            stage.repeat_in(&peer, move || {
                let _ = sender.send_to(&[1; 4000], "[fd00::1]:5000");
                std::thread::sleep(Duration::from_millis(50));
            });
            stage.wait_until("fragments are given up", || {
                let text = std::fs::read_to_string("/proc/thread-self/net/snmp6")?;
                let failed = text.lines().find(|line| line.starts_with("Ip6ReasmFails"));
                let failed = failed.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
                Ok(failed.unwrap_or(0) >= 3)
            })?;
            Ok(Expected::subject("kind", "host"))
        },
    },
];

/// A peer across veth0 that also has an address of IPv6.
fn peer6(stage: &mut Stage) -> io::Result<Peer> {
    let peer = peer(stage)?;
    let addr = ["addr", "add", "fd00::1/64", "dev", "veth0", "nodad"];
    stage.run("ip", addr)?;
    let addr = ["addr", "add", "fd00::2/64", "dev", "veth1", "nodad"];
    stage.run_in(&peer, "ip", addr)?;
    Ok(peer)
}

/// A peer that comes from an address behind it to a server of ours.
fn visitor(stage: &mut Stage) -> io::Result<Peer> {
    let peer = peer(stage)?;
    for filter in ["all", "veth0"] {
        stage.sysctl(&format!("net.ipv4.conf.{filter}.rp_filter"), 0)?;
    }
    let listener = TcpListener::bind("10.9.0.1:8080")?;
    stage.repeat_accepting(listener)?;
    stage.run_in(&peer, "ip", ["addr", "add", "10.77.0.1/32", "dev", "lo"])?;
    let announce = ["-q", "-w", "net.ipv4.conf.all.arp_announce=2"];
    stage.run_in(&peer, "sysctl", announce)?;
    let from = [
        "route",
        "replace",
        "10.9.0.0/24",
        "dev",
        "veth1",
        "src",
        "10.77.0.1",
    ];
    stage.run_in(&peer, "ip", from)?;
    Ok(peer)
}

/// Connects from a peer, now and then.
fn visit(stage: &mut Stage, peer: &Peer, end: &'static str) {
    let end: SocketAddr = end.parse().expect("an address of ours");
    stage.repeat_in(peer, move || {
        drop(TcpStream::connect_timeout(&end, Duration::from_secs(1)));
        std::thread::sleep(Duration::from_millis(20));
    });
}

/// Datagrams of a peer with this hop limit.
fn datagrams(stage: &mut Stage, peer: &Peer, ttl: u32, to: &'static str) -> io::Result<()> {
    let sender = stage.once_in(peer, || UdpSocket::bind("10.9.0.2:0"))?;
    sender.set_ttl(ttl)?;
    stage.repeat_in(peer, move || {
        let _ = sender.send_to(&[1; 60], to);
        std::thread::sleep(Duration::from_millis(20));
    });
    Ok(())
}

/// This host forwards between the peer that is given back, and another that serves a port and has its default route here.
fn between(stage: &mut Stage) -> io::Result<Peer> {
    let first = peer(stage)?;
    let second = stage.peer("second")?;
    stage.veth(&second, ("veth2", "10.8.0.1/24"), ("veth3", "10.8.0.2/24"))?;
    stage.sysctl("net.ipv4.ip_forward", 1)?;
    stage.run_in(&second, "sysctl", ["-q", "-w", "net.ipv4.ip_forward=1"])?;
    stage.run_in(&first, "ip", ["route", "add", "default", "via", "10.9.0.1"])?;
    stage.run_in(
        &second,
        "ip",
        ["route", "add", "default", "via", "10.8.0.1"],
    )?;
    let listener = stage.once_in(&second, || TcpListener::bind("10.8.0.2:443"))?;
    stage.repeat_accepting(listener)?;
    Ok(first)
}

/// Attempts at a server behind two routers of one network, which have the same way on; `other` is the next hop beside the
/// first, and what the second router, 10.9.0.3, does is a rule.
fn two_ways(stage: &mut Stage, other: &str, rule: Option<&str>) -> io::Result<()> {
    let first = peer(stage)?;
    let second = stage.peer("second")?;
    let shared = [
        "link", "add", "mv0", "link", "veth1", "type", "macvlan", "mode", "bridge",
    ];
    stage.run_in(&first, "ip", shared)?;
    stage.run_in(&first, "ip", ["link", "set", "mv0", "netns", "second"])?;
    stage.run_in(&second, "ip", ["addr", "add", "10.9.0.3/24", "dev", "mv0"])?;
    stage.run_in(&second, "ip", ["link", "set", "mv0", "up"])?;
    for router in [&first, &second] {
        let server = ["addr", "add", "10.50.0.1/32", "dev", "lo"];
        stage.run_in(router, "ip", server)?;
        let listener = stage.once_in(router, || TcpListener::bind("10.50.0.1:443"))?;
        stage.repeat_accepting(listener)?;
    }
    if let Some(rule) = rule {
        drop_in(stage, Some(&second), rule)?;
    }
    stage.sysctl("net.ipv4.fib_multipath_hash_policy", 1)?;
    let route = [
        "route",
        "add",
        "10.50.0.0/16",
        "nexthop",
        "via",
        "10.9.0.2",
        "nexthop",
        "via",
        other,
    ];
    stage.run("ip", route)?;
    let end: SocketAddr = "10.50.0.1:443".parse().expect("an address of ours");
    for _ in 0..4 {
        stage.repeat(move || {
            drop(TcpStream::connect_timeout(&end, Duration::from_secs(3)));
            std::thread::sleep(Duration::from_millis(50));
        });
    }
    Ok(())
}

/// An interface with a network that is switched off.
fn off(stage: &Stage) -> io::Result<()> {
    let pair = [
        "link", "add", "spare0", "type", "veth", "peer", "name", "spare1",
    ];
    stage.run("ip", pair)?;
    stage.run("ip", ["link", "set", "spare1", "up"])?;
    stage.run("ip", ["addr", "add", "10.60.0.1/24", "dev", "spare0"])
}

/// Sends datagrams, one every `pause`.
fn send(stage: &mut Stage, to: &'static str, pause: Duration) -> io::Result<()> {
    let sender = UdpSocket::bind("10.9.0.1:0")?;
    sender.connect(to)?;
    stage.repeat(move || {
        let _ = sender.send(b"a line of a log");
        std::thread::sleep(pause);
    });
    Ok(())
}
