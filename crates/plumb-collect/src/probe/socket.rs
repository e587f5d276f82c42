//! The socket of a probe: its options, and letting it go.

use std::net::{IpAddr, SocketAddr};

use plumb_wire::error_queue::{ECHO_BYTES, encode_echo};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::sockopt::{Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, ipproto, sockopt};

use super::{Method, Probe};
use crate::sys::socket_option;

/// Bytes of an IPv4 header without options, an IPv6 header, and a UDP header.
const IPV4_BYTES: usize = 20;
const IPV6_BYTES: usize = 40;
const UDP_BYTES: usize = 8;

/// Opens a socket of the method.
pub(super) fn open(method: Method, ipv6: bool) -> Result<OwnedFd, Errno> {
    let family = if ipv6 {
        AddressFamily::INET6
    } else {
        AddressFamily::INET
    };
    let icmp = if ipv6 { ipproto::ICMPV6 } else { ipproto::ICMP };
    let (kind, protocol) = match method {
        Method::Ping => (SocketType::DGRAM, Some(icmp)),
        Method::RawIcmp => (SocketType::RAW, Some(icmp)),
        Method::Udp => (SocketType::DGRAM, None),
        Method::Tcp => (SocketType::STREAM, None),
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    rustix::net::socket_with(family, kind, flags, protocol)
}

/// Opens the socket of a probe and sets its options; of all methods but TCP it is connected then.
pub(super) fn prepare(probe: &Probe) -> Result<OwnedFd, Errno> {
    let ipv6 = probe.destination.is_ipv6();
    let socket = open(probe.method, ipv6)?;
    let (level, errors, ttl) = if ipv6 {
        (libc::SOL_IPV6, libc::IPV6_RECVERR, libc::IPV6_RECVHOPLIMIT)
    } else {
        (libc::SOL_IP, libc::IP_RECVERR, libc::IP_RECVTTL)
    };
    socket_option::set_word(&socket, level, errors, 1)?;
    // The kernel's clock of an answer does not count how long we were busy; without it ours does.
    let _ = socket_option::set_word(&socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1);
    // Only tells how far the way back is.
    let _ = socket_option::set_word(&socket, level, ttl, 1);
    set_ttl(probe, &socket)?;
    if probe.least_ttl > 0 {
        let least = if ipv6 {
            libc::IPV6_MINHOPCOUNT
        } else {
            libc::IP_MINTTL
        };
        socket_option::set_word(&socket, level, least, probe.least_ttl.into())?;
    }
    if probe.whole && ipv6 {
        sockopt::set_ipv6_mtu_discover(&socket, Ipv6PathMtuDiscovery::PROBE)?;
    } else if probe.whole {
        sockopt::set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::PROBE)?;
    }
    if probe.device > 0 {
        let index = i32::try_from(probe.device).map_err(|_| Errno::NODEV)?;
        socket_option::set_word(&socket, libc::SOL_SOCKET, libc::SO_BINDTOIFINDEX, index)?;
    }
    if let Some(source) = probe.source {
        rustix::net::bind(&socket, &SocketAddr::new(source, 0))?;
    }
    if probe.method == Method::Tcp {
        // Whoever answers is let go with a reset, so that nothing stays behind on either side.
        sockopt::set_socket_linger(&socket, Some(std::time::Duration::ZERO))?;
    } else {
        rustix::net::connect(&socket, &address(probe))?;
    }
    Ok(socket)
}

/// Sets the TTL or hop limit of what is sent next.
pub(super) fn set_ttl(probe: &Probe, socket: &OwnedFd) -> Result<(), Errno> {
    match (probe.ttl, probe.destination.is_ipv6()) {
        (0, _) => Ok(()),
        (ttl, true) => sockopt::set_ipv6_unicast_hops(socket, Some(ttl)),
        (ttl, false) => sockopt::set_ip_ttl(socket, ttl.into()),
    }
}

/// Sends the packet.
pub(super) fn launch(probe: &Probe, socket: &OwnedFd) -> Result<(), Errno> {
    let ipv6 = probe.destination.is_ipv6();
    let header = if ipv6 { IPV6_BYTES } else { IPV4_BYTES };
    let packet = match probe.method {
        Method::Tcp => {
            return match rustix::net::connect(socket, &address(probe)) {
                Ok(()) | Err(Errno::INPROGRESS) => Ok(()),
                Err(errno) => Err(errno),
            };
        }
        Method::Udp => vec![0x70; probe.bytes.saturating_sub(header + UDP_BYTES)],
        Method::Ping | Method::RawIcmp => {
            let payload = probe.bytes.saturating_sub(header + ECHO_BYTES);
            encode_echo(ipv6, id(), probe.sequence, payload)
        }
    };
    rustix::net::send(socket, &packet, SendFlags::NOSIGNAL).map(|_| ())
}

/// The identifier of our echo requests; a ping socket replaces it by one of its own.
pub(super) fn id() -> u16 {
    let [low, high, ..] = std::process::id().to_le_bytes();
    u16::from_le_bytes([low, high])
}

/// A raw ICMPv6 socket has no port, and takes none.
fn address(probe: &Probe) -> SocketAddr {
    match probe.method {
        Method::Ping | Method::RawIcmp => {
            let mut address = probe.destination;
            address.set_port(0);
            address
        }
        Method::Udp | Method::Tcp => probe.destination,
    }
}

/// Says whether this host itself is the destination of an address.
pub(super) fn is_same(ip: IpAddr, destination: SocketAddr) -> bool {
    ip.to_canonical() == destination.ip().to_canonical()
}
