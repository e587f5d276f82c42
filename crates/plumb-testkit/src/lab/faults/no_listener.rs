//! `no-listener`, `loopback-only-listener`, `family-mismatch`: refused here, for three reasons.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::lab::{Expected, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "no-listener/from-peer",
        about: "a peer tries a port again and again on which nothing listens",
        make: |stage| {
            knock(stage, "10.9.0.1:5432")?;
            Ok(Expected::subject("local", "10.9.0.1:5432").and("peer", "10.9.0.2"))
        },
    },
    Scenario {
        name: "no-listener/local",
        about: "a program of this host tries a local port on which nothing listens",
        make: |stage| {
            stage.repeat(|| {
                drop(TcpStream::connect("127.0.0.1:6379"));
                std::thread::sleep(Duration::from_millis(100));
            });
            stage.wait_for_counter("Tcp", "AttemptFails", 3)?;
            Ok(Expected::subject("local", "127.0.0.1:6379"))
        },
    },
    Scenario {
        name: "no-listener/probed",
        about: "nobody serves the port and nobody tries; plumb is asked to",
        make: |_| Ok(Expected::subject("local", "0.0.0.0:8080").asked([":8080", "--probe"])),
    },
    Scenario {
        name: "no-listener/every-second",
        about: "something looks once a second whether a port is served",
        make: |stage| {
            stage.repeat(|| {
                drop(TcpStream::connect("127.0.0.1:6379"));
                std::thread::sleep(Duration::from_secs(1));
            });
            Ok(Expected::subject("local", "127.0.0.1:6379").and("peer", "127.0.0.1"))
        },
    },
    Scenario {
        name: "no-listener/healthy-once",
        about: "one attempt at a port that nobody serves, as everybody makes them",
        make: |stage| {
            drop(TcpStream::connect("127.0.0.1:6379"));
            stage.wait_for_counter("Tcp", "AttemptFails", 1)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "loopback-only-listener/server",
        about: "a server listens on 127.0.0.1, peers come to the host's address",
        make: |stage| {
            stage.hold(TcpListener::bind("127.0.0.1:8080")?);
            knock(stage, "10.9.0.1:8080")?;
            Ok(Expected::subject("local", "127.0.0.1:8080"))
        },
    },
    Scenario {
        name: "loopback-only-listener/asked",
        about: "a server listens on 127.0.0.1 and is asked about; programs of this host come to the host's address",
        make: |stage| {
            stage.run("ip", ["address", "add", "10.9.0.1/32", "dev", "lo"])?;
            let pid = stage.actor(None, &["listen", "127.0.0.1:8080"])?;
            stage.repeat(|| {
                drop(TcpStream::connect("10.9.0.1:8080"));
                std::thread::sleep(Duration::from_millis(100));
            });
            stage.wait_for_counter("Tcp", "AttemptFails", 3)?;
            let expected = Expected::subject("local", "127.0.0.1:8080").and("pid", pid);
            Ok(expected.asked([pid.to_string().as_str()]))
        },
    },
    Scenario {
        name: "loopback-only-listener/healthy-local",
        about: "a server listens on 127.0.0.1, and clients come to it there",
        make: |stage| healthy(stage, "127.0.0.1:8080"),
    },
    Scenario {
        name: "family-mismatch/v4-only",
        about: "a server listens on 0.0.0.0, clients come over IPv6",
        make: |stage| {
            stage.hold(TcpListener::bind("0.0.0.0:8080")?);
            stage.repeat(|| {
                drop(TcpStream::connect("[::1]:8080"));
                std::thread::sleep(Duration::from_millis(100));
            });
            stage.wait_for_counter("Tcp", "AttemptFails", 3)?;
            Ok(Expected::subject("local", "0.0.0.0:8080"))
        },
    },
    Scenario {
        name: "family-mismatch/healthy-falls-back",
        about: "clients try ::1 first, where nobody is, and then 127.0.0.1, where the server is",
        make: |stage| {
            let listener = TcpListener::bind("127.0.0.1:8080")?;
            stage.repeat(move || {
                drop(TcpStream::connect("[::1]:8080"));
                drop(TcpStream::connect("127.0.0.1:8080").map(|_| listener.accept()));
                std::thread::sleep(Duration::from_millis(100));
            });
            stage.wait_for_counter("Tcp", "AttemptFails", 3)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "family-mismatch/healthy-dual",
        about: "a server listens on [::], which takes IPv4, too",
        make: |stage| healthy(stage, "[::]:8080"),
    },
];

/// Lets a peer try an address again and again.
fn knock(stage: &mut Stage, end: &'static str) -> io::Result<()> {
    let peer = stage.peer("clients")?;
    stage.veth(&peer, ("veth0", "10.9.0.1/24"), ("veth1", "10.9.0.2/24"))?;
    let end: SocketAddr = end.parse().expect("an address of ours");
    stage.repeat_in(&peer, move || {
        drop(TcpStream::connect_timeout(&end, Duration::from_secs(1)));
        std::thread::sleep(Duration::from_millis(100));
    });
    stage.wait_for_counter("Tcp", "OutRsts", 2)
}

/// A server that is served well.
fn healthy(stage: &mut Stage, end: &str) -> io::Result<Expected> {
    let listener = TcpListener::bind(end)?;
    listener.set_nonblocking(true)?;
    stage.repeat(move || match listener.accept() {
        Ok((stream, _)) => drop(stream),
        Err(_) => std::thread::sleep(Duration::from_millis(1)),
    });
    stage.repeat(|| {
        drop(TcpStream::connect("127.0.0.1:8080"));
        std::thread::sleep(Duration::from_millis(20));
    });
    stage.wait_for_counter("Tcp", "PassiveOpens", 10)?;
    Ok(Expected::nothing())
}
