//! Interfaces of many kinds and flags.

use std::fs;
use std::io;

use super::ip;

/// What every kernel that runs containers has.
const MUST: &[&str] = &[
    "link add veth0 type veth peer name veth1",
    "link add a-long-name0123 type veth peer name br-long1",
    "link add br0 type bridge",
    "tuntap add tun0 mode tun",
    "tuntap add tap9 mode tap",
    "tuntap add tap10 mode tap",
    "link set veth1 master br0",
    "address add 10.9.0.1/24 broadcast 10.9.0.255 dev veth0",
    "address add 10.9.0.2/24 dev veth0",
    "address add 10.9.1.1/24 broadcast + dev veth0 label veth0:1",
    "address add 10.9.2.1/24 dev veth0 label veth0:10",
    "address add 10.9.3.1/24 dev veth0 label veth0:2",
    "address add 10.9.4.1 peer 10.9.4.2 dev tun0",
    "address add 127.0.0.2/8 dev lo label lo:alias",
    "address add 2001:db8:9::1/64 dev veth0 nodad",
    "link set veth0 up",
    "link set veth1 up promisc on",
    "link set br0 up allmulticast on mtu 1400",
    "link set a-long-name0123 multicast off arp off dynamic on",
    "link set tun0 up",
    "link set tap9 up txqueuelen 77",
];

/// What some kernels lack.
const MAY: &[&str] = &[
    "link add ifb7 type ifb",
    "link add vxlan7 type vxlan id 7 dstport 4789",
    "link add dummy7 type dummy",
    "tunnel add ipip7 mode ipip local 10.9.0.1 remote 10.9.0.9",
    "tunnel add sit7 mode sit local 10.9.0.1 remote 10.9.0.9",
];

/// Makes them all; gives the commands for kinds this kernel lacks.
pub fn make_interfaces() -> io::Result<Vec<&'static str>> {
    be_quiet()?;
    ip(MUST)?;
    Ok(MAY
        .iter()
        .copied()
        .filter(|line| ip(&[line]).is_err())
        .collect())
}

/// New interfaces shall not solicit routers: every packet moves a counter.
fn be_quiet() -> io::Result<()> {
    for setting in ["router_solicitations", "accept_dad"] {
        fs::write(format!("/proc/sys/net/ipv6/conf/default/{setting}"), "0")?;
    }
    Ok(())
}
