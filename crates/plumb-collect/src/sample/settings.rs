//! The settings a diagnosis compares with: files below `/proc/sys/net`, numbers separated by blanks, and a list of
//! ports, of which the first and the last of each part are given.

use plumb_model::sample::Settings;
use plumb_wire::config::decode_port_list;

use crate::proc::read_file;

/// What is read, by the name sysctl has for it.
const NAMES: &[&str] = &[
    "net.core.somaxconn",
    "net.core.rmem_max",
    "net.core.wmem_max",
    "net.core.netdev_max_backlog",
    "net.ipv4.ip_local_port_range",
    RESERVED,
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_max_tw_buckets",
    "net.ipv4.tcp_max_orphans",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.ipv4.udp_mem",
    "net.ipv4.neigh.default.gc_thresh1",
    "net.ipv4.neigh.default.gc_thresh2",
    "net.ipv4.neigh.default.gc_thresh3",
    "net.ipv4.conf.all.rp_filter",
    "net.ipv4.ip_forward",
    "net.ipv6.conf.all.forwarding",
    "net.netfilter.nf_conntrack_count",
    "net.netfilter.nf_conntrack_max",
    "net.unix.max_dgram_qlen",
];

/// A list of ports: `8080,9000-9010`.
const RESERVED: &str = "net.ipv4.ip_local_reserved_ports";

/// Reads them; those that this kernel or namespace does not have are left out.
pub(super) fn read() -> Settings {
    let read = |name: &&'static str| {
        let path = format!("/proc/sys/{}", name.replace('.', "/"));
        let text = read_file(path).ok()?;
        if *name == RESERVED {
            let parts = decode_port_list(&text)?.into_iter();
            let ends = parts.flat_map(|(first, last)| [first.into(), last.into()]);
            return Some((*name, ends.collect()));
        }
        let text = str::from_utf8(&text).ok()?;
        let numbers: Option<Vec<u64>> = text
            .split_whitespace()
            .map(|word| word.parse().ok())
            .collect();
        Some((*name, numbers?))
    };
    Settings::new(NAMES.iter().filter_map(read).collect())
}
