//! `reverse-path-filter`, `ttl-exceeded`, `interface-down`, `fragment-loss`, `checksum-errors`.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType};

use super::path::{peer, remote_server};
use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "reverse-path-filter/strict",
        about: "a peer sends from an address that is routed elsewhere, rp_filter is strict",
        make: |stage| {
            foreign(stage, 1)?;
            stage.wait_for_counter("TcpExt", "IPReversePathFilter", 3)?;
            Ok(Expected::subject("interface", "veth0"))
        },
    },
    Scenario {
        name: "reverse-path-filter/our-own-address",
        about: "datagrams come in from an address that this host has as well (Linux 6.13)",
        make: |stage| {
            same_address(stage, "10.20.0.1")?;
            Ok(Expected::subject("interface", "veth0"))
        },
    },
    Scenario {
        name: "reverse-path-filter/healthy-another-address",
        about: "the same, and this host has another address",
        make: |stage| {
            same_address(stage, "10.20.0.2")?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "reverse-path-filter/healthy-off",
        about: "the same where nobody filters",
        make: |stage| {
            foreign(stage, 0)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "ttl-exceeded/loop",
        about: "two routers send what is for a network to each other",
        make: circle,
    },
    Scenario {
        name: "ttl-exceeded/through-us",
        about: "a router sends what we send it for a network back to us",
        make: |stage| {
            let peer = router(stage)?;
            let back = ["route", "add", "10.50.0.0/16", "via", "10.9.0.1"];
            stage.run_in(&peer, "ip", back)?;
            stage.sysctl("net.ipv4.ip_forward", 1)?;
            stage.repeat(knock_far);
            stage.wait_for_counter("Tcp", "ActiveOpens", 2)?;
            Ok(Expected::subject("peer", "10.50.0.1"))
        },
    },
    Scenario {
        name: "ttl-exceeded/small",
        about: "packets leave with a hop limit of 1 and need two",
        make: |stage| {
            let peer = router(stage)?;
            stage.sysctl("net.ipv4.ip_default_ttl", 1)?;
            stage.run_in(&peer, "ip", ["route", "add", "10.50.0.0/16", "dev", "lo"])?;
            stage.repeat(knock_far);
            Ok(Expected::subject("peer", "10.50.0.1"))
        },
    },
    Scenario {
        name: "ttl-exceeded/healthy",
        about: "a remote server that is reached",
        make: |stage| {
            remote_server(stage)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "interface-down/no-carrier",
        about: "the link of an established connection loses its carrier",
        make: |stage| {
            let peer = peer(stage)?;
            let listener = stage.once_in(&peer, || TcpListener::bind("10.9.0.2:8080"))?;
            let client = TcpStream::connect("10.9.0.2:8080")?;
            stage.hold((client, listener.accept()?));
            stage.run_in(&peer, "ip", ["link", "set", "veth1", "down"])?;
            Ok(Expected::subject("interface", "veth0"))
        },
    },
    Scenario {
        name: "interface-down/healthy-unused",
        about: "an interface is down that nobody needs",
        make: |stage| {
            remote_server(stage)?;
            stage.run(
                "ip",
                [
                    "link", "add", "spare0", "type", "veth", "peer", "name", "spare1",
                ],
            )?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "interface-down/tunnel",
        about: "a program sends datagrams into a tunnel that no program has open",
        make: |stage| {
            tunnel(stage)?;
            let sender = UdpSocket::bind("10.66.0.1:0")?;
            stage.repeat(move || {
                let _ = sender.send_to(&[1; 200], "10.66.0.9:1194");
                std::thread::sleep(Duration::from_millis(50));
            });
            Ok(Expected::subject("interface", "tun0"))
        },
    },
    Scenario {
        name: "interface-down/healthy-tunnel",
        about: "such a tunnel that nothing is sent into",
        make: |stage| {
            remote_server(stage)?;
            tunnel(stage)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "interface-down/beneath",
        about: "a program sends datagrams by a macvlan whose interface beneath is switched off",
        make: |stage| {
            peer(stage)?;
            let upper = ["link", "add", "mv0", "link", "veth0", "type", "macvlan"];
            stage.run("ip", upper)?;
            stage.run("ip", ["addr", "add", "10.4.0.1/24", "dev", "mv0"])?;
            stage.run("ip", ["link", "set", "mv0", "up"])?;
            stage.run("ip", ["link", "set", "veth0", "down"])?;
            let sender = UdpSocket::bind("10.4.0.1:0")?;
            stage.repeat(move || {
                let _ = sender.send_to(&[1; 200], "10.4.0.2:4000");
                std::thread::sleep(Duration::from_millis(50));
            });
            Ok(Expected::subject("interface", "mv0"))
        },
    },
    Scenario {
        name: "interface-drops/queue",
        about: "a program sends more datagrams than the queue of the interface lets through",
        make: |stage| {
            shaped(stage, "1mbit", Duration::from_millis(2))?;
            Ok(Expected::subject("interface", "veth0"))
        },
    },
    Scenario {
        name: "interface-drops/healthy-shaped",
        about: "the same queue, and a program that sends less",
        make: |stage| {
            shaped(stage, "50mbit", Duration::from_millis(10))?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "fragment-loss/middle",
        about: "of datagrams in fragments only the first fragment arrives",
        make: |stage| {
            let peer = peer(stage)?;
            stage.sysctl("net.ipv4.ipfrag_time", 1)?;
            stage.nft(
                None,
                "add table ip lab; add chain ip lab in { type filter hook prerouting priority -450; }; \
                 add rule ip lab in ip frag-off & 0x1fff != 0 drop",
            )?;
            large(stage, &peer)?;
            stage.wait_for_counter("Ip", "ReasmFails", 3)?;
            Ok(Expected::subject("kind", "host"))
        },
    },
    Scenario {
        name: "fragment-loss/healthy",
        about: "datagrams in fragments that all arrive",
        make: |stage| {
            let peer = peer(stage)?;
            large(stage, &peer)?;
            stage.wait_for_counter("Ip", "ReasmOKs", 3)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "checksum-errors/udp",
        about: "datagrams arrive with wrong checksums",
        make: damaged,
    },
    Scenario {
        name: "checksum-errors/healthy",
        about: "datagrams arrive as they were sent",
        make: |stage| {
            let peer = peer(stage)?;
            let socket = UdpSocket::bind("10.9.0.1:5000")?;
            socket.set_read_timeout(Some(Duration::from_millis(100)))?;
            stage.repeat(move || {
                let _ = socket.recv(&mut [0; 64]);
            });
            let sender = stage.once_in(&peer, || UdpSocket::bind("10.9.0.2:0"))?;
            stage.repeat_in(&peer, move || {
                let _ = sender.send_to(b"well", "10.9.0.1:5000");
                std::thread::sleep(Duration::from_millis(10));
            });
            stage.wait_for_counter("Udp", "InDatagrams", 10)?;
            Ok(Expected::nothing())
        },
    },
];

/// A peer sends datagrams from 10.20.0.1 to a port that is served here, on a host with this address besides.
fn same_address(stage: &mut Stage, own: &str) -> io::Result<()> {
    let peer = stage.peer("twin")?;
    stage.veth(&peer, ("veth0", "10.9.0.1/24"), ("veth1", "10.9.0.2/24"))?;
    stage.run("ip", ["addr", "add", own, "dev", "lo"])?;
    stage.run("ip", ["route", "add", "10.20.0.0/24", "via", "10.9.0.2"])?;
    stage.run_in(&peer, "ip", ["addr", "add", "10.20.0.1", "dev", "lo"])?;
    // Else it asks for our neighbour's address in the name of that one.
    let announce = ["-q", "-w", "net.ipv4.conf.all.arp_announce=2"];
    stage.run_in(&peer, "sysctl", announce)?;
    let served = UdpSocket::bind("0.0.0.0:5060")?;
    served.set_read_timeout(Some(Duration::from_millis(100)))?;
    stage.repeat(move || {
        let _ = served.recv(&mut [0; 64]);
    });
    let sender = stage.once_in(&peer, || UdpSocket::bind("10.20.0.1:0"))?;
    stage.repeat_in(&peer, move || {
        let _ = sender.send_to(b"REGISTER", "10.9.0.1:5060");
        std::thread::sleep(Duration::from_millis(50));
    });
    stage.wait_for_counter("Ip", "InReceives", 5)
}

/// A tunnel that is switched on and that no program carries packets for.
fn tunnel(stage: &Stage) -> io::Result<()> {
    stage.run("ip", ["tuntap", "add", "dev", "tun0", "mode", "tun"])?;
    stage.run("ip", ["addr", "add", "10.66.0.1/24", "dev", "tun0"])?;
    stage.run("ip", ["link", "set", "tun0", "up"])
}

/// A peer that sends from an address whose way back is not through it.
fn foreign(stage: &mut Stage, filter: u8) -> io::Result<()> {
    let peer = peer(stage)?;
    stage.sysctl("net.ipv4.conf.all.rp_filter", filter)?;
    stage.sysctl("net.ipv4.conf.veth0.rp_filter", filter)?;
    let receiver = UdpSocket::bind("10.9.0.1:5000")?;
    receiver.set_read_timeout(Some(Duration::from_millis(100)))?;
    stage.repeat(move || {
        let _ = receiver.recv(&mut [0; 64]);
    });
    stage.run_in(&peer, "ip", ["addr", "add", "10.77.0.1/32", "dev", "lo"])?;
    // Its ARP has the address of the network, so that it is answered.
    stage.run_in(
        &peer,
        "sysctl",
        ["-q", "-w", "net.ipv4.conf.all.arp_announce=2"],
    )?;
    let sender = stage.once_in(&peer, || UdpSocket::bind("10.77.0.1:0"))?;
    stage.repeat_in(&peer, move || {
        let _ = sender.send_to(b"from elsewhere", "10.9.0.1:5000");
        std::thread::sleep(Duration::from_millis(20));
    });
    Ok(())
}

/// A peer that forwards, and our route to a network behind it.
fn router(stage: &mut Stage) -> io::Result<Peer> {
    let peer = peer(stage)?;
    stage.run_in(&peer, "sysctl", ["-q", "-w", "net.ipv4.ip_forward=1"])?;
    stage.run("ip", ["route", "add", "10.50.0.0/16", "via", "10.9.0.2"])?;
    Ok(peer)
}

fn knock_far() {
    let end: SocketAddr = "10.50.0.1:443".parse().expect("an address of ours");
    drop(TcpStream::connect_timeout(&end, Duration::from_millis(400)));
}

fn circle(stage: &mut Stage) -> io::Result<Expected> {
    let first = router(stage)?;
    let second = stage.peer("second")?;
    stage.run_in(
        &first,
        "ip",
        [
            "link", "add", "r1", "type", "veth", "peer", "name", "r2", "netns", "second",
        ],
    )?;
    for (router, link, address) in [
        (&first, "r1", "10.8.0.1/24"),
        (&second, "r2", "10.8.0.2/24"),
    ] {
        stage.run_in(router, "ip", ["addr", "add", address, "dev", link])?;
        stage.run_in(router, "ip", ["link", "set", link, "up"])?;
        stage.run_in(router, "sysctl", ["-q", "-w", "net.ipv4.ip_forward=1"])?;
    }
    stage.wait_for_link(Some(&first), "r1")?;
    stage.run_in(
        &first,
        "ip",
        ["route", "add", "10.50.0.0/16", "via", "10.8.0.2"],
    )?;
    stage.run_in(
        &second,
        "ip",
        ["route", "add", "10.50.0.0/16", "via", "10.8.0.1"],
    )?;
    stage.run_in(
        &second,
        "ip",
        ["route", "add", "10.9.0.0/24", "via", "10.8.0.1"],
    )?;
    stage.repeat(knock_far);
    Ok(Expected::subject("peer", "10.50.0.1"))
}

/// Sends datagrams of 1000 bytes, one every `pause`, through a queue with room for a few.
fn shaped(stage: &mut Stage, rate: &str, pause: Duration) -> io::Result<()> {
    let peer = peer(stage)?;
    stage.run(
        "tc",
        [
            "qdisc", "add", "dev", "veth0", "root", "tbf", "rate", rate, "burst", "3000", "limit",
            "6000",
        ],
    )?;
    let receiver = stage.once_in(&peer, || UdpSocket::bind("10.9.0.2:5000"))?;
    receiver.set_read_timeout(Some(Duration::from_millis(100)))?;
    stage.repeat_in(&peer, move || {
        let _ = receiver.recv(&mut [0; 2048]);
    });
    let sender = UdpSocket::bind("10.9.0.1:0")?;
    stage.repeat(move || {
        let _ = sender.send_to(&[1; 1000], "10.9.0.2:5000");
        std::thread::sleep(pause);
    });
    stage.wait_for_counter("Udp", "OutDatagrams", 20)
}

/// A peer sends datagrams that do not fit into one packet.
fn large(stage: &mut Stage, peer: &Peer) -> io::Result<()> {
    let receiver = UdpSocket::bind("10.9.0.1:5000")?;
    receiver.set_read_timeout(Some(Duration::from_millis(100)))?;
    stage.repeat(move || {
        let _ = receiver.recv(&mut [0; 8192]);
    });
    let sender = stage.once_in(peer, || UdpSocket::bind("10.9.0.2:0"))?;
    stage.repeat_in(peer, move || {
        let _ = sender.send_to(&[1; 4000], "10.9.0.1:5000");
        std::thread::sleep(Duration::from_millis(50));
    });
    Ok(())
}

fn damaged(stage: &mut Stage) -> io::Result<Expected> {
    let peer = peer(stage)?;
    stage.hold(UdpSocket::bind("10.9.0.1:5000")?);
    let raw: OwnedFd = stage.once_in(&peer, || {
        let protocol = rustix::net::ipproto::UDP;
        let socket = rustix::net::socket_with(
            AddressFamily::INET,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            Some(protocol),
        )?;
        Ok(socket)
    })?;
    let to: SocketAddr = "10.9.0.1:0".parse().expect("an address of ours");
    // Ports 4000 and 5000, length 12, a checksum of nothing, four bytes.
    let datagram = [
        0x0f, 0xa0, 0x13, 0x88, 0, 12, 0xde, 0xad, b'o', b'd', b'd', b'!',
    ];
    stage.repeat_in(&peer, move || {
        let _ = rustix::net::sendto(&raw, &datagram, SendFlags::empty(), &to);
        std::thread::sleep(Duration::from_millis(50));
    });
    stage.wait_for_counter("Udp", "InCsumErrors", 3)?;
    Ok(Expected::subject("kind", "host"))
}
