//! Datagrams that `sendto()` refuses, for which no counter grows (`no-route`, `interface-down`), and programs that live with
//! such errors.

use std::io;
use std::net::UdpSocket;
use std::time::Duration;

use crate::lab::{Expected, Scenario, Stage};

/// Where there is no way to.
const FAR: &str = "10.50.0.9:8125";
/// A name server on IPv6, and one on IPv4.
const RESOLVERS: [&str; 2] = ["[2001:db8::53]:53", "10.9.0.2:5300"];

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "no-route/datagrams-by-source",
        about: "the table of a rule about the source makes a network unreachable, and datagrams are refused",
        make: |stage| {
            host(stage)?;
            stage.run("ip", ["route", "add", "default", "via", "10.9.0.2"])?;
            stage.run("ip", ["rule", "add", "from", "10.9.0.1", "lookup", "100"])?;
            let route = ["route", "add", "unreachable", "default", "table", "100"];
            stage.run("ip", route)?;
            sends(stage, "10.9.0.1:0", &[FAR], Some(113))?;
            Ok(Expected::subject("peer", "10.50.0.9").and("pid", std::process::id()))
        },
    },
    Scenario {
        name: "no-route/datagrams-connected",
        about: "a blackhole route comes while a connected socket sends",
        make: |stage| {
            host(stage)?;
            stage.run("ip", ["route", "add", "default", "via", "10.9.0.2"])?;
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            socket.connect(FAR)?;
            stage.run("ip", ["route", "add", "blackhole", "10.50.0.0/16"])?;
            fails_with(&socket.send(b"a:1|c"), Some(22))?;
            stage.repeat(move || {
                let _ = socket.send(b"a:1|c");
                std::thread::sleep(Duration::from_millis(100));
            });
            Ok(Expected::subject("peer", "10.50.0.9").and("pid", std::process::id()))
        },
    },
    Scenario {
        name: "no-route/healthy-resolver",
        about: "a resolver asks over IPv6 first, to which there is no route, and then over IPv4",
        make: |stage| {
            host(stage)?;
            let own = ["addr", "add", "fd09::1/64", "dev", "veth0", "nodad"];
            stage.run("ip", own)?;
            sends(stage, "[::]:0", &RESOLVERS[..1], Some(101))?;
            sends(stage, "0.0.0.0:0", &RESOLVERS[1..], None)?;
            stage.wait_for_counter("Udp", "OutDatagrams", 5)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "no-route/group",
        about: "a program has one socket, and sends to a group to which there is no route",
        make: |stage| {
            host(stage)?;
            sends(stage, "0.0.0.0:0", &["239.1.2.3:9999"], Some(101))?;
            Ok(Expected::subject("peer", "239.1.2.3").and("pid", std::process::id()))
        },
    },
    Scenario {
        name: "no-route/healthy-announcer",
        about: "a program announces itself to a group and to everybody, and the interface of one of its sockets leads nowhere",
        make: |stage| {
            host(stage)?;
            sends(stage, "0.0.0.0:0", &["239.1.2.3:9999"], Some(101))?;
            // Without SO_BROADCAST.
            sends(stage, "10.9.0.1:0", &["10.9.0.255:9999"], Some(13))?;
            sends(stage, "10.9.0.1:0", &["255.255.255.255:9999"], Some(13))?;
            sends(stage, "10.9.0.1:0", &["10.9.0.2:9999"], None)?;
            stage.wait_for_counter("Udp", "OutDatagrams", 5)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "no-route/healthy-mistakes",
        about: "a program sends to port 0, to the outside from the loopback, and more than a datagram takes",
        make: |stage| {
            host(stage)?;
            stage.run("ip", ["route", "add", "default", "via", "10.9.0.2"])?;
            sends(stage, "10.9.0.1:0", &["10.9.0.2:0"], Some(22))?;
            sends(stage, "127.0.0.1:0", &[FAR], Some(22))?;
            let socket = UdpSocket::bind("10.9.0.1:0")?;
            fails_with(&socket.send_to(&[0; 70_000], FAR), Some(90))?;
            stage.repeat(move || {
                let _ = socket.send_to(&[0; 70_000], FAR);
                std::thread::sleep(Duration::from_millis(100));
            });
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "interface-down/ipv6-datagrams",
        about: "an interface is switched off and loses its IPv6 addresses, which a connected socket for datagrams goes on to send from",
        make: |stage| {
            connected_v6(stage)?;
            stage.run("ip", ["link", "set", "veth0", "down"])?;
            let expected = Expected::subject("interface", "veth0");
            Ok(expected.explains(&["no-route"]))
        },
    },
    Scenario {
        name: "interface-down/healthy-ipv6-address-removed",
        about: "the same socket, whose address was taken from an interface that is on; another one is off and was never used",
        make: |stage| {
            connected_v6(stage)?;
            let spare = [
                "link", "add", "spare0", "type", "veth", "peer", "name", "spare1",
            ];
            stage.run("ip", spare)?;
            stage.run("ip", ["addr", "del", "fd09::1/64", "dev", "veth0"])?;
            Ok(Expected::nothing())
        },
    },
];

/// A host that sends to its neighbour by a connected socket of IPv6.
fn connected_v6(stage: &mut Stage) -> io::Result<()> {
    host(stage)?;
    let own = ["addr", "add", "fd09::1/64", "dev", "veth0", "nodad"];
    stage.run("ip", own)?;
    let socket = UdpSocket::bind("[::]:0")?;
    socket.connect("[fd09::2]:9999")?;
    fails_with(&socket.send(b"a:1|c"), None)?;
    stage.repeat(move || {
        let _ = socket.send(b"a:1|c");
        std::thread::sleep(Duration::from_millis(100));
    });
    Ok(())
}

/// A host with a neighbour who takes what comes.
fn host(stage: &mut Stage) -> io::Result<()> {
    let peer = stage.peer("neighbour")?;
    stage.veth(&peer, ("veth0", "10.9.0.1/24"), ("veth1", "10.9.0.2/24"))?;
    for end in ["10.9.0.2:5300", "10.9.0.2:9999"] {
        let takes = stage.once_in(&peer, move || UdpSocket::bind(end))?;
        takes.set_read_timeout(Some(Duration::from_millis(100)))?;
        stage.repeat_in(&peer, move || {
            let _ = takes.recv(&mut [0; 64]);
        });
    }
    Ok(())
}

/// Sends to each of these ends ten times a second; the first datagram fails with this error, or leaves.
fn sends(
    stage: &mut Stage,
    from: &str,
    ends: &'static [&'static str],
    errno: Option<i32>,
) -> io::Result<()> {
    let socket = UdpSocket::bind(from)?;
    for end in ends {
        fails_with(&socket.send_to(b"a:1|c", end), errno)?;
    }
    stage.repeat(move || {
        for end in ends {
            let _ = socket.send_to(b"a:1|c", end);
        }
        std::thread::sleep(Duration::from_millis(100));
    });
    Ok(())
}

fn fails_with(sent: &io::Result<usize>, errno: Option<i32>) -> io::Result<()> {
    let told = sent.as_ref().err().and_then(io::Error::raw_os_error);
    if told == errno {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "a datagram was to fail with {errno:?}, and {sent:?}"
    )))
}
