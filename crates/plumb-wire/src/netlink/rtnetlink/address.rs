//! `RTM_NEWADDR`: an address of an interface (`linux/if_addr.h`).

use plumb_model::rtnl::Address;

use super::super::frame::{attributes, u32_at};
use super::{ip, word};

/// Bytes of `struct ifaddrmsg`.
pub(super) const BODY_BYTES: usize = 8;
/// `RTM_NEWADDR`.
pub const NEW_ADDRESS: u16 = 20;

const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;

/// Decodes the payload of a message.
pub fn decode_address(payload: &[u8]) -> Option<Address> {
    let &[_family, prefix_len, flags, scope] = payload.first_chunk::<4>()?;
    let interface = u32_at(payload, 4)?;
    let (mut address, mut local, mut all_flags) = (None, None, u32::from(flags));
    for (kind, value) in attributes(payload.get(BODY_BYTES..)?) {
        match kind {
            IFA_ADDRESS => address = ip(value),
            IFA_LOCAL => local = ip(value),
            IFA_FLAGS => all_flags = word(value).unwrap_or(all_flags),
            _ => {}
        }
    }
    Some(Address {
        interface,
        // Of a point-to-point link IFA_ADDRESS is the other end.
        ip: local.or(address)?,
        prefix_len,
        scope,
        flags: all_flags,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ip addr add 10.0.0.1 peer 10.0.0.2/32 dev veth0` on Linux 6.18, as strace shows the answer.
    #[test]
    fn the_local_end_of_a_link_is_the_address() {
        let mut payload = vec![2, 32, 0x80, 0, 7, 0, 0, 0];
        payload.extend([8, 0, 1, 0, 10, 0, 0, 2, 8, 0, 2, 0, 10, 0, 0, 1]);
        payload.extend([8, 0, 8, 0, 0x80, 2, 0, 0]);
        let address = decode_address(&payload).expect("a whole message");
        assert_eq!(address.ip.to_string(), "10.0.0.1");
        assert_eq!((address.interface, address.prefix_len), (7, 32));
        assert_eq!(address.flags, 0x280);
        assert!(!address.is_tentative());
        assert_eq!(decode_address(&payload[..8]), None);
        assert_eq!(decode_address(&payload[..7]), None);
    }
}
