//! Kernel counters as `/proc/net/snmp` and its relatives list them.
//!
//! Blocks and counters keep the kernel's order and the kernel's names: a counter that no table of
//! ours knows is as good as any other.

/// One named counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// The name as the file spells it; in `snmp6` and `sctp/snmp` it begins with the block's name.
    pub name: Vec<u8>,
    /// The value. `Tcp.MaxConn`, the one signed counter, is -1 (all bits set) where no limit is.
    pub value: u64,
}

/// The counters of one protocol.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CounterBlock {
    /// The protocol's name: `Ip`, `TcpExt`, `Icmp6` and so on.
    pub name: Vec<u8>,
    /// The counters in the order of the file.
    pub counters: Vec<Counter>,
}

/// One counter as `nstat` keeps and remembers it.
#[derive(Debug, Clone, PartialEq)]
pub struct RatedCounter {
    /// The full name: `TcpExtListenOverflows`, `Ip6InReceives`.
    pub name: Vec<u8>,
    /// The value.
    pub value: u64,
    /// The average growth per second, where a sampler keeps one; 0 otherwise.
    pub rate: f64,
}
