//! JSON rows of the route tables: array `routes`.
//!
//! Both families and both tables (routes, and the cache of old kernels) share one row type. A
//! number the kernel writes as 0 because the route sets none is null.

use plumb_model::route::{CachedRoute4, Route4, Route6, RouteCommon, RouteFlags, RouteMetrics};
use serde::Serialize;

use super::{Netns, text};

/// One route.
#[derive(Debug, Clone, Serialize)]
pub struct RouteRow {
    /// The namespace; present only when several are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub netns: Option<Netns>,
    /// `inet` or `inet6`.
    pub family: &'static str,
    /// An entry of the route cache rather than a route.
    pub cached: bool,
    /// Source address of a cache entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Destination network.
    pub destination: String,
    /// Bits of its prefix; null where the mask is no prefix.
    pub prefix_length: Option<u32>,
    /// Next hop; null where the destination is on the link or the route refuses.
    pub gateway: Option<String>,
    /// Names of the flags, as the system headers spell them behind `RTF_`.
    pub flags: Vec<&'static str>,
    /// The flag word.
    pub flags_code: u32,
    /// Interface; null where the route has none.
    pub interface: Option<String>,
    /// Metric; the lowest wins.
    pub metric: u32,
    /// References held.
    pub references: u32,
    /// Lookups that used it.
    pub uses: u32,
    /// Advertised segment size plus 40.
    pub mtu_bytes: Option<u32>,
    /// Window clamp.
    pub window_bytes: Option<u32>,
    /// Initial round-trip time.
    pub initial_rtt_ms: Option<u32>,
}

impl RouteRow {
    /// Builds the row of an IPv4 route.
    pub fn from_route4(netns: Option<Netns>, route: &Route4) -> Self {
        let bits = route.mask.to_bits();
        let row = Self::from_common(netns, "inet", &route.common, route.metrics);
        Self {
            destination: route.destination.to_string(),
            prefix_length: (bits.leading_ones() == bits.count_ones()).then_some(bits.count_ones()),
            gateway: (!route.gateway.is_unspecified()).then(|| route.gateway.to_string()),
            ..row
        }
    }

    /// Builds the row of an IPv4 cache entry.
    pub fn from_cached4(netns: Option<Netns>, entry: &CachedRoute4) -> Self {
        let row = Self::from_common(netns, "inet", &entry.common, entry.metrics);
        Self {
            cached: true,
            // The high bits of a cache entry's flag word mean other things than a route's.
            flags: flag_names(RouteFlags(entry.common.flags.0 & 0xffff)),
            source: Some(entry.source.to_string()),
            destination: entry.destination.to_string(),
            prefix_length: Some(32),
            gateway: (!entry.gateway.is_unspecified()).then(|| entry.gateway.to_string()),
            ..row
        }
    }

    /// Builds the row of an IPv6 route or cache entry.
    pub fn from_route6(netns: Option<Netns>, route: &Route6) -> Self {
        let row = Self::from_common(netns, "inet6", &route.common, RouteMetrics::default());
        Self {
            cached: route.common.flags.contains(RouteFlags::CACHE),
            destination: route.destination.to_string(),
            prefix_length: Some(route.prefix_length),
            gateway: (!route.next_hop.is_unspecified()).then(|| route.next_hop.to_string()),
            ..row
        }
    }

    fn from_common(
        netns: Option<Netns>,
        family: &'static str,
        common: &RouteCommon,
        metrics: RouteMetrics,
    ) -> Self {
        Self {
            netns,
            family,
            cached: false,
            source: None,
            destination: String::new(),
            prefix_length: None,
            gateway: None,
            flags: flag_names(common.flags),
            flags_code: common.flags.0,
            interface: (common.interface != b"*").then(|| text(&common.interface)),
            metric: common.metric,
            references: common.references,
            uses: common.uses,
            mtu_bytes: set(metrics.mtu_bytes),
            window_bytes: set(metrics.window_bytes),
            initial_rtt_ms: set(metrics.initial_rtt_ms),
        }
    }
}

fn set(value: u32) -> Option<u32> {
    (value != 0).then_some(value)
}

const FLAG_NAMES: &[(RouteFlags, &str)] = &[
    (RouteFlags::UP, "UP"),
    (RouteFlags::GATEWAY, "GATEWAY"),
    (RouteFlags::HOST, "HOST"),
    (RouteFlags::REINSTATE, "REINSTATE"),
    (RouteFlags::DYNAMIC, "DYNAMIC"),
    (RouteFlags::MODIFIED, "MODIFIED"),
    (RouteFlags::MTU, "MTU"),
    (RouteFlags::WINDOW, "WINDOW"),
    (RouteFlags::IRTT, "IRTT"),
    (RouteFlags::REJECT, "REJECT"),
    (RouteFlags::NOT_CACHED, "NOTCACHED"),
    (RouteFlags::DEFAULT, "DEFAULT"),
    (RouteFlags::ALL_ON_LINK, "ALLONLINK"),
    (RouteFlags::ADDRCONF, "ADDRCONF"),
    (RouteFlags::NO_NEXT_HOP, "NONEXTHOP"),
    (RouteFlags::EXPIRES, "EXPIRES"),
    (RouteFlags::CACHE, "CACHE"),
    (RouteFlags::FLOW, "FLOW"),
    (RouteFlags::POLICY, "POLICY"),
    (RouteFlags::LOCAL, "LOCAL"),
];

fn flag_names(flags: RouteFlags) -> Vec<&'static str> {
    FLAG_NAMES
        .iter()
        .filter(|(flag, _)| flags.contains(*flag))
        .map(|&(_, name)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn common(interface: &str, flags: u32) -> RouteCommon {
        RouteCommon {
            interface: interface.into(),
            flags: RouteFlags(flags),
            metric: 100,
            references: 0,
            uses: 7,
        }
    }

    #[test]
    fn a_route_is_numbers_and_names() {
        let route = Route4 {
            destination: Ipv4Addr::UNSPECIFIED,
            gateway: Ipv4Addr::new(10, 9, 0, 254),
            mask: Ipv4Addr::UNSPECIFIED,
            common: common("veth0", 3),
            metrics: RouteMetrics {
                mtu_bytes: 1400,
                window_bytes: 0,
                initial_rtt_ms: 0,
            },
        };
        let row = RouteRow::from_route4(None, &route);
        assert_eq!(
            serde_json::to_string(&row).expect("rows serialise"),
            r#"{"family":"inet","cached":false,"destination":"0.0.0.0","prefix_length":0,"#
                .to_string()
                + r#""gateway":"10.9.0.254","flags":["UP","GATEWAY"],"flags_code":3,"#
                + r#""interface":"veth0","metric":100,"references":0,"uses":7,"#
                + r#""mtu_bytes":1400,"window_bytes":null,"initial_rtt_ms":null}"#
        );
    }

    #[test]
    fn what_a_route_lacks_is_null() {
        let route = Route4 {
            destination: Ipv4Addr::new(10, 0, 0, 0),
            gateway: Ipv4Addr::UNSPECIFIED,
            mask: Ipv4Addr::new(255, 0, 255, 0),
            common: common("*", 0x201),
            metrics: RouteMetrics::default(),
        };
        let row = RouteRow::from_route4(None, &route);
        assert_eq!(
            (row.prefix_length, row.gateway, row.interface),
            (None, None, None)
        );
        assert_eq!(row.flags, ["UP", "REJECT"]);
    }

    #[test]
    fn ipv6_cache_entries_say_so() {
        let route = Route6 {
            destination: Ipv6Addr::LOCALHOST,
            prefix_length: 128,
            next_hop: Ipv6Addr::UNSPECIFIED,
            common: common("lo", 0x0100_0001),
        };
        let row = RouteRow::from_route6(None, &route);
        assert!(row.cached);
        assert_eq!(row.destination, "::1");
        assert_eq!(row.gateway, None);
    }
}
