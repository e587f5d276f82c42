//! `packet-loss`, `mtu-blackhole`, `bufferbloat`: what happens to segments on the way.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::path::{drop_in, peer, remote_server};
use super::traffic::{conversation, transfers};
use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "packet-loss/random",
        about: "one of twenty segments to a peer is lost by chance",
        make: |stage| loss(stage, "tcp dport 8080 numgen random mod 20 == 0 drop"),
    },
    Scenario {
        name: "packet-loss/regular",
        about: "every thirtieth segment to a peer is lost",
        make: |stage| loss(stage, "tcp dport 8080 numgen inc mod 30 == 0 drop"),
    },
    Scenario {
        name: "packet-loss/requests",
        about: "a conversation of small requests, of which one in five is lost",
        make: requests,
    },
    Scenario {
        name: "packet-loss/healthy",
        about: "a transfer that loses nothing",
        make: |stage| {
            let peer = peer(stage)?;
            transfers(stage, &peer, SERVER, 1, Duration::ZERO)?;
            stage.wait_for_counter("Tcp", "OutSegs", 200)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "mtu-blackhole/router",
        about: "a router drops what is longer than 1000 bytes and does not say so",
        make: |stage| {
            // Small connections go on beside it.
            let peer = remote_server(stage)?;
            drop_in(stage, Some(&peer), "meta length > 1000 drop")?;
            transfers(stage, &peer, SERVER, 1, Duration::from_millis(50))?;
            stage.wait_for_counter("TcpExt", "TCPTimeouts", 2)?;
            Ok(Expected::subject("peer", "10.9.0.2:8090"))
        },
    },
    Scenario {
        name: "mtu-blackhole/alone",
        about: "the same hole, and one connection alone, of which nothing large ever arrived",
        make: |stage| {
            let peer = peer(stage)?;
            drop_in(stage, Some(&peer), "meta length > 1000 drop")?;
            transfers(stage, &peer, SERVER, 1, Duration::from_millis(50))?;
            stage.wait_for_counter("TcpExt", "TCPTimeouts", 3)?;
            Ok(Expected::subject("peer", "10.9.0.2:8090"))
        },
    },
    Scenario {
        name: "mtu-blackhole/impatient",
        about: "the same hole, and a client that gives up after a second, and connects anew",
        make: |stage| {
            let peer = peer(stage)?;
            drop_in(stage, Some(&peer), "meta length > 1000 drop")?;
            uploads(stage, &peer)?;
            stage.wait_for_counter("TcpExt", "TCPTimeouts", 6)?;
            Ok(Expected::subject("peer", "10.9.0.2:8090"))
        },
    },
    Scenario {
        name: "mtu-blackhole/healthy-impatient",
        about: "the same client, whose server takes all and does not answer in time",
        make: |stage| {
            let peer = peer(stage)?;
            uploads(stage, &peer)?;
            std::thread::sleep(Duration::from_secs(3));
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "mtu-blackhole/probed",
        about: "the same, nothing large is sent yet; plumb is asked to try",
        make: |stage| {
            let peer = remote_server(stage)?;
            drop_in(stage, Some(&peer), "meta length > 1000 drop")?;
            Ok(Expected::subject("peer", "10.9.0.2:8080").asked(["10.9.0.2:8080", "--probe"]))
        },
    },
    Scenario {
        name: "mtu-blackhole/healthy-told",
        about: "a router passes 1000 bytes and says so; plumb is asked to try",
        make: |stage| {
            let router = remote_server(stage)?;
            stage.run("ip", ["route", "add", "10.50.0.0/16", "via", "10.9.0.2"])?;
            stage.run_in(&router, "sysctl", ["-q", "-w", "net.ipv4.ip_forward=1"])?;
            let far = stage.peer("far")?;
            let link = [
                "link", "add", "r1", "mtu", "1000", "type", "veth", "peer", "name", "r2", "netns",
                "far",
            ];
            stage.run_in(&router, "ip", link)?;
            stage.run_in(&router, "ip", ["addr", "add", "10.50.0.1/24", "dev", "r1"])?;
            stage.run_in(&router, "ip", ["link", "set", "r1", "up"])?;
            stage.run_in(&far, "ip", ["addr", "add", "10.50.0.2/24", "dev", "r2"])?;
            stage.run_in(&far, "ip", ["link", "set", "r2", "mtu", "1000", "up"])?;
            stage.wait_for_link(Some(&router), "r1")?;
            let back = ["route", "add", "default", "via", "10.50.0.1"];
            stage.run_in(&far, "ip", back)?;
            let listener = stage.once_in(&far, || TcpListener::bind("10.50.0.2:8080"))?;
            stage.hold(listener);
            Ok(Expected::nothing().asked(["10.50.0.2:8080", "--probe"]))
        },
    },
    Scenario {
        name: "mtu-blackhole/healthy-small",
        about: "the path has a small MTU, and the interface says so",
        make: |stage| {
            let peer = remote_server(stage)?;
            stage.run("ip", ["link", "set", "veth0", "mtu", "1000"])?;
            stage.run_in(&peer, "ip", ["link", "set", "veth1", "mtu", "1000"])?;
            transfers(stage, &peer, SERVER, 1, Duration::from_millis(1))?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "bufferbloat/queue",
        about: "a queue of 300 KB in front of a link of 4 Mbit/s",
        make: |stage| {
            let peer = peer(stage)?;
            // One that fills queues, as most do.
            stage.sysctl("net.ipv4.tcp_congestion_control", "reno")?;
            stage.run(
                "tc",
                [
                    "qdisc", "add", "dev", "veth0", "root", "tbf", "rate", "4mbit", "burst",
                    "4000", "limit", "300000",
                ],
            )?;
            transfers(stage, &peer, SERVER, 1, Duration::ZERO)?;
            std::thread::sleep(Duration::from_secs(2));
            Ok(Expected::subject("peer", "10.9.0.2:8090"))
        },
    },
    Scenario {
        name: "bufferbloat/healthy-fast",
        about: "the same transfer without the slow link",
        make: |stage| {
            let peer = peer(stage)?;
            transfers(stage, &peer, SERVER, 1, Duration::ZERO)?;
            stage.wait_for_counter("Tcp", "OutSegs", 200)?;
            Ok(Expected::nothing())
        },
    },
];

const SERVER: &str = "10.9.0.2:8090";

fn loss(stage: &mut Stage, rule: &str) -> io::Result<Expected> {
    let peer = peer(stage)?;
    drop_in(stage, Some(&peer), &rule.replace("8080", "8090"))?;
    transfers(stage, &peer, SERVER, 1, Duration::from_millis(1))?;
    stage.wait_for_counter("Tcp", "RetransSegs", 5)?;
    Ok(Expected::subject("peer", "10.9.0.2"))
}

/// A client that is greeted, sends 16 KB, waits a second for an answer and gives up; again and again.
fn uploads(stage: &mut Stage, peer: &Peer) -> io::Result<()> {
    let listener = stage.once_in(peer, || TcpListener::bind(SERVER))?;
    stage.repeat_in(peer, move || {
        let Ok((mut server, _)) = listener.accept() else {
            return;
        };
        std::thread::spawn(move || {
            let _ = server.read(&mut [0; 5]);
            let _ = server.write_all(b"hello");
            // Ends with the connection.
            while matches!(server.read(&mut [0; 16_384]), Ok(1..)) {}
        });
    });
    stage.repeat(move || {
        let Ok(mut client) = TcpStream::connect(SERVER) else {
            return;
        };
        let _ = client.set_read_timeout(Some(Duration::from_secs(1)));
        let _ = client.write_all(b"hello");
        let _ = client.read(&mut [0; 5]);
        let _ = client.write_all(&[1; 16_000]);
        let _ = client.read(&mut [0; 5]);
    });
    Ok(())
}

fn requests(stage: &mut Stage) -> io::Result<Expected> {
    let peer = peer(stage)?;
    let listener = stage.once_in(&peer, || TcpListener::bind(SERVER))?;
    for _ in 0..4 {
        conversation(stage, &peer, &listener, Duration::from_millis(5))?;
    }
    drop_in(
        stage,
        Some(&peer),
        "tcp dport 8090 numgen random mod 5 == 0 drop",
    )?;
    stage.wait_for_counter("Tcp", "RetransSegs", 5)?;
    Ok(Expected::subject("peer", "10.9.0.2"))
}
