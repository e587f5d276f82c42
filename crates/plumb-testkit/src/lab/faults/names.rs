//! `dns-slow`, `dns-failing`, `multicast-not-joined`: answers and datagrams that do not come.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6, UdpSocket};
use std::time::Duration;

use super::path::peer;
use crate::lab::{Expected, Scenario, Stage};

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "dns-slow/late",
        about: "a name server takes 600 ms for every answer",
        make: |stage| {
            names(stage, Duration::from_millis(600), 0)?;
            Ok(Expected::subject("peer", SERVER))
        },
    },
    Scenario {
        name: "dns-failing/servfail",
        about: "a name server answers SERVFAIL",
        make: |stage| {
            names(stage, Duration::ZERO, 2)?;
            Ok(Expected::subject("peer", SERVER))
        },
    },
    Scenario {
        name: "dns-failing/silent",
        about: "a name server does not answer at all",
        make: |stage| {
            let peer = peer(stage)?;
            // It takes the questions and says nothing.
            let server = stage.once_in(&peer, || UdpSocket::bind(SERVER))?;
            stage.hold(server);
            ask(stage)?;
            Ok(Expected::subject("peer", SERVER))
        },
    },
    Scenario {
        name: "dns-failing/healthy-no-such-name",
        about: "a name server says at once that there is no such name",
        make: |stage| {
            names(stage, Duration::ZERO, 3)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "dns-slow/healthy",
        about: "a name server answers at once",
        make: |stage| {
            names(stage, Duration::ZERO, 0)?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "multicast-not-joined/forgotten",
        about: "a program is bound to a group's port and has not joined the group",
        make: |stage| group(stage, None),
    },
    Scenario {
        name: "multicast-not-joined/wrong-interface",
        about: "a program joined the group on loopback, the datagrams come in on veth0",
        make: |stage| group(stage, Some(Ipv4Addr::LOCALHOST)),
    },
    Scenario {
        name: "multicast-not-joined/link-local",
        about: "a program joined a group of the link over IPv6 on loopback, and the datagrams come in on veth0",
        make: |stage| link_group(stage, "lo"),
    },
    Scenario {
        name: "multicast-not-joined/healthy-link-local",
        about: "a program joined such a group where it comes in, and another interface has it, too",
        make: |stage| {
            link_group(stage, "veth0")?;
            Ok(Expected::nothing())
        },
    },
    Scenario {
        name: "multicast-not-joined/healthy",
        about: "a program joined the group where it comes in",
        make: |stage| {
            group(stage, Some(Ipv4Addr::new(10, 9, 0, 1)))?;
            Ok(Expected::nothing())
        },
    },
];

const SERVER: &str = "10.9.0.2:53";
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 3);
const LINK_GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x77);

/// A name server in a peer that answers with this code, so much later; and a client that asks.
fn names(stage: &mut Stage, delay: Duration, code: u8) -> io::Result<()> {
    let peer = peer(stage)?;
    let server = stage.once_in(&peer, || UdpSocket::bind(SERVER))?;
    server.set_read_timeout(Some(Duration::from_millis(200)))?;
    stage.repeat_in(&peer, move || {
        let mut question = [0; 512];
        if let Ok((len, from)) = server.recv_from(&mut question) {
            std::thread::sleep(delay);
            question[2] |= 0x80;
            question[3] = code;
            let _ = server.send_to(&question[..len], from);
        }
    });
    ask(stage)
}

/// Asks for a name again and again, with a number of its own each time.
fn ask(stage: &mut Stage) -> io::Result<()> {
    let client = UdpSocket::bind("10.9.0.1:0")?;
    client.set_read_timeout(Some(Duration::from_millis(900)))?;
    let mut number = 0_u16;
    stage.repeat(move || {
        number = number.wrapping_add(1);
        let _ = client.send_to(&question(number), SERVER);
        let _ = client.recv(&mut [0; 512]);
        std::thread::sleep(Duration::from_millis(50));
    });
    stage.wait_for_counter("Udp", "OutDatagrams", 2)
}

/// A question for the address of a name, with this number.
pub(in crate::lab) fn question(number: u16) -> Vec<u8> {
    let mut question = number.to_be_bytes().to_vec();
    question.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    question.extend(b"\x07example\x00\x00\x01\x00\x01");
    question
}

/// The same over IPv6, whose groups of the link are joined by interface; the senders' side has two, and sends by one.
fn link_group(stage: &mut Stage, joined_on: &str) -> io::Result<Expected> {
    let peer = peer(stage)?;
    let receiver = UdpSocket::bind("[::]:5007")?;
    receiver.set_read_timeout(Some(Duration::from_millis(100)))?;
    let interface = rustix::net::netdevice::name_to_index(&receiver, joined_on)?;
    receiver.join_multicast_v6(&LINK_GROUP, interface)?;
    stage.repeat(move || {
        let _ = receiver.recv(&mut [0; 64]);
    });
    let (sender, interface) = stage.once_in(&peer, move || {
        let sender = UdpSocket::bind("[::]:0")?;
        let interface = rustix::net::netdevice::name_to_index(&sender, "veth1")?;
        Ok((sender, interface))
    })?;
    let to = SocketAddrV6::new(LINK_GROUP, 5007, 0, interface);
    // It may be used when nobody else turned out to have it.
    stage.wait_until("an address of the link to send from", || {
        Ok(sender.send_to(b"to the group", to).is_ok())
    })?;
    stage.repeat_in(&peer, move || {
        let _ = sender.send_to(b"to the group", to);
        std::thread::sleep(Duration::from_millis(50));
    });
    Ok(Expected::subject("local", format!("[{LINK_GROUP}]:5007")).and("interface", "veth0"))
}

fn group(stage: &mut Stage, joined_on: Option<Ipv4Addr>) -> io::Result<Expected> {
    let peer = peer(stage)?;
    let receiver = UdpSocket::bind("0.0.0.0:5005")?;
    receiver.set_read_timeout(Some(Duration::from_millis(100)))?;
    if let Some(interface) = joined_on {
        receiver.join_multicast_v4(&GROUP, &interface)?;
    }
    stage.repeat(move || {
        let _ = receiver.recv(&mut [0; 64]);
    });
    let sender = stage.once_in(&peer, || UdpSocket::bind("10.9.0.2:0"))?;
    stage.run_in(&peer, "ip", ["route", "add", "239.0.0.0/8", "dev", "veth1"])?;
    stage.repeat_in(&peer, move || {
        let _ = sender.send_to(b"to the group", (GROUP, 5005));
        std::thread::sleep(Duration::from_millis(50));
    });
    Ok(Expected::subject("local", format!("{GROUP}:5005")).and("interface", "veth0"))
}
