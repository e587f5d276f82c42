//! `no-route` of sockets that are bound to an interface (`SO_BINDTODEVICE`) by which no route leads where they send.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, connect, socket};

use super::path::peer;
use crate::lab::{Expected, Peer, Scenario, Stage};
use crate::sockets::option;

/// Where the default route leads.
const FAR: [&str; 2] = ["10.50.0.1:8125", "[fd50::1]:8125"];
/// `SO_BINDTODEVICE` of <asm-generic/socket.h>.
const BIND_TO_DEVICE: i32 = 25;

/// The scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "no-route/bound-to-device",
        about: "a program connects over IPv6 by an interface by which no route leads there; the default route has another",
        make: |stage| {
            two_interfaces(stage)?;
            connects(stage, FAR[1], "other0")?;
            Ok(Expected::subject("peer", "fd50::1").and("pid", std::process::id()))
        },
    },
    Scenario {
        name: "no-route/bound-to-device-ipv4",
        about: "datagrams of a socket that is bound to an interface by which no route leads there, so that it is asked for on the link",
        make: |stage| {
            two_interfaces(stage)?;
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            option::set(&socket, 1, BIND_TO_DEVICE, b"other0")?;
            stage.repeat(move || {
                let _ = socket.send_to(b"a:1|c", FAR[0]);
                std::thread::sleep(Duration::from_millis(100));
            });
            std::thread::sleep(Duration::from_secs(4));
            let expected = Expected::subject("peer", "10.50.0.1").and("interface", "other0");
            Ok(expected.explains(&["neighbor-unresolved"]))
        },
    },
    Scenario {
        name: "no-route/healthy-bound-to-device",
        about: "the same sockets, bound to the interface that the default route has; IPv6 by one that has none, too",
        make: |stage| {
            let far = two_interfaces(stage)?;
            let listener = stage.once_in(&far, || TcpListener::bind(FAR[1]))?;
            stage.hold(listener);
            connects(stage, FAR[1], "veth0")?;
            let plain = stage.peer("plain")?;
            stage.veth(&plain, ("plain0", "10.7.0.1/24"), ("plain1", "10.7.0.2/24"))?;
            connects(stage, FAR[1], "plain0")?;
            Ok(Expected::nothing())
        },
    },
];

/// A peer that is the default router, and has what is far; beside it an interface that leads nowhere.
fn two_interfaces(stage: &mut Stage) -> io::Result<Peer> {
    let far = peer(stage)?;
    let of_far = [
        ["addr", "add", "10.50.0.1/24", "dev", "lo", "nodad"],
        ["addr", "add", "fd50::1/128", "dev", "lo", "nodad"],
        ["addr", "add", "fd09::2/64", "dev", "veth1", "nodad"],
    ];
    for address in of_far {
        stage.run_in(&far, "ip", address)?;
    }
    stage.run("ip", ["addr", "add", "fd09::1/64", "dev", "veth0", "nodad"])?;
    let other = stage.peer("other")?;
    stage.veth(&other, ("other0", "10.8.0.1/24"), ("other1", "10.8.0.2/24"))?;
    let own = ["-6", "addr", "add", "fd08::1/64", "dev", "other0", "nodad"];
    stage.run("ip", own)?;
    stage.run("ip", ["route", "add", "default", "via", "10.9.0.2"])?;
    stage.run("ip", ["-6", "route", "add", "default", "via", "fd09::2"])?;
    Ok(far)
}

/// Connects ten times a second, by an interface.
fn connects(stage: &mut Stage, end: &str, device: &'static str) -> io::Result<()> {
    let end: SocketAddr = end.parse().map_err(io::Error::other)?;
    stage.repeat(move || {
        let made = socket(AddressFamily::INET6, SocketType::STREAM, None);
        if let Ok(made) = made
            && option::set(&made, 1, BIND_TO_DEVICE, device.as_bytes()).is_ok()
        {
            let _ = connect(&made, &end);
        }
        std::thread::sleep(Duration::from_millis(100));
    });
    Ok(())
}
