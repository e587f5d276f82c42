//! The index of an interface by any of its names.
//!
//! The ioctl knows the name and short alternative names; longer ones are asked of rtnetlink.

use plumb_wire::netlink::link::{decode_link_index, encode_link_request};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use crate::sys::ioctl::InterfaceSocket;

/// Room for the answer; one interface with all its attributes takes about 2 KiB.
const ANSWER_BYTES: usize = 32 * 1024;

/// Gives the index of an interface in the network namespace this thread is in.
pub fn interface_index(name: &[u8]) -> Option<u32> {
    let short = InterfaceSocket::open().ok()?.index(name).ok();
    short.or_else(|| ask_rtnetlink(name))
}

fn ask_rtnetlink(name: &[u8]) -> Option<u32> {
    let request = encode_link_request(name)?;
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        // Protocol 0 is NETLINK_ROUTE.
        None,
    )
    .ok()?;
    rustix::net::send(&socket, &request, SendFlags::empty()).ok()?;
    let mut answer = vec![0; ANSWER_BYTES];
    let (got, _) = rustix::net::recv(&socket, answer.as_mut_slice(), RecvFlags::empty()).ok()?;
    decode_link_index(answer.get(..got)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_has_one_and_nobody_else_is_made_up() {
        assert!(interface_index(b"lo").is_some_and(|index| index > 0));
        assert_eq!(interface_index(b"no-such-interface-of-this-machine"), None);
        assert_eq!(interface_index(b""), None);
    }
}
