//! Socket memory: what the protocols hold against their limits, and which processes hold it.

use crate::known::Known;
use crate::owner::Owner;
use crate::socket::IpVersion;

/// A protocol that the kernel accounts for in `/proc/net/sockstat` or `sockstat6`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// UDP-Lite.
    UdpLite,
    /// RAW sockets.
    Raw,
    /// Fragments waiting for the rest of their packet.
    Fragments,
}

/// Limits of a protocol's memory, in bytes (`net.ipv4.tcp_mem`, `udp_mem`, `ipfrag_*_thresh`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLimits {
    /// Below this the protocol is free to grow.
    pub low_bytes: u64,
    /// Above this it saves memory.
    pub pressure_bytes: u64,
    /// Above this it gets no more.
    pub high_bytes: u64,
}

/// Where a protocol's memory stands between its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryLevel {
    /// Not above the low limit.
    BelowLow,
    /// Above the low limit and not above pressure: pressure that began stays.
    BelowPressure,
    /// Above the pressure limit.
    Pressure,
    /// Above the hard limit.
    OverHigh,
}

impl MemoryLimits {
    /// Says where `bytes` stand.
    pub fn level(&self, bytes: u64) -> MemoryLevel {
        match bytes {
            _ if bytes > self.high_bytes => MemoryLevel::OverHigh,
            _ if bytes > self.pressure_bytes => MemoryLevel::Pressure,
            _ if bytes > self.low_bytes => MemoryLevel::BelowPressure,
            _ => MemoryLevel::BelowLow,
        }
    }
}

/// What one protocol holds. The IPv6 half of a protocol has a socket count alone: its memory is
/// accounted for together with that of IPv4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtocolMemory {
    /// The protocol.
    pub protocol: MemoryProtocol,
    /// Its half.
    pub version: IpVersion,
    /// Sockets in this network namespace (for fragments: incomplete packets).
    pub in_use: Known<u64>,
    /// TCP sockets without a process, on the whole host.
    pub orphans: Known<u64>,
    /// `TIME_WAIT` sockets of this network namespace.
    pub time_wait: Known<u64>,
    /// TCP sockets that are allocated, in any state, on the whole host.
    pub allocated: Known<u64>,
    /// Memory in bytes: for TCP and UDP on the whole host, for fragments in this namespace.
    pub memory_bytes: Known<u64>,
    /// Its limits.
    pub limits: Known<MemoryLimits>,
    /// Whether the kernel says that the protocol is under pressure (`/proc/net/protocols`).
    pub pressed: Known<bool>,
}

/// Memory of one socket, in bytes (`INET_DIAG_SKMEMINFO`, `SK_MEMINFO_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SocketMemory {
    /// Received and not yet read.
    pub rmem_alloc_bytes: u32,
    /// Limit of the receive buffer.
    pub rcvbuf_bytes: u32,
    /// Sent and still with lower layers.
    pub wmem_alloc_bytes: u32,
    /// Limit of the send buffer.
    pub sndbuf_bytes: u32,
    /// Charged to the protocol and not in use yet.
    pub forward_alloc_bytes: i32,
    /// In the send queue, acknowledgement included.
    pub wmem_queued_bytes: u32,
    /// Options, filters and other extras.
    pub optmem_bytes: u32,
    /// Arrived while the socket was locked.
    pub backlog_bytes: u32,
    /// Packets dropped.
    pub drops: u32,
}

impl SocketMemory {
    /// Gives what reception holds.
    pub fn rx_bytes(&self) -> u64 {
        u64::from(self.rmem_alloc_bytes) + u64::from(self.backlog_bytes)
    }

    /// Gives what sending holds. What lower layers still have of a TCP socket are clones of what is
    /// in its queue, so the larger of the two counts, not their sum.
    pub fn tx_bytes(&self) -> u64 {
        u64::from(self.wmem_alloc_bytes.max(self.wmem_queued_bytes))
    }

    /// Gives what is charged and not in use.
    pub fn reserve_bytes(&self) -> u64 {
        u64::try_from(self.forward_alloc_bytes).unwrap_or(0)
    }
}

/// The sockets of one process, or all those without one for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryHolder {
    /// The process.
    pub owner: Known<Owner>,
    /// How many sockets it has.
    pub sockets: u64,
    /// Bytes that reception holds.
    pub rx_bytes: u64,
    /// Bytes that sending holds.
    pub tx_bytes: u64,
    /// Bytes charged and not in use.
    pub reserve_bytes: u64,
    /// Bytes of options.
    pub option_bytes: u64,
}

impl MemoryHolder {
    /// Gives the sum.
    pub fn total_bytes(&self) -> u64 {
        self.rx_bytes
            .saturating_add(self.tx_bytes)
            .saturating_add(self.reserve_bytes)
            .saturating_add(self.option_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_begin_above_their_limit() {
        let limits = MemoryLimits {
            low_bytes: 10,
            pressure_bytes: 20,
            high_bytes: 30,
        };
        let levels = [10, 11, 20, 21, 30, 31].map(|bytes| limits.level(bytes));
        assert_eq!(
            levels,
            [
                MemoryLevel::BelowLow,
                MemoryLevel::BelowPressure,
                MemoryLevel::BelowPressure,
                MemoryLevel::Pressure,
                MemoryLevel::Pressure,
                MemoryLevel::OverHigh,
            ]
        );
    }

    #[test]
    fn clones_on_their_way_are_not_counted_twice() {
        let memory = SocketMemory {
            wmem_alloc_bytes: 100,
            wmem_queued_bytes: 300,
            forward_alloc_bytes: -5,
            ..SocketMemory::default()
        };
        assert_eq!(memory.tx_bytes(), 300);
        assert_eq!(memory.reserve_bytes(), 0);
    }
}
