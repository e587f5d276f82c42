//! sock_diag for packet sockets (`include/uapi/linux/packet_diag.h`).
//!
//! Minimum kernel version: 3.7, filters 3.9; below it the caller falls back to `/proc/net/packet`.

use plumb_model::diag::attribute::RawAttribute;
use plumb_model::diag::packet::{BpfInstruction, PacketDiag, PacketFanout, PacketInfo, PacketRing};

use super::attribute::{Attribute, Attributes};
use super::diag_values::{cookie_at, first, sk_mem_info};
use super::frame::{u16_at, u32_at};
use super::sock_diag_request::encode_request;

/// `AF_PACKET`.
pub const AF_PACKET: u8 = 17;
/// `PACKET_SHOW_INFO`, `RING_CFG`, `FANOUT`, `MEMINFO` and `FILTER`: what the original always asks.
pub const SHOW: u32 = 0x01 | 0x04 | 0x08 | 0x10 | 0x20;
/// `PACKET_SHOW_MCLIST`: multicast memberships.
pub const SHOW_MCLIST: u32 = 0x02;
const MESSAGE_BYTES: usize = 16;

/// Encodes a request for all packet sockets; `show` are the `SHOW…` bits.
pub fn encode_packet_request(show: u32) -> Vec<u8> {
    encode_request(AF_PACKET, 0, &[0, show, 0, 0])
}

/// Decodes one message; `None` when it is shorter than `struct packet_diag_msg`.
pub fn decode_packet_diag(payload: &[u8]) -> Option<PacketDiag<'_>> {
    let (message, rest) = payload.split_first_chunk::<MESSAGE_BYTES>()?;
    let mut row = PacketDiag {
        kind: u32::from(message[1]),
        protocol: u16_at(message, 2).unwrap_or(0),
        inode: u32_at(message, 4).unwrap_or(0),
        cookie: Some(cookie_at(message, 8)),
        ..PacketDiag::default()
    };
    let mut attributes = Attributes::new(rest);
    for attribute in attributes.by_ref() {
        take(&attribute, &mut row);
    }
    row.trailing = attributes.trailing();
    row.recv_q = row.memory.map(|memory| memory.words[0]);
    Some(row)
}

fn take<'a>(attribute: &Attribute<'a>, row: &mut PacketDiag<'a>) {
    match attribute.kind {
        0 => {
            first(&mut row.interface, || attribute.u32(0));
            first(&mut row.info, || info(attribute));
        }
        1 => first(&mut row.memberships, || attribute.payload()),
        2 => first(&mut row.rx_ring, || ring(attribute)),
        3 => first(&mut row.tx_ring, || ring(attribute)),
        4 => first(&mut row.fanout, || fanout(attribute.u32(0))),
        5 => first(&mut row.uid, || attribute.u32(0)),
        6 => first(&mut row.memory, || sk_mem_info(attribute)),
        7 => first(&mut row.filter, || program(attribute.payload())),
        kind => row.unknown.push(RawAttribute {
            kind,
            payload: attribute.payload(),
        }),
    }
}

fn info(attribute: &Attribute<'_>) -> PacketInfo {
    PacketInfo {
        version: attribute.u32(4),
        reserve_bytes: attribute.u32(8),
        copy_threshold_bytes: attribute.u32(12),
        timestamp: attribute.u32(16),
        flags: attribute.u32(20),
    }
}

fn ring(attribute: &Attribute<'_>) -> PacketRing {
    PacketRing {
        block_bytes: attribute.u32(0),
        blocks: attribute.u32(4),
        frame_bytes: attribute.u32(8),
        frames: attribute.u32(12),
        retire_ms: attribute.u32(16),
        private_bytes: attribute.u32(20),
        features: attribute.u32(24),
    }
}

/// The low half is the id, the high half the type.
fn fanout(word: u32) -> PacketFanout {
    let half = |shift: u32| u16::try_from(word >> shift & 0xffff).unwrap_or(0);
    PacketFanout {
        id: half(0),
        kind: half(16),
    }
}

fn program(bytes: &[u8]) -> Vec<BpfInstruction> {
    let (instructions, _) = bytes.as_chunks::<8>();
    let decode = |bytes: &[u8; 8]| BpfInstruction {
        code: u16_at(bytes, 0).unwrap_or(0),
        jump_true: bytes[2],
        jump_false: bytes[3],
        operand: u32_at(bytes, 4).unwrap_or(0),
    };
    instructions.iter().map(decode).collect()
}

#[cfg(test)]
mod tests {
    use super::super::test_messages::{attribute, words};
    use super::*;

    /// Hand-made: a raw socket on interface 2 that sees everything, with a ring, in a fanout group.
    fn sniffer() -> Vec<u8> {
        let mut message = vec![AF_PACKET, 3];
        message.extend(3_u16.to_ne_bytes());
        message.extend(words(&[4242, 7, 0]));
        message.extend(attribute(0, &words(&[2, 2, 0, 11, 0, 1])));
        message.extend(attribute(2, &words(&[4096, 8, 2048, 16, 60, 0, 1])));
        message.extend(attribute(4, &words(&[0x0002_1234])));
        message.extend(attribute(6, &words(&[9, 1, 2, 3, 4, 5, 6, 7, 8])));
        let filter = [6_u16.to_ne_bytes(), [0, 1]].concat();
        message.extend(attribute(7, &[filter, words(&[0xffff])].concat()));
        message
    }

    #[test]
    fn a_sniffer_decodes_with_all_its_attributes() {
        let message = sniffer();
        let row = decode_packet_diag(&message).expect("a whole message");
        assert_eq!((row.kind, row.protocol, row.inode), (3, 3, 4242));
        assert_eq!((row.interface, row.recv_q), (Some(2), Some(9)));
        assert_eq!(row.info.map(|info| info.copy_threshold_bytes), Some(11));
        assert_eq!(row.rx_ring.map(|ring| ring.retire_ms), Some(60));
        assert_eq!(row.tx_ring, None);
        let fanout = row.fanout.expect("the group was told");
        assert_eq!((fanout.id, fanout.kind), (0x1234, 2));
        let filter = row.filter.expect("the filter was told");
        assert_eq!((filter[0].jump_false, filter[0].operand), (1, 0xffff));
    }

    #[test]
    fn a_message_without_its_fixed_part_is_refused() {
        assert_eq!(decode_packet_diag(&sniffer()[..15]), None);
    }

    #[test]
    fn a_request_asks_for_everything_that_may_be_shown() {
        assert_eq!(encode_packet_request(SHOW)[20..], words(&[0, 0x3d, 0, 0]));
    }
}
