//! `syn-queue-overflow`: handshakes that never end, and many that do.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "syn-queue-overflow/cookies",
        about: "the clients' side loses every SYN-ACK; the SYN queue is full, cookies are sent",
        make: |stage| half_open(stage, 1),
    },
    Scenario {
        name: "syn-queue-overflow/no-cookies",
        about: "the same with cookies turned off: SYNs are dropped",
        make: |stage| half_open(stage, 0),
    },
    Scenario {
        name: "syn-queue-overflow/healthy-busy",
        about: "many handshakes at a listener with a small backlog, all of which end",
        make: healthy,
    },
];

const SERVER: &str = "10.9.0.1:8080";

fn server(stage: &mut Stage, backlog: i32) -> io::Result<Peer> {
    let peer = stage.peer("clients")?;
    stage.veth(&peer, ("veth0", "10.9.0.1/24"), ("veth1", "10.9.0.2/24"))?;
    let listener = TcpListener::bind(SERVER)?;
    rustix::net::listen(&listener, backlog)?;
    listener.set_nonblocking(true)?;
    stage.repeat(move || match listener.accept() {
        Ok((stream, _)) => drop(stream),
        Err(_) => std::thread::sleep(Duration::from_millis(1)),
    });
    Ok(peer)
}

fn half_open(stage: &mut Stage, cookies: u8) -> io::Result<Expected> {
    stage.sysctl("net.ipv4.tcp_syncookies", cookies)?;
    let peer = server(stage, 8)?;
    stage.nft(
        Some(&peer),
        "add table ip lab; add chain ip lab in { type filter hook input priority 0; }; \
         add rule ip lab in tcp flags & (syn | ack) == syn | ack drop",
    )?;
    knock(stage, &peer);
    let counter = if cookies == 1 {
        "TCPReqQFullDoCookies"
    } else {
        "TCPReqQFullDrop"
    };
    stage.wait_for_counter("TcpExt", counter, 3)?;
    Ok(Expected::subject("local", SERVER))
}

fn knock(stage: &mut Stage, peer: &Peer) {
    let server: SocketAddr = SERVER.parse().expect("an address of ours");
    for _ in 0..24 {
        stage.repeat_in(peer, move || {
            drop(TcpStream::connect_timeout(
                &server,
                Duration::from_millis(200),
            ));
        });
    }
}

fn healthy(stage: &mut Stage) -> io::Result<Expected> {
    let peer = server(stage, 64)?;
    let server: SocketAddr = SERVER.parse().expect("an address of ours");
    for _ in 0..4 {
        stage.repeat_in(&peer, move || {
            drop(TcpStream::connect_timeout(&server, Duration::from_secs(1)));
            std::thread::sleep(Duration::from_millis(2));
        });
    }
    stage.wait_for_counter("Tcp", "PassiveOpens", 100)?;
    Ok(Expected::nothing())
}
