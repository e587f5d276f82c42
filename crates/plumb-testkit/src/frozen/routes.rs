//! `/proc/net/route`, `/proc/net/ipv6_route` and `/proc/net/rt_cache`.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::devices::hex;

/// One IPv4 route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The interface's name, `*` if there is none.
    pub interface: &'static str,
    /// The destination.
    pub destination: Ipv4Addr,
    /// The next hop, all zero if there is none.
    pub gateway: Ipv4Addr,
    /// `RTF_*` of `linux/route.h`.
    pub flags: u32,
    /// Reference count, use count, metric, as they are printed.
    pub counts: (i64, i64, i64),
    /// The network mask.
    pub mask: Ipv4Addr,
    /// MTU, window, initial round trip time, as they are printed.
    pub tcp: (i64, i64, i64),
}

/// Gives a whole `/proc/net/route`.
pub fn route(routes: &[Route]) -> String {
    let header =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
    let rows = routes.iter().map(|route| pad(&row(route)));
    pad(header) + &rows.collect::<String>()
}

fn row(route: &Route) -> String {
    let (references, used, metric) = route.counts;
    let (mtu, window, irtt) = route.tcp;
    format!(
        "{}\t{:08X}\t{:08X}\t{:04X}\t{references}\t{used}\t{metric}\t{:08X}\t{mtu}\t{window}\t{irtt}",
        route.interface,
        word(route.destination),
        word(route.gateway),
        route.flags,
        word(route.mask),
    )
}

/// The kernel pads every line of these files to 127 bytes before the newline.
fn pad(line: &str) -> String {
    format!("{line:<127}\n")
}

fn word(address: Ipv4Addr) -> u32 {
    u32::from_ne_bytes(address.octets())
}

/// Gives the header of `/proc/net/rt_cache`, which is all that kernels since 3.6 print.
pub fn rt_cache() -> String {
    pad(
        "Iface\tDestination\tGateway \tFlags\t\tRefCnt\tUse\tMetric\tSource\t\tMTU\tWindow\tIRTT\
         \tTOS\tHHRef\tHHUptod\tSpecDst",
    )
}

/// Gives one line of `/proc/net/rt_cache` as kernels before 3.6 printed it.
pub fn rt_cache_row(route: &Route, source: Ipv4Addr) -> String {
    let (references, used, metric) = route.counts;
    let (mtu, window, irtt) = route.tcp;
    pad(&format!(
        "{}\t{:08X}\t{:08X}\t{:8X}\t{references}\t{used}\t{metric}\t{:08X}\t{mtu}\t{window}\t{irtt}\
         \t00\t-1\t0\t{:08X}",
        route.interface,
        word(route.destination),
        word(route.gateway),
        route.flags,
        word(source),
        word(route.destination),
    ))
}

/// One IPv6 route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route6 {
    /// The destination.
    pub destination: Ipv6Addr,
    /// Its prefix length.
    pub prefix: u8,
    /// The next hop, all zero if there is none.
    pub next_hop: Ipv6Addr,
    /// The metric.
    pub metric: u32,
    /// References and uses.
    pub counts: (u32, u32),
    /// `RTF_*`.
    pub flags: u32,
    /// The interface's name.
    pub interface: &'static str,
}

/// Gives a whole `/proc/net/ipv6_route`.
pub fn ipv6_route(routes: &[Route6]) -> String {
    let rows = routes.iter().map(|route| {
        let (references, used) = route.counts;
        format!(
            "{} {:02x} {:032x} 00 {} {:08x} {references:08x} {used:08x} {:08x} {:>8}\n",
            hex(route.destination),
            route.prefix,
            0,
            hex(route.next_hop),
            route.metric,
            route.flags,
            route.interface,
        )
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // From Linux 6.18 after `ip route add 10.98.0.0/24 dev lo`.
    #[test]
    fn rows_read_as_the_kernels() {
        let route = Route {
            interface: "lo",
            destination: Ipv4Addr::new(10, 98, 0, 0),
            gateway: Ipv4Addr::UNSPECIFIED,
            flags: 1,
            counts: (0, 0, 0),
            mask: Ipv4Addr::new(255, 255, 255, 0),
            tcp: (0, 0, 0),
        };
        assert_eq!(
            row(&route),
            "lo\t0000620A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0"
        );
        let route = Route6 {
            destination: Ipv6Addr::UNSPECIFIED,
            prefix: 0,
            next_hop: Ipv6Addr::UNSPECIFIED,
            metric: u32::MAX,
            counts: (1, 0),
            flags: 0x0020_0200,
            interface: "lo",
        };
        assert_eq!(
            ipv6_route(&[route]),
            "00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n"
        );
    }
}
