//! Firewalls in the middle: a router that sees one direction alone, a rate for attempts, resets in another's name.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use super::path::peer;
use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "firewall-drop/asymmetric",
        about: "this host is a router that sees no answers, and drops what connection tracking calls invalid",
        make: |stage| {
            let client = triangle(stage, Way::Attempts)?;
            forward(stage, None, "ct state invalid drop")?;
            ask_from(stage, &client, BEHIND);
            stage.wait_for_counter("Ip", "ForwDatagrams", 3)?;
            Ok(Expected::subject("peer", BEHIND))
        },
    },
    Scenario {
        name: "firewall-drop/asymmetric-answers",
        about: "this host is a router that sees the answers alone, and drops what connection tracking calls invalid",
        make: |stage| {
            let client = triangle(stage, Way::Answers)?;
            forward(stage, None, "ct state invalid drop")?;
            ask_from(stage, &client, BEHIND);
            // What the rule throws away is not counted as forwarded, and nothing else comes.
            stage.wait_for_counter("Ip", "InReceives", 3)?;
            Ok(Expected::subject("peer", BEHIND))
        },
    },
    Scenario {
        name: "firewall-drop/healthy-asymmetric",
        about: "a router that sees no answers and looks at ports alone, as it should: the connections do well, and a port that nobody may use is closed",
        make: |stage| {
            let client = triangle(stage, Way::Attempts)?;
            forward(stage, None, "tcp dport 9 counter drop")?;
            ask_from(stage, &client, BEHIND);
            stage.wait_for_counter("Ip", "ForwDatagrams", 20)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "firewall-drop/healthy-both-ways",
        about: "a router that sees both directions and drops what connection tracking calls invalid; a late segment is",
        make: |stage| {
            let client = triangle(stage, Way::Both)?;
            forward(stage, None, "ct state invalid counter drop")?;
            ask_from(stage, &client, BEHIND);
            // It is sent for the last connection each time, which its client has reset.
            late_from(stage, &client, BEHIND);
            stage.wait_for_counter("Ip", "ForwDatagrams", 20)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "firewall-drop/forward-datagrams",
        about: "this host is a router that lets no datagrams through to a server, and does not count them",
        make: |stage| {
            let client = triangle(stage, Way::Both)?;
            forward(stage, None, "udp dport 8080 drop")?;
            send_from(stage, &client)?;
            stage.wait_for_counter("Ip", "InReceives", 10)?;
            Ok(Expected::subject("peer", BEHIND))
        },
    },
    Scenario {
        name: "firewall-drop/healthy-forward-datagrams",
        about: "a router that forwards datagrams and their answers, and lets none through to a port that nobody uses",
        make: |stage| {
            let client = triangle(stage, Way::Both)?;
            forward(stage, None, "udp dport 9 drop")?;
            send_from(stage, &client)?;
            stage.wait_for_counter("Ip", "ForwDatagrams", 20)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "firewall-drop/attempts-over-a-rate",
        about: "a rule takes five attempts a second at a port that is served, and clients come far more often",
        make: |stage| {
            let peer = limited(stage)?;
            for _ in 0..12 {
                stage.repeat_in(&peer, || {
                    drop(TcpStream::connect_timeout(
                        &served(),
                        Duration::from_secs(4),
                    ));
                    std::thread::sleep(Duration::from_millis(50));
                });
            }
            // The clients wait for a second and come again.
            std::thread::sleep(Duration::from_secs(2));
            Ok(Expected::subject("local", SERVED))
        },
    },
    Scenario {
        name: "firewall-drop/healthy-below-a-rate",
        about: "the same rule, and clients that come twice a second",
        make: |stage| {
            let peer = limited(stage)?;
            stage.repeat_in(&peer, || {
                drop(TcpStream::connect_timeout(
                    &served(),
                    Duration::from_secs(4),
                ));
                std::thread::sleep(Duration::from_millis(500));
            });
            stage.wait_for_counter("Tcp", "PassiveOpens", 2)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "connection-refused/forged",
        about: "something on the way resets our attempts in the name of a server that would take them",
        make: |stage| {
            let middle = behind_a_router(stage)?;
            forward(stage, Some(&middle), "tcp dport 8080 reject with tcp reset")?;
            stage.repeat(|| {
                drop(TcpStream::connect(BEHIND));
                std::thread::sleep(Duration::from_millis(100));
            });
            stage.wait_for_counter("Tcp", "AttemptFails", 3)?;
            Ok(Expected::subject("peer", BEHIND))
        },
    },
    Scenario {
        name: "reset-by-peer/forged",
        about: "something on the way lets connections begin and resets them with the first question, in the server's name",
        make: |stage| {
            let middle = behind_a_router(stage)?;
            forward(
                stage,
                Some(&middle),
                "tcp dport 8080 tcp flags & psh == psh reject with tcp reset",
            )?;
            stage.repeat(|| ask(BEHIND));
            stage.wait_for_counter("Tcp", "EstabResets", 3)?;
            Ok(Expected::subject("peer", BEHIND))
        },
    },
    Scenario {
        name: "firewall-drop/forward-reset",
        about: "this host is a router that resets attempts at a server behind it, in its name",
        make: |stage| {
            let client = triangle(stage, Way::Both)?;
            forward(stage, None, "tcp dport 8080 reject with tcp reset")?;
            stage.repeat_in(&client, || {
                drop(TcpStream::connect(BEHIND));
                std::thread::sleep(Duration::from_millis(100));
            });
            stage.wait_for_counter("Ip", "InReceives", 6)?;
            Ok(Expected::subject("peer", BEHIND))
        },
    },
    Scenario {
        name: "reset-by-peer/healthy-behind-a-router",
        about: "a server behind the same router, which resets attempts at another port that nobody makes",
        make: |stage| {
            let middle = behind_a_router(stage)?;
            forward(stage, Some(&middle), "tcp dport 23 reject with tcp reset")?;
            stage.repeat(|| ask(BEHIND));
            stage.wait_for_counter("Tcp", "ActiveOpens", 5)?;
            Ok(Expected::nothing())
        },
    },
];

const BEHIND: &str = "10.50.0.2:8080";
const SERVED: &str = "10.9.0.1:8080";

/// What of a connection between the two others passes this router.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Attempts,
    Answers,
    Both,
}

fn served() -> SocketAddr {
    SERVED.parse().expect("an address of ours")
}

/// A client, this router, and a server behind it that answers; client and server have a link of their own as well, by which
/// what does not pass here goes. Gives the client.
fn triangle(stage: &mut Stage, way: Way) -> io::Result<Peer> {
    let client = peer(stage)?;
    let server = stage.peer("server")?;
    let (here, there) = (("veth8", "10.50.0.1/24"), ("veth9", "10.50.0.2/24"));
    stage.veth(&server, here, there)?;
    let link = [
        "link", "add", "own0", "type", "veth", "peer", "name", "own1", "netns", "server",
    ];
    stage.run_in(&client, "ip", link)?;
    for (end, name, address) in [
        (&client, "own0", "10.60.0.1/24"),
        (&server, "own1", "10.60.0.2/24"),
    ] {
        stage.run_in(end, "ip", ["addr", "add", address, "dev", name])?;
        stage.run_in(end, "ip", ["link", "set", name, "up"])?;
        let loose = [
            "-q",
            "-w",
            "net.ipv4.conf.all.rp_filter=0",
            "net.ipv4.conf.default.rp_filter=0",
        ];
        stage.run_in(end, "sysctl", loose)?;
    }
    stage.wait_for_link(Some(&client), "own0")?;
    for filter in ["all", "veth0", "veth8"] {
        stage.sysctl(&format!("net.ipv4.conf.{filter}.rp_filter"), 0)?;
    }
    stage.sysctl("net.ipv4.ip_forward", 1)?;
    let there = if way == Way::Answers {
        "10.60.0.2"
    } else {
        "10.9.0.1"
    };
    // It is known by the address at this router, whichever way it goes.
    let to = [
        "route",
        "add",
        "10.50.0.0/24",
        "via",
        there,
        "src",
        "10.9.0.2",
    ];
    stage.run_in(&client, "ip", to)?;
    let back = if way == Way::Attempts {
        "10.60.0.1"
    } else {
        "10.50.0.1"
    };
    stage.run_in(&server, "ip", ["route", "add", "10.9.0.0/24", "via", back])?;
    answer_in(stage, &server)?;
    Ok(client)
}

/// A router in front of a server that answers. Gives the router.
fn behind_a_router(stage: &mut Stage) -> io::Result<Peer> {
    let router = peer(stage)?;
    let server = stage.peer("server")?;
    let link = [
        "link", "add", "r0", "type", "veth", "peer", "name", "r1", "netns", "server",
    ];
    stage.run_in(&router, "ip", link)?;
    for (end, name, address) in [
        (&router, "r0", "10.50.0.1/24"),
        (&server, "r1", "10.50.0.2/24"),
    ] {
        stage.run_in(end, "ip", ["addr", "add", address, "dev", name])?;
        stage.run_in(end, "ip", ["link", "set", name, "up"])?;
    }
    stage.wait_for_link(Some(&router), "r0")?;
    stage.run_in(&router, "sysctl", ["-q", "-w", "net.ipv4.ip_forward=1"])?;
    stage.run("ip", ["route", "add", "10.50.0.0/24", "via", "10.9.0.2"])?;
    stage.run_in(
        &server,
        "ip",
        ["route", "add", "default", "via", "10.50.0.1"],
    )?;
    answer_in(stage, &server)?;
    Ok(router)
}

/// A server at [`BEHIND`] that answers questions, and datagrams.
fn answer_in(stage: &mut Stage, server: &Peer) -> io::Result<()> {
    let socket = stage.once_in(server, || UdpSocket::bind(BEHIND))?;
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    stage.repeat(move || {
        let mut buffer = [0; 64];
        if let Ok((len, from)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&buffer[..len], from);
        }
    });
    let listener = stage.once_in(server, || TcpListener::bind(BEHIND))?;
    listener.set_nonblocking(true)?;
    stage.repeat(move || match listener.accept() {
        Ok((mut stream, _)) => {
            let _ = stream.set_nonblocking(false);
            let _ = stream.set_read_timeout(Some(Duration::from_millis(100)));
            let mut buffer = [0; 64];
            let _ = stream.read(&mut buffer);
            let _ = stream.write_all(b"answer");
            let _ = stream.read(&mut buffer);
        }
        Err(_) => std::thread::sleep(Duration::from_millis(1)),
    });
    Ok(())
}

/// Asks, and waits for an answer for two seconds.
fn ask(end: &str) {
    let end: SocketAddr = end.parse().expect("an address of ours");
    if let Ok(mut stream) = TcpStream::connect_timeout(&end, Duration::from_secs(2)) {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
        let _ = stream.write_all(b"question");
        let _ = stream.read(&mut [0; 64]);
    }
    std::thread::sleep(Duration::from_millis(30));
}

fn ask_from(stage: &mut Stage, client: &Peer, end: &'static str) {
    for _ in 0..2 {
        stage.repeat_in(client, move || ask(end));
    }
}

/// Sends datagrams to [`BEHIND`], and waits a little for each answer.
fn send_from(stage: &mut Stage, client: &Peer) -> io::Result<()> {
    let socket = stage.once_in(client, || UdpSocket::bind("0.0.0.0:0"))?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    stage.repeat(move || {
        let _ = socket.send_to(b"question", BEHIND);
        if socket.recv(&mut [0; 64]).is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    Ok(())
}

/// Leaves with a reset after the question, so that the answer comes for nobody and is answered by a reset that tracking
/// has no connection for any more.
fn late_from(stage: &mut Stage, client: &Peer, end: &'static str) {
    stage.repeat_in(client, move || {
        let end: SocketAddr = end.parse().expect("an address of ours");
        if let Ok(mut stream) = TcpStream::connect_timeout(&end, Duration::from_secs(1)) {
            let _ = rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
            let _ = stream.write_all(b"question");
        }
        std::thread::sleep(Duration::from_millis(200));
    });
}

/// Lets a rule decide on what this host forwards, or a peer.
fn forward(stage: &Stage, peer: Option<&Peer>, rule: &str) -> io::Result<()> {
    let rules = format!(
        "add table ip lab; add chain ip lab on {{ type filter hook forward priority 0; }}; \
         add rule ip lab on {rule}"
    );
    stage.nft(peer, &rules)
}

/// A server of ours, and a rule for how often others may come to it.
fn limited(stage: &mut Stage) -> io::Result<Peer> {
    let peer = peer(stage)?;
    let listener = TcpListener::bind(SERVED)?;
    stage.repeat_accepting(listener)?;
    stage.nft(
        None,
        "add table ip lab; add chain ip lab in { type filter hook input priority 0; }; \
         add rule ip lab in tcp dport 8080 ct state new limit rate over 5/second burst 5 packets drop",
    )?;
    Ok(peer)
}
