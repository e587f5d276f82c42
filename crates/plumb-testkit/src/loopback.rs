//! Brings the loopback interface of a new network namespace up.
//!
//! One `RTM_NEWLINK` request over rtnetlink, so that it needs no program and no unsafe ioctl.

use std::io;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

/// `struct nlmsghdr` (16 bytes) and `struct ifinfomsg` (16 bytes): `linux/netlink.h`,
/// `linux/rtnetlink.h`.
const REQUEST_LEN: u32 = 32;
const RTM_NEWLINK: u16 = 16;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const IFF_UP: u32 = 1;

/// Loopback is the first interface of every network namespace.
const LOOPBACK_INDEX: i32 = 1;

/// Sets `IFF_UP` on the loopback interface of the current network namespace.
pub fn bring_up() -> io::Result<()> {
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        // NETLINK_ROUTE is protocol 0.
        None,
    )?;
    rustix::net::sendto(
        &socket,
        &request(),
        SendFlags::empty(),
        &SocketAddrNetlink::new(0, 0),
    )?;
    let mut answer = [0_u8; 256];
    let (_, len) = rustix::net::recv(&socket, &mut answer, RecvFlags::empty())?;
    match error_code(&answer[..len.min(answer.len())]) {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(code.wrapping_neg())),
        None => Err(io::Error::other("the kernel's answer is too short")),
    }
}

fn request() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(32);
    bytes.extend(REQUEST_LEN.to_ne_bytes());
    bytes.extend(RTM_NEWLINK.to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | NLM_F_ACK).to_ne_bytes());
    // Sequence number and port: the kernel answers the only request of this socket.
    bytes.extend([0; 8]);
    // Family, padding, type.
    bytes.extend([0; 4]);
    bytes.extend(LOOPBACK_INDEX.to_ne_bytes());
    bytes.extend(IFF_UP.to_ne_bytes());
    // The mask: which flags to change.
    bytes.extend(IFF_UP.to_ne_bytes());
    bytes
}

/// Reads `struct nlmsgerr.error`, which follows the header: 0 or a negative errno.
fn error_code(answer: &[u8]) -> Option<i32> {
    let bytes = answer.get(16..20)?;
    Some(i32::from_ne_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_as_long_as_it_says() {
        let bytes = request();
        assert_eq!(bytes.len(), 32);
        assert_eq!(bytes[..4], REQUEST_LEN.to_ne_bytes());
        assert_eq!(bytes[20..24], 1_i32.to_ne_bytes());
    }

    #[test]
    fn an_acknowledgement_is_code_zero_and_a_stub_is_none() {
        assert_eq!(error_code(&[0; 36]), Some(0));
        assert_eq!(error_code(&[0; 19]), None);
    }
}
