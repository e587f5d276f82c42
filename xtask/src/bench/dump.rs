//! `bench-dump`: reads the dump of all TCP sockets and does nothing with it, which is as fast as any
//! program that asks sock_diag can be.

use std::ffi::OsString;

use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use crate::step::Failure;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// The kernel builds datagrams of at most 32 KiB.
const DATAGRAM_BYTES: usize = 64 * 1024;
/// `NLMSG_DONE` and `NLMSG_ERROR`, one of which is last.
const ENDS: [u16; 2] = [3, 2];

/// Reads the dumps of both IP versions; gives an error if there are none.
pub(crate) fn run(_: &[OsString]) -> Result<(), Failure> {
    for family in [AF_INET, AF_INET6] {
        dump(family).map_err(|error| Failure::check(format!("cannot dump: {error}")))?;
    }
    Ok(())
}

fn dump(family: u8) -> rustix::io::Result<()> {
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    rustix::net::bind(&socket, &SocketAddrNetlink::new(0, 0))?;
    rustix::net::send(&socket, &request(family), SendFlags::empty())?;
    let mut buffer = vec![0; DATAGRAM_BYTES];
    loop {
        let (len, _) = rustix::net::recv(&socket, &mut buffer, RecvFlags::empty())?;
        let kind = buffer.get(4..6).and_then(|kind| kind.try_into().ok());
        // The last message has a datagram of its own.
        if len == 0 || kind.is_none_or(|kind| ENDS.contains(&u16::from_ne_bytes(kind))) {
            return Ok(());
        }
    }
}

/// A `SOCK_DIAG_BY_FAMILY` dump of TCP in every state, without attributes.
fn request(family: u8) -> [u8; 72] {
    let mut request = [0; 72];
    request[..4].copy_from_slice(&72_u32.to_ne_bytes());
    request[4..6].copy_from_slice(&20_u16.to_ne_bytes());
    request[6..8].copy_from_slice(&0x301_u16.to_ne_bytes());
    request[16] = family;
    request[17] = 6;
    request[20..24].copy_from_slice(&u32::MAX.to_ne_bytes());
    request
}
