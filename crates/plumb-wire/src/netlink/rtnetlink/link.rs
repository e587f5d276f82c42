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
const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_OPERSTATE: u16 = 16;
const IFLA_LINK_NETNSID: u16 = 37;

/// Decodes the payload of a message.
pub fn decode_link(payload: &[u8]) -> Option<Link> {
    let mut link = Link {
        hardware: u16_at(payload, 2)?,
        index: u32_at(payload, 4)?,
        flags: u32_at(payload, 8)?,
        name: Vec::new(),
        mtu: None,
        master: None,
        lower: None,
        operational_state: None,
    };
    let mut is_elsewhere = false;
    for (kind, value) in attributes(payload.get(BODY_BYTES..)?) {
        match kind {
            IFLA_IFNAME => link.name = name(value),
            IFLA_MTU => link.mtu = word(value),
            // A device of its own is sent with 0, or with its own index.
            IFLA_LINK => link.lower = word(value).filter(|lower| ![0, link.index].contains(lower)),
            IFLA_LINK_NETNSID => is_elsewhere = true,
            IFLA_MASTER => link.master = word(value),
            IFLA_OPERSTATE => link.operational_state = value.first().copied(),
            _ => {}
        }
    }
    link.lower = link.lower.filter(|_| !is_elsewhere);
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

    #[test]
    fn the_interface_beneath_is_known_by_its_index_where_it_is_in_the_same_namespace() {
        let attribute = |kind: u16, value: u32| {
            let head = [8_u16, kind].into_iter().flat_map(u16::to_ne_bytes);
            head.chain(value.to_ne_bytes()).collect::<Vec<u8>>()
        };
        let lower = |attributes: &[(u16, u32)]| {
            let mut payload = vec![0, 0, 1, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
            for (kind, value) in attributes {
                payload.extend(attribute(*kind, *value));
            }
            decode_link(&payload).and_then(|link| link.lower)
        };
        assert_eq!(lower(&[(IFLA_LINK, 3)]), Some(3));
        assert_eq!(lower(&[(IFLA_LINK, 3), (IFLA_LINK_NETNSID, 0)]), None);
        assert_eq!(lower(&[(IFLA_LINK, 7)]), None);
        assert_eq!(lower(&[(IFLA_LINK, 0)]), None);
    }
}
