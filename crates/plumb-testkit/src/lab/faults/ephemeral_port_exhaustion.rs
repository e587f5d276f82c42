//! `ephemeral-port-exhaustion`: connections, TIME_WAIT or both use the ports up; and many that do not.

use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use crate::lab::{Expected, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "ephemeral-port-exhaustion/established",
        about: "a client holds all 100 ports of the range towards one server",
        make: |stage| {
            connect(stage, 100, 0)?;
            Ok(Expected::subject("peer", SERVER).and("pid", std::process::id()))
        },
    },
    Scenario {
        name: "ephemeral-port-exhaustion/time-wait",
        about: "a client opens and closes; TIME_WAIT holds 95 of 100 ports",
        make: |stage| {
            connect(stage, 0, 95)?;
            Ok(Expected::subject("peer", SERVER))
        },
    },
    Scenario {
        name: "ephemeral-port-exhaustion/mixed",
        about: "half of the ports are connected, nearly all others are in TIME_WAIT",
        make: |stage| {
            connect(stage, 50, 45)?;
            Ok(Expected::subject("peer", SERVER))
        },
    },
    Scenario {
        name: "ephemeral-port-exhaustion/bound-first",
        about: "a client binds port 0 of its address before it connects, and bind() finds no port left",
        make: |stage| {
            connect(stage, 100, 0)?;
            stage.repeat(|| {
                // Refused with EADDRINUSE, though nobody is in the way of port 0.
                drop(TcpListener::bind("127.0.0.1:0"));
                std::thread::sleep(Duration::from_millis(100));
            });
            Ok(Expected::subject("peer", SERVER).and("pid", std::process::id()))
        },
    },
    Scenario {
        name: "ephemeral-port-exhaustion/udp",
        about: "a program has a connected UDP socket for every one of the 100 ports",
        make: |stage| {
            stage.sysctl("net.ipv4.ip_local_port_range", "40000 40099")?;
            for _ in 0..100 {
                let socket = UdpSocket::bind("127.0.0.1:0")?;
                socket.connect(SERVER)?;
                stage.hold(socket);
            }
            let expected = Expected::subject("protocol", "udp").and("local", "127.0.0.1");
            Ok(expected.and("pid", std::process::id()))
        },
    },
    Scenario {
        name: "ephemeral-port-exhaustion/healthy-spread",
        about: "as many connections, spread over two servers",
        make: |stage| {
            connect(stage, 40, 0)?;
            let other = TcpListener::bind("127.0.0.1:9001")?;
            for _ in 0..40 {
                stage.hold(TcpStream::connect("127.0.0.1:9001")?);
                stage.hold(other.accept()?);
            }
            stage.hold(other);
            Ok(Expected::nothing())
        },
    },
];

const SERVER: &str = "127.0.0.1:9000";

/// Opens connections out of a range of 100 ports: so many that stay, so many that are closed.
fn connect(stage: &mut Stage, kept: usize, closed: usize) -> io::Result<()> {
    stage.sysctl("net.ipv4.ip_local_port_range", "40000 40099")?;
    stage.sysctl("net.ipv4.tcp_tw_reuse", 0)?;
    let listener = TcpListener::bind(SERVER)?;
    for index in 0..kept + closed {
        let client = TcpStream::connect(SERVER)?;
        let (accepted, _) = listener.accept()?;
        if index < kept {
            stage.hold((client, accepted));
        } else {
            // Who closes first has the TIME_WAIT socket.
            drop(client);
            drop(accepted);
        }
    }
    stage.hold(listener);
    Ok(())
}
