//! `accept-queue-overflow`: listeners that accept too slowly, and busy ones that do not.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::lab::{Expected, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "accept-queue-overflow/never-accepts",
        about: "a program listens with a backlog of 4 and never accepts; clients keep coming",
        make: never_accepts,
    },
    Scenario {
        name: "accept-queue-overflow/slow",
        about: "a program accepts one connection every 300 ms, clients come far faster",
        make: slow,
    },
    Scenario {
        name: "accept-queue-overflow/hung",
        about: "a program accepted four connections, reads no request and accepts no more",
        make: hung,
    },
    Scenario {
        name: "accept-queue-overflow/somaxconn",
        about: "the backlog asked for is large, net.core.somaxconn is 3",
        make: somaxconn,
    },
    Scenario {
        name: "accept-queue-overflow/healthy-busy",
        about: "hundreds of short connections a second, all accepted at once",
        make: healthy,
    },
];

const SERVER: &str = "10.9.0.1:8080";

/// A listener with this backlog on [`SERVER`], and a peer to come from.
fn listener(stage: &mut Stage, backlog: i32) -> io::Result<(TcpListener, crate::lab::Peer)> {
    let peer = stage.peer("clients")?;
    stage.veth(&peer, ("veth0", "10.9.0.1/24"), ("veth1", "10.9.0.2/24"))?;
    let listener = TcpListener::bind(SERVER)?;
    rustix::net::listen(&listener, backlog)?;
    Ok((listener, peer))
}

/// A client that knocks again and again and waits a moment each time.
fn knock(stage: &mut Stage, peer: &crate::lab::Peer) {
    let server: SocketAddr = SERVER.parse().expect("an address of ours");
    for _ in 0..12 {
        stage.repeat_in(peer, move || {
            let patience = Duration::from_millis(150);
            if let Ok(stream) = TcpStream::connect_timeout(&server, patience) {
                std::thread::sleep(Duration::from_millis(50));
                drop(stream);
            }
        });
    }
}

fn never_accepts(stage: &mut Stage) -> io::Result<Expected> {
    let (listener, peer) = listener(stage, 4)?;
    stage.hold(listener);
    knock(stage, &peer);
    stage.wait_for_counter("TcpExt", "ListenOverflows", 3)?;
    Ok(Expected::subject("local", SERVER))
}

fn hung(stage: &mut Stage) -> io::Result<Expected> {
    use io::Write as _;
    let (listener, peer) = listener(stage, 4)?;
    for _ in 0..4 {
        let mut client = stage.once_in(&peer, || TcpStream::connect(SERVER))?;
        client.write_all(b"request")?;
        stage.hold((client, listener.accept()?));
    }
    stage.hold(listener);
    knock(stage, &peer);
    stage.wait_for_counter("TcpExt", "ListenOverflows", 3)?;
    Ok(Expected::subject("local", SERVER).explains(&["slow-reader-local", "syn-queue-overflow"]))
}

fn slow(stage: &mut Stage) -> io::Result<Expected> {
    let (listener, peer) = listener(stage, 8)?;
    stage.repeat(move || {
        std::thread::sleep(Duration::from_millis(300));
        drop(listener.accept());
    });
    knock(stage, &peer);
    stage.wait_for_counter("TcpExt", "ListenOverflows", 3)?;
    Ok(Expected::subject("local", SERVER))
}

fn somaxconn(stage: &mut Stage) -> io::Result<Expected> {
    stage.sysctl("net.core.somaxconn", 3)?;
    let (listener, peer) = listener(stage, 4096)?;
    stage.hold(listener);
    knock(stage, &peer);
    stage.wait_for_counter("TcpExt", "ListenOverflows", 3)?;
    Ok(Expected::subject("local", SERVER))
}

fn healthy(stage: &mut Stage) -> io::Result<Expected> {
    let (listener, peer) = listener(stage, 128)?;
    listener.set_nonblocking(true)?;
    stage.repeat(move || match listener.accept() {
        Ok((stream, _)) => drop(stream),
        Err(_) => std::thread::sleep(Duration::from_millis(1)),
    });
    knock(stage, &peer);
    stage.wait_for_counter("Tcp", "PassiveOpens", 50)?;
    Ok(Expected::nothing())
}
