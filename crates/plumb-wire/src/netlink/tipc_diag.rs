//! sock_diag for TIPC: a message without fixed part, attributes in attributes
//! (`include/uapi/linux/tipc_sockets_diag.h`, `tipc_netlink.h`).
//!
//! Minimum kernel version: 4.17; there is no other source.

use plumb_model::diag::attribute::RawAttribute;
use plumb_model::diag::tipc::{TipcConnection, TipcDiag, TipcService, TipcStatistics};

use super::attribute::{Attribute, Attributes};
use super::diag_values::first;
use super::sock_diag_request::encode_request;

/// `AF_TIPC`.
pub const AF_TIPC: u8 = 30;
/// `TIPC_NLA_SOCK`: what a message consists of.
const SOCK: u16 = 2;

/// Encodes a request for the sockets in `states` (a bit for each state).
pub fn encode_tipc_request(states: u32) -> Vec<u8> {
    encode_request(AF_TIPC, 0, &[states])
}

/// Decodes one message; `None` when it tells of no socket.
pub fn decode_tipc_diag(payload: &[u8]) -> Option<TipcDiag<'_>> {
    let socket = Attributes::new(payload).find(|attribute| attribute.kind == SOCK)?;
    let mut row = TipcDiag::default();
    let mut attributes = socket.nested();
    for attribute in attributes.by_ref() {
        take(&attribute, &mut row);
    }
    row.trailing = attributes.trailing();
    Some(row)
}

fn take<'a>(attribute: &Attribute<'a>, row: &mut TipcDiag<'a>) {
    match attribute.kind {
        1 => first(&mut row.node, || attribute.u32(0)),
        2 => first(&mut row.reference, || attribute.u32(0)),
        3 => first(&mut row.connection, || connection(attribute)),
        4 => row.published = true,
        5 => first(&mut row.statistics, || statistics(attribute)),
        6 => first(&mut row.kind, || attribute.u32(0)),
        7 => first(&mut row.inode, || attribute.u32(0)),
        8 => first(&mut row.uid, || attribute.u32(0)),
        9 => first(&mut row.state, || attribute.u32(0)),
        10 => first(&mut row.cookie, || attribute.u64(0)),
        // Padding.
        11 => {}
        12 => first(&mut row.group, || attribute.payload()),
        kind => row.unknown.push(RawAttribute {
            kind,
            payload: attribute.payload(),
        }),
    }
}

fn connection(attribute: &Attribute<'_>) -> TipcConnection {
    let mut connection = TipcConnection::default();
    let mut service = TipcService::default();
    let mut has_service = false;
    for inner in attribute.nested() {
        match inner.kind {
            1 => has_service = true,
            2 => first(&mut connection.node, || inner.u32(0)),
            3 => first(&mut connection.reference, || inner.u32(0)),
            4 => first(&mut service.kind, || inner.u32(0)),
            5 => first(&mut service.instance, || inner.u32(0)),
            _ => {}
        }
    }
    connection.service = has_service.then_some(service);
    connection
}

fn statistics(attribute: &Attribute<'_>) -> TipcStatistics {
    let mut statistics = TipcStatistics::default();
    for inner in attribute.nested() {
        match inner.kind {
            0 => first(&mut statistics.recv_q, || inner.u32(0)),
            1 => first(&mut statistics.send_q, || inner.u32(0)),
            2 => statistics.link_congested = true,
            3 => statistics.connection_congested = true,
            4 => first(&mut statistics.drops, || inner.u32(0)),
            _ => {}
        }
    }
    statistics
}

#[cfg(test)]
mod tests {
    use super::super::test_messages::{attribute, words};
    use super::*;

    /// Hand-made: a connected stream socket.
    fn connected() -> Vec<u8> {
        let peer = [
            attribute(2, &words(&[0x100_1002])),
            attribute(3, &words(&[333])),
            attribute(1, b""),
            attribute(4, &words(&[18888])),
            attribute(5, &words(&[17])),
        ];
        let counters = [
            attribute(0, &words(&[1])),
            attribute(1, &words(&[2])),
            attribute(2, b""),
            attribute(4, &words(&[3])),
        ];
        let socket = [
            attribute(6, &words(&[1])),
            attribute(1, &words(&[0x100_1001])),
            attribute(2, &words(&[222])),
            attribute(7, &words(&[4242])),
            attribute(9, &words(&[1])),
            attribute(10, &words(&[7, 1])),
            attribute(3, &peer.concat()),
            attribute(5, &counters.concat()),
        ];
        attribute(SOCK, &socket.concat())
    }

    #[test]
    fn a_connected_socket_tells_its_peer_and_service() {
        let message = connected();
        let row = decode_tipc_diag(&message).expect("a whole message");
        assert_eq!((row.kind, row.state), (Some(1), Some(1)));
        assert_eq!((row.node, row.reference), (Some(0x100_1001), Some(222)));
        assert_eq!(row.cookie, Some(0x1_0000_0007));
        let peer = row.connection.expect("it is connected");
        assert_eq!((peer.node, peer.reference), (Some(0x100_1002), Some(333)));
        assert_eq!(peer.service.and_then(|s| s.instance), Some(17));
        let counters = row.statistics.expect("there are counters");
        assert_eq!((counters.send_q, counters.drops), (Some(2), Some(3)));
        assert!(counters.link_congested && !counters.connection_congested);
        assert!(!row.published && row.uid.is_none());
    }

    #[test]
    fn a_message_of_another_thing_is_refused() {
        assert_eq!(decode_tipc_diag(&attribute(1, b"link")), None);
        assert_eq!(decode_tipc_diag(b""), None);
    }

    #[test]
    fn a_request_asks_for_states() {
        assert_eq!(encode_tipc_request(0xfb7)[20..], words(&[0xfb7]));
    }
}
