//! sock_diag for vsock (`include/uapi/linux/vm_sockets_diag.h`).
//!
//! Minimum kernel version: 4.15; there is no other source.

use plumb_model::diag::vsock::{VsockDiag, VsockEndpoint};

use super::diag_values::cookie_at;
use super::frame::u32_at;
use super::sock_diag_request::encode_request;

/// `AF_VSOCK`.
pub const AF_VSOCK: u8 = 40;
const MESSAGE_BYTES: usize = 32;

/// Encodes a request for the sockets in `states` (a bit for each state).
pub fn encode_vsock_request(states: u32) -> Vec<u8> {
    encode_request(AF_VSOCK, 0, &[states, 0, 0, 0, 0])
}

/// Decodes one message; `None` when it is shorter than `struct vsock_diag_msg`.
pub fn decode_vsock_diag(payload: &[u8]) -> Option<VsockDiag> {
    let message = payload.first_chunk::<MESSAGE_BYTES>()?;
    let word = |at: usize| u32_at(message, at).unwrap_or(0);
    let endpoint = |at: usize| VsockEndpoint {
        cid: word(at),
        port: word(at + 4),
    };
    let [_, kind, state, shutdown, ..] = *message;
    Some(VsockDiag {
        kind,
        state,
        shutdown,
        local: endpoint(4),
        peer: endpoint(12),
        inode: word(20),
        cookie: cookie_at(message, 24),
    })
}

#[cfg(test)]
mod tests {
    use super::super::test_messages::words;
    use super::*;

    #[test]
    fn a_connection_decodes() {
        // Hand-made: guest 3 port 1024, connected to its host's port 22.
        let mut message = vec![AF_VSOCK, 1, 1, 2];
        message.extend(words(&[3, 1024, 2, 22, 4242, 7, 1]));
        let row = decode_vsock_diag(&message).expect("a whole message");
        assert_eq!((row.kind, row.state, row.shutdown), (1, 1, 2));
        let endpoint = |cid, port| VsockEndpoint { cid, port };
        assert_eq!((row.local, row.peer), (endpoint(3, 1024), endpoint(2, 22)));
        assert_eq!((row.inode, row.cookie), (4242, 0x1_0000_0007));
        assert_eq!(decode_vsock_diag(&message[..31]), None);
    }

    #[test]
    fn a_request_asks_for_states() {
        assert_eq!(
            encode_vsock_request(0xfff)[20..],
            words(&[0xfff, 0, 0, 0, 0])
        );
    }
}
