//! Requests of sock_diag that dump a whole table: a message header, then the family's struct.

use super::frame::HEADER_BYTES;
use super::inet_diag::SOCK_DIAG_BY_FAMILY;

/// The number every request of iproute2's ss carries.
pub const SEQUENCE: u32 = 123_456;

const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;

/// Encodes a request: `family`, `protocol`, two bytes of padding, then `words`.
pub(super) fn encode_request(family: u8, protocol: u8, words: &[u32]) -> Vec<u8> {
    let len = HEADER_BYTES + 4 + 4 * words.len();
    let mut request = Vec::with_capacity(len);
    request.extend(u32::try_from(len).unwrap_or(0).to_ne_bytes());
    request.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request.extend((NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    request.extend(SEQUENCE.to_ne_bytes());
    // The kernel knows who asks.
    request.extend(0_u32.to_ne_bytes());
    request.extend([family, protocol, 0, 0]);
    for word in words {
        request.extend(word.to_ne_bytes());
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_long_as_it_says() {
        let request = encode_request(1, 2, &[3, 4]);
        assert_eq!(request.len(), 28);
        assert_eq!(request[..4], 28_u32.to_ne_bytes());
        assert_eq!(request[8..12], SEQUENCE.to_ne_bytes());
        assert_eq!(request[16..20], [1, 2, 0, 0]);
        assert_eq!(request[24..], 4_u32.to_ne_bytes());
    }
}
