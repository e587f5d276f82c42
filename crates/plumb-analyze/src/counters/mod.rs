//! What the kernel's counters mean: tables as data, one file for each group, and three questions to
//! them.
//!
//! The tables hold every counter of Linux 5.10 to 6.18. They were written from how the kernel works; a
//! name that changed its meaning between those releases says so. What is not in them is shown by its name
//! and value alone: a younger kernel's counter is no error.

pub(crate) mod concerned;
mod devices;
mod entry;
mod icmp;
mod ip;
mod ip6;
mod judge;
mod mptcp;
mod near;
mod period;
pub mod questions;
mod sctp;
mod tables;
mod tcp;
mod tcp_ext;
mod udp;
mod xfrm;

pub use self::concerned::{Concerned, concerned};
pub use self::entry::{Concerns, Explanation, Nature, Threshold, Verdict};
pub use self::judge::{Judgement, judge};
pub use self::near::near;
pub use self::period::Period;

/// A group's name and its explanations.
type Group = (&'static str, &'static [&'static [Explanation]]);

/// Every group, in the order in which they are shown.
const GROUPS: &[Group] = &[
    ("Ip", &[ip::IP]),
    ("Icmp", &[icmp::ICMP]),
    ("IcmpMsg", &[icmp::ICMP_MSG]),
    ("Tcp", &[tcp::TCP]),
    ("Udp", &[udp::UDP]),
    ("UdpLite", &[udp::UDP]),
    ("TcpExt", tcp_ext::TCP_EXT),
    ("IpExt", &[ip::IP_EXT]),
    ("MPTcpExt", &[mptcp::MPTCP_EXT]),
    ("Ip6", &[ip6::IP6]),
    ("Icmp6", &[ip6::ICMP6]),
    ("Udp6", &[udp::UDP]),
    ("UdpLite6", &[udp::UDP]),
    ("Sctp", &[sctp::SCTP]),
    ("Xfrm", &[xfrm::XFRM]),
    ("Tls", &[tcp::TLS]),
    ("sockstat", &[ip::SOCKSTAT]),
    ("protocols", &[tcp::PROTOCOLS]),
    ("softnet", &[devices::SOFTNET]),
    ("arp_cache", &[tables::NEIGHBOR]),
    ("ndisc_cache", &[tables::NEIGHBOR]),
    ("rt_cache", &[tables::RT_CACHE]),
    ("nf_conntrack", &[tables::NF_CONNTRACK]),
    ("synproxy", &[tables::SYNPROXY]),
    ("interface", &[devices::INTERFACE]),
];

/// Gives the explanation of a counter; `None` for one that no table has.
pub fn explain(group: &str, name: &str) -> Option<&'static Explanation> {
    let (_, tables) = GROUPS.iter().find(|(known, _)| *known == group)?;
    let mut entries = tables.iter().copied().flatten();
    entries.find(|entry| match entry.name.strip_suffix('*') {
        Some(family) => name
            .strip_prefix(family)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit())),
        None => entry.name == name,
    })
}

/// Goes through all explanations with their groups.
pub fn all() -> impl Iterator<Item = (&'static str, &'static Explanation)> {
    GROUPS.iter().flat_map(|(group, tables)| {
        let entries = tables.iter().copied().flatten();
        entries.map(|entry| (*group, entry))
    })
}
