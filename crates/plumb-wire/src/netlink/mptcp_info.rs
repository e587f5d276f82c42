//! `struct mptcp_info` (`include/uapi/linux/mptcp.h`), as the kernel sends it in `INET_DIAG_INFO`.
//!
//! Offsets are those of kernel 6.18; what an older kernel does not send is 0, and `sent_bytes` says
//! where it begins. Minimum kernel version: 5.13 (MPTCP sockets in sock_diag).

use plumb_model::diag::mptcp_info::MptcpInfo;

use super::attribute::padded;
use super::frame::u32_at;

/// Bytes of the struct of kernel 6.18.
const MPTCP_INFO_BYTES: usize = 96;

/// Decodes the attribute.
pub fn decode_mptcp_info(payload: &[u8]) -> MptcpInfo {
    let bytes: [u8; MPTCP_INFO_BYTES] = padded(payload);
    let word = |at: usize| u32_at(&bytes, at).unwrap_or(0);
    let long = |at: usize| u64::from_ne_bytes(padded(bytes.get(at..).unwrap_or(&[])));
    MptcpInfo {
        sent_bytes: payload.len(),
        subflows: bytes[0],
        add_addr_signal: bytes[1],
        add_addr_accepted: bytes[2],
        subflows_max: bytes[3],
        add_addr_signal_max: bytes[4],
        add_addr_accepted_max: bytes[5],
        flags: word(8),
        token: word(12),
        write_seq: long(16),
        snd_una: long(24),
        rcv_nxt: long(32),
        local_addr_used: bytes[40],
        local_addr_max: bytes[41],
        csum_enabled: bytes[42],
        retransmits: word(44),
        bytes_retrans: long(48),
        bytes_sent: long(56),
        bytes_received: long(64),
        bytes_acked: long(72),
        subflows_total: bytes[80],
        endp_laminar_max: bytes[81],
        last_data_sent_ms: word(84),
        last_data_recv_ms: word(88),
        last_ack_recv_ms: word(92),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_where_the_kernel_puts_them() {
        let bytes: Vec<u8> = (0..96).collect();
        let info = decode_mptcp_info(&bytes);
        assert_eq!((info.add_addr_accepted_max, info.csum_enabled), (5, 42));
        assert_eq!(info.token.to_ne_bytes(), [12, 13, 14, 15]);
        assert_eq!(info.rcv_nxt.to_ne_bytes()[0], 32);
        assert_eq!(info.bytes_acked.to_ne_bytes()[7], 79);
        assert_eq!(info.last_ack_recv_ms.to_ne_bytes(), [92, 93, 94, 95]);
        assert_eq!(decode_mptcp_info(&bytes[..43]).retransmits, 0);
    }
}
