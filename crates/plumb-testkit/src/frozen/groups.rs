//! `/proc/net/igmp` and `/proc/net/igmp6`.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::devices::hex;

/// The groups of one interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The interface's index.
    pub index: u32,
    /// The interface's name.
    pub name: &'static str,
    /// IPv4 groups and how many sockets joined each.
    pub v4: Vec<(Ipv4Addr, u32)>,
    /// IPv6 groups and how many sockets joined each.
    pub v6: Vec<(Ipv6Addr, u32)>,
}

/// Gives a whole `/proc/net/igmp`.
pub fn igmp(interfaces: &[Interface]) -> String {
    let header = "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n";
    header.to_owned() + &interfaces.iter().map(igmp_rows).collect::<String>()
}

fn igmp_rows(interface: &Interface) -> String {
    let (index, name, count) = (interface.index, interface.name, interface.v4.len());
    let groups = interface.v4.iter().map(|(group, users)| {
        let word = u32::from_ne_bytes(group.octets());
        format!("\t\t\t\t{word:08X} {users:5} 0:00000000\t\t0\n")
    });
    format!("{index}\t{name:<10}: {count:5} {:>7}\n", "V3") + &groups.collect::<String>()
}

/// Gives a whole `/proc/net/igmp6`.
pub fn igmp6(interfaces: &[Interface]) -> String {
    interfaces.iter().flat_map(igmp6_rows).collect()
}

fn igmp6_rows(interface: &Interface) -> impl Iterator<Item = String> {
    interface.v6.iter().map(|(group, users)| {
        let (index, name, group) = (interface.index, interface.name, hex(*group));
        format!("{index:<4} {name:<15} {group} {users:5} 0000000C 0\n")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // From Linux 6.18 in a new network namespace.
    #[test]
    fn rows_read_as_the_kernels() {
        let lo = Interface {
            index: 1,
            name: "lo",
            v4: vec![(Ipv4Addr::new(224, 0, 0, 1), 1)],
            v6: vec![(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1), 1)],
        };
        assert!(
            igmp(std::slice::from_ref(&lo)).ends_with(
                "1\tlo        :     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n"
            )
        );
        assert_eq!(
            igmp6(&[lo]),
            "1    lo              ff020000000000000000000000000001     1 0000000C 0\n"
        );
    }
}
