//! `udp-receive-overflow`, `udp-no-listener`: what nobody takes.

use std::io;
use std::net::UdpSocket;
use std::time::Duration;

use rustix::net::sockopt;

use crate::lab::{Expected, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "udp-receive-overflow/never-reads",
        about: "datagrams come from a peer, the program never reads",
        make: |stage| {
            overflow(stage, 212_992, |_| {
                std::thread::sleep(Duration::from_millis(50));
            })
        },
    },
    Scenario {
        name: "udp-receive-overflow/slow",
        about: "the program reads one datagram every 20 ms",
        make: |stage| {
            overflow(stage, 212_992, |socket| {
                let _ = socket.recv(&mut [0; 2048]);
                std::thread::sleep(Duration::from_millis(20));
            })
        },
    },
    Scenario {
        name: "udp-receive-overflow/small-buffer",
        about: "the program reads well but set a buffer of 4 KiB and takes breaks of 30 ms",
        make: |stage| {
            overflow(stage, 4096, |socket| {
                for _ in 0..8 {
                    let _ = socket.recv(&mut [0; 2048]);
                }
                std::thread::sleep(Duration::from_millis(30));
            })
        },
    },
    Scenario {
        name: "udp-receive-overflow/healthy",
        about: "datagrams are read as they come",
        make: |stage| {
            send(stage, 212_992, |socket| {
                let _ = socket.recv(&mut [0; 2048]);
            })?;
            stage.wait_for_counter("Udp", "InDatagrams", 100)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "udp-no-listener/from-peer",
        about: "a peer sends to a port that nobody has",
        make: |stage| {
            let peer = stage.peer("sender")?;
            stage.veth(&peer, ("veth0", "10.9.0.1/24"), ("veth1", "10.9.0.2/24"))?;
            stage.repeat_in(&peer, || {
                if let Ok(socket) = UdpSocket::bind("10.9.0.2:0") {
                    let _ = socket.send_to(b"anybody there?", "10.9.0.1:5060");
                }
                std::thread::sleep(Duration::from_millis(150));
            });
            stage.wait_for_counter("Udp", "NoPorts", 2)?;
            Ok(Expected::subject("local", "10.9.0.1:5060").and("peer", "10.9.0.2"))
        },
    },
    Scenario {
        name: "udp-no-listener/healthy",
        about: "one stray datagram",
        make: |stage| {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            socket.send_to(b"?", "127.0.0.1:5060")?;
            stage.wait_for_counter("Udp", "NoPorts", 1)?;
            Ok(Expected::nothing())
        },
    },
];

/// A socket that `read` reads from again and again, and a peer that sends a thousand a second.
fn send(stage: &mut Stage, buffer: usize, read: fn(&UdpSocket)) -> io::Result<()> {
    let peer = stage.peer("sender")?;
    stage.veth(&peer, ("veth0", "10.9.0.1/24"), ("veth1", "10.9.0.2/24"))?;
    let socket = UdpSocket::bind("10.9.0.1:5000")?;
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    sockopt::set_socket_recv_buffer_size(&socket, buffer)?;
    stage.repeat(move || read(&socket));
    let sender = stage.once_in(&peer, || UdpSocket::bind("10.9.0.2:0"))?;
    stage.repeat_in(&peer, move || {
        for _ in 0..4 {
            let _ = sender.send_to(&[1; 1000], "10.9.0.1:5000");
        }
        std::thread::sleep(Duration::from_millis(4));
    });
    Ok(())
}

fn overflow(stage: &mut Stage, buffer: usize, read: fn(&UdpSocket)) -> io::Result<Expected> {
    send(stage, buffer, read)?;
    stage.wait_for_counter("Udp", "RcvbufErrors", 3)?;
    Ok(Expected::subject("local", "10.9.0.1:5000").and("pid", std::process::id()))
}
