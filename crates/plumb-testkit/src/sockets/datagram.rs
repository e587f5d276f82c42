//! UDP, UDP-Lite and RAW sockets: bound, connected, with unread data.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use rustix::io::Errno;
use rustix::net::{AddressFamily, Protocol, SocketFlags, SocketType, ipproto};

use super::Held;

/// Makes one of each. UDP-Lite is left out where the kernel has none (its table is missing, too).
pub fn every_kind() -> io::Result<Held> {
    let mut held = udp()?;
    held.extend(udplite()?);
    held.extend(raw()?);
    Ok(held)
}

fn udp() -> io::Result<Held> {
    let mut held = Held::new();
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    for local in [v4, v6] {
        let bound = UdpSocket::bind(local)?;
        let connected = UdpSocket::bind(local)?;
        connected.connect(bound.local_addr()?)?;
        connected.send(b"unread")?;
        held.extend([bound.into(), connected.into()]);
    }
    let any = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?;
    let mapped = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?;
    mapped.connect((
        Ipv4Addr::LOCALHOST.to_ipv6_mapped(),
        any.local_addr()?.port(),
    ))?;
    let wildcard = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    held.extend([any.into(), mapped.into(), wildcard.into()]);
    Ok(held)
}

fn udplite() -> io::Result<Held> {
    let mut held = Held::new();
    let v4 = (
        AddressFamily::INET,
        SocketAddr::from((Ipv4Addr::LOCALHOST, 7001)),
    );
    let v6 = (
        AddressFamily::INET6,
        SocketAddr::from((Ipv6Addr::LOCALHOST, 7001)),
    );
    for (family, local) in [v4, v6] {
        let bound = match new(family, SocketType::DGRAM, ipproto::UDPLITE) {
            Ok(socket) => socket,
            Err(Errno::PROTONOSUPPORT) => continue,
            Err(errno) => return Err(errno.into()),
        };
        rustix::net::bind(&bound, &local)?;
        let connected = new(family, SocketType::DGRAM, ipproto::UDPLITE)?;
        rustix::net::connect(&connected, &local)?;
        held.extend([bound, connected]);
    }
    Ok(held)
}

fn raw() -> io::Result<Held> {
    let mut held = Held::new();
    let v4 = (
        AddressFamily::INET,
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    );
    let v6 = (
        AddressFamily::INET6,
        SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
    );
    for ((family, local), protocol) in [(v4, ipproto::ICMP), (v6, ipproto::ICMPV6)] {
        let unbound = new(family, SocketType::RAW, protocol)?;
        let connected = new(family, SocketType::RAW, ipproto::UDP)?;
        rustix::net::bind(&connected, &local)?;
        rustix::net::connect(&connected, &local)?;
        held.extend([unbound, connected]);
    }
    Ok(held)
}

fn new(
    family: AddressFamily,
    kind: SocketType,
    protocol: Protocol,
) -> Result<std::os::fd::OwnedFd, Errno> {
    rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, Some(protocol))
}
