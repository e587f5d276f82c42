//! `interface-down` as the root of more than one trouble, and tunnels whose way beneath is down or narrow.

use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use super::names;
use super::path::{drop_in, peer};
use super::traffic::transfers;
use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "interface-down/everything",
        about: "a host's one link is down: a connection that was there, attempts, names, datagrams and the way out all fail",
        make: |stage| {
            everything(stage)?;
            stage.run("ip", ["link", "set", "veth0", "down"])?;
            Ok(Expected::subject("interface", "veth0").explains(SYMPTOMS))
        },
    },
    Scenario {
        name: "interface-down/everything-no-carrier",
        about: "the same, and the link has lost its carrier",
        make: |stage| {
            let peer = everything(stage)?;
            stage.run_in(&peer, "ip", ["link", "set", "veth1", "down"])?;
            Ok(Expected::subject("interface", "veth0").explains(SYMPTOMS))
        },
    },
    Scenario {
        name: "interface-down/under-vxlan",
        about: "a program connects through a VXLAN whose interface beneath is switched off",
        make: |stage| {
            vxlan(stage, "1450")?;
            stage.run("ip", ["link", "set", "veth0", "down"])?;
            come_through(stage);
            Ok(Expected::subject("interface", "veth0").explains(SYMPTOMS))
        },
    },
    Scenario {
        name: "interface-down/under-vxlan-no-carrier",
        about: "the same, and the interface beneath has lost its carrier",
        make: |stage| {
            let peer = vxlan(stage, "1450")?;
            stage.run_in(&peer, "ip", ["link", "set", "veth1", "down"])?;
            come_through(stage);
            Ok(Expected::subject("interface", "veth0").explains(SYMPTOMS))
        },
    },
    Scenario {
        name: "interface-down/healthy-vxlan",
        about: "a VXLAN that nobody uses, whose interface beneath is switched off",
        make: |stage| {
            vxlan(stage, "1450")?;
            stage.run("ip", ["link", "set", "veth0", "down"])?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "mtu-blackhole/under-vxlan",
        about: "what a VXLAN carries is too long for a router beneath, which does not say so",
        make: |stage| {
            let peer = vxlan(stage, "1450")?;
            drop_in(stage, Some(&peer), "udp dport 4789 meta length > 1400 drop")?;
            transfers(stage, &peer, INSIDE, 1, Duration::from_millis(50))?;
            stage.wait_for_counter("TcpExt", "TCPTimeouts", 3)?;
            Ok(Expected::subject("peer", INSIDE))
        },
    },
    Scenario {
        name: "mtu-blackhole/healthy-under-vxlan",
        about: "the same router beneath, and a VXLAN whose MTU leaves room for it",
        make: |stage| {
            let peer = vxlan(stage, "1350")?;
            drop_in(stage, Some(&peer), "udp dport 4789 meta length > 1400 drop")?;
            transfers(stage, &peer, INSIDE, 1, Duration::from_millis(5))?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "mtu-blackhole/healthy-wide-vxlan",
        about: "a VXLAN has the MTU of the interface beneath, over a way that takes no fragments; the kernel tells its own sockets",
        make: |stage| {
            let peer = vxlan(stage, "1500")?;
            drop_in(stage, Some(&peer), "ip frag-off & 0x3fff != 0 drop")?;
            transfers(stage, &peer, INSIDE, 1, Duration::from_millis(5))?;
            Ok(Expected::nothing())
        },
    },
];

/// A server that is reached through the tunnel.
const INSIDE: &str = "10.20.0.2:8090";

/// What comes of an interface that is down.
const SYMPTOMS: &[&str] = &[
    "connect-timeout",
    "no-route",
    "neighbor-unresolved",
    "half-open-peer",
    "packet-loss",
    "dns-failing",
    "interface-drops",
    "interface-errors",
];

/// A host whose programs need its one link all the time: one has a connection to a neighbour and writes, others connect
/// there and behind the gateway, look names up and send datagrams. Gives the neighbour.
fn everything(stage: &mut Stage) -> io::Result<Peer> {
    let peer = peer(stage)?;
    stage.run("ip", ["route", "add", "default", "via", "10.9.0.2"])?;
    let listener = stage.once_in(&peer, || TcpListener::bind("10.9.0.2:8080"))?;
    let mut client = TcpStream::connect("10.9.0.2:8080")?;
    stage.hold((listener.accept()?, listener));
    client.set_write_timeout(Some(Duration::from_millis(200)))?;
    stage.repeat(move || {
        let _ = io::Write::write(&mut client, b"is anybody there?");
        std::thread::sleep(Duration::from_millis(50));
    });
    for end in ["10.9.0.2:8080", "192.0.2.1:443"] {
        stage.repeat(move || {
            let end = end.parse().expect("an address of ours");
            drop(TcpStream::connect_timeout(&end, Duration::from_secs(2)));
            std::thread::sleep(Duration::from_millis(50));
        });
    }
    let sender = UdpSocket::bind("0.0.0.0:0")?;
    let mut number = 0_u16;
    stage.repeat(move || {
        number = number.wrapping_add(1);
        let _ = sender.send_to(&names::question(number), "10.9.0.2:53");
        let _ = sender.send_to(b"a line of a log", "10.9.0.2:514");
        std::thread::sleep(Duration::from_millis(100));
    });
    Ok(peer)
}

/// A VXLAN with this MTU over veth0 to the peer, which has its other end.
fn vxlan(stage: &mut Stage, mtu: &'static str) -> io::Result<Peer> {
    let peer = peer(stage)?;
    let ends = [
        (None, "veth0", "10.9.0.1", "10.9.0.2", "10.20.0.1/24"),
        (Some(&peer), "veth1", "10.9.0.2", "10.9.0.1", "10.20.0.2/24"),
    ];
    for (at, lower, local, remote, address) in ends {
        let link = [
            "link", "add", "vx0", "mtu", mtu, "type", "vxlan", "id", "7", "local", local, "remote",
            remote, "dstport", "4789", "dev", lower,
        ];
        let own = ["addr", "add", address, "dev", "vx0"];
        // Each packet is as long on its way as it will be in the end.
        let on = ["link", "set", "vx0", "gso_max_segs", "1", "up"];
        match at {
            None => {
                stage.run("ip", link)?;
                stage.run("ip", own)?;
                stage.run("ip", on)?;
            }
            Some(peer) => {
                stage.run_in(peer, "ip", link)?;
                stage.run_in(peer, "ip", own)?;
                stage.run_in(peer, "ip", on)?;
            }
        }
    }
    // Whoever is behind it is known before it fails.
    let listener = stage.once_in(&peer, || TcpListener::bind("10.20.0.2:8080"))?;
    drop(TcpStream::connect("10.20.0.2:8080")?);
    stage.repeat_accepting(listener)?;
    Ok(peer)
}

/// Programs that connect through the tunnel.
fn come_through(stage: &mut Stage) {
    for _ in 0..3 {
        stage.repeat(|| {
            let end = "10.20.0.2:8080".parse().expect("an address of ours");
            drop(TcpStream::connect_timeout(&end, Duration::from_secs(2)));
            std::thread::sleep(Duration::from_millis(50));
        });
    }
}
