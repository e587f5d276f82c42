//! A link (`struct ifinfomsg`): what a route's interface is like.

/// One interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its index.
    pub index: u32,
    /// Its name, raw bytes.
    pub name: Vec<u8>,
    /// `IFF_*`.
    pub flags: u32,
    /// `ARPHRD_*`.
    pub hardware: u16,
    /// Largest packet, bytes.
    pub mtu: Option<u32>,
    /// Index of its master (bridge, bond, VRF).
    pub master: Option<u32>,
    /// Index of the interface it rests on (VLAN, macvlan, tunnel), or, of a veth, of its other end; `None` also where that is
    /// in another network namespace.
    pub lower: Option<u32>,
    /// `IF_OPER_*`.
    pub operational_state: Option<u8>,
}

impl Link {
    /// `IFF_UP`.
    const UP: u32 = 0x1;
    /// `IFF_LOOPBACK`.
    const LOOPBACK: u32 = 0x8;
    /// `IFF_NOARP`.
    const NO_ARP: u32 = 0x80;
    /// `IFF_LOWER_UP`.
    const LOWER_UP: u32 = 0x1_0000;

    /// Says whether it was brought up.
    pub fn is_up(&self) -> bool {
        self.flags & Self::UP != 0
    }

    /// Says whether a carrier was seen.
    pub fn has_carrier(&self) -> bool {
        self.flags & Self::LOWER_UP != 0
    }

    /// Says whether it is loopback.
    pub fn is_loopback(&self) -> bool {
        self.flags & Self::LOOPBACK != 0
    }

    /// Says whether next hops need no link layer address on it.
    pub fn needs_no_neighbour(&self) -> bool {
        self.flags & (Self::NO_ARP | Self::LOOPBACK) != 0
    }
}
