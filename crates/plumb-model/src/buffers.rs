//! How large the buffers of sockets may become, and who decides it: the program, the kernel as it goes, or nobody.

use crate::known::Known;
use crate::memory::MemoryLimits;

/// Sizes that sockets of a network namespace get and may have, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferSettings {
    /// `net.core.rmem_max`: the most that SO_RCVBUF may ask for; the kernel doubles what was asked for.
    pub receive_max_bytes: Known<u64>,
    /// `net.core.wmem_max`: likewise of SO_SNDBUF.
    pub send_max_bytes: Known<u64>,
    /// `net.core.optmem_max`: the most for options and ancillary data.
    pub option_max_bytes: Known<u64>,
    /// `net.ipv4.tcp_rmem`: the least, the first and the most that TCP takes by itself for what is received.
    pub tcp_receive_bytes: Known<[u64; 3]>,
    /// `net.ipv4.tcp_wmem`: likewise for what is sent.
    pub tcp_send_bytes: Known<[u64; 3]>,
    /// `net.ipv4.tcp_moderate_rcvbuf`: whether TCP lets receive buffers grow at all.
    pub tcp_receive_grows: Known<bool>,
    /// `net.ipv4.tcp_mem`: the host's, which its first network namespace alone shows.
    pub tcp_memory: Known<MemoryLimits>,
    /// `net.ipv4.udp_mem`: likewise.
    pub udp_memory: Known<MemoryLimits>,
}

/// Buffers whose size the program has set, so that the kernel leaves it alone (`SO_BUF_LOCK`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BufferLocks {
    /// By SO_RCVBUF.
    pub receive: bool,
    /// By SO_SNDBUF.
    pub send: bool,
}
