//! One question of rtnetlink: which interface has an alternative name (`RTM_GETLINK` with
//! `IFLA_ALT_IFNAME`).
//!
//! Such names have up to 127 bytes and fit no ioctl. Minimum kernel version: 5.5; before, no interface
//! has one and the answer is an error.

use super::frame::{Frame, Frames, HEADER_BYTES, u32_at};

const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const NLM_F_REQUEST: u16 = 1;
const IFLA_ALT_IFNAME: u16 = 53;
/// Bytes of `struct ifinfomsg`.
const IFINFOMSG_BYTES: usize = 16;
/// Where the index stands in it.
const INDEX_AT: usize = 4;
/// Longest alternative name in bytes, its NUL left out (`ALTIFNAMSIZ`).
const NAME_BYTES: usize = 127;

/// Encodes the question; `None` for what is no alternative name.
pub fn encode_link_request(name: &[u8]) -> Option<Vec<u8>> {
    if name.is_empty() || name.len() > NAME_BYTES || name.contains(&0) {
        return None;
    }
    let attribute = 4 + name.len() + 1;
    let len = (HEADER_BYTES + IFINFOMSG_BYTES + attribute).next_multiple_of(4);
    let mut bytes = Vec::with_capacity(len);
    bytes.extend(u32::try_from(len).ok()?.to_ne_bytes());
    bytes.extend(RTM_GETLINK.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST.to_ne_bytes());
    // Sequence and port id, then an `ifinfomsg` that names nothing.
    bytes.extend([0; 8 + IFINFOMSG_BYTES]);
    bytes.extend(u16::try_from(attribute).ok()?.to_ne_bytes());
    bytes.extend(IFLA_ALT_IFNAME.to_ne_bytes());
    bytes.extend(name);
    bytes.resize(len, 0);
    Some(bytes)
}

/// Decodes the answer: the index of the interface, `None` when there is none.
pub fn decode_link_index(datagram: &[u8]) -> Option<u32> {
    Frames::new(datagram).find_map(|frame| match frame {
        Frame::Data {
            kind: RTM_NEWLINK,
            payload,
            ..
        } => u32_at(payload, INDEX_AT),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_one_message_with_a_padded_name() {
        let bytes = encode_link_request(b"averylongname").expect("it is short enough");
        assert_eq!(bytes.len() % 4, 0);
        let frames: Vec<_> = Frames::new(&bytes).collect();
        assert!(matches!(
            frames.as_slice(),
            [Frame::Data { kind: RTM_GETLINK, payload, .. }]
                if payload.get(20..33) == Some(&b"averylongname"[..])
        ));
        for name in [&b""[..], b"a\0b", &[b'x'; 128]] {
            assert_eq!(encode_link_request(name), None);
        }
    }

    #[test]
    fn what_is_no_link_has_no_index() {
        let mut bytes = encode_link_request(b"x").expect("it is short enough");
        assert_eq!(decode_link_index(&bytes), None);
        bytes[4..6].copy_from_slice(&RTM_NEWLINK.to_ne_bytes());
        bytes[20..24].copy_from_slice(&7_u32.to_ne_bytes());
        assert_eq!(decode_link_index(&bytes), Some(7));
        assert_eq!(decode_link_index(&bytes[..20]), None);
        assert_eq!(decode_link_index(b""), None);
    }
}
