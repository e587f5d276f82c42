//! Generic netlink, as far as ethtool needs it: the number of its family, and the speed of links
//! (`linux/genetlink.h`, `linux/ethtool_netlink.h`).
//!
//! Minimum kernel version: 5.6. Before, there is no such family, and speeds are unknown.

use plumb_model::traffic::LinkSpeed;

use super::frame::{attributes, u16_at, u32_at};
use super::request::Request;

/// The family that tells the numbers of all others.
pub const GENL_ID_CTRL: u16 = 16;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;
/// Bytes of `struct genlmsghdr`.
const GENL_BYTES: usize = 4;

const ETHTOOL_MSG_LINKMODES_GET: u8 = 4;
const ETHTOOL_A_LINKMODES_HEADER: u16 = 1;
const ETHTOOL_A_LINKMODES_SPEED: u16 = 5;
const ETHTOOL_A_LINKMODES_DUPLEX: u16 = 6;
const ETHTOOL_A_HEADER_DEV_INDEX: u16 = 1;
/// `SPEED_UNKNOWN`.
const SPEED_UNKNOWN: u32 = u32::MAX;
/// `DUPLEX_UNKNOWN`.
const DUPLEX_UNKNOWN: u8 = u8::MAX;

/// Encodes the question for the number of the family `ethtool`.
pub fn encode_family_request() -> Vec<u8> {
    Request::single(GENL_ID_CTRL, &[CTRL_CMD_GETFAMILY, 1, 0, 0])
        .attribute(CTRL_ATTR_FAMILY_NAME, b"ethtool\0")
        .finish()
}

/// Decodes the answer.
pub fn decode_family(payload: &[u8]) -> Option<u16> {
    attributes(payload.get(GENL_BYTES..)?)
        .find(|(kind, _)| *kind == CTRL_ATTR_FAMILY_ID)
        .and_then(|(_, value)| u16_at(value, 0))
}

/// Encodes the request for the speeds of all links, to the family of this number.
pub fn encode_speeds_dump(family: u16) -> Vec<u8> {
    Request::dump(family, &[ETHTOOL_MSG_LINKMODES_GET, 1, 0, 0])
        .nested(ETHTOOL_A_LINKMODES_HEADER, |header| header)
        .finish()
}

/// Decodes a row of speeds; `None` for one that does not name its interface.
pub fn decode_speed(payload: &[u8]) -> Option<LinkSpeed> {
    let (mut index, mut mbit_s, mut duplex) = (None, None, None);
    for (kind, value) in attributes(payload.get(GENL_BYTES..)?) {
        match kind {
            ETHTOOL_A_LINKMODES_HEADER => {
                index = attributes(value)
                    .find(|(kind, _)| *kind == ETHTOOL_A_HEADER_DEV_INDEX)
                    .and_then(|(_, index)| u32_at(index, 0));
            }
            ETHTOOL_A_LINKMODES_SPEED => mbit_s = u32_at(value, 0),
            ETHTOOL_A_LINKMODES_DUPLEX => duplex = value.first().copied(),
            _ => {}
        }
    }
    Some(LinkSpeed {
        index: index?,
        mbit_s: mbit_s.filter(|speed| *speed != SPEED_UNKNOWN && *speed != 0),
        duplex: duplex.filter(|duplex| *duplex != DUPLEX_UNKNOWN),
    })
}

#[cfg(test)]
mod tests {
    use super::super::frame::HEADER_BYTES;
    use super::*;

    fn speed(words: &[(u16, &[u8])]) -> Option<LinkSpeed> {
        let mut request = Request::single(30, &[4, 1, 0, 0]);
        for (kind, value) in words {
            request = request.attribute(*kind, value);
        }
        decode_speed(&request.finish().split_off(HEADER_BYTES))
    }

    #[test]
    fn a_speed_belongs_to_an_interface_and_may_be_unknown() {
        let header = [8, 0, 1, 0, 2, 0, 0, 0];
        if cfg!(target_endian = "big") {
            return;
        }
        let known = speed(&[(1, &header), (5, &1000_u32.to_ne_bytes()), (6, &[1])]);
        let expected = LinkSpeed {
            index: 2,
            mbit_s: Some(1000),
            duplex: Some(1),
        };
        assert_eq!(known, Some(expected));
        let unknown = speed(&[(1, &header), (5, &[255; 4]), (6, &[255])]);
        let expected = LinkSpeed {
            index: 2,
            mbit_s: None,
            duplex: None,
        };
        assert_eq!(unknown, Some(expected));
        assert_eq!(speed(&[(5, &[1, 0, 0, 0])]), None);
    }

    #[test]
    fn the_family_is_asked_for_by_name() {
        let request = encode_family_request();
        assert!(request.windows(8).any(|window| window == b"ethtool\0"));
        let answer = Request::single(GENL_ID_CTRL, &[1, 2, 0, 0])
            .attribute(CTRL_ATTR_FAMILY_ID, &21_u16.to_ne_bytes())
            .finish()
            .split_off(HEADER_BYTES);
        assert_eq!(decode_family(&answer), Some(21));
        assert_eq!(decode_family(&[]), None);
    }
}
