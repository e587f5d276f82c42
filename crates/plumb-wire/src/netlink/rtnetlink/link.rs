//! `RTM_NEWLINK`: an interface (`linux/if_link.h`), as far as a route needs it.

use plumb_model::rtnl::Link;

use super::super::frame::{attributes, u16_at, u32_at};
use super::{name, word};

/// Bytes of `struct ifinfomsg`.
pub(super) const BODY_BYTES: usize = 16;
/// `RTM_NEWLINK`.
pub const NEW_LINK: u16 = 16;

const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_MASTER: u16 = 10;
const IFLA_OPERSTATE: u16 = 16;

/// Decodes the payload of a message.
pub fn decode_link(payload: &[u8]) -> Option<Link> {
    let mut link = Link {
        hardware: u16_at(payload, 2)?,
        index: u32_at(payload, 4)?,
        flags: u32_at(payload, 8)?,
        name: Vec::new(),
        mtu: None,
        master: None,
        operational_state: None,
    };
    for (kind, value) in attributes(payload.get(BODY_BYTES..)?) {
        match kind {
            IFLA_IFNAME => link.name = name(value),
            IFLA_MTU => link.mtu = word(value),
            IFLA_MASTER => link.master = word(value),
            IFLA_OPERSTATE => link.operational_state = value.first().copied(),
            _ => {}
        }
    }
    Some(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_its_name_and_mtu() {
        let mut payload = vec![0, 0, 4, 3, 1, 0, 0, 0, 0x49, 0, 1, 0, 0, 0, 0, 0];
        payload.extend([7, 0, 3, 0, b'l', b'o', 0, 0, 8, 0, 4, 0, 0, 0, 1, 0]);
        let link = decode_link(&payload).expect("a whole message");
        assert_eq!((link.index, link.name.as_slice()), (1, &b"lo"[..]));
        assert_eq!(link.mtu, Some(65536));
        assert!(link.is_up() && link.has_carrier() && link.is_loopback());
        assert_eq!(decode_link(&payload[..15]), None);
    }
}
