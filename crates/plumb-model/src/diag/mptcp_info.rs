//! What the kernel tells of an MPTCP socket: `struct mptcp_info` (`include/uapi/linux/mptcp.h`).
//!
//! Every field up to kernel 6.18, by the kernel's name without its prefix; `sent_bytes` says how
//! much of the struct came, and a field behind that is 0 without meaning it.

/// `struct mptcp_info` of one socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MptcpInfo {
    /// Bytes of the struct the kernel sent; fields at or behind it are unknown.
    pub sent_bytes: usize,
    /// Subflows beside the first one.
    pub subflows: u8,
    /// Addresses announced to the peer.
    pub add_addr_signal: u8,
    /// Addresses accepted from the peer.
    pub add_addr_accepted: u8,
    /// Limit of `subflows`.
    pub subflows_max: u8,
    /// Limit of `add_addr_signal`.
    pub add_addr_signal_max: u8,
    /// Limit of `add_addr_accepted`.
    pub add_addr_accepted_max: u8,
    /// The `FLAG_*` bits.
    pub flags: u32,
    /// Local token (RFC 8684).
    pub token: u32,
    /// Next data sequence number to write.
    pub write_seq: u64,
    /// Oldest data sequence number not acknowledged.
    pub snd_una: u64,
    /// Next data sequence number expected.
    pub rcv_nxt: u64,
    /// Local addresses in use. Since 5.15.
    pub local_addr_used: u8,
    /// Limit of `local_addr_used`. Since 5.15.
    pub local_addr_max: u8,
    /// Data checksums are in use. Since 5.15.
    pub csum_enabled: u8,
    /// Data retransmissions. Since 6.5.
    pub retransmits: u32,
    /// Bytes retransmitted. Since 6.5.
    pub bytes_retrans: u64,
    /// Bytes sent. Since 6.5.
    pub bytes_sent: u64,
    /// Bytes received. Since 6.5.
    pub bytes_received: u64,
    /// Bytes acknowledged. Since 6.5.
    pub bytes_acked: u64,
    /// Subflows, the first one included. Since 6.8.
    pub subflows_total: u8,
    /// Limit of laminar endpoints. Since 6.18.
    pub endp_laminar_max: u8,
    /// Time since data was last sent. Since 6.10.
    pub last_data_sent_ms: u32,
    /// Time since data last came. Since 6.10.
    pub last_data_recv_ms: u32,
    /// Time since an acknowledgement last came. Since 6.10.
    pub last_ack_recv_ms: u32,
}

impl MptcpInfo {
    /// `MPTCP_INFO_FLAG_FALLBACK`: the connection went on as plain TCP.
    pub const FLAG_FALLBACK: u32 = 1;
    /// `MPTCP_INFO_FLAG_REMOTE_KEY_RECEIVED`.
    pub const FLAG_REMOTE_KEY_RECEIVED: u32 = 2;
}
