//! `bufferbloat` where each connection has little in the queue, or datagrams fill it, and what looks like delayed acknowledgements behind one.

use std::io;
use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use super::path::peer;
use super::traffic::{conversation, transfers};
use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "bufferbloat/shared",
        about: "twelve transfers of BBR, each with a few segments, in a queue in front of 2 Mbit/s",
        make: |stage| {
            let peer = slow_link(stage, "2mbit")?;
            transfers(stage, &peer, TRANSFER, 12, Duration::ZERO)?;
            std::thread::sleep(Duration::from_secs(5));
            Ok(Expected::subject("peer", TRANSFER))
        },
    },
    Scenario {
        name: "bufferbloat/healthy-spared",
        about: "one transfer of BBR through 20 Mbit/s, which leaves little in the queue",
        make: |stage| {
            let peer = slow_link(stage, "20mbit")?;
            transfers(stage, &peer, TRANSFER, 1, Duration::ZERO)?;
            std::thread::sleep(Duration::from_secs(4));
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "bufferbloat/behind-datagrams",
        about: "questions now and then behind datagrams without end, in a queue in front of 12 Mbit/s",
        make: |stage| {
            asks_beside_datagrams(stage, 4, Duration::ZERO)?;
            Ok(Expected::subject("peer", TALK))
        },
    },
    Scenario {
        name: "bufferbloat/healthy-beside-datagrams",
        about: "the same, and the datagrams come at a pace that the link bears",
        make: |stage| {
            asks_beside_datagrams(stage, 1, Duration::from_millis(3))?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "nagle-delayed-ack/healthy-behind-a-queue",
        about: "small questions whose answers come at once, behind a transfer of BBR through 4 Mbit/s",
        make: |stage| {
            let peer = slow_link(stage, "4mbit")?;
            let listener = stage.once_in(&peer, || TcpListener::bind(TALK))?;
            conversation(stage, &peer, &listener, Duration::from_millis(5))?;
            stage.wait_for_counter("Tcp", "OutSegs", 100)?;
            transfers(stage, &peer, TRANSFER, 1, Duration::ZERO)?;
            std::thread::sleep(Duration::from_secs(4));
            Ok(Expected::nothing())
        },
    },
];

const TRANSFER: &str = "10.9.0.2:8090";
const TALK: &str = "10.9.0.2:8091";
const SINK: &str = "10.9.0.2:8092";

/// A conversation with a peer behind a queue of ours, which began when the queue was empty, and those who send datagrams.
fn asks_beside_datagrams(stage: &mut Stage, senders: usize, pause: Duration) -> io::Result<()> {
    let peer = slow_link(stage, "12mbit")?;
    let listener = stage.once_in(&peer, || TcpListener::bind(TALK))?;
    conversation(stage, &peer, &listener, Duration::from_millis(20))?;
    stage.wait_for_counter("Tcp", "OutSegs", 20)?;
    let sink = stage.once_in(&peer, || UdpSocket::bind(SINK))?;
    sink.set_read_timeout(Some(Duration::from_millis(200)))?;
    stage.repeat_in(&peer, move || {
        let _ = sink.recv(&mut [0; 1400]);
    });
    for _ in 0..senders {
        let sender = UdpSocket::bind("10.9.0.1:0")?;
        stage.repeat(move || {
            let _ = sender.send_to(&[0; 1400], SINK);
            std::thread::sleep(pause);
        });
    }
    std::thread::sleep(Duration::from_secs(1));
    Ok(())
}

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
