//! `port-in-use`: a program that cannot bind, for three reasons, and one that can.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use crate::lab::{Expected, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "port-in-use/listener",
        about: "a program tries a port again and again that another one serves",
        make: |stage| {
            stage.actor(None, &["listen", "127.0.0.1:8080"])?;
            tries(stage, "127.0.0.1:8080");
            Ok(expected("127.0.0.1:8080"))
        },
    },
    Scenario {
        name: "port-in-use/wildcard",
        about: "a program wants one address of a port that another one serves on all",
        make: |stage| {
            stage.actor(None, &["listen", "0.0.0.0:8080"])?;
            tries(stage, "127.0.0.1:8080");
            Ok(expected("127.0.0.1:8080"))
        },
    },
    Scenario {
        name: "port-in-use/udp",
        about: "the same with datagrams",
        make: |stage| {
            stage.hold(UdpSocket::bind("0.0.0.0:5353")?);
            stage.repeat(|| {
                drop(UdpSocket::bind("127.0.0.1:5353"));
                std::thread::sleep(Duration::from_millis(100));
            });
            Ok(expected("127.0.0.1:5353"))
        },
    },
    Scenario {
        name: "port-in-use/bound-not-listening",
        about: "a program has bound the port and does not listen; plumb is asked to try",
        make: |stage| {
            let stream = rustix::net::SocketType::STREAM;
            let socket = rustix::net::socket(rustix::net::AddressFamily::INET, stream, None)?;
            let end: SocketAddr = "0.0.0.0:8080".parse().expect("an address of ours");
            rustix::net::bind(&socket, &end)?;
            stage.hold(socket);
            Ok(Expected::subject("local", end).asked([":8080", "--probe"]))
        },
    },
    Scenario {
        name: "port-in-use/healthy-both-families",
        about: "a server binds 0.0.0.0 and then [::], which would take IPv4, too: it is refused and serves over IPv4",
        make: |stage| {
            stage.repeat(|| {
                let served = TcpListener::bind("0.0.0.0:8080");
                let refused = TcpListener::bind("[::]:8080");
                std::thread::sleep(Duration::from_millis(300));
                drop((served, refused));
            });
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "port-in-use/healthy-served",
        about: "the port is served; plumb is asked to try",
        make: |stage| {
            stage.hold(TcpListener::bind("0.0.0.0:8080")?);
            Ok(Expected::nothing().asked([":8080", "--probe"]))
        },
    },
    Scenario {
        name: "port-in-use/healthy-restart",
        about: "a server starts over the TIME_WAIT sockets of its predecessor, as servers do",
        make: restart,
    },
];

fn expected(end: &str) -> Expected {
    Expected::subject("local", end).and("pid", std::process::id())
}

fn tries(stage: &mut Stage, end: &'static str) {
    stage.repeat(move || {
        drop(TcpListener::bind(end));
        std::thread::sleep(Duration::from_millis(100));
    });
}

fn restart(stage: &mut Stage) -> io::Result<Expected> {
    let listener = TcpListener::bind("127.0.0.1:8080")?;
    let client = TcpStream::connect("127.0.0.1:8080")?;
    // The server closes first and has the TIME_WAIT socket.
    drop(listener.accept()?);
    drop(client);
    drop(listener);
    stage.hold(TcpListener::bind("127.0.0.1:8080")?);
    Ok(Expected::nothing())
}
