//! sock_diag for XDP sockets (`include/uapi/linux/xdp_diag.h`).
//!
//! Minimum kernel version: 5.1, statistics 5.9; there is no other source.

use plumb_model::diag::attribute::RawAttribute;
use plumb_model::diag::xdp::{XdpBinding, XdpDiag, XdpStatistics, XdpUmem};

use super::attribute::{Attribute, Attributes};
use super::diag_values::{cookie_at, first, sk_mem_info};
use super::frame::u32_at;
use super::sock_diag_request::encode_request;

/// `AF_XDP`.
pub const AF_XDP: u8 = 44;
/// `XDP_SHOW_INFO`, `RING_CFG`, `UMEM`, `MEMINFO` and `STATS`: what the original always asks.
const SHOW: u32 = 0x1f;
const MESSAGE_BYTES: usize = 16;

/// Encodes a request for all XDP sockets.
pub fn encode_xdp_request() -> Vec<u8> {
    encode_request(AF_XDP, 0, &[0, SHOW, 0, 0])
}

/// Decodes one message; `None` when it is shorter than `struct xdp_diag_msg`.
pub fn decode_xdp_diag(payload: &[u8]) -> Option<XdpDiag<'_>> {
    let (message, rest) = payload.split_first_chunk::<MESSAGE_BYTES>()?;
    let mut row = XdpDiag {
        kind: message[1],
        inode: u32_at(message, 4).unwrap_or(0),
        cookie: cookie_at(message, 8),
        ..XdpDiag::default()
    };
    let mut attributes = Attributes::new(rest);
    for attribute in attributes.by_ref() {
        take(&attribute, &mut row);
    }
    row.trailing = attributes.trailing();
    Some(row)
}

fn take<'a>(attribute: &Attribute<'a>, row: &mut XdpDiag<'a>) {
    match attribute.kind {
        1 => first(&mut row.binding, || XdpBinding {
            interface: attribute.u32(0),
            queue: attribute.u32(4),
        }),
        2 => first(&mut row.uid, || attribute.u32(0)),
        3 => first(&mut row.rx_ring, || attribute.u32(0)),
        4 => first(&mut row.tx_ring, || attribute.u32(0)),
        5 => first(&mut row.umem, || umem(attribute)),
        6 => first(&mut row.fill_ring, || attribute.u32(0)),
        7 => first(&mut row.completion_ring, || attribute.u32(0)),
        8 => first(&mut row.memory, || sk_mem_info(attribute)),
        9 => first(&mut row.statistics, || statistics(attribute)),
        kind => row.unknown.push(RawAttribute {
            kind,
            payload: attribute.payload(),
        }),
    }
}

fn umem(attribute: &Attribute<'_>) -> XdpUmem {
    XdpUmem {
        size_bytes: attribute.u64(0),
        id: attribute.u32(8),
        pages: attribute.u32(12),
        chunk_bytes: attribute.u32(16),
        headroom_bytes: attribute.u32(20),
        interface: attribute.u32(24),
        queue: attribute.u32(28),
        flags: attribute.u32(32),
        references: attribute.u32(36),
    }
}

fn statistics(attribute: &Attribute<'_>) -> XdpStatistics {
    XdpStatistics {
        rx_dropped: attribute.u64(0),
        rx_invalid: attribute.u64(8),
        rx_ring_full: attribute.u64(16),
        fill_ring_empty: attribute.u64(24),
        tx_invalid: attribute.u64(32),
        tx_ring_empty: attribute.u64(40),
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_messages::{attribute, words};
    use super::*;

    /// Hand-made: queue 5 of interface 2.
    fn bound() -> Vec<u8> {
        let mut message = vec![AF_XDP, 3, 0, 0];
        message.extend(words(&[4242, 7, 0]));
        message.extend(attribute(1, &words(&[2, 5])));
        message.extend(attribute(3, &words(&[256])));
        message.extend(attribute(5, &words(&[0, 2, 4, 5, 2048, 9, 2, 5, 1, 3])));
        message.extend(attribute(9, &words(&[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 1])));
        message
    }

    #[test]
    fn a_bound_socket_decodes() {
        let message = bound();
        let row = decode_xdp_diag(&message).expect("a whole message");
        assert_eq!((row.inode, row.cookie), (4242, 7));
        assert_eq!(row.binding.map(|b| (b.interface, b.queue)), Some((2, 5)));
        assert_eq!((row.rx_ring, row.tx_ring), (Some(256), None));
        let umem = row.umem.expect("the memory was told");
        assert_eq!((umem.id, umem.headroom_bytes, umem.references), (4, 9, 3));
        if cfg!(target_endian = "little") {
            assert_eq!(umem.size_bytes, 2 << 32);
            let empty = row.statistics.map(|statistics| statistics.tx_ring_empty);
            assert_eq!(empty, Some(6 | 1 << 32));
        }
        assert_eq!(decode_xdp_diag(&message[..15]), None);
    }

    #[test]
    fn a_request_asks_for_everything_that_may_be_shown() {
        assert_eq!(encode_xdp_request()[20..], words(&[0, 0x1f, 0, 0]));
    }
}
