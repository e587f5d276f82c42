//! Routes as the kernel's `/proc` tables list them.
//!
//! Numbers keep the kernel's unsigned meaning; the signed reading that netstat gives to large
//! ones is the presenter's.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The flag word of a route (`RTF_*` of `<linux/route.h>` and `<linux/ipv6_route.h>`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RouteFlags(pub u32);

impl RouteFlags {
    /// The route is usable.
    pub const UP: Self = Self(0x0001);
    /// The next hop is a gateway.
    pub const GATEWAY: Self = Self(0x0002);
    /// The destination is one host.
    pub const HOST: Self = Self(0x0004);
    /// Reinstated after a timeout.
    pub const REINSTATE: Self = Self(0x0008);
    /// Made by a redirect.
    pub const DYNAMIC: Self = Self(0x0010);
    /// Changed by a redirect.
    pub const MODIFIED: Self = Self(0x0020);
    /// Has an MTU of its own.
    pub const MTU: Self = Self(0x0040);
    /// Has a window clamp of its own.
    pub const WINDOW: Self = Self(0x0080);
    /// Has an initial round-trip time.
    pub const IRTT: Self = Self(0x0100);
    /// Packets are refused.
    pub const REJECT: Self = Self(0x0200);
    /// Never cached.
    pub const NOT_CACHED: Self = Self(0x0400);
    /// A default route learned by IPv6 autoconfiguration.
    pub const DEFAULT: Self = Self(0x0001_0000);
    /// All destinations are on the link.
    pub const ALL_ON_LINK: Self = Self(0x0002_0000);
    /// Made by address configuration.
    pub const ADDRCONF: Self = Self(0x0004_0000);
    /// Has no next hop.
    pub const NO_NEXT_HOP: Self = Self(0x0020_0000);
    /// Will expire.
    pub const EXPIRES: Self = Self(0x0040_0000);
    /// An entry of the route cache.
    pub const CACHE: Self = Self(0x0100_0000);
    /// Flow-significant.
    pub const FLOW: Self = Self(0x0200_0000);
    /// A policy route.
    pub const POLICY: Self = Self(0x0400_0000);
    /// Leads to this host.
    pub const LOCAL: Self = Self(0x8000_0000);

    /// Says whether every bit of `other` is set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// One IPv4 route of `/proc/net/route`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route4 {
    /// Destination network.
    pub destination: Ipv4Addr,
    /// Next hop; unspecified where there is none.
    pub gateway: Ipv4Addr,
    /// Mask of the destination.
    pub mask: Ipv4Addr,
    /// What every table has.
    pub common: RouteCommon,
    /// Size limits and round-trip time.
    pub metrics: RouteMetrics,
}

/// One entry of the IPv4 route cache of kernels before 3.6 (`/proc/net/rt_cache`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedRoute4 {
    /// Source of the packets.
    pub source: Ipv4Addr,
    /// Destination of the packets.
    pub destination: Ipv4Addr,
    /// Next hop.
    pub gateway: Ipv4Addr,
    /// What every table has; the flags are `RTCF_*`.
    pub common: RouteCommon,
    /// Size limits and round-trip time.
    pub metrics: RouteMetrics,
    /// Type of service.
    pub tos: u32,
    /// References of the cached hardware header.
    pub header_references: u32,
    /// Whether the cached hardware header is up to date.
    pub header_up_to_date: u32,
    /// Specific destination.
    pub specific_destination: Ipv4Addr,
}

/// One IPv6 route of `/proc/net/ipv6_route`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route6 {
    /// Destination network.
    pub destination: Ipv6Addr,
    /// Length of its prefix in bits.
    pub prefix_length: u32,
    /// Next hop; unspecified where there is none.
    pub next_hop: Ipv6Addr,
    /// What every table has.
    pub common: RouteCommon,
}

/// What every table of routes has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteCommon {
    /// Name of the interface; `*` where there is none.
    pub interface: Vec<u8>,
    /// Flags.
    pub flags: RouteFlags,
    /// Metric; the lowest wins.
    pub metric: u32,
    /// References held.
    pub references: u32,
    /// Lookups that used it.
    pub uses: u32,
}

/// The numbers that TCP takes from an IPv4 route; 0 where the route sets none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RouteMetrics {
    /// Column `MTU`: advertised segment size plus 40, in bytes.
    pub mtu_bytes: u32,
    /// Column `Window`: window clamp in bytes.
    pub window_bytes: u32,
    /// Column `IRTT`: initial round-trip time in milliseconds.
    pub initial_rtt_ms: u32,
}
