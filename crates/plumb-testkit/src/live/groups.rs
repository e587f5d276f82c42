//! Multicast groups on loopback.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, UdpSocket};

/// Joins groups with some sockets, which are members until dropped.
pub fn join_groups() -> io::Result<Vec<UdpSocket>> {
    const LOOPBACK: u32 = 1;
    let mut sockets = Vec::new();
    for last in [5, 6, 6] {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.join_multicast_v4(&Ipv4Addr::new(239, 1, 2, last), &Ipv4Addr::LOCALHOST)?;
        sockets.push(socket);
        let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?;
        let group = Ipv6Addr::new(0xff05, 0, 0, 0, 0, 0, 1, u16::from(last));
        socket.join_multicast_v6(&group, LOOPBACK)?;
        sockets.push(socket);
    }
    Ok(sockets)
}
