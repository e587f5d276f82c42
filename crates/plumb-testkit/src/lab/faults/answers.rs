//! `packet-loss`, `half-open-peer` where what comes back is lost, or somebody says why nothing does; what a router says
//! or promises of hosts that it cannot reach.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::path::{drop_in, peer};
use super::traffic::{conversation, transfers};
use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "packet-loss/acknowledgements",
        about: "six conversations and transfers whose segments all arrive; seven of ten acknowledgements are lost on their way to us",
        make: |stage| {
            let peer = peer(stage)?;
            transfers(stage, &peer, SERVER, 6, Duration::from_millis(5))?;
            stage.wait_for_counter("Tcp", "OutSegs", 200)?;
            drop_in(stage, None, "tcp sport 8090 numgen random mod 10 < 7 drop")?;
            stage.wait_for_counter("TcpExt", "TCPTimeouts", 8)?;
            Ok(Expected::subject("peer", "10.9.0.2"))
        },
    },
    Scenario {
        name: "packet-loss/healthy-acknowledgements",
        about: "the same transfers, of whose acknowledgements one in ten is lost: the next one says the same",
        make: |stage| {
            let peer = peer(stage)?;
            transfers(stage, &peer, SERVER, 6, Duration::from_millis(5))?;
            stage.wait_for_counter("Tcp", "OutSegs", 200)?;
            drop_in(stage, None, "tcp sport 8090 numgen inc mod 10 == 0 drop")?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "half-open-peer/next-try-is-far",
        about: "a server vanished half a minute ago, and its client tries again only every dozen seconds",
        make: |stage| {
            let peer = peer(stage)?;
            let listener = stage.once_in(&peer, || TcpListener::bind(SERVER))?;
            let mut client = TcpStream::connect(SERVER)?;
            stage.hold(listener.accept()?);
            drop_in(stage, Some(&peer), "tcp dport 8090 drop")?;
            client.write_all(b"are you there?")?;
            stage.hold(client);
            // Timeouts of 0.2, 0.4, 0.8, 1.6, 3.2 and 6.4 seconds, and one of 12.8 that has begun.
            stage.wait_for_counter("TcpExt", "TCPTimeouts", 6)?;
            Ok(Expected::subject("peer", SERVER))
        },
    },
    Scenario {
        name: "half-open-peer/forgotten",
        about: "of several conversations with a server one is forgotten on the way; its segments are thrown away without a word",
        make: |stage| {
            let peer = peer(stage)?;
            let listener = stage.once_in(&peer, || TcpListener::bind(SERVER))?;
            let mut forgotten = TcpStream::connect(SERVER)?;
            stage.hold(listener.accept()?);
            conversation(stage, &peer, &listener, Duration::from_millis(50))?;
            let port = forgotten.local_addr()?.port();
            drop_in(stage, Some(&peer), &format!("tcp sport {port} drop"))?;
            forgotten.write_all(b"still there?")?;
            stage.hold(forgotten);
            stage.wait_for_counter("TcpExt", "TCPTimeouts", 5)?;
            Ok(Expected::subject("peer", SERVER))
        },
    },
    Scenario {
        name: "connect-timeout/proxy-arp-nowhere",
        about: "a router answers ARP for an address of our network that it does not pass on",
        make: |stage| {
            let router = proxy(stage)?;
            stage.nft(
                Some(&router),
                "add table ip lab; add chain ip lab through { type filter hook forward priority 0; }; \
                 add rule ip lab through ip daddr 10.9.0.77 drop",
            )?;
            keep_trying(stage, "10.9.0.77:80");
            stage.wait_for_counter("TcpExt", "TCPTimeouts", 2)?;
            Ok(Expected::subject("peer", "10.9.0.77:80"))
        },
    },
    Scenario {
        name: "no-route/router-that-keeps-silent",
        about: "a router in another namespace has a blackhole route, of which it tells nobody; plumb looks at all namespaces",
        make: |stage| {
            let router = peer(stage)?;
            stage.run("ip", ["route", "add", "10.98.0.0/16", "via", "10.9.0.2"])?;
            stage.run_in(&router, "sysctl", ["-q", "-w", "net.ipv4.ip_forward=1"])?;
            stage.run_in(&router, "ip", ["route", "add", "blackhole", "10.98.0.0/16"])?;
            keep_trying(stage, "10.98.0.1:80");
            stage.wait_for_counter("TcpExt", "TCPTimeouts", 2)?;
            Ok(Expected::subject("peer", "10.98.0.1").asked(["--all-netns"]))
        },
    },
    Scenario {
        name: "connect-timeout/given-up-in-time",
        about: "a client gives each attempt two and a half seconds, and a remote firewall drops",
        make: |stage| {
            let peer = peer(stage)?;
            drop_in(stage, Some(&peer), "tcp dport 8090 drop")?;
            let end: SocketAddr = SERVER.parse().expect("an address of ours");
            stage.repeat(move || {
                drop(TcpStream::connect_timeout(
                    &end,
                    Duration::from_millis(2500),
                ));
            });
            stage.wait_for_counter("TcpExt", "TCPTimeouts", 1)?;
            Ok(Expected::subject("peer", SERVER))
        },
    },
    Scenario {
        name: "no-route/proxy-arp-unreachable",
        about: "a router answers ARP for an address of our network, and then does not find the host",
        make: |stage| {
            proxy(stage)?;
            keep_trying(stage, "10.9.0.77:80");
            stage.wait_for_counter("Icmp", "InDestUnreachs", 1)?;
            // It gives up a neighbour after three seconds.
            Ok(Expected {
                seconds: 7,
                ..Expected::subject("peer", "10.9.0.77")
            })
        },
    },
];

const SERVER: &str = "10.9.0.2:8090";

/// A router that answers ARP for all of our network, which it believes to be behind another interface.
fn proxy(stage: &mut Stage) -> io::Result<Peer> {
    let router = peer(stage)?;
    let settings = [
        "-q",
        "-w",
        "net.ipv4.ip_forward=1",
        "net.ipv4.conf.veth1.proxy_arp=1",
        "net.ipv4.neigh.veth1.proxy_delay=0",
    ];
    stage.run_in(&router, "sysctl", settings)?;
    let other = ["link", "add", "behind0", "type", "bridge"];
    stage.run_in(&router, "ip", other)?;
    stage.run_in(&router, "ip", ["link", "set", "behind0", "up"])?;
    let address = ["addr", "add", "10.50.0.1/24", "dev", "behind0"];
    stage.run_in(&router, "ip", address)?;
    let half = ["route", "add", "10.9.0.64/26", "dev", "behind0"];
    stage.run_in(&router, "ip", half)?;
    Ok(router)
}

/// Tries to connect, twice at a time.
fn keep_trying(stage: &mut Stage, end: &'static str) {
    let end: SocketAddr = end.parse().expect("an address of ours");
    for _ in 0..2 {
        stage.repeat(move || {
            drop(TcpStream::connect_timeout(&end, Duration::from_secs(3)));
            std::thread::sleep(Duration::from_millis(200));
        });
    }
}
