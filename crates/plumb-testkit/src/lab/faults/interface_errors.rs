//! `interface-errors`: frames that an interface cannot take, or cannot send.
//!
//! No card here is broken, but a tunnel is an interface with the same counters: it takes the frames that
//! come in its datagrams, and refuses what is damaged (`vxlan_rcv`, `vxlan_xmit_one`).

use std::io;
use std::net::UdpSocket;
use std::time::Duration;

use rustix::net::sockopt;

use super::path::peer;
use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "interface-errors/damaged",
        about: "frames of a tunnel arrive with marks that contradict each other (RFC 6040)",
        make: |stage| {
            frames(stage, CONGESTED)?;
            stage.wait_until("errors", || Ok(statistic("rx", "frame_errors")? > 5))?;
            Ok(Expected::subject("interface", "vxlan0"))
        },
    },
    Scenario {
        name: "interface-errors/nothing-carries",
        about: "the address that a tunnel sends from is gone",
        make: |stage| {
            let (_, far_end) = tunnel(stage)?;
            stage.hold(far_end);
            stage.run("ip", ["addr", "del", "10.9.0.1/24", "dev", "veth0"])?;
            let sender = UdpSocket::bind("0.0.0.0:0")?;
            stage.run(
                "ip",
                [
                    "neigh",
                    "add",
                    "10.20.0.2",
                    "lladdr",
                    "02:00:00:00:00:02",
                    "dev",
                    "vxlan0",
                ],
            )?;
            stage.repeat(move || {
                let _ = sender.send_to(b"through the tunnel", "10.20.0.2:5000");
                std::thread::sleep(Duration::from_millis(10));
            });
            stage.wait_until("errors", || Ok(statistic("tx", "carrier_errors")? > 5))?;
            Ok(Expected::subject("interface", "vxlan0"))
        },
    },
    Scenario {
        name: "interface-errors/healthy",
        about: "the same frames with marks that agree",
        make: |stage| {
            frames(stage, 0)?;
            stage.wait_until("frames", || Ok(statistic("rx", "packets")? > 20))?;
            Ok(Expected::nothing())
        },
    },
];

/// The mark of a router that is congested (CE, RFC 3168), which a sender must have allowed.
const CONGESTED: u8 = 3;

/// A tunnel to the peer, with an address of ours in it. Its other end listens, so that what the kernel
/// sends to it by itself (multicast listener reports) is not refused.
fn tunnel(stage: &mut Stage) -> io::Result<(Peer, UdpSocket)> {
    let peer = peer(stage)?;
    stage.run(
        "ip",
        [
            "link",
            "add",
            "vxlan0",
            "address",
            "02:00:00:00:00:01",
            "type",
            "vxlan",
            "id",
            "7",
            "remote",
            "10.9.0.2",
            "local",
            "10.9.0.1",
            "dstport",
            "4789",
            "dev",
            "veth0",
        ],
    )?;
    stage.run("ip", ["addr", "add", "10.20.0.1/24", "dev", "vxlan0"])?;
    let far_end = stage.once_in(&peer, || UdpSocket::bind("10.9.0.2:4789"))?;
    stage.run("ip", ["link", "set", "vxlan0", "up"])?;
    Ok((peer, far_end))
}

/// The peer sends datagrams of the tunnel, each with one frame in it and this mark outside.
fn frames(stage: &mut Stage, mark: u8) -> io::Result<()> {
    let (peer, sender) = tunnel(stage)?;
    // Who is sent an error instead does not answer ARP.
    let receiver = UdpSocket::bind("10.20.0.1:5000")?;
    receiver.set_read_timeout(Some(Duration::from_millis(100)))?;
    stage.repeat(move || {
        let _ = receiver.recv(&mut [0; 64]);
    });
    sockopt::set_ip_tos(&sender, mark)?;
    let datagram = datagram();
    stage.repeat_in(&peer, move || {
        let _ = sender.send_to(&datagram, "10.9.0.1:4789");
        std::thread::sleep(Duration::from_millis(10));
    });
    Ok(())
}

/// A VXLAN header (RFC 7348) of network 7, then Ethernet, IPv4 without marks, and UDP.
fn datagram() -> Vec<u8> {
    let mut bytes = vec![8, 0, 0, 0, 0, 0, 7, 0];
    bytes.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
    let mut ip = [
        0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 20, 0, 2, 10, 20, 0, 1,
    ];
    let sum: u32 = ip
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let folded = u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap_or(u16::MAX);
    ip[10..12].copy_from_slice(&(!folded).to_be_bytes());
    bytes.extend(ip);
    // Ports 5000 and 5000, no checksum, four bytes.
    bytes.extend([0x13, 0x88, 0x13, 0x88, 0, 12, 0, 0, b'f', b'i', b'n', b'e']);
    bytes
}

/// Reads a counter of the tunnel. /sys shows the network namespace that it was mounted in, so `ip` is asked.
fn statistic(side: &str, name: &str) -> io::Result<u64> {
    let mut ip = std::process::Command::new("ip");
    ip.args(["-s", "-s", "-json", "link", "show", "vxlan0"]);
    let links: serde_json::Value = serde_json::from_slice(&ip.output()?.stdout)?;
    Ok(links[0]["stats64"][side][name].as_u64().unwrap_or(0))
}
