//! Builds `struct tcp_info` (`linux/tcp.h` of Linux 6.18) from the names of its fields.

/// A field: its name, the offset of its first byte, its length in bytes.
pub type Field = (&'static str, usize, usize);

/// `sizeof(struct tcp_info)` as iproute2 6.1 knows it; what is longer is cut.
pub const KNOWN_LEN: usize = 232;
/// `sizeof(struct tcp_info)` of Linux 6.18.
pub const LEN: usize = 280;

/// The fields; `wscale` holds two of four bits, `app_limited` and `fastopen_client_fail` share a byte.
#[rustfmt::skip]
pub const FIELDS: &[Field] = &[
    ("state", 0, 1), ("ca_state", 1, 1), ("retransmits", 2, 1), ("probes", 3, 1),
    ("backoff", 4, 1), ("options", 5, 1), ("wscale", 6, 1), ("app_limited", 7, 1),
    ("rto", 8, 4), ("ato", 12, 4), ("snd_mss", 16, 4), ("rcv_mss", 20, 4),
    ("unacked", 24, 4), ("sacked", 28, 4), ("lost", 32, 4), ("retrans", 36, 4),
    ("fackets", 40, 4), ("last_data_sent", 44, 4), ("last_ack_sent", 48, 4),
    ("last_data_recv", 52, 4), ("last_ack_recv", 56, 4), ("pmtu", 60, 4),
    ("rcv_ssthresh", 64, 4), ("rtt", 68, 4), ("rttvar", 72, 4), ("snd_ssthresh", 76, 4),
    ("snd_cwnd", 80, 4), ("advmss", 84, 4), ("reordering", 88, 4), ("rcv_rtt", 92, 4),
    ("rcv_space", 96, 4), ("total_retrans", 100, 4), ("pacing_rate", 104, 8),
    ("max_pacing_rate", 112, 8), ("bytes_acked", 120, 8), ("bytes_received", 128, 8),
    ("segs_out", 136, 4), ("segs_in", 140, 4), ("notsent_bytes", 144, 4), ("min_rtt", 148, 4),
    ("data_segs_in", 152, 4), ("data_segs_out", 156, 4), ("delivery_rate", 160, 8),
    ("busy_time", 168, 8), ("rwnd_limited", 176, 8), ("sndbuf_limited", 184, 8),
    ("delivered", 192, 4), ("delivered_ce", 196, 4), ("bytes_sent", 200, 8),
    ("bytes_retrans", 208, 8), ("dsack_dups", 216, 4), ("reord_seen", 220, 4),
    ("rcv_ooopack", 224, 4), ("snd_wnd", 228, 4), ("rcv_wnd", 232, 4), ("rehash", 236, 4),
    ("total_rto", 240, 2), ("total_rto_recoveries", 242, 2), ("total_rto_time", 244, 4),
];

/// A `struct tcp_info` under construction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpInfo {
    bytes: Vec<u8>,
}

impl Default for TcpInfo {
    fn default() -> Self {
        Self {
            bytes: vec![0; LEN],
        }
    }
}

impl TcpInfo {
    /// Sets a field by its name; the value is cut to its length.
    #[must_use]
    pub fn set(mut self, name: &str, value: u64) -> Self {
        let &(_, offset, len) = FIELDS
            .iter()
            .find(|(field, ..)| *field == name)
            .unwrap_or_else(|| panic!("tcp_info has no {name}"));
        self.put(offset, len, value);
        self
    }

    /// Sets the bytes of a field.
    pub fn put(&mut self, offset: usize, len: usize, value: u64) {
        let bytes = &value.to_le_bytes()[..len];
        self.bytes[offset..offset + len].copy_from_slice(bytes);
    }

    /// Gives the content of the attribute.
    pub fn bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Gives the first `len` bytes, as a kernel with a shorter structure would.
    pub fn truncated(self, len: usize) -> Vec<u8> {
        let mut bytes = self.bytes;
        bytes.resize(len, 0);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_follow_each_other_without_a_gap() {
        let mut end = 0;
        for (name, offset, len) in FIELDS {
            assert_eq!(*offset, end, "{name}");
            end = offset + len;
        }
        assert_eq!(end, 248);
    }
}
