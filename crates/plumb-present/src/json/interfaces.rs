//! JSON rows of network interfaces and address labels (array `interfaces`).

use std::net::{Ipv4Addr, Ipv6Addr};

use plumb_model::Reason;
use plumb_model::interface::{
    Interface, InterfaceFlags, InterfaceStatistics, Ipv4Config, Ipv6Assignment,
};
use serde::Serialize;

/// One interface or label.
#[derive(Debug, Clone, Serialize)]
pub struct InterfaceRow {
    /// Name.
    pub name: String,
    /// Whether it is administratively up.
    pub up: bool,
    /// Names of the flags, as the kernel's headers spell them.
    pub flags: Vec<&'static str>,
    /// The flag word.
    pub flags_code: u16,
    /// Largest packet.
    pub mtu_bytes: i32,
    /// Link-layer type and address; `null` when the kernel does not tell.
    pub link: Option<LinkLayer>,
    /// Length of the queue; `null` when the kernel does not tell.
    pub tx_queue_packets: Option<i32>,
    /// The IPv4 addresses, `null` without any.
    pub ipv4: Option<Ipv4>,
    /// The IPv6 addresses.
    pub ipv6: Vec<Ipv6>,
    /// Resources of the card, left out where all are 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// Counters since the interface was made.
    pub statistics: Option<Statistics>,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistics_unknown: Option<&'static str>,
    /// The namespace, when several are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub netns: Option<super::Netns>,
}

/// Link-layer type and address.
#[derive(Debug, Clone, Serialize)]
pub struct LinkLayer {
    /// Short name of the type; `null` when it has none here.
    pub kind: Option<&'static str>,
    /// `ARPHRD_*` number.
    pub kind_code: u16,
    /// The address as it is usually written; `null` for types without one.
    pub address: Option<String>,
}

/// IPv4 addresses.
#[derive(Debug, Clone, Serialize)]
pub struct Ipv4 {
    /// The own address.
    pub address: Ipv4Addr,
    /// Netmask.
    pub netmask: Option<Ipv4Addr>,
    /// Broadcast address, on interfaces that have one.
    pub broadcast: Option<Ipv4Addr>,
    /// The peer's address, on point-to-point links.
    pub destination: Option<Ipv4Addr>,
}

/// An IPv6 address.
#[derive(Debug, Clone, Serialize)]
pub struct Ipv6 {
    /// The address.
    pub address: Ipv6Addr,
    /// Length of its prefix in bits.
    pub prefix_length: i32,
    /// The kernel's scope bits.
    pub scope_code: u32,
}

/// Resources of a card.
#[derive(Debug, Clone, Serialize)]
pub struct Device {
    /// Interrupt.
    pub interrupt: u8,
    /// I/O address.
    pub base: u16,
    /// First address of its memory.
    pub memory_start: u64,
    /// Last address of its memory.
    pub memory_end: u64,
    /// DMA channel.
    pub dma: u8,
}

/// Counters.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the names are those of /proc/net/dev")]
pub struct Statistics {
    pub rx_bytes: u64,
    pub rx_packets: u64,
    pub rx_errors: u64,
    pub rx_dropped: u64,
    pub rx_fifo: u64,
    pub rx_frame: u64,
    pub rx_compressed: u64,
    pub rx_multicast: u64,
    pub tx_bytes: u64,
    pub tx_packets: u64,
    pub tx_errors: u64,
    pub tx_dropped: u64,
    pub tx_fifo: u64,
    pub tx_collisions: u64,
    pub tx_carrier: u64,
    pub tx_compressed: u64,
}

/// The words of an interface that its writers know.
#[derive(Debug, Clone, Default)]
pub struct Words {
    /// Names of its flags.
    pub flags: Vec<&'static str>,
    /// Short name of its link-layer type.
    pub link_kind: Option<&'static str>,
    /// Its link-layer address.
    pub link_address: Option<String>,
}

impl InterfaceRow {
    /// Builds the row; of `ipv6` only what is on this interface counts.
    pub fn new(
        interface: &Interface,
        ipv6: &[Ipv6Assignment],
        words: Words,
        netns: Option<super::Netns>,
    ) -> Self {
        let mine = ipv6.iter().filter(|a| a.interface == interface.name);
        let map = &interface.map;
        let device = Device {
            interrupt: map.interrupt,
            base: map.base,
            memory_start: map.memory_start,
            memory_end: map.memory_end,
            dma: map.dma,
        };
        let has_device =
            map.interrupt != 0 || map.base != 0 || map.memory_start != 0 || map.dma != 0;
        Self {
            name: super::text(&interface.name),
            up: interface.flags.has(InterfaceFlags::UP),
            flags: words.flags,
            flags_code: interface.flags.0,
            mtu_bytes: interface.mtu,
            link: interface.hardware.map(|hardware| LinkLayer {
                kind: words.link_kind,
                kind_code: hardware.kind,
                address: words.link_address,
            }),
            tx_queue_packets: interface.tx_queue_len,
            ipv4: interface.ipv4.map(|ipv4| Ipv4::new(&ipv4, interface.flags)),
            ipv6: mine.map(Ipv6::new).collect(),
            device: has_device.then_some(device),
            statistics: interface.statistics.as_ref().map(Statistics::new),
            statistics_unknown: match interface.statistics {
                Some(_) => None,
                None => Some(Reason::NotInSource.word()),
            },
            netns,
        }
    }
}

impl Ipv4 {
    fn new(ipv4: &Ipv4Config, flags: InterfaceFlags) -> Self {
        let only_with = |flag, addr: Option<Ipv4Addr>| addr.filter(|_| flags.has(flag));
        Self {
            address: ipv4.address,
            netmask: ipv4.netmask,
            broadcast: only_with(InterfaceFlags::BROADCAST, ipv4.broadcast)
                .filter(|addr| !addr.is_unspecified()),
            destination: only_with(InterfaceFlags::POINT_TO_POINT, ipv4.destination),
        }
    }
}

impl Ipv6 {
    fn new(assignment: &Ipv6Assignment) -> Self {
        Self {
            address: assignment.address,
            prefix_length: assignment.prefix_len,
            scope_code: assignment.scope,
        }
    }
}

impl Statistics {
    fn new(InterfaceStatistics { rx, tx }: &InterfaceStatistics) -> Self {
        Self {
            rx_bytes: rx.bytes,
            rx_packets: rx.packets,
            rx_errors: rx.errors,
            rx_dropped: rx.dropped,
            rx_fifo: rx.fifo,
            rx_frame: rx.frame,
            rx_compressed: rx.compressed,
            rx_multicast: rx.multicast,
            tx_bytes: tx.bytes,
            tx_packets: tx.packets,
            tx_errors: tx.errors,
            tx_dropped: tx.dropped,
            tx_fifo: tx.fifo,
            tx_collisions: tx.collisions,
            tx_carrier: tx.carrier,
            tx_compressed: tx.compressed,
        }
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::interface::DeviceMap;

    use super::*;

    #[test]
    fn a_label_says_that_it_has_no_counters() {
        let label = Interface {
            name: b"eth0:1".to_vec(),
            flags: InterfaceFlags(0x1003),
            mtu: 1500,
            hardware: None,
            tx_queue_len: Some(1000),
            map: DeviceMap::default(),
            ipv4: None,
            statistics: None,
        };
        let row = InterfaceRow::new(&label, &[], Words::default(), None);
        assert_eq!(
            serde_json::json!(row),
            serde_json::json!({
                "name": "eth0:1", "up": true, "flags": [], "flags_code": 0x1003,
                "mtu_bytes": 1500, "link": null, "tx_queue_packets": 1000, "ipv4": null,
                "ipv6": [], "statistics": null, "statistics_unknown": "not-in-source",
            })
        );
    }
}
