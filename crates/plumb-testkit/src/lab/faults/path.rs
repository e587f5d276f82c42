//! The path: attempts that are not answered or refused, routes, neighbours, loss, firewalls, routers.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "connect-timeout/dropped",
        about: "a remote firewall drops our SYNs without a word",
        make: |stage| {
            let peer = peer(stage)?;
            drop_in(stage, Some(&peer), "tcp dport 8080 drop")?;
            timeout(stage, REMOTE)
        },
    },
    Scenario {
        name: "connect-timeout/behind-router",
        about: "a router forwards our SYNs into nothing",
        make: |stage| {
            let peer = peer(stage)?;
            stage.run("ip", ["route", "add", "10.50.0.0/16", "via", "10.9.0.2"])?;
            drop_in(stage, Some(&peer), "ip daddr 10.50.0.0/16 drop")?;
            timeout(stage, "10.50.0.1:443")
        },
    },
    Scenario {
        name: "connect-timeout/answers-lost",
        about: "our SYNs arrive, the answers are lost on their way back",
        make: |stage| {
            let peer = peer(stage)?;
            let listener = stage.once_in(&peer, || TcpListener::bind(REMOTE))?;
            stage.hold(listener);
            stage.nft(
                Some(&peer),
                "add table ip lab; add chain ip lab out { type filter hook output priority 0; }; \
                 add rule ip lab out tcp sport 8080 drop",
            )?;
            timeout(stage, REMOTE)
        },
    },
    Scenario {
        name: "connect-timeout/probed",
        about: "nobody tries; plumb is asked to, and a remote firewall drops",
        make: |stage| {
            let peer = peer(stage)?;
            drop_in(stage, Some(&peer), "tcp dport 8080 drop")?;
            Ok(Expected::subject("peer", REMOTE).asked([REMOTE, "--probe"]))
        },
    },
    Scenario {
        name: "connect-timeout/healthy",
        about: "connections to a remote server that answers",
        make: |stage| {
            remote_server(stage)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "connection-refused/remote",
        about: "a client tries a remote port again and again on which nothing listens",
        make: |stage| {
            peer(stage)?;
            stage.repeat(|| {
                drop(TcpStream::connect(REMOTE));
                std::thread::sleep(Duration::from_millis(100));
            });
            stage.wait_for_counter("Tcp", "AttemptFails", 3)?;
            Ok(Expected::subject("peer", REMOTE))
        },
    },
    Scenario {
        name: "connection-refused/probed",
        about: "nobody tries; plumb is asked to",
        make: |stage| {
            peer(stage)?;
            Ok(Expected::subject("peer", REMOTE).asked([REMOTE, "--probe"]))
        },
    },
    Scenario {
        name: "connection-refused/healthy-probed",
        about: "plumb is asked to try a server that answers",
        make: |stage| {
            remote_server(stage)?;
            Ok(Expected::nothing().asked([REMOTE, "--probe"]))
        },
    },
    Scenario {
        name: "connection-refused/healthy-once",
        about: "one refused attempt, and a server that answers",
        make: |stage| {
            remote_server(stage)?;
            drop(TcpStream::connect("10.9.0.2:81"));
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "no-route/none",
        about: "there is no route to the destination",
        make: |stage| {
            peer(stage)?;
            Ok(Expected::subject("peer", "10.99.0.1").asked(["10.99.0.1:80"]))
        },
    },
    Scenario {
        name: "no-route/prohibit",
        about: "a prohibit route decides",
        make: |stage| {
            peer(stage)?;
            stage.run("ip", ["route", "add", "prohibit", "10.98.0.0/16"])?;
            Ok(Expected::subject("peer", "10.98.0.1").asked(["10.98.0.1"]))
        },
    },
    Scenario {
        name: "no-route/healthy",
        about: "a destination that can be reached",
        make: |stage| {
            remote_server(stage)?;
            Ok(Expected::nothing().asked([REMOTE]))
        },
    },
    Scenario {
        name: "neighbor-unresolved/nobody",
        about: "connections to an address of our own network that nobody has",
        make: |stage| {
            peer(stage)?;
            attempt(stage, "10.9.0.77:80");
            wait_for_neighbour(stage, "10.9.0.77")?;
            Ok(Expected::subject("peer", "10.9.0.77").and("interface", "veth0"))
        },
    },
    Scenario {
        name: "neighbor-unresolved/gateway",
        about: "the default gateway is not there",
        make: |stage| {
            peer(stage)?;
            stage.run("ip", ["route", "add", "default", "via", "10.9.0.99"])?;
            attempt(stage, "192.0.2.1:443");
            wait_for_neighbour(stage, "10.9.0.99")?;
            Ok(Expected::subject("peer", "10.9.0.99").and("interface", "veth0"))
        },
    },
    Scenario {
        name: "neighbor-unresolved/gateway-asked",
        about: "the same, and what is asked about is the host behind the gateway",
        make: |stage| {
            peer(stage)?;
            stage.run("ip", ["route", "add", "default", "via", "10.9.0.99"])?;
            attempt(stage, "192.0.2.1:443");
            wait_for_neighbour(stage, "10.9.0.99")?;
            let expected = Expected::subject("peer", "10.9.0.99").and("interface", "veth0");
            Ok(expected.asked(["192.0.2.1:443"]))
        },
    },
    Scenario {
        name: "neighbor-unresolved/datagrams",
        about: "a program sends datagrams, without connecting its socket, to a host behind a gateway that is not there",
        make: |stage| {
            peer(stage)?;
            stage.run("ip", ["route", "add", "default", "via", "10.9.0.99"])?;
            let sender = UdpSocket::bind("10.9.0.1:0")?;
            stage.repeat(move || {
                let _ = sender.send_to(b"a line of a log", "192.0.2.1:514");
                std::thread::sleep(Duration::from_millis(100));
            });
            wait_for_neighbour(stage, "10.9.0.99")?;
            Ok(Expected::subject("peer", "10.9.0.99").and("interface", "veth0"))
        },
    },
    Scenario {
        name: "neighbor-unresolved/healthy-once",
        about: "a datagram was sent to a host that is not there, and that was all",
        make: |stage| {
            remote_server(stage)?;
            let sender = UdpSocket::bind("10.9.0.1:0")?;
            sender.send_to(b"anybody there?", "10.9.0.99:514")?;
            wait_for_neighbour(stage, "10.9.0.99")?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "neighbor-unresolved/healthy",
        about: "a neighbour that answers, and one that nobody needs any more",
        make: |stage| {
            remote_server(stage)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "firewall-drop/output",
        about: "our own firewall drops SYNs on their way out, and counts",
        make: |stage| {
            remote_server(stage)?;
            stage.nft(
                None,
                "add table ip lab; add chain ip lab out { type filter hook output priority 0; }; \
                 add rule ip lab out tcp dport 443 counter drop",
            )?;
            attempt(stage, "10.9.0.2:443");
            wait_for_timeout(stage)?;
            Ok(Expected::subject("peer", "10.9.0.2:443"))
        },
    },
    Scenario {
        name: "firewall-drop/answers",
        about: "our own firewall drops the answers to our SYNs, which therefore come to this host",
        make: |stage| {
            remote_server(stage)?;
            drop_in(stage, None, "tcp sport 8080 drop")?;
            attempt(stage, REMOTE);
            wait_for_timeout(stage)?;
            Ok(Expected::subject("peer", REMOTE))
        },
    },
    Scenario {
        name: "firewall-drop/input",
        about: "our own firewall drops what comes for a port that is served",
        make: |stage| {
            let peer = peer(stage)?;
            stage.hold(TcpListener::bind("10.9.0.1:8080")?);
            drop_in(stage, None, "tcp dport 8080 drop")?;
            for _ in 0..6 {
                knock_from(stage, &peer, "10.9.0.1:8080");
            }
            Ok(Expected::subject("local", "10.9.0.1:8080").and("peer", "10.9.0.2"))
        },
    },
    Scenario {
        name: "firewall-drop/healthy-junk",
        about: "a firewall drops what comes for ports that nobody serves, as it should",
        make: |stage| {
            let peer = peer(stage)?;
            drop_in(stage, None, "tcp dport 23 counter drop")?;
            for _ in 0..6 {
                knock_from(stage, &peer, "10.9.0.1:23");
            }
            Ok(Expected::nothing())
        },
    },
];

const REMOTE: &str = "10.9.0.2:8080";

/// A peer across veth0.
pub(super) fn peer(stage: &mut Stage) -> io::Result<Peer> {
    let peer = stage.peer("peer")?;
    stage.veth(&peer, ("veth0", "10.9.0.1/24"), ("veth1", "10.9.0.2/24"))?;
    Ok(peer)
}

/// Lets a rule decide on what comes in, before anything else sees it.
pub(super) fn drop_in(stage: &Stage, peer: Option<&Peer>, rule: &str) -> io::Result<()> {
    let rules = format!(
        "add table ip lab; add chain ip lab in {{ type filter hook prerouting priority -300; }}; \
         add rule ip lab in {rule}"
    );
    stage.nft(peer, &rules)
}

/// Tries to connect, without waiting for the end, again and again.
fn attempt(stage: &mut Stage, end: &'static str) {
    let end: SocketAddr = end.parse().expect("an address of ours");
    for _ in 0..3 {
        stage.repeat(move || {
            if TcpStream::connect_timeout(&end, Duration::from_secs(4)).is_err() {
                std::thread::sleep(Duration::from_millis(50));
            }
        });
    }
}

pub(super) fn knock_from(stage: &mut Stage, peer: &Peer, end: &'static str) {
    let end: SocketAddr = end.parse().expect("an address of ours");
    stage.repeat_in(peer, move || {
        drop(TcpStream::connect_timeout(&end, Duration::from_millis(400)));
    });
}

fn timeout(stage: &mut Stage, end: &'static str) -> io::Result<Expected> {
    attempt(stage, end);
    wait_for_timeout(stage)?;
    Ok(Expected::subject("peer", end))
}

fn wait_for_timeout(stage: &Stage) -> io::Result<()> {
    stage.wait_for_counter("TcpExt", "TCPTimeouts", 1)
}

fn wait_for_neighbour(stage: &Stage, ip: &str) -> io::Result<()> {
    stage.wait_until("the neighbour is asked for", || {
        let listed = std::process::Command::new("ip")
            .args(["neigh", "show", ip])
            .output()?;
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        Ok(text.contains("FAILED") || text.contains("INCOMPLETE"))
    })
}

/// A remote server that answers, and a client of ours that asks.
pub(super) fn remote_server(stage: &mut Stage) -> io::Result<Peer> {
    let peer = peer(stage)?;
    let listener = stage.once_in(&peer, || TcpListener::bind(REMOTE))?;
    listener.set_nonblocking(true)?;
    stage.repeat_in(&peer, move || match listener.accept() {
        Ok((mut stream, _)) => {
            let _ = stream.set_nonblocking(false);
            let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
            let mut buffer = [0; 64];
            let _ = stream.read(&mut buffer);
            let _ = stream.write_all(b"answer");
            let _ = stream.read(&mut buffer);
        }
        Err(_) => std::thread::sleep(Duration::from_millis(1)),
    });
    stage.repeat(|| {
        let end: SocketAddr = REMOTE.parse().expect("an address of ours");
        if let Ok(mut stream) = TcpStream::connect_timeout(&end, Duration::from_secs(1)) {
            let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
            let _ = stream.write_all(b"question");
            let _ = stream.read(&mut [0; 64]);
        }
        std::thread::sleep(Duration::from_millis(30));
    });
    stage.wait_for_counter("Tcp", "ActiveOpens", 5)?;
    Ok(peer)
}
