//! Packet sockets on loopback: protocols known and unknown, rings, fanout, filters.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::{Held, option};

/// Loopback is the first interface of every network namespace.
const LOOPBACK: i32 = 1;

/// Makes one of each. Nothing may be sent on loopback afterwards if their queues are to stay empty.
pub fn every_kind() -> io::Result<Held> {
    let mut held = Held::new();
    for (kind, protocol, interface) in [
        (SocketType::RAW, 0, 0),
        (SocketType::DGRAM, 0, LOOPBACK),
        (SocketType::RAW, libc::ETH_P_ALL, LOOPBACK),
        (SocketType::DGRAM, libc::ETH_P_IP, 0),
        (SocketType::RAW, libc::ETH_P_ARP, LOOPBACK),
        (SocketType::DGRAM, 0x1234, LOOPBACK),
    ] {
        held.push(bound(kind, protocol, interface)?);
    }
    held.push(with_ring()?);
    held.push(with_filter()?);
    for _ in 0..2 {
        held.push(in_fanout()?);
    }
    Ok(held)
}

fn bound(kind: SocketType, protocol: i32, interface: i32) -> io::Result<OwnedFd> {
    let socket = rustix::net::socket_with(AddressFamily::PACKET, kind, SocketFlags::CLOEXEC, None)?;
    let protocol = u16::try_from(protocol).map_err(io::Error::other)?;
    if protocol != 0 || interface != 0 {
        option::bind_packet(&socket, protocol, interface)?;
    }
    Ok(socket)
}

/// Rings in both directions, and the flags a capture program sets.
fn with_ring() -> io::Result<OwnedFd> {
    let socket = bound(SocketType::RAW, libc::ETH_P_ARP, LOOPBACK)?;
    for name in [libc::PACKET_AUXDATA, libc::PACKET_ORIGDEV] {
        option::set_word(&socket, libc::SOL_PACKET, name, 1)?;
    }
    // struct tpacket_req: block size, blocks, frame size, frames.
    let request: Vec<u8> = [4096_u32, 2, 2048, 4]
        .iter()
        .flat_map(|word| word.to_ne_bytes())
        .collect();
    for name in [libc::PACKET_RX_RING, libc::PACKET_TX_RING] {
        option::set(&socket, libc::SOL_PACKET, name, &request)?;
    }
    Ok(socket)
}

/// A filter that takes ARP: `tcpdump -dd arp` of libpcap 1.10.
fn with_filter() -> io::Result<OwnedFd> {
    let socket = bound(SocketType::RAW, libc::ETH_P_ARP, 0)?;
    let program = [
        (0x28, 0, 0, 12),
        (0x15, 0, 1, 0x806),
        (0x06, 0, 0, 262_144),
        (0x06, 0, 0, 0),
    ];
    option::attach_filter(&socket, &program)?;
    Ok(socket)
}

/// A member of fanout group 7, which spreads by CPU.
fn in_fanout() -> io::Result<OwnedFd> {
    const BY_CPU_GROUP_7: u32 = (2 << 16) | 7;
    let socket = bound(SocketType::RAW, libc::ETH_P_ARP, LOOPBACK)?;
    option::set_word(
        &socket,
        libc::SOL_PACKET,
        libc::PACKET_FANOUT,
        BY_CPU_GROUP_7,
    )?;
    Ok(socket)
}
