//! `tcp-memory-pressure`, `neighbor-table-full`, `backlog-drops`, `conntrack-full`: limits that the whole machine shares.

mod streams;

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::UdpGsoSegment;
use rustix::net::sockopt;

use self::streams::{BURSTS, FAST, streams_in};
use super::path::peer;
use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "tcp-memory-pressure/entered-and-left",
        about: "TCP may have 2 MiB; what is sent is read in time and still takes more now and then",
        make: |stage| {
            tcp_memory(stage, "200 300 500")?;
            come_and_go(stage, 64)?;
            stage.wait_for_counter("TcpExt", "TCPMemoryPressures", 3)?;
            Ok(Expected::subject("kind", "host"))
        },
    },
    Scenario {
        name: "tcp-memory-pressure/stays",
        about: "TCP is above its limit since long, nobody reads and nothing moves any more",
        make: |stage| {
            tcp_memory(stage, "200 300 500")?;
            unread(stage, 12)?;
            stage.wait_for_counter("TcpExt", "TCPMemoryPressures", 1)?;
            std::thread::sleep(Duration::from_secs(1));
            Ok(Expected::subject("kind", "host"))
        },
    },
    Scenario {
        name: "tcp-memory-pressure/server-and-client",
        about: "TCP is out of memory because a server of this host does not read what clients of a peer send",
        make: |stage| {
            tcp_memory(stage, "200 300 400")?;
            unread_from_peer(stage)?;
            stage.wait_for_counter("TcpExt", "TCPMemoryPressures", 1)?;
            Ok(Expected::subject("kind", "host").explains(&[
                "slow-reader-local",
                "slow-reader-peer",
                "packet-loss",
            ]))
        },
    },
    Scenario {
        name: "tcp-memory-pressure/healthy-near",
        about: "TCP holds much of what it may have, and reads in time",
        make: |stage| {
            tcp_memory(stage, "3000 4000 6000")?;
            come_and_go(stage, 64)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "tcp-memory-pressure/healthy",
        about: "the same connections, whose readers keep up, and memory for them",
        make: |stage| {
            come_and_go(stage, 4)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "neighbor-table-full/scan",
        about: "a program talks to more hosts of its network than the neighbour table may hold",
        make: |stage| {
            neighbours(stage, 12)?;
            stage.wait_until("a full table", || Ok(table_fulls()? > 3))?;
            Ok(Expected::subject("kind", "host"))
        },
    },
    Scenario {
        name: "neighbor-table-full/healthy",
        about: "the same program where the table has room",
        make: |stage| {
            neighbours(stage, 1024)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "backlog-drops/processors",
        about: "packets come in bursts and the backlog of a processor takes one",
        make: |stage| {
            bursts(stage, 1)?;
            stage.wait_until("drops", || Ok(softnet_dropped()? > 10))?;
            Ok(Expected::subject("kind", "host"))
        },
    },
    Scenario {
        name: "backlog-drops/connections",
        about: "the backlog of a processor takes one packet, and connections that send in bursts lose segments by it",
        make: |stage| {
            streams_in(stage, 1, &BURSTS)?;
            stage.wait_until("drops", || Ok(softnet_dropped()? > 10))?;
            Ok(Expected::subject("kind", "host").explains(&["interface-drops", "packet-loss"]))
        },
    },
    Scenario {
        name: "backlog-drops/healthy-connections",
        about: "a few connections that send as fast as they may, and the usual backlog",
        make: |stage| {
            streams_in(stage, 1000, &FAST)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "backlog-drops/healthy-bursts",
        about: "the same bursts of many connections and the usual backlog",
        make: |stage| {
            streams_in(stage, 1000, &BURSTS)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "conntrack-full/connections-fail",
        about: "so many connections are open and tracked that no other can be made",
        make: |stage| {
            tracked(stage, 60)?;
            keep_connecting(stage);
            stage.wait_until("refused flows", || Ok(conntrack(DROP)? > 2))?;
            Ok(Expected::subject("kind", "host"))
        },
    },
    Scenario {
        name: "conntrack-full/behind-a-firewall",
        about: "the same on a host with a firewall that throws away something else: attempts that never leave are not its doing",
        make: |stage| {
            tracked(stage, 60)?;
            stage.nft(None, "add rule ip lab out tcp dport 9 drop")?;
            let end: std::net::SocketAddr = TRACKED.parse().map_err(io::Error::other)?;
            for _ in 0..4 {
                stage.repeat(move || {
                    drop(TcpStream::connect_timeout(&end, Duration::from_secs(4)));
                });
            }
            stage.wait_until("refused flows", || Ok(conntrack(DROP)? > 8))?;
            Ok(Expected::subject("kind", "host").explains(&["firewall-drop", "connect-timeout"]))
        },
    },
    Scenario {
        name: "conntrack-full/for-a-moment",
        about: "the table is full for a moment, again and again, and has room in between",
        make: |stage| {
            tracked(stage, 2000)?;
            scan(stage)?;
            stage.wait_until("flows thrown out", || Ok(conntrack(EARLY_DROP)? > 2))?;
            Ok(Expected::subject("kind", "host"))
        },
    },
    Scenario {
        name: "conntrack-full/healthy-room",
        about: "the same connections, and a table with room for them and for more",
        make: |stage| {
            tracked(stage, 20_000)?;
            keep_connecting(stage);
            stage.wait_for_counter("Tcp", "ActiveOpens", 60)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "backlog-drops/healthy",
        about: "the same bursts and the usual backlog",
        make: |stage| {
            bursts(stage, 1000)?;
            Ok(Expected::nothing())
        },
    },
];

/// Gives TCP so many pages: below, pressure, high.
fn tcp_memory(stage: &mut Stage, pages: &str) -> io::Result<()> {
    stage.sysctl("net.ipv4.tcp_mem", pages)
}

/// Connections over which so many times 16 KiB are sent, left for a moment, and read.
fn come_and_go(stage: &mut Stage, writes: usize) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:8080")?;
    for _ in 0..2 {
        let mut client = TcpStream::connect("127.0.0.1:8080")?;
        let (mut server, _) = listener.accept()?;
        client.set_nonblocking(true)?;
        server.set_nonblocking(true)?;
        stage.repeat(move || {
            for _ in 0..writes {
                let _ = client.write(&[1; 16_384]);
            }
            std::thread::sleep(Duration::from_millis(60));
            let mut buffer = [0; 16_384];
            while matches!(server.read(&mut buffer), Ok(read) if read > 0) {}
            std::thread::sleep(Duration::from_millis(60));
        });
    }
    stage.hold(listener);
    stage.wait_for_counter("Tcp", "OutSegs", 50)
}

/// Connections over which nobody reads what comes.
fn unread(stage: &mut Stage, connections: usize) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:8080")?;
    for _ in 0..connections {
        let mut client = TcpStream::connect("127.0.0.1:8080")?;
        sockopt::set_socket_send_buffer_size(&client, 1 << 20)?;
        let accepted = listener.accept()?;
        client.set_nonblocking(true)?;
        while client.write(&[1; 16_384]).is_ok() {}
        stage.hold((client, accepted));
    }
    stage.hold(listener);
    Ok(())
}

/// A table for so many neighbours, and a program that sends to 120 hosts of our network over and over.
fn neighbours(stage: &mut Stage, room: u32) -> io::Result<()> {
    let peer = peer(stage)?;
    for (threshold, value) in [(1, room / 4), (2, room / 2), (3, room)] {
        stage.sysctl(
            &format!("net.ipv4.neigh.default.gc_thresh{threshold}"),
            value,
        )?;
    }
    // Whoever is asked for is there: the peer has half of all addresses.
    let all = ["route", "add", "local", "10.9.0.128/25", "dev", "lo"];
    stage.run_in(&peer, "ip", all)?;
    let receiver = stage.once_in(&peer, || UdpSocket::bind("0.0.0.0:5000"))?;
    receiver.set_read_timeout(Some(Duration::from_millis(100)))?;
    stage.repeat_in(&peer, move || {
        let _ = receiver.recv(&mut [0; 64]);
    });
    let sender = UdpSocket::bind("10.9.0.1:0")?;
    let mut host = 130;
    stage.repeat(move || {
        let _ = sender.send_to(b"anybody there?", (format!("10.9.0.{host}"), 5000));
        host = if host == 250 { 130 } else { host + 1 };
        std::thread::sleep(Duration::from_millis(5));
    });
    Ok(())
}

/// Datagrams that leave a peer in bursts, into a backlog for so many packets.
fn bursts(stage: &mut Stage, room: u32) -> io::Result<()> {
    let peer = peer(stage)?;
    stage.sysctl("net.core.netdev_max_backlog", room)?;
    burst_queue(stage, &peer, "2400")?;
    let receiver = UdpSocket::bind("10.9.0.1:5000")?;
    receiver.set_read_timeout(Some(Duration::from_millis(100)))?;
    stage.repeat(move || {
        let _ = receiver.recv(&mut [0; 2048]);
    });
    let sender = stage.once_in(&peer, || UdpSocket::bind("10.9.0.2:0"))?;
    // Eight datagrams in one call, which the bucket takes apart: of what is sent one by one each is there before the next leaves.
    setsockopt(&sender, UdpGsoSegment, &500)?;
    stage.repeat_in(&peer, move || {
        let _ = sender.send_to(&[1; 4000], "10.9.0.1:5000");
        std::thread::sleep(Duration::from_millis(20));
    });
    stage.wait_until("bursts", || Ok(softnet_processed()? > 50))
}

/// A bucket that holds packets back and lets so many bytes go at once.
fn burst_queue(stage: &Stage, peer: &Peer, bytes: &str) -> io::Result<()> {
    stage.run_in(
        peer,
        "tc",
        [
            "qdisc", "add", "dev", "veth1", "root", "tbf", "rate", "20mbit", "burst", bytes,
            "limit", "200000",
        ],
    )
}

/// Clients of a peer that send what nobody here reads.
fn unread_from_peer(stage: &mut Stage) -> io::Result<()> {
    let peer = peer(stage)?;
    let listener = TcpListener::bind("10.9.0.1:8080")?;
    for _ in 0..24 {
        let mut client = stage.once_in(&peer, || TcpStream::connect("10.9.0.1:8080"))?;
        stage.hold(listener.accept()?);
        client.set_nonblocking(true)?;
        stage.repeat_in(&peer, move || {
            while client.write(&[1; 16_384]).is_ok() {}
            std::thread::sleep(Duration::from_millis(20));
        });
    }
    stage.hold(listener);
    Ok(())
}

/// Fifty connections to a peer that are tracked, and a table for so many flows.
fn tracked(stage: &mut Stage, room: u32) -> io::Result<()> {
    let peer = peer(stage)?;
    stage.nft(
        None,
        "add table ip lab; add chain ip lab out { type filter hook output priority 0; }; \
         add rule ip lab out ct state new accept",
    )?;
    let listener = stage.once_in(&peer, || TcpListener::bind(TRACKED))?;
    let mut held = Vec::new();
    for _ in 0..50 {
        held.push((TcpStream::connect(TRACKED)?, listener.accept()?));
    }
    stage.repeat_in(&peer, {
        listener.set_nonblocking(true)?;
        move || match listener.accept() {
            Ok(accepted) => drop(accepted),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    });
    stage.hold(held);
    stage.sysctl("net.netfilter.nf_conntrack_max", room)
}

/// Who serves the connections that are tracked.
const TRACKED: &str = "10.9.0.2:8080";

/// A program that makes connections and waits half a second for each.
fn keep_connecting(stage: &mut Stage) {
    let end: std::net::SocketAddr = TRACKED.parse().expect("an address of ours");
    stage.repeat(move || {
        drop(TcpStream::connect_timeout(&end, Duration::from_millis(500)));
        std::thread::sleep(Duration::from_millis(20));
    });
}

/// A program that sends a datagram to each of many ports, every second, where such a flow is kept for a second.
fn scan(stage: &mut Stage) -> io::Result<()> {
    stage.sysctl("net.netfilter.nf_conntrack_udp_timeout", 1)?;
    stage.repeat(|| {
        if let Ok(socket) = UdpSocket::bind("10.9.0.1:0") {
            for port in 10_000..13_000 {
                let _ = socket.send_to(b"?", ("10.9.0.2", port));
            }
        }
        std::thread::sleep(Duration::from_secs(1));
    });
    Ok(())
}

/// Columns of `/proc/net/stat/nf_conntrack`.
const DROP: &str = "drop";
const EARLY_DROP: &str = "early_drop";

fn conntrack(name: &str) -> io::Result<u64> {
    of_every_processor("/proc/net/stat/nf_conntrack", name)
}

fn table_fulls() -> io::Result<u64> {
    of_every_processor("/proc/net/stat/arp_cache", "table_fulls")
}

/// Adds a column of all lines up, which stands under its name in the first.
fn of_every_processor(file: &str, name: &str) -> io::Result<u64> {
    let text = std::fs::read_to_string(file)?;
    let mut lines = text.lines();
    let names = lines.next().unwrap_or_default();
    let place = names.split_whitespace().position(|known| known == name);
    let place = place.ok_or_else(|| io::Error::other(format!("{file} has no {name}")))?;
    Ok(lines.filter_map(|line| hexadecimal(line, place)).sum())
}

fn softnet_dropped() -> io::Result<u64> {
    softnet(1)
}

fn softnet_processed() -> io::Result<u64> {
    softnet(0)
}

fn softnet(column: usize) -> io::Result<u64> {
    let text = std::fs::read_to_string("/proc/net/softnet_stat")?;
    Ok(text
        .lines()
        .filter_map(|line| hexadecimal(line, column))
        .sum())
}

fn hexadecimal(line: &str, place: usize) -> Option<u64> {
    u64::from_str_radix(line.split_whitespace().nth(place)?, 16).ok()
}
