//! Network interfaces with their addresses, hardware and statistics.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The 16 numbers of a line of `/proc/net/dev`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InterfaceStatistics {
    /// Received.
    pub rx: Receive,
    /// Sent.
    pub tx: Transmit,
}

/// The receiving half of [`InterfaceStatistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Receive {
    /// Bytes.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Packets with errors.
    pub errors: u64,
    /// Packets dropped.
    pub dropped: u64,
    /// Overruns of the hardware's queue.
    pub fifo: u64,
    /// Alignment and length errors.
    pub frame: u64,
    /// Compressed packets.
    pub compressed: u64,
    /// Multicast packets.
    pub multicast: u64,
}

/// The sending half of [`InterfaceStatistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Transmit {
    /// Bytes.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Packets with errors.
    pub errors: u64,
    /// Packets dropped.
    pub dropped: u64,
    /// Underruns of the hardware's queue.
    pub fifo: u64,
    /// Collisions.
    pub collisions: u64,
    /// Losses of the carrier.
    pub carrier: u64,
    /// Compressed packets.
    pub compressed: u64,
}

/// The low 16 bits of an interface's flags (`SIOCGIFFLAGS`, `IFF_*` in `linux/if.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterfaceFlags(pub u16);

impl InterfaceFlags {
    /// Administratively up.
    pub const UP: Self = Self(1);
    /// Has a broadcast address.
    pub const BROADCAST: Self = Self(1 << 1);
    /// Debugging is on.
    pub const DEBUG: Self = Self(1 << 2);
    /// Loopback.
    pub const LOOPBACK: Self = Self(1 << 3);
    /// Has one peer.
    pub const POINT_TO_POINT: Self = Self(1 << 4);
    /// Avoids trailers.
    pub const NO_TRAILERS: Self = Self(1 << 5);
    /// Operational.
    pub const RUNNING: Self = Self(1 << 6);
    /// Has no ARP.
    pub const NO_ARP: Self = Self(1 << 7);
    /// Receives everything.
    pub const PROMISCUOUS: Self = Self(1 << 8);
    /// Receives all multicast packets.
    pub const ALL_MULTICAST: Self = Self(1 << 9);
    /// Leads a group of interfaces.
    pub const MASTER: Self = Self(1 << 10);
    /// Belongs to a group of interfaces.
    pub const SLAVE: Self = Self(1 << 11);
    /// Supports multicast.
    pub const MULTICAST: Self = Self(1 << 12);
    /// Can set its media type.
    pub const PORT_SELECT: Self = Self(1 << 13);
    /// Selects its media by itself.
    pub const AUTO_MEDIA: Self = Self(1 << 14);
    /// Loses its address when it goes down.
    pub const DYNAMIC: Self = Self(1 << 15);

    /// Says whether all bits of `other` are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Link-layer type and address (`SIOCGIFHWADDR`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hardware {
    /// `ARPHRD_*` number.
    pub kind: u16,
    /// Address bytes, filled up with zeros; how many count depends on the type.
    pub address: [u8; 8],
}

/// Resources of a card (`SIOCGIFMAP`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceMap {
    /// First address of its memory.
    pub memory_start: u64,
    /// Last address of its memory.
    pub memory_end: u64,
    /// I/O address.
    pub base: u16,
    /// Interrupt.
    pub interrupt: u8,
    /// DMA channel.
    pub dma: u8,
    /// Media port.
    pub port: u8,
}

/// The IPv4 addresses of an interface or of one of its labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv4Config {
    /// Its own address.
    pub address: Ipv4Addr,
    /// The netmask.
    pub netmask: Option<Ipv4Addr>,
    /// The broadcast address; 0.0.0.0 when none was set.
    pub broadcast: Option<Ipv4Addr>,
    /// The peer's address; the own one on links without a peer.
    pub destination: Option<Ipv4Addr>,
}

/// One interface, or one address label such as `eth0:1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Name, raw bytes.
    pub name: Vec<u8>,
    /// Flags.
    pub flags: InterfaceFlags,
    /// Largest packet in bytes; 0 when the kernel does not tell.
    pub mtu: i32,
    /// Link-layer type and address; `None` when the kernel does not tell.
    pub hardware: Option<Hardware>,
    /// Length of the queue; `None` when the kernel does not tell.
    pub tx_queue_len: Option<i32>,
    /// Resources of the card.
    pub map: DeviceMap,
    /// IPv4 addresses, if it has any.
    pub ipv4: Option<Ipv4Config>,
    /// Counters; `None` for a name that `/proc/net/dev` does not have.
    pub statistics: Option<InterfaceStatistics>,
}

/// One line of `/proc/net/if_inet6`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ipv6Assignment {
    /// The address.
    pub address: Ipv6Addr,
    /// Length of its prefix in bits.
    pub prefix_len: i32,
    /// Scope bits (`IPV6_ADDR_*`): 0 global, 0x10 host, 0x20 link, 0x40 site, 0x80 compatible.
    pub scope: u32,
    /// The interface it is on.
    pub interface: Vec<u8>,
}
