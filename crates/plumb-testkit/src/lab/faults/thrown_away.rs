//! What the local firewall throws away before a socket has it, or out of a connection that goes on.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use super::path::{drop_in, knock_from, peer};
use crate::lab::{Expected, Peer, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "firewall-drop/translated",
        about: "what comes for a published port is translated for a container, and the policy of forwarding is to drop",
        make: |stage| {
            let peer = published(stage)?;
            stage.nft(
                None,
                "add chain ip lab on { type filter hook forward priority 0; policy drop; }; \
                 add rule ip lab on ct state established accept",
            )?;
            for _ in 0..3 {
                knock_from(stage, &peer, "10.9.0.1:8080");
            }
            Ok(Expected::subject("peer", "10.8.0.2:443"))
        },
    },
    Scenario {
        name: "firewall-drop/healthy-translated",
        about: "the same, and a rule accepts what was translated; others knock at ports that are not published",
        make: |stage| {
            let peer = published(stage)?;
            stage.nft(
                None,
                "add chain ip lab on { type filter hook forward priority 0; policy drop; }; \
                 add rule ip lab on ct state established accept; \
                 add rule ip lab on ct status dnat accept; \
                 add chain ip lab in { type filter hook input priority 0; }; \
                 add rule ip lab in tcp dport 23 drop",
            )?;
            knock_from(stage, &peer, "10.9.0.1:23");
            stage.repeat_in(&peer, || {
                drop(TcpStream::connect("10.9.0.1:8080"));
                std::thread::sleep(Duration::from_millis(20));
            });
            stage.wait_for_counter("Ip", "ForwDatagrams", 20)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "firewall-drop/verdict-map",
        about: "a map of verdicts, which is no rule, has a served port among those whose packets are thrown away",
        make: |stage| {
            let peer = peer(stage)?;
            stage.hold(TcpListener::bind("10.9.0.1:8080")?);
            drop_in(stage, None, "tcp dport vmap { 22 : accept, 8080 : drop }")?;
            for _ in 0..3 {
                knock_from(stage, &peer, "10.9.0.1:8080");
            }
            Ok(Expected::subject("local", "10.9.0.1:8080"))
        },
    },
    Scenario {
        name: "firewall-drop/healthy-verdict-map",
        about: "a map of verdicts throws away what comes for a port that nobody serves, as it should",
        make: |stage| {
            let peer = peer(stage)?;
            stage.hold(TcpListener::bind("10.9.0.1:8080")?);
            drop_in(stage, None, "tcp dport vmap { 23 : drop, 8080 : accept }")?;
            for _ in 0..3 {
                knock_from(stage, &peer, "10.9.0.1:23");
            }
            let client = stage.once_in(&peer, || TcpStream::connect("10.9.0.1:8080"))?;
            stage.hold(client);
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "firewall-drop/datagrams-in",
        about: "datagrams for a port that is served are thrown away where they come in",
        make: |stage| {
            datagrams(stage, &["10.9.0.1:5000"], "udp dport 5000 drop")?;
            Ok(Expected::subject("local", "10.9.0.1:5000").and("protocol", "udp"))
        },
    },
    Scenario {
        name: "firewall-drop/datagrams-ingress",
        about: "datagrams for a port that is served are thrown away by a rule of the device, before all others",
        make: |stage| {
            datagrams(stage, &["10.9.0.1:5000"], "udp dport 5001 drop")?;
            stage.nft(
                None,
                "add table netdev lab; \
                 add chain netdev lab in { type filter hook ingress device veth0 priority 0; }; \
                 add rule netdev lab in udp dport 5000 drop",
            )?;
            Ok(Expected::subject("local", "10.9.0.1:5000").and("protocol", "udp"))
        },
    },
    Scenario {
        name: "firewall-drop/healthy-datagrams",
        about: "datagrams for another port, which nobody serves, are thrown away",
        make: |stage| {
            datagrams(
                stage,
                &["10.9.0.1:5000", "10.9.0.1:5001"],
                "udp dport 5001 drop",
            )?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "firewall-drop/healthy-twin",
        about: "datagrams arrive; in another network namespace, which has the same addresses, they are thrown away",
        make: |stage| {
            datagrams(stage, &["10.9.0.1:5000"], "udp dport 5001 drop")?;
            let twin = stage.peer("twin")?;
            stage.run_in(&twin, "ip", ["addr", "add", "10.9.0.1/32", "dev", "lo"])?;
            drop_in(stage, Some(&twin), "udp dport 5000 drop")?;
            let sender = stage.once_in(&twin, || UdpSocket::bind("10.9.0.1:0"))?;
            stage.repeat_in(&twin, move || {
                let _ = sender.send_to(b"some", "10.9.0.1:5000");
                std::thread::sleep(Duration::from_millis(50));
            });
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "firewall-drop/deaf",
        about: "a rule throws away early all that comes back on a connection that was there before it; its client only repeats itself",
        make: |stage| {
            deaf(
                stage,
                "add table ip lab; add chain ip lab in { type filter hook prerouting priority -300; }; \
                 add rule ip lab in tcp sport 8080 drop",
            )
        },
    },
    Scenario {
        name: "firewall-drop/deaf-ingress",
        about: "the same, by a rule of the device, which comes before all others",
        make: |stage| {
            deaf(
                stage,
                "add table netdev lab; \
                 add chain netdev lab in { type filter hook ingress device veth0 priority 0; }; \
                 add rule netdev lab in tcp sport 8080 drop",
            )
        },
    },
    Scenario {
        name: "firewall-drop/limit",
        about: "a rule throws away what a connection gets beyond a rate",
        make: |stage| {
            let peer = peer(stage)?;
            stage.nft(
                None,
                "add table ip lab; add chain ip lab in { type filter hook input priority 0; }; \
                 add rule ip lab in tcp sport 8080 limit rate over 200 kbytes/second burst 20 kbytes drop",
            )?;
            let listener = stage.once_in(&peer, || TcpListener::bind("10.9.0.2:8080"))?;
            stage.repeat_in(&peer, move || {
                if let Ok((mut stream, _)) = listener.accept() {
                    let _ = stream.set_write_timeout(Some(Duration::from_secs(1)));
                    while stream.write_all(&[1; 65_536]).is_ok() {}
                }
            });
            let mut client = TcpStream::connect("10.9.0.2:8080")?;
            client.set_read_timeout(Some(Duration::from_millis(200)))?;
            stage.repeat(move || {
                let _ = client.read(&mut [0; 65_536]);
            });
            stage.wait_for_counter("TcpExt", "TCPOFOQueue", 5)?;
            let mut expected = Expected::subject("peer", "10.9.0.2:8080");
            expected.seconds = 4;
            Ok(expected)
        },
    },
];

/// A client that asks on a connection of which, by these rules, nothing comes back.
fn deaf(stage: &mut Stage, rules: &str) -> io::Result<Expected> {
    let peer = peer(stage)?;
    let listener = stage.once_in(&peer, || TcpListener::bind("10.9.0.2:8080"))?;
    let mut client = TcpStream::connect("10.9.0.2:8080")?;
    stage.hold(listener.accept()?);
    stage.nft(None, rules)?;
    client.write_all(b"is anybody there?")?;
    stage.hold(client);
    stage.wait_for_counter("TcpExt", "TCPTimeouts", 3)?;
    Ok(Expected::subject("peer", "10.9.0.2:8080"))
}

/// This host publishes port 8080, at which a peer comes, of a server in another network.
fn published(stage: &mut Stage) -> io::Result<Peer> {
    let first = peer(stage)?;
    let container = stage.peer("container")?;
    stage.veth(
        &container,
        ("veth2", "10.8.0.1/24"),
        ("veth3", "10.8.0.2/24"),
    )?;
    stage.sysctl("net.ipv4.ip_forward", 1)?;
    let route = ["route", "add", "default", "via", "10.8.0.1"];
    stage.run_in(&container, "ip", route)?;
    let listener = stage.once_in(&container, || TcpListener::bind("10.8.0.2:443"))?;
    stage.repeat_accepting(listener)?;
    stage.nft(
        None,
        "add table ip lab; add chain ip lab pre { type nat hook prerouting priority -100; }; \
         add rule ip lab pre tcp dport 8080 dnat to 10.8.0.2:443",
    )?;
    Ok(first)
}

/// A peer sends datagrams to ports of which 5000 is served, and a rule decides where they come in.
fn datagrams(stage: &mut Stage, ends: &'static [&'static str], rule: &str) -> io::Result<()> {
    let peer = peer(stage)?;
    let receiver = UdpSocket::bind("10.9.0.1:5000")?;
    receiver.set_read_timeout(Some(Duration::from_millis(100)))?;
    stage.repeat(move || {
        let _ = receiver.recv(&mut [0; 64]);
    });
    drop_in(stage, None, rule)?;
    let sender = stage.once_in(&peer, || UdpSocket::bind("10.9.0.2:0"))?;
    stage.repeat_in(&peer, move || {
        for end in ends {
            let _ = sender.send_to(b"some", end);
        }
        std::thread::sleep(Duration::from_millis(50));
    });
    Ok(())
}
