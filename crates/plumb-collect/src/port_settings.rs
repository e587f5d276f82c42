//! The sysctls about ports and binds of the network namespace this thread is in.

use plumb_model::{Known, Reason};
use plumb_wire::config::{decode_port_list, decode_port_range};
use rustix::io::Errno;

/// Where they are.
const IPV4: &str = "/proc/sys/net/ipv4/";
const IPV6: &str = "/proc/sys/net/ipv6/";

/// The settings, each as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortSettings {
    /// `ip_local_port_range`: the first and the last port for sockets that ask for none.
    pub range: Known<(u16, u16)>,
    /// `ip_local_reserved_ports`: those of the range that the kernel gives to nobody who does not ask.
    pub reserved: Known<Vec<(u16, u16)>>,
    /// `ip_unprivileged_port_start`: the lowest port that needs no privilege.
    pub unprivileged_start: Known<u16>,
    /// `ip_nonlocal_bind` of IPv4.
    pub nonlocal_v4: Known<bool>,
    /// `ip_nonlocal_bind` of IPv6.
    pub nonlocal_v6: Known<bool>,
    /// `bindv6only`: what IPV6_V6ONLY is for a program that does not set it.
    pub bind_v6only: Known<bool>,
    /// `tcp_tw_reuse`: 0 never, 1 for every outgoing connection, 2 for those over loopback.
    pub tw_reuse: Known<u32>,
    /// `tcp_max_tw_buckets`: most sockets in TIME_WAIT.
    pub max_tw_buckets: Known<u32>,
    /// `tcp_l3mdev_accept`: sockets outside of VRFs take connections of all of them. Kernels without VRFs have
    /// none.
    pub tcp_l3mdev_accept: Known<bool>,
    /// `ip_autobind_reuse`.
    pub autobind_reuse: Known<bool>,
}

/// Reads them all.
pub fn read_port_settings() -> PortSettings {
    PortSettings {
        range: read(IPV4, "ip_local_port_range", |content| {
            let (lowest, highest) = decode_port_range(content)?;
            Some((u16::try_from(lowest).ok()?, u16::try_from(highest).ok()?))
        }),
        reserved: read(IPV4, "ip_local_reserved_ports", decode_port_list),
        unprivileged_start: read(IPV4, "ip_unprivileged_port_start", number),
        nonlocal_v4: read(IPV4, "ip_nonlocal_bind", yes),
        nonlocal_v6: read(IPV6, "ip_nonlocal_bind", yes),
        bind_v6only: read(IPV6, "bindv6only", yes),
        tw_reuse: read(IPV4, "tcp_tw_reuse", number),
        max_tw_buckets: read(IPV4, "tcp_max_tw_buckets", number),
        tcp_l3mdev_accept: read(IPV4, "tcp_l3mdev_accept", yes),
        autobind_reuse: read(IPV4, "ip_autobind_reuse", yes),
    }
}

fn read<T>(folder: &str, name: &str, decode: impl FnOnce(&[u8]) -> Option<T>) -> Known<T> {
    match crate::proc::read_file(format!("{folder}{name}")) {
        Ok(content) => decode(&content).map_or(Known::Unknown(Reason::NotInSource), Known::Known),
        Err(Errno::ACCESS | Errno::PERM) => Known::Unknown(Reason::PermissionDenied),
        Err(_) => Known::Unknown(Reason::NotSupported),
    }
}

fn number<T: std::str::FromStr>(content: &[u8]) -> Option<T> {
    std::str::from_utf8(content).ok()?.trim().parse().ok()
}

fn yes(content: &[u8]) -> Option<bool> {
    number::<u32>(content).map(|number| number != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_of_this_namespace_can_be_read() {
        let settings = read_port_settings();
        let (lowest, highest) = settings.range.ok().expect("every kernel has a range");
        assert!(lowest <= highest);
        assert!(settings.reserved.ok().is_some());
        assert!(settings.unprivileged_start.ok().is_some());
        assert!(settings.tw_reuse.ok().is_some());
    }
}
