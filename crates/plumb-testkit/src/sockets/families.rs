//! Sockets of the families that many kernels lack: SCTP, DCCP, MPTCP, vsock, TIPC, XDP.
//!
//! Where a kernel has a family it is asked for listeners, connections and unbound sockets; where it has
//! none, the reason is handed back, so that nobody takes a table that is empty for one that was tried.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{VsockAddr, bind, connect, getsockname};
use rustix::net::{AddressFamily, Protocol, SocketFlags, SocketType, ipproto};

use super::{Held, netlink, packet};

/// `IPPROTO_DCCP`, `SOCK_DCCP`: see `linux/in.h`, `linux/net.h`.
const DCCP: Protocol = protocol(33);
const SOCK_DCCP: SocketType = SocketType::from_raw(6);
/// `AF_TIPC`, `AF_VSOCK`, `AF_XDP`: see `linux/socket.h`.
const TIPC: AddressFamily = AddressFamily::from_raw(30);
const VSOCK: AddressFamily = AddressFamily::from_raw(40);
const XDP: AddressFamily = AddressFamily::from_raw(44);
/// `VMADDR_CID_LOCAL`, `VMADDR_CID_ANY`: see `linux/vm_sockets.h`.
const CID_LOCAL: u32 = 1;
const CID_ANY: u32 = u32::MAX;

const fn protocol(number: u32) -> Protocol {
    Protocol::from_raw(NonZeroU32::new(number).expect("these are not zero"))
}

/// What one family gave: sockets, or why there are none.
pub type Family = (&'static str, io::Result<Held>);

/// Asks the kernel for sockets of each family.
pub fn every_family() -> Vec<Family> {
    vec![
        ("sctp", sctp()),
        ("dccp", streams(SOCK_DCCP, DCCP)),
        ("mptcp", streams(SocketType::STREAM, ipproto::MPTCP)),
        ("vsock", vsock()),
        ("tipc", tipc()),
        ("xdp", new(XDP, SocketType::RAW, None).map(|xdp| vec![xdp])),
        ("packet", packet::every_kind()),
        ("netlink", netlink::every_kind()),
    ]
}

/// One listener for each version of IP, one connection to it, and one connection nobody accepted.
fn streams(kind: SocketType, protocol: Protocol) -> io::Result<Held> {
    let mut held = Held::new();
    for local in [
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
    ] {
        let family = family_of(&local);
        let listener = new(family, kind, Some(protocol))?;
        rustix::net::bind(&listener, &local)?;
        rustix::net::listen(&listener, 4)?;
        let address = SocketAddr::try_from(rustix::net::getsockname(&listener)?)?;
        let [near, waiting] = [(); 2].map(|()| -> io::Result<OwnedFd> {
            let socket = new(family, kind, Some(protocol))?;
            rustix::net::connect(&socket, &address)?;
            Ok(socket)
        });
        held.extend([near?, rustix::net::accept(&listener)?, waiting?, listener]);
    }
    Ok(held)
}

/// Both styles of RFC 6458: one socket for each association, and one for many.
fn sctp() -> io::Result<Held> {
    let mut held = streams(SocketType::STREAM, ipproto::SCTP)?;
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let many = new(
        AddressFamily::INET,
        SocketType::SEQPACKET,
        Some(ipproto::SCTP),
    )?;
    rustix::net::bind(&many, &local)?;
    rustix::net::listen(&many, 4)?;
    let address = SocketAddr::try_from(rustix::net::getsockname(&many)?)?;
    let peer = new(
        AddressFamily::INET,
        SocketType::SEQPACKET,
        Some(ipproto::SCTP),
    )?;
    rustix::net::connect(&peer, &address)?;
    held.extend([many, peer]);
    Ok(held)
}

/// A listener, a connection to it through the guest itself, and one nobody accepted.
fn vsock() -> io::Result<Held> {
    let any_port = u32::MAX;
    let stream = || new(VSOCK, SocketType::STREAM, None);
    let listener = stream()?;
    bind(listener.as_raw_fd(), &VsockAddr::new(CID_ANY, any_port))?;
    rustix::net::listen(&listener, 4)?;
    let port = getsockname::<VsockAddr>(listener.as_raw_fd())?.port();
    let (near, waiting) = (stream()?, stream()?);
    connect(near.as_raw_fd(), &VsockAddr::new(CID_LOCAL, port))?;
    let far = rustix::net::accept(&listener)?;
    connect(waiting.as_raw_fd(), &VsockAddr::new(CID_LOCAL, port))?;
    Ok(vec![near, far, waiting, listener])
}

/// A socket of each type, and a connected pair.
fn tipc() -> io::Result<Held> {
    let mut held = Held::new();
    for kind in [
        SocketType::STREAM,
        SocketType::SEQPACKET,
        SocketType::DGRAM,
        SocketType::from_raw(4), // SOCK_RDM
    ] {
        held.push(new(TIPC, kind, None)?);
    }
    let (one, other) =
        rustix::net::socketpair(TIPC, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    held.extend([one, other]);
    Ok(held)
}

fn family_of(address: &SocketAddr) -> AddressFamily {
    if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    }
}

fn new(family: AddressFamily, kind: SocketType, protocol: Option<Protocol>) -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(
        family,
        kind,
        SocketFlags::CLOEXEC,
        protocol,
    )?)
}
