//! Many TCP listeners, so that the order in which a kernel lists them can be seen.
//!
//! Kernels keep listeners in hash tables by port alone or by port and address, and `/proc` and
//! sock_diag did not always walk the same one. Ports here collide in either: many addresses on one port,
//! many sockets on one address and port, many ports.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use super::Held;

/// The port that many addresses have.
const SHARED_PORT: u16 = 20_000;
/// How many addresses have it.
const ADDRESSES: u8 = 40;
/// How many sockets listen on one address and port together.
const TOGETHER: usize = 5;
/// How many ports are listened on beside it. Steps of 32 and 1024 meet again in small hash tables.
const PORTS: u16 = 40;

/// Makes them, in an order that is neither that of ports nor that of addresses.
pub fn many() -> io::Result<Held> {
    let mut held = Held::new();
    for last in 0..ADDRESSES {
        // 7 and 40 share no divisor: every address once, out of order.
        let last = 1 + last.wrapping_mul(7) % ADDRESSES;
        held.push(listener(
            (Ipv4Addr::new(127, 0, 0, last), SHARED_PORT).into(),
        )?);
    }
    for address in [
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, SHARED_PORT)),
        SocketAddr::from((Ipv4Addr::new(127, 0, 0, 3), SHARED_PORT)),
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, SHARED_PORT)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, SHARED_PORT)),
    ] {
        for _ in 0..TOGETHER {
            held.push(listener(address)?);
        }
    }
    for number in (0..PORTS).rev() {
        let port = SHARED_PORT + 1 + number * 32 + number % 3 * 1024;
        for address in [
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
            SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        ] {
            held.push(listener(address)?);
        }
    }
    Ok(held)
}

/// A listener that shares its address and port with any other of its kind.
fn listener(address: SocketAddr) -> io::Result<std::os::fd::OwnedFd> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let socket = rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseport(&socket, true)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, 4)?;
    Ok(socket)
}
