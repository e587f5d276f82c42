//! Causes on another side than one looks at: the server of a client that is asked about, the service behind its
//! activator, the backend behind a proxy.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use super::commands::command;
use super::path::peer;
use crate::lab::{Expected, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "accept-queue-overflow/handed-on",
        about: "an activator keeps the listener that it handed to a service, which does not accept",
        make: |stage| {
            stage.actor(None, &["activate", "127.0.0.1:8080"])?;
            fill(stage, "127.0.0.1:8080");
            stage.wait_for_counter("TcpExt", "ListenOverflows", 3)?;
            // The activator's own name is plumb-lab.
            Ok(Expected::subject("local", "127.0.0.1:8080").and("process", "sleep"))
        },
    },
    Scenario {
        name: "accept-queue-overflow/asked-about-its-client",
        about: "a listener does not accept; plumb is asked about a program that tries to connect to it",
        make: |stage| {
            let server = stage.actor(None, &["listen", "127.0.0.1:8080"])?;
            fill(stage, "127.0.0.1:8080");
            stage.wait_for_counter("TcpExt", "ListenOverflows", 3)?;
            let expected = Expected::subject("local", "127.0.0.1:8080").and("pid", server);
            let client = std::process::id().to_string();
            Ok(expected.asked([client.as_str()]))
        },
    },
    Scenario {
        name: "family-mismatch/command",
        about: "a command comes to [::1], the port is served on 127.0.0.1, and it ends",
        make: |stage| {
            stage.actor(None, &["listen", "127.0.0.1:8080"])?;
            let expected = Expected::subject("local", "127.0.0.1:8080");
            command(expected, &["try", "[::1]:8080"])
        },
    },
    Scenario {
        name: "slow-reader-local/behind-a-proxy",
        about: "a proxy reads no more because its backend does not read",
        make: |stage| {
            let backend = stage.actor(None, &["take", "127.0.0.1:9000"])?;
            let mut out = TcpStream::connect("127.0.0.1:9000")?;
            out.set_write_timeout(Some(Duration::from_millis(200)))?;
            let peer = peer(stage)?;
            let listener = TcpListener::bind("10.9.0.1:8080")?;
            let mut client = stage.once_in(&peer, || TcpStream::connect("10.9.0.1:8080"))?;
            let (mut taken, _) = listener.accept()?;
            taken.set_read_timeout(Some(Duration::from_millis(200)))?;
            client.set_write_timeout(Some(Duration::from_millis(200)))?;
            let mut buffer = [0; 16_384];
            let mut waits = 0..0;
            stage.repeat(move || {
                if waits.is_empty() {
                    waits = 0..taken.read(&mut buffer).unwrap_or(0);
                }
                waits.start += out.write(&buffer[waits.clone()]).unwrap_or(0);
            });
            stage.repeat_in(&peer, move || {
                let _ = client.write(&[1; 16_384]);
            });
            stage.wait_until("a full queue", || {
                Ok(unread("10.9.0.1:8080")?.is_some_and(|bytes| bytes > 60_000))
            })?;
            Ok(Expected::subject("local", "127.0.0.1:9000").and("pid", backend))
        },
    },
    Scenario {
        name: "time-wait-pressure/will-reach",
        about: "so many connections come and go that in a minute more would be in TIME_WAIT than may be",
        make: |stage| {
            stage.sysctl("net.ipv4.tcp_max_tw_buckets", 1200)?;
            come_and_go(stage, 700)?;
            Ok(Expected::subject("kind", "host"))
        },
    },
    Scenario {
        name: "time-wait-pressure/healthy-pace",
        about: "the same pace, and room for the TIME_WAIT sockets of a minute",
        make: |stage| {
            stage.sysctl("net.ipv4.tcp_max_tw_buckets", 12_000)?;
            come_and_go(stage, 700)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "udp-receive-overflow/one-of-a-group",
        about: "of the programs that share a port by SO_REUSEPORT one is stuck",
        make: |stage| {
            let peer = peer(stage)?;
            for _ in 0..3 {
                let socket = shared("10.9.0.1:5000")?;
                socket.set_read_timeout(Some(Duration::from_millis(100)))?;
                stage.repeat(move || {
                    let _ = socket.recv(&mut [0; 2048]);
                });
            }
            let stuck = stage.actor(None, &["share-datagrams", "10.9.0.1:5000"])?;
            let senders = stage.once_in(&peer, || {
                let senders = (0..24).map(|_| UdpSocket::bind("10.9.0.2:0"));
                senders.collect::<io::Result<Vec<_>>>()
            })?;
            stage.repeat_in(&peer, move || {
                for sender in &senders {
                    let _ = sender.send_to(&[1; 1000], "10.9.0.1:5000");
                }
                std::thread::sleep(Duration::from_millis(8));
            });
            stage.wait_for_counter("Udp", "RcvbufErrors", 3)?;
            Ok(Expected::subject("local", "10.9.0.1:5000").and("pid", stuck))
        },
    },
];

/// A program of ours that comes to a listener again and again, and keeps what it gets.
fn fill(stage: &mut Stage, end: &'static str) {
    let mut kept = Vec::new();
    let end: std::net::SocketAddr = end.parse().expect("an address of ours");
    stage.repeat(move || {
        kept.extend(TcpStream::connect_timeout(&end, Duration::from_millis(300)));
    });
}

/// Connections that this host closes first, so many at once and then about a hundred a second.
fn come_and_go(stage: &mut Stage, at_once: usize) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:8080")?;
    let once = move || -> io::Result<()> {
        let mut client = TcpStream::connect("127.0.0.1:8080")?;
        drop(listener.accept()?);
        client.read(&mut [0; 1]).map(drop)
    };
    for _ in 0..at_once {
        once()?;
    }
    stage.repeat(move || {
        let _ = once();
        std::thread::sleep(Duration::from_millis(8));
    });
    Ok(())
}

/// A UDP socket that shares its port.
pub(in crate::lab) fn shared(end: &str) -> io::Result<UdpSocket> {
    use rustix::net::{AddressFamily, SocketType, sockopt};
    let end: std::net::SocketAddr = end.parse().map_err(io::Error::other)?;
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    sockopt::set_socket_reuseport(&socket, true)?;
    rustix::net::bind(&socket, &end)?;
    Ok(UdpSocket::from(socket))
}

/// Gives the bytes that wait to be read at the connections of a local end, of the fullest of them.
fn unread(end: &str) -> io::Result<Option<u64>> {
    let end: std::net::SocketAddrV4 = end.parse().map_err(io::Error::other)?;
    let ip = u32::from_le_bytes(end.ip().octets());
    let local = format!("{ip:08X}:{:04X}", end.port());
    let text = std::fs::read_to_string("/proc/thread-self/net/tcp")?;
    let queues = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        words.nth(1).filter(|has| *has == local)?;
        let queues = words.nth(2)?;
        u64::from_str_radix(queues.split_once(':')?.1, 16).ok()
    });
    Ok(queues.max())
}
