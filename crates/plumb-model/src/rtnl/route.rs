//! A route (`struct rtmsg`): an entry of a table, or the kernel's answer for one destination.

use std::net::IpAddr;

/// One route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `AF_INET` or `AF_INET6`.
    pub family: u8,
    /// Its network, or the destination asked for; `None` for all addresses.
    pub destination: Option<IpAddr>,
    /// Bits of the network that count.
    pub prefix_len: u8,
    /// The table (`RTA_TABLE`).
    pub table: u32,
    /// What happens to packets.
    pub kind: RouteType,
    /// `RTPROT_*`.
    pub protocol: u8,
    /// `RT_SCOPE_*`.
    pub scope: u8,
    /// The source address it prefers (`RTA_PREFSRC`).
    pub source: Option<IpAddr>,
    /// The router (`RTA_GATEWAY`, or `RTA_VIA` of another family).
    pub gateway: Option<IpAddr>,
    /// Index of the interface (`RTA_OIF`).
    pub interface: Option<u32>,
    /// Its metric (`RTA_PRIORITY`).
    pub priority: Option<u32>,
    /// `RTAX_MTU`: largest packet, configured or learned by path MTU discovery.
    pub mtu: Option<u32>,
    /// `RTAX_HOPLIMIT`.
    pub hop_limit: Option<u32>,
    /// Seconds until what was learned of the path is forgotten (`RTA_CACHEINFO`), 0 for never.
    pub expires_s: Option<u32>,
    /// The kernel made it for one destination, of what it learned of the path (`RTM_F_CLONED`): no entry of a table.
    pub is_learned: bool,
    /// The next hops of a multipath route (`RTA_MULTIPATH`).
    pub next_hops: Vec<NextHop>,
}

/// One of several next hops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextHop {
    /// Index of the interface.
    pub interface: u32,
    /// The router.
    pub gateway: Option<IpAddr>,
    /// Its share among the others.
    pub weight: u16,
}

/// `RTN_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RouteType(pub u8);

impl RouteType {
    /// A gateway or a direct route.
    pub const UNICAST: Self = Self(1);
    /// Ours: accepted locally.
    pub const LOCAL: Self = Self(2);
    /// Accepted locally as broadcast, sent as broadcast.
    pub const BROADCAST: Self = Self(3);
    /// Multicast.
    pub const MULTICAST: Self = Self(5);

    /// Gives the word that `ip route` has for it; `None` for types nobody here knows.
    pub fn word(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "none",
            1 => "unicast",
            2 => "local",
            3 => "broadcast",
            4 => "anycast",
            5 => "multicast",
            6 => "blackhole",
            7 => "unreachable",
            8 => "prohibit",
            9 => "throw",
            10 => "nat",
            11 => "xresolve",
            _ => return None,
        })
    }
}

impl Route {
    /// Says whether an address is in its network.
    pub fn covers(&self, ip: IpAddr) -> bool {
        match self.destination {
            None => (self.family == crate::diag::inet::AF_INET6) == ip.is_ipv6(),
            Some(network) => super::Prefix {
                ip: network,
                len: self.prefix_len,
            }
            .contains(ip),
        }
    }
}
