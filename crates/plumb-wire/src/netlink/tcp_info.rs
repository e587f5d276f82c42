//! `struct tcp_info` (`include/uapi/linux/tcp.h`), as the kernel sends it in `INET_DIAG_INFO`.
//!
//! Offsets are those of kernel 6.18. Older kernels send less: what is missing is 0, and
//! `sent_bytes` says where it begins. Newer ones send more, which is left alone.
//! Minimum kernel version: any; the fields say what came when.

use plumb_model::diag::tcp_info::{AccurateEcn, TcpInfo};

use super::attribute::padded;
use super::frame::{u16_at, u32_at};

/// Bytes of the struct of kernel 6.18.
pub const TCP_INFO_BYTES: usize = 280;

/// Decodes the attribute.
pub fn decode_tcp_info(payload: &[u8]) -> TcpInfo {
    let bytes: [u8; TCP_INFO_BYTES] = padded(payload);
    let word = |at: usize| u32_at(&bytes, at).unwrap_or(0);
    let long = |at: usize| u64_at(&bytes, at);
    TcpInfo {
        sent_bytes: payload.len(),
        state: bytes[0],
        ca_state: bytes[1],
        retransmits: bytes[2],
        probes: bytes[3],
        backoff: bytes[4],
        options: bytes[5],
        snd_wscale: bytes[6] & 15,
        rcv_wscale: bytes[6] >> 4,
        bits: bytes[7],
        rto_us: word(8),
        ato_us: word(12),
        snd_mss: word(16),
        rcv_mss: word(20),
        unacked: word(24),
        sacked: word(28),
        lost: word(32),
        retrans: word(36),
        fackets: word(40),
        last_data_sent_ms: word(44),
        last_ack_sent_ms: word(48),
        last_data_recv_ms: word(52),
        last_ack_recv_ms: word(56),
        pmtu: word(60),
        rcv_ssthresh: word(64),
        rtt_us: word(68),
        rttvar_us: word(72),
        snd_ssthresh: word(76),
        snd_cwnd: word(80),
        advmss: word(84),
        reordering: word(88),
        rcv_rtt_us: word(92),
        rcv_space: word(96),
        total_retrans: word(100),
        pacing_rate: long(104),
        max_pacing_rate: long(112),
        bytes_acked: long(120),
        bytes_received: long(128),
        segs_out: word(136),
        segs_in: word(140),
        notsent_bytes: word(144),
        min_rtt_us: word(148),
        data_segs_in: word(152),
        data_segs_out: word(156),
        delivery_rate: long(160),
        busy_time_us: long(168),
        rwnd_limited_us: long(176),
        sndbuf_limited_us: long(184),
        delivered: word(192),
        delivered_ce: word(196),
        bytes_sent: long(200),
        bytes_retrans: long(208),
        dsack_dups: word(216),
        reord_seen: word(220),
        rcv_ooopack: word(224),
        snd_wnd: word(228),
        rcv_wnd: word(232),
        rehash: word(236),
        total_rto: short_at(&bytes, 240),
        total_rto_recoveries: short_at(&bytes, 242),
        total_rto_time_ms: word(244),
        accecn: decode_accurate_ecn(&bytes),
    }
}

fn decode_accurate_ecn(bytes: &[u8; TCP_INFO_BYTES]) -> AccurateEcn {
    let word = |at: usize| u32_at(bytes, at).unwrap_or(0);
    AccurateEcn {
        received_ce: word(248),
        delivered_e1_bytes: word(252),
        delivered_e0_bytes: word(256),
        delivered_ce_bytes: word(260),
        received_e1_bytes: word(264),
        received_e0_bytes: word(268),
        received_ce_bytes: word(272),
        fail_mode: short_at(bytes, 276),
        opt_seen: short_at(bytes, 278),
    }
}

fn short_at(bytes: &[u8], at: usize) -> u16 {
    u16_at(bytes, at).unwrap_or(0)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(padded(bytes.get(at..).unwrap_or(&[])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_struct_is_filled_up_and_says_so() {
        let mut bytes = vec![1, 2, 3, 4, 5, 6, 0x97, 1];
        bytes.extend(200_000_u32.to_ne_bytes());
        bytes.extend([0xff; 2]);
        let info = decode_tcp_info(&bytes);
        assert_eq!(info.sent_bytes, 14);
        assert_eq!((info.snd_wscale, info.rcv_wscale), (7, 9));
        assert!(info.app_limited());
        assert_eq!(info.rto_us, 200_000);
        assert_eq!(info.ato_us.to_ne_bytes(), [0xff, 0xff, 0, 0]);
        assert_eq!(info.accecn, AccurateEcn::default());
    }

    #[test]
    fn the_last_field_ends_the_struct() {
        let mut bytes = vec![0; TCP_INFO_BYTES + 4];
        bytes[278..280].copy_from_slice(&7_u16.to_ne_bytes());
        bytes[244..248].copy_from_slice(&8_u32.to_ne_bytes());
        let info = decode_tcp_info(&bytes);
        assert_eq!((info.accecn.opt_seen, info.total_rto_time_ms), (7, 8));
        assert_eq!(info.sent_bytes, TCP_INFO_BYTES + 4);
    }
}
