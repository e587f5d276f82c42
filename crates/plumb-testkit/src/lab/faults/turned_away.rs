//! What routers and hosts turn away with ICMP errors, and attempts that are given up early.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::path::{drop_in, peer, remote_server};
use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "no-route/router-forbids",
        about: "a router's firewall turns our SYNs away as prohibited",
        make: |stage| {
            router(
                stage,
                "tcp dport 8080 reject with icmpx type admin-prohibited",
            )?;
            tries(stage, FAR, Duration::from_secs(1));
            stage.wait_for_counter("Tcp", "ActiveOpens", 2)?;
            Ok(Expected::subject("peer", "10.50.0.2"))
        },
    },
    Scenario {
        name: "no-route/router-knows-none",
        about: "a router has no route to where we connect, over IPv6",
        make: |stage| {
            let router = router(stage, "tcp dport 9 drop")?;
            let forward = ["-q", "-w", "net.ipv6.conf.all.forwarding=1"];
            stage.run_in(&router, "sysctl", forward)?;
            let own = ["addr", "add", "fd09::1/64", "dev", "veth0", "nodad"];
            stage.run("ip", own)?;
            let its = ["addr", "add", "fd09::2/64", "dev", "veth1", "nodad"];
            stage.run_in(&router, "ip", its)?;
            stage.run("ip", ["route", "add", "fd50::/64", "via", "fd09::2"])?;
            tries(stage, "[fd50::2]:8080", Duration::from_secs(1));
            stage.wait_for_counter("Tcp", "ActiveOpens", 2)?;
            Ok(Expected::subject("peer", "fd50::2"))
        },
    },
    Scenario {
        name: "no-route/ipv6-only",
        about: "a client that knows one address, of IPv6, to which there is no route",
        make: |stage| {
            peer(stage)?;
            tries(stage, NO_WAY, Duration::from_millis(100));
            Ok(Expected::subject("peer", "2001:db8::5"))
        },
    },
    Scenario {
        name: "no-route/healthy-both-families",
        about: "a client that tries an address of IPv6, to which there is no route, and goes on with IPv4",
        make: |stage| {
            remote_server(stage)?;
            tries(stage, NO_WAY, Duration::from_millis(100));
            tries(stage, "10.9.0.2:8080", Duration::from_millis(100));
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "no-route/rule-forbids",
        about: "a rule of ours prohibits one port, and the route to the host is fine",
        make: |stage| {
            ruled(stage, "prohibit")?;
            Ok(Expected::subject("peer", "10.9.0.2"))
        },
    },
    Scenario {
        name: "no-route/rule-unreachable",
        about: "the same with a rule that makes it unreachable, of which the clients are told as of a silent host",
        make: |stage| {
            ruled(stage, "unreachable")?;
            Ok(Expected::subject("peer", "10.9.0.2"))
        },
    },
    Scenario {
        name: "no-route/established",
        about: "a router begins to forbid a connection that was there before, and says so for each repetition",
        make: |stage| {
            let router = router(stage, "tcp dport 9 drop")?;
            let far = ["link", "set", "r2", "netns", "far"];
            let host = stage.peer("far")?;
            stage.run_in(&router, "ip", far)?;
            stage.run_in(&host, "ip", ["addr", "add", "10.50.0.2/24", "dev", "r2"])?;
            stage.run_in(&host, "ip", ["link", "set", "r2", "up"])?;
            let back = ["route", "add", "default", "via", "10.50.0.1"];
            stage.run_in(&host, "ip", back)?;
            let listener = stage.once_in(&host, || TcpListener::bind(FAR))?;
            let mut client = TcpStream::connect(FAR)?;
            stage.hold((listener.accept()?, listener));
            let rule =
                "add rule inet lab through tcp dport 8080 reject with icmpx type admin-prohibited";
            stage.nft(Some(&router), rule)?;
            io::Write::write_all(&mut client, b"is anybody there?")?;
            stage.hold(client);
            stage.wait_for_counter("TcpExt", "TCPTimeouts", 4)?;
            Ok(Expected::subject("peer", "10.50.0.2"))
        },
    },
    Scenario {
        name: "connection-refused/port-unreachable",
        about: "a firewall on the way refuses with ICMP port unreachable, as nftables does unasked",
        make: |stage| {
            router(stage, "tcp dport 8080 reject")?;
            tries(stage, FAR, Duration::from_secs(1));
            stage.wait_for_counter("Tcp", "ActiveOpens", 2)?;
            Ok(Expected::subject("peer", FAR))
        },
    },
    Scenario {
        name: "connect-timeout/impatient",
        about: "a program gives up after half a second, before its SYN is sent again",
        make: |stage| {
            let peer = peer(stage)?;
            drop_in(stage, Some(&peer), "tcp dport 8080 drop")?;
            tries(stage, "10.9.0.2:8080", Duration::from_millis(500));
            stage.wait_for_counter("Tcp", "ActiveOpens", 2)?;
            Ok(Expected::subject("peer", "10.9.0.2:8080"))
        },
    },
];

/// A rule refuses the port of a server that somebody keeps trying.
fn ruled(stage: &mut Stage, action: &str) -> io::Result<()> {
    remote_server(stage)?;
    stage.run(
        "ip",
        ["rule", "add", "ipproto", "tcp", "dport", "8080", action],
    )?;
    stage.repeat(|| {
        drop(TcpStream::connect("10.9.0.2:8080"));
        std::thread::sleep(Duration::from_millis(200));
    });
    Ok(())
}

const FAR: &str = "10.50.0.2:8080";
/// An address in a network that is not there.
const NO_WAY: &str = "[2001:db8::5]:443";

/// A peer that forwards to a network behind it, and whose firewall has a rule about what it forwards.
fn router(stage: &mut Stage, rule: &str) -> io::Result<Peer> {
    let router = peer(stage)?;
    stage.run("ip", ["route", "add", "10.50.0.0/16", "via", "10.9.0.2"])?;
    for setting in ["net.ipv4.ip_forward=1", "net.ipv4.icmp_ratelimit=0"] {
        stage.run_in(&router, "sysctl", ["-q", "-w", setting])?;
    }
    // Whether a host is behind it does not matter: the firewall decides before.
    let link = ["link", "add", "r1", "type", "veth", "peer", "name", "r2"];
    stage.run_in(&router, "ip", link)?;
    stage.run_in(&router, "ip", ["addr", "add", "10.50.0.1/24", "dev", "r1"])?;
    for end in ["r1", "r2"] {
        stage.run_in(&router, "ip", ["link", "set", end, "up"])?;
    }
    stage.nft(
        Some(&router),
        &format!(
            "add table inet lab; add chain inet lab through {{ type filter hook forward priority 0; }}; \
             add rule inet lab through {rule}"
        ),
    )?;
    Ok(router)
}

/// Tries to connect again and again, each time for so long.
fn tries(stage: &mut Stage, end: &'static str, patience: Duration) {
    let end: SocketAddr = end.parse().expect("an address of ours");
    stage.repeat(move || {
        drop(TcpStream::connect_timeout(&end, patience));
        std::thread::sleep(Duration::from_millis(100));
    });
}
