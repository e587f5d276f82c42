//! `bufferbloat` where each connection has little in the queue, and what looks like delayed acknowledgements behind one.

use std::io;
use std::net::TcpListener;
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
