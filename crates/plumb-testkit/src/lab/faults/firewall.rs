//! `firewall-drop` beyond a dropped SYN: what is rejected in a peer's name, forwarded or established.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use super::path::{knock_from, peer, remote_server};
use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "firewall-drop/reset-output",
        about: "our own firewall resets our attempts, in the name of a server that would take them",
        make: |stage| {
            remote_server(stage)?;
            rule(stage, "output", "tcp dport 443 reject with tcp reset")?;
            stage.repeat(|| {
                drop(TcpStream::connect("10.9.0.2:443"));
                std::thread::sleep(Duration::from_millis(200));
            });
            stage.wait_for_counter("Tcp", "AttemptFails", 2)?;
            Ok(Expected::subject("peer", "10.9.0.2:443"))
        },
    },
    Scenario {
        name: "firewall-drop/established",
        about: "our own firewall drops the segments of a connection that was there before it",
        make: |stage| {
            let peer = peer(stage)?;
            let listener = stage.once_in(&peer, || TcpListener::bind(REMOTE))?;
            let mut client = TcpStream::connect(REMOTE)?;
            stage.hold((listener.accept()?, listener));
            rule(stage, "output", "tcp dport 8080 counter drop")?;
            client.set_write_timeout(Some(Duration::from_millis(200)))?;
            stage.repeat(move || {
                let _ = io::Write::write(&mut client, b"is anybody there?");
                std::thread::sleep(Duration::from_millis(50));
            });
            std::thread::sleep(Duration::from_secs(1));
            Ok(Expected::subject("peer", REMOTE))
        },
    },
    Scenario {
        name: "firewall-drop/established-input",
        about: "our own firewall drops what comes back on a connection that was there before it",
        make: |stage| {
            let peer = peer(stage)?;
            let listener = stage.once_in(&peer, || TcpListener::bind(REMOTE))?;
            let mut client = TcpStream::connect(REMOTE)?;
            stage.hold((listener.accept()?, listener));
            rule(stage, "input", "tcp sport 8080 drop")?;
            io::Write::write_all(&mut client, b"is anybody there?")?;
            stage.hold(client);
            stage.wait_for_counter("TcpExt", "TCPTimeouts", 3)?;
            Ok(Expected::subject("peer", REMOTE))
        },
    },
    Scenario {
        name: "firewall-drop/datagrams",
        about: "our own firewall drops datagrams on their way out; sendto() says EPERM and nobody looks",
        make: |stage| {
            peer(stage)?;
            rule(stage, "output", "udp dport 5140 drop")?;
            datagrams(stage, "10.9.0.2:5140")?;
            Ok(Expected::subject("peer", "10.9.0.2:5140").and("protocol", "udp"))
        },
    },
    Scenario {
        name: "firewall-drop/healthy-announcements",
        about: "our own firewall drops announcements to everybody on their way out, as it should",
        make: |stage| {
            peer(stage)?;
            rule(stage, "output", "ip daddr 224.0.0.251 counter drop")?;
            stage.run("ip", ["route", "add", "224.0.0.0/4", "dev", "veth0"])?;
            datagrams(stage, "224.0.0.251:5353")?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "firewall-drop/forward",
        about: "this host is a router, and its firewall drops the answers of a server behind it",
        make: |stage| {
            let client = peer(stage)?;
            server_behind(stage)?;
            let way = ["route", "add", "default", "via", "10.9.0.1"];
            stage.run_in(&client, "ip", way)?;
            rule(stage, "forward", "tcp sport 8080 drop")?;
            for _ in 0..3 {
                knock_from(stage, &client, BEHIND);
            }
            Ok(Expected::subject("peer", BEHIND))
        },
    },
    Scenario {
        name: "firewall-drop/healthy-rejects-junk",
        about: "a firewall resets attempts at ports that nobody serves, and lets those at the server in",
        make: |stage| {
            let peer = peer(stage)?;
            stage.hold(TcpListener::bind("10.9.0.1:8080")?);
            rule(stage, "input", "tcp dport 23 counter reject with tcp reset")?;
            let end: SocketAddr = "10.9.0.1:23".parse().expect("an address of ours");
            stage.repeat_in(&peer, move || {
                drop(TcpStream::connect(end));
                std::thread::sleep(Duration::from_millis(100));
            });
            let client = stage.once_in(&peer, || TcpStream::connect("10.9.0.1:8080"))?;
            stage.hold(client);
            Ok(Expected::nothing())
        },
    },
];

const REMOTE: &str = "10.9.0.2:8080";
const BEHIND: &str = "10.50.0.2:8080";

/// Sends a datagram to an end again and again.
fn datagrams(stage: &mut Stage, end: &'static str) -> io::Result<()> {
    let socket = UdpSocket::bind("10.9.0.1:0")?;
    stage.repeat(move || {
        let _ = socket.send_to(b"something happened", end);
        std::thread::sleep(Duration::from_millis(50));
    });
    Ok(())
}

/// Adds a rule to a chain at a hook of our own.
fn rule(stage: &Stage, hook: &str, rule: &str) -> io::Result<()> {
    stage.nft(
        None,
        &format!(
            "add table inet lab; add chain inet lab here {{ type filter hook {hook} priority 0; }}; \
             add rule inet lab here {rule}"
        ),
    )
}

/// A server in a network to which this host is the router.
fn server_behind(stage: &mut Stage) -> io::Result<Peer> {
    let server = stage.peer("server")?;
    stage.veth(
        &server,
        ("veth8", "10.50.0.1/24"),
        ("veth9", "10.50.0.2/24"),
    )?;
    let way = ["route", "add", "default", "via", "10.50.0.1"];
    stage.run_in(&server, "ip", way)?;
    stage.sysctl("net.ipv4.ip_forward", 1)?;
    let listener = stage.once_in(&server, || TcpListener::bind(BEHIND))?;
    stage.hold(listener);
    Ok(server)
}
