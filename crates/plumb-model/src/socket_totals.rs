//! How many sockets of which kind a host has, as the kernel counts them.
//!
//! The numbers are the kernel's own sums and may disagree: what is allocated counts the whole host,
//! what is in use the network namespace. They are as wide and as signed as ss keeps them.

/// Sockets of one IP version in use in this network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InUse {
    /// `RAW inuse`.
    pub raw: Option<i32>,
    /// `UDP inuse`.
    pub udp: Option<i32>,
    /// `TCP inuse`: hashed ones, TIME_WAIT and listeners included.
    pub tcp: Option<i32>,
    /// `FRAG inuse`: packets being put together.
    pub frag: Option<i32>,
}

/// The totals; `None` where the kernel did not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SocketTotals {
    /// `sockets: used`, of any family.
    pub sockets: Option<i32>,
    /// `TCP orphan`: without a file.
    pub tcp_orphaned: Option<i32>,
    /// `TCP tw`: in TIME_WAIT.
    pub tcp_time_wait: Option<i32>,
    /// `TCP alloc`: in any state, in all network namespaces.
    pub tcp_allocated: Option<i32>,
    /// `Tcp CurrEstab`: in ESTABLISHED or CLOSE_WAIT.
    pub tcp_established: Option<i32>,
    /// Of IPv4.
    pub ipv4: InUse,
    /// Of IPv6.
    pub ipv6: InUse,
}
