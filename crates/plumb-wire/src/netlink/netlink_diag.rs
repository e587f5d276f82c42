//! sock_diag for netlink sockets (`include/uapi/linux/netlink_diag.h`).
//!
//! Minimum kernel version: 3.10; below it the caller falls back to `/proc/net/netlink`.

use plumb_model::diag::attribute::RawAttribute;
use plumb_model::diag::netlink::{NetlinkDiag, NetlinkPeer};

use super::attribute::{Attribute, Attributes};
use super::diag_values::{cookie_at, first, sk_mem_info};
use super::frame::u32_at;
use super::sock_diag_request::encode_request;

/// `AF_NETLINK`.
pub const AF_NETLINK: u8 = 16;
/// `NDIAG_PROTO_ALL`.
const ALL_PROTOCOLS: u8 = 255;
/// `NDIAG_SHOW_MEMINFO` and `NDIAG_SHOW_GROUPS`: what the original always asks.
pub const SHOW: u32 = 0x01 | 0x02;
/// `NDIAG_SHOW_FLAGS`, since kernel 4.20.
pub const SHOW_FLAGS: u32 = 0x08;
const MESSAGE_BYTES: usize = 28;

/// Encodes a request for the netlink sockets of all protocols; `show` are the `SHOW…` bits.
pub fn encode_netlink_request(show: u32) -> Vec<u8> {
    encode_request(AF_NETLINK, ALL_PROTOCOLS, &[0, show, 0, 0])
}

/// Decodes one message; `None` when it is shorter than `struct netlink_diag_msg`.
pub fn decode_netlink_diag(payload: &[u8]) -> Option<NetlinkDiag<'_>> {
    let (message, rest) = payload.split_first_chunk::<MESSAGE_BYTES>()?;
    let word = |at: usize| u32_at(message, at).unwrap_or(0);
    let [_, kind, protocol, state, ..] = *message;
    let mut row = NetlinkDiag {
        kind: Some(kind),
        protocol: i32::from(protocol),
        state: Some(state),
        port_id: word(4).cast_signed(),
        peer: Some(NetlinkPeer {
            port_id: word(8),
            group: word(12),
        }),
        inode: Some(word(16)),
        cookie: Some(cookie_at(message, 20)),
        ..NetlinkDiag::default()
    };
    let mut attributes = Attributes::new(rest);
    for attribute in attributes.by_ref() {
        take(&attribute, &mut row);
    }
    row.trailing = attributes.trailing();
    Some(row)
}

fn take<'a>(attribute: &Attribute<'a>, row: &mut NetlinkDiag<'a>) {
    match attribute.kind {
        0 => first(&mut row.memory, || sk_mem_info(attribute)),
        1 => first(&mut row.groups, || attribute.payload()),
        4 => first(&mut row.flags, || attribute.u32(0)),
        kind => row.unknown.push(RawAttribute {
            kind,
            payload: attribute.payload(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_messages::{attribute, words};
    use super::*;

    /// Hand-made: a connected route socket.
    fn connected() -> Vec<u8> {
        let mut message = vec![AF_NETLINK, 3, 0, 1];
        message.extend(words(&[0xffff_fffe, 11, 12, 4242, 7, 0]));
        message.extend(attribute(1, &words(&[0xff, 1])));
        message
    }

    #[test]
    fn a_connected_socket_tells_its_peer() {
        let message = connected();
        let row = decode_netlink_diag(&message).expect("a whole message");
        assert_eq!((row.protocol, row.state, row.port_id), (0, Some(1), -2));
        let peer = row.peer.expect("the peer is in the fixed part");
        assert_eq!((peer.port_id, peer.group), (11, 12));
        assert_eq!((row.inode, row.cookie), (Some(4242), Some(7)));
        assert_eq!(row.groups, Some(&words(&[0xff, 1])[..]));
        assert_eq!((row.memory, row.from_proc), (None, None));
    }

    #[test]
    fn a_message_without_its_fixed_part_is_refused() {
        assert_eq!(decode_netlink_diag(&connected()[..27]), None);
    }

    #[test]
    fn a_request_asks_for_all_protocols() {
        let request = encode_netlink_request(SHOW);
        assert_eq!(request[16..20], [AF_NETLINK, 255, 0, 0]);
        assert_eq!(request[20..], words(&[0, 3, 0, 0]));
    }
}
