//! An interface with what tells of its traffic: more than a route needs ([`crate::rtnl::Link`]), and more
//! than the ioctls of [`crate::interface`] tell.

use crate::known::{Known, Reason};
use crate::rtnl;

/// One interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What it is called and how it is. Its index stays when it is renamed.
    pub base: rtnl::Link,
    /// Length of the transmit queue in packets.
    pub tx_queue_len: Known<u32>,
    /// Link-layer address.
    pub address: Option<Vec<u8>>,
    /// What made it: `veth`, `bridge`, `vlan`; `None` for hardware.
    pub kind: Option<Vec<u8>>,
    /// Of a VRF: the table its packets are routed by.
    pub vrf_table: Option<u32>,
    /// Times the carrier came or went.
    pub carrier_changes: Known<u32>,
    /// The queueing discipline at its root.
    pub qdisc: Option<Vec<u8>>,
    /// The counters.
    pub statistics: Known<LinkStatistics>,
}

/// The names of `struct rtnl_link_stats64`, in its order.
pub const STATISTICS: [&str; 25] = [
    "rx_packets",
    "tx_packets",
    "rx_bytes",
    "tx_bytes",
    "rx_errors",
    "tx_errors",
    "rx_dropped",
    "tx_dropped",
    "multicast",
    "collisions",
    "rx_length_errors",
    "rx_over_errors",
    "rx_crc_errors",
    "rx_frame_errors",
    "rx_fifo_errors",
    "rx_missed_errors",
    "tx_aborted_errors",
    "tx_carrier_errors",
    "tx_fifo_errors",
    "tx_heartbeat_errors",
    "tx_window_errors",
    "rx_compressed",
    "tx_compressed",
    "rx_nohandler",
    "rx_otherhost_dropped",
];

/// `struct rtnl_link_stats64`, as long as this kernel sends it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkStatistics {
    /// The numbers in the order of [`STATISTICS`]; those behind its end are younger than we are.
    pub values: Vec<u64>,
}

impl LinkStatistics {
    /// Gives a number by its name; unknown where this kernel does not count it.
    pub fn get(&self, name: &str) -> Known<u64> {
        let place = STATISTICS.iter().position(|known| *known == name);
        match place.and_then(|place| self.values.get(place)) {
            Some(value) => Known::Known(*value),
            None => Known::Unknown(Reason::NotSupported),
        }
    }

    /// Goes through all numbers with their names; the youngest have none but their place.
    pub fn named(&self) -> impl Iterator<Item = (String, u64)> {
        self.values.iter().enumerate().map(|(place, value)| {
            let name = STATISTICS.get(place).copied();
            let name = name.map_or_else(|| format!("field_{place}"), str::to_owned);
            (name, *value)
        })
    }
}
