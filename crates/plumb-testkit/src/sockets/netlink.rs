//! Netlink sockets with ids and groups of their choice.

use std::io;

use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::Held;

/// An id that no process has.
pub const ID: u32 = 777_777;

/// `NETLINK_ROUTE` is protocol 0.
const ROUTE: Option<rustix::net::Protocol> = None;

/// Makes sockets of three protocols: with groups, with an id, connected, and with nothing.
pub fn every_kind() -> io::Result<Held> {
    let mut held = Held::new();
    for (protocol, id, groups) in [
        (ROUTE, ID, 0xff),
        (Some(netlink::GENERIC), ID + 1, 0),
        (Some(netlink::KOBJECT_UEVENT), ID + 2, 1),
    ] {
        let socket = new(protocol)?;
        rustix::net::bind(&socket, &SocketAddrNetlink::new(id, groups))?;
        held.push(socket);
    }
    let connected = new(ROUTE)?;
    rustix::net::bind(&connected, &SocketAddrNetlink::new(ID + 3, 0))?;
    rustix::net::connect(&connected, &SocketAddrNetlink::new(ID, 0))?;
    held.push(connected);
    held.push(new(ROUTE)?);
    Ok(held)
}

fn new(protocol: Option<rustix::net::Protocol>) -> io::Result<std::os::fd::OwnedFd> {
    Ok(rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        protocol,
    )?)
}
