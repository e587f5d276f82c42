//! `bufferbloat` where each connection has little in the queue, and what looks like delayed acknowledgements behind one.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::path::peer;
use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "bufferbloat/shared",
        about: "twelve transfers of BBR, each with a few segments, in a queue in front of 2 Mbit/s",
        make: |stage| {
            let peer = slow_link(stage, "2mbit")?;
            transfers(stage, &peer, 12)?;
            std::thread::sleep(Duration::from_secs(5));
            Ok(Expected::subject("peer", TRANSFER))
        },
    },
    Scenario {
        name: "bufferbloat/healthy-spared",
        about: "one transfer of BBR through 20 Mbit/s, which leaves little in the queue",
        make: |stage| {
            let peer = slow_link(stage, "20mbit")?;
            transfers(stage, &peer, 1)?;
            std::thread::sleep(Duration::from_secs(4));
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "nagle-delayed-ack/healthy-behind-a-queue",
        about: "small questions whose answers come at once, behind a transfer of BBR through 4 Mbit/s",
        make: |stage| {
            let peer = slow_link(stage, "4mbit")?;
            conversation(stage, &peer)?;
            stage.wait_for_counter("Tcp", "OutSegs", 100)?;
            transfers(stage, &peer, 1)?;
            std::thread::sleep(Duration::from_secs(4));
            Ok(Expected::nothing())
        },
    },
];

const TRANSFER: &str = "10.9.0.2:8090";
const TALK: &str = "10.9.0.2:8091";

/// A peer behind a queue of ours with room for a second and more.
fn slow_link(stage: &mut Stage, rate: &str) -> io::Result<Peer> {
    let peer = peer(stage)?;
    stage.sysctl("net.ipv4.tcp_congestion_control", "bbr")?;
    stage.run(
        "tc",
        [
            "qdisc", "add", "dev", "veth0", "root", "tbf", "rate", rate, "burst", "4000", "limit",
            "1000000",
        ],
    )?;
    Ok(peer)
}

/// Connections over which we send without end to a peer that reads as it comes.
fn transfers(stage: &mut Stage, peer: &Peer, connections: usize) -> io::Result<()> {
    let listener = stage.once_in(peer, || TcpListener::bind(TRANSFER))?;
    for _ in 0..connections {
        let mut client = TcpStream::connect(TRANSFER)?;
        client.set_write_timeout(Some(Duration::from_millis(200)))?;
        let (mut server, _) = listener.accept()?;
        server.set_read_timeout(Some(Duration::from_millis(200)))?;
        stage.repeat_in(peer, move || {
            let _ = server.read(&mut [0; 16_384]);
        });
        stage.repeat(move || {
            let _ = client.write(&[1; 16_384]);
        });
    }
    Ok(())
}

/// A client that asks in one small write and waits for the answer.
fn conversation(stage: &mut Stage, peer: &Peer) -> io::Result<()> {
    let listener = stage.once_in(peer, || TcpListener::bind(TALK))?;
    let mut client = TcpStream::connect(TALK)?;
    let (mut server, _) = listener.accept()?;
    for stream in [&client, &server] {
        stream.set_read_timeout(Some(Duration::from_millis(500)))?;
    }
    stage.repeat_in(peer, move || {
        if matches!(server.read(&mut [0; 64]), Ok(read) if read > 0) {
            let _ = server.write_all(b"answer");
        }
    });
    stage.repeat(move || {
        let _ = client.write_all(b"question");
        let _ = client.read(&mut [0; 64]);
        std::thread::sleep(Duration::from_millis(5));
    });
    Ok(())
}
