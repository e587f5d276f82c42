//! Routes of every kind the kernel takes from `ip route`.

use std::io;

use super::ip;

/// Makes two interfaces and routes over them, IPv4 and IPv6.
pub fn make_routes() -> io::Result<()> {
    ip(&[
        "link add veth0 type veth peer name a-long-name0123",
        "address add 10.9.0.1/24 dev veth0",
        "address add 2001:db8:9::1/64 dev veth0 nodad",
        "link set veth0 up",
        "link set a-long-name0123 up",
        "route add default via 10.9.0.254 metric 100",
        "route add default via 10.9.0.253 metric 4294967295",
        "route add 172.16.0.0/12 dev a-long-name0123",
        "route add 192.168.77.5 via 10.9.0.9 mtu 1400 window 5000 rtt 300ms",
        "route add 192.168.78.0/24 via 10.9.9.9 dev veth0 onlink",
        "route add 192.168.79.0/24 nexthop via 10.9.0.7 nexthop via 10.9.0.8",
        "route add unreachable 172.31.5.5",
        "route add prohibit 172.31.6.0/24",
        "route add blackhole 172.31.7.0/24",
        "route add throw 172.31.8.0/24",
        "route add 2001:db8:10::/48 via 2001:db8:9::2 metric 5",
        "route add unreachable 2001:db8:11::/48",
        "route add 2001:db8:12::1/128 dev veth0 expires 86000",
        "route add ::ffff:1.2.3.0/120 via 2001:db8:9::2",
        "route add 2001:db8:1111:2222:3333:4444:5555:6666/128 dev a-long-name0123",
    ])
}
