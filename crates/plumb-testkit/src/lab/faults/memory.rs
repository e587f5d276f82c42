//! `socket-memory-hog`, `conntrack-full`: tables and memory that are used up.

use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;

use rustix::net::sockopt;

use crate::lab::{Expected, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "socket-memory-hog/unsent",
        about: "a program has queued more than 100 MiB for peers that are slow to read",
        make: |stage| {
            queue(stage, 60)?;
            Ok(Expected::subject("pid", std::process::id()))
        },
    },
    Scenario {
        name: "socket-memory-hog/unix",
        about: "a program has 120 MiB in UNIX sockets that nobody reads",
        make: |stage| {
            for _ in 0..60 {
                let (mut near, far) = UnixStream::pair()?;
                sockopt::set_socket_send_buffer_size_force(&near, 1 << 20)?;
                near.set_nonblocking(true)?;
                while near.write(&[1; 32_768]).is_ok() {}
                stage.hold((near, far));
            }
            Ok(Expected::subject("pid", std::process::id()))
        },
    },
    Scenario {
        name: "socket-memory-hog/datagrams",
        about: "a program leaves 40 MiB of datagrams unread, where there is room for more",
        make: |stage| {
            let sender = UdpSocket::bind("127.0.0.1:0")?;
            for _ in 0..10 {
                let reader = UdpSocket::bind("127.0.0.1:0")?;
                sockopt::set_socket_recv_buffer_size_force(&reader, 8 << 20)?;
                // Each takes 2304 bytes there (`skb->truesize`).
                for _ in 0..2000 {
                    sender.send_to(&[1; 1400], reader.local_addr()?)?;
                }
                stage.hold(reader);
            }
            Ok(Expected::subject("pid", std::process::id()))
        },
    },
    Scenario {
        name: "socket-memory-hog/healthy-little",
        about: "a program has queued nothing to speak of",
        make: |stage| {
            let listener = TcpListener::bind("127.0.0.1:8080")?;
            for _ in 0..60 {
                let client = TcpStream::connect("127.0.0.1:8080")?;
                stage.hold((client, listener.accept()?));
            }
            stage.hold(listener);
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "conntrack-full/flows",
        about: "as many flows are tracked as may be",
        make: |stage| conntrack(stage, u32::MAX),
    },
    Scenario {
        name: "conntrack-full/healthy",
        about: "a few flows are tracked",
        make: |stage| {
            conntrack(stage, 50)?;
            Ok(Expected::nothing())
        },
    },
];

/// Connections whose peers have little room, with all queued for them that fits.
fn queue(stage: &mut Stage, connections: usize) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:8080")?;
    // Small windows, so that it waits at the sender, which is to be named.
    sockopt::set_socket_recv_buffer_size(&listener, 4096)?;
    for _ in 0..connections {
        let mut client = TcpStream::connect("127.0.0.1:8080")?;
        sockopt::set_socket_send_buffer_size(&client, 8 << 20)?;
        let accepted = listener.accept()?;
        client.set_nonblocking(true)?;
        let chunk = vec![1; 1 << 20];
        while client.write(&chunk).is_ok() {}
        stage.hold((client, accepted));
    }
    stage.hold(listener);
    Ok(())
}

/// Tracks so many flows, or as many as may be.
fn conntrack(stage: &mut Stage, flows: u32) -> io::Result<Expected> {
    stage.nft(
        None,
        "add table ip lab; add chain ip lab out { type filter hook output priority 0; }; \
         add rule ip lab out ct state new accept; \
         add chain ip lab in { type filter hook prerouting priority 0; }; \
         add rule ip lab in udp dport 1-65535 drop",
    )?;
    let max = std::fs::read_to_string("/proc/sys/net/netfilter/nf_conntrack_max")?;
    let max: u32 = max.trim().parse().map_err(io::Error::other)?;
    let mut left = flows.min(max.saturating_add(1000));
    // A flow for each source and destination port.
    while left > 0 {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        for port in 1..=u16::MAX {
            if left == 0 {
                break;
            }
            // Beyond the limit the kernel refuses to send.
            let _ = socket.send_to(b"x", ("127.0.0.1", port));
            left -= 1;
        }
    }
    Ok(Expected::subject("kind", "host"))
}
