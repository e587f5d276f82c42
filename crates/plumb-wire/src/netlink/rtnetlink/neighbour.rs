//! `RTM_NEWNEIGH`: a neighbour (`linux/neighbour.h`).

use plumb_model::rtnl::Neighbour;

use super::super::frame::{attributes, u16_at, u32_at};
use super::{ip, word};

/// Bytes of `struct ndmsg`.
const BODY_BYTES: usize = 12;
/// `RTM_NEWNEIGH`.
pub const NEW_NEIGHBOUR: u16 = 28;

const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
const NDA_CACHEINFO: u16 = 3;
const NDA_PROBES: u16 = 4;
/// Where `ndm_used` stands in `struct nda_cacheinfo`, and milliseconds of its ticks (`USER_HZ` is 100).
const USED_AT: usize = 4;
const TICK_MS: u64 = 10;

/// Decodes the payload of a message. Entries of bridges, which are no IP neighbours, are `None`.
pub fn decode_neighbour(payload: &[u8]) -> Option<Neighbour> {
    let (mut destination, mut link_address, mut probes, mut idle_ms) = (None, None, None, None);
    for (kind, value) in attributes(payload.get(BODY_BYTES..)?) {
        match kind {
            NDA_DST => destination = ip(value),
            NDA_LLADDR => link_address = Some(value.to_vec()),
            NDA_CACHEINFO => {
                idle_ms = u32_at(value, USED_AT).map(|ticks| u64::from(ticks) * TICK_MS);
            }
            NDA_PROBES => probes = word(value),
            _ => {}
        }
    }
    Some(Neighbour {
        interface: u32_at(payload, 4)?,
        ip: destination?,
        state: u16_at(payload, 8)?,
        flags: payload.get(10).copied()?,
        link_address,
        probes,
        idle_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_has_its_state_and_link_layer_address() {
        let mut payload = vec![2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 1];
        payload.extend([8, 0, 1, 0, 10, 0, 0, 2, 10, 0, 2, 0, 1, 2, 3, 4, 5, 6, 0, 0]);
        let neighbour = decode_neighbour(&payload).expect("a whole message");
        assert_eq!(neighbour.state_word(), Some("REACHABLE"));
        assert_eq!(
            neighbour.link_address.as_deref(),
            Some(&[1, 2, 3, 4, 5, 6][..])
        );
        assert_eq!(neighbour.ip.to_string(), "10.0.0.2");
        assert_eq!(neighbour.idle_ms, None);
        // Confirmed, used and changed so many ticks ago, and two who hold it.
        payload.extend([20, 0, 3, 0]);
        payload.extend([900_u32, 25, 700, 2].into_iter().flat_map(u32::to_ne_bytes));
        let used = decode_neighbour(&payload).expect("a whole message");
        assert_eq!(used.idle_ms, Some(250));
        assert_eq!(decode_neighbour(&payload[..12]), None);
    }
}
