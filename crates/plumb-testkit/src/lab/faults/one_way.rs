//! `packet-loss`, `mtu-blackhole`, `bufferbloat` where one direction alone has the trouble, or another host has the queue.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::path::{drop_in, peer, remote_server};
use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "packet-loss/inward",
        about: "a peer sends to us without end, and one packet of twenty-five is lost on its way here",
        make: |stage| {
            let peer = peer(stage)?;
            download(stage, &peer)?;
            drop_in(stage, None, "tcp sport 8090 numgen inc mod 25 == 0 drop")?;
            stage.wait_for_counter("TcpExt", "TCPOFOQueue", 20)?;
            Ok(Expected::subject("peer", "10.9.0.2"))
        },
    },
    Scenario {
        name: "packet-loss/healthy-inward",
        about: "the same download, of which nothing is lost",
        make: |stage| {
            let peer = peer(stage)?;
            download(stage, &peer)?;
            stage.wait_for_counter("Tcp", "InSegs", 200)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "packet-loss/one-way",
        about: "nothing that we send on a connection arrives any more, while its peer still sends",
        make: |stage| {
            let peer = peer(stage)?;
            let (mut client, mut server) = connection(stage, &peer)?;
            drop_in(stage, Some(&peer), "tcp dport 8090 drop")?;
            client.write_all(b"question")?;
            stage.hold(client);
            stage.repeat_in(&peer, move || {
                let _ = server.write(b"news");
                std::thread::sleep(Duration::from_millis(100));
            });
            stage.wait_for_counter("TcpExt", "TCPTimeouts", 3)?;
            Ok(Expected::subject("peer", "10.9.0.2"))
        },
    },
    Scenario {
        name: "mtu-blackhole/inward",
        about: "an answer comes but for its large segments, which vanish on their way to us",
        make: |stage| {
            let peer = remote_server(stage)?;
            let (client, mut server) = connection(stage, &peer)?;
            drop_in(stage, None, "tcp sport 8090 meta length > 1000 drop")?;
            stage
                .once_in(&peer, move || {
                    server.write_all(&[1; 8000])?;
                    Ok(server)
                })
                .map(|server| stage.hold((client, server)))?;
            stage.wait_for_counter("TcpExt", "TCPOFOQueue", 1)?;
            Ok(Expected::subject("peer", "10.9.0.2:8090"))
        },
    },
    Scenario {
        name: "bufferbloat/elsewhere",
        about: "a router has a queue of 300 KB in front of a link of 4 Mbit/s, which overflows as well",
        make: |stage| {
            let router = peer(stage)?;
            stage.sysctl("net.ipv4.tcp_congestion_control", "reno")?;
            let far = behind(stage, &router)?;
            let queue = [
                "qdisc", "add", "dev", "r1", "root", "tbf", "rate", "4mbit", "burst", "4000",
                "limit", "300000",
            ];
            stage.run_in(&router, "tc", queue)?;
            let listener = stage.once_in(&far, || TcpListener::bind("10.50.0.2:8090"))?;
            let mut client = TcpStream::connect("10.50.0.2:8090")?;
            client.set_write_timeout(Some(Duration::from_millis(200)))?;
            let (mut server, _) = listener.accept()?;
            server.set_read_timeout(Some(Duration::from_millis(200)))?;
            stage.repeat_in(&far, move || {
                let _ = server.read(&mut [0; 16_384]);
            });
            stage.repeat(move || {
                let _ = client.write(&[1; 16_384]);
            });
            std::thread::sleep(Duration::from_secs(2));
            Ok(Expected::subject("peer", "10.50.0.2:8090"))
        },
    },
];

/// A connection to a peer, and its end there.
fn connection(stage: &Stage, peer: &Peer) -> io::Result<(TcpStream, TcpStream)> {
    let listener = stage.once_in(peer, || TcpListener::bind("10.9.0.2:8090"))?;
    let client = TcpStream::connect("10.9.0.2:8090")?;
    client.set_read_timeout(Some(Duration::from_millis(200)))?;
    let (server, _) = listener.accept()?;
    server.set_write_timeout(Some(Duration::from_millis(200)))?;
    Ok((client, server))
}

/// A peer that sends to us without end; all is read as it comes.
fn download(stage: &mut Stage, peer: &Peer) -> io::Result<()> {
    let (mut client, mut server) = connection(stage, peer)?;
    stage.repeat(move || {
        let _ = client.read(&mut [0; 16_384]);
    });
    stage.repeat_in(peer, move || {
        let _ = server.write(&[1; 16_384]);
    });
    Ok(())
}

/// A host behind a peer that is its router.
fn behind(stage: &mut Stage, router: &Peer) -> io::Result<Peer> {
    let far = stage.peer("far")?;
    stage.run("ip", ["route", "add", "10.50.0.0/16", "via", "10.9.0.2"])?;
    stage.run_in(router, "sysctl", ["-q", "-w", "net.ipv4.ip_forward=1"])?;
    let link = [
        "link", "add", "r1", "type", "veth", "peer", "name", "r2", "netns", "far",
    ];
    stage.run_in(router, "ip", link)?;
    stage.run_in(router, "ip", ["addr", "add", "10.50.0.1/24", "dev", "r1"])?;
    stage.run_in(router, "ip", ["link", "set", "r1", "up"])?;
    stage.run_in(&far, "ip", ["addr", "add", "10.50.0.2/24", "dev", "r2"])?;
    stage.run_in(&far, "ip", ["link", "set", "r2", "up"])?;
    stage.wait_for_link(Some(router), "r1")?;
    stage.wait_for_link(Some(&far), "r2")?;
    stage.run_in(&far, "ip", ["route", "add", "default", "via", "10.50.0.1"])?;
    Ok(far)
}
