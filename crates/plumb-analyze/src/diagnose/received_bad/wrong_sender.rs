//! Packets whose sender cannot be where they came in: an address of this host, a group, the loopback. The kernel refuses
//! them before it filters the reverse path, and counts them for the whole machine together.
//!
//! What this host sends to everybody comes back where two of its interfaces are in one network, and is refused: that harms
//! nobody.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::notice::Martian;
use plumb_model::sample::Sample;

use super::{REVERSE_PATH, SEVERAL};
use crate::diagnose::{Case, evidence, sockets};

/// Looks for interfaces by which such packets come.
pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let sample = case.span.after;
    let mut by_interface: BTreeMap<u32, Vec<&Martian>> = BTreeMap::new();
    let all = case.notices.martians.iter();
    for martian in all.filter(|martian| !is_for_all(sample, martian.destination)) {
        let there = by_interface.entry(martian.interface).or_default();
        there.push(martian);
    }
    let all = by_interface.into_iter();
    all.filter_map(|(index, martians)| finding(case, index, &martians))
        .collect()
}

fn finding(case: &Case<'_>, index: u32, martians: &[&Martian]) -> Option<Finding> {
    let sample = case.span.after;
    let count: u64 = martians.iter().map(|martian| martian.count).sum();
    let most = martians.iter().max_by_key(|martian| martian.count)?;
    let mut links = sample.links.iter();
    let link = links.find(|link| link.base.index == index)?;
    if count < SEVERAL {
        return None;
    }
    let interface = String::from_utf8_lossy(&link.base.name).into_owned();
    let (source, destination) = (most.source, most.destination);
    let what = if sockets::is_local(sample, source) {
        "is an address of this host"
    } else {
        "cannot come from there"
    };
    Some(Finding {
        kind: REVERSE_PATH,
        severity: Severity::Warning,
        summary: format!("packets on {interface} are thrown away: their sender {source} {what}"),
        subject: Subject {
            kind: "interface",
            interface: Some(interface),
            ..Subject::default()
        },
        evidence: vec![evidence::fact(
            "packets dropped: IP_LOCAL_SOURCE, IP_INVALID_SOURCE, IP_LOCALNET",
            format!(
                "{count} in {:.1} s, most of them from {source} to {destination}",
                case.span.seconds()
            ),
        )],
        hints: vec![
            "another host has the address, too, or forges it, or packets of ours come back in a circle: tcpdump -e shows whose MAC sends them".to_owned(),
            "where that is on purpose: net.ipv4.conf.IF.accept_local=1, for addresses of the loopback route_localnet=1".to_owned(),
        ],
        confidence: Confidence::Certain,
    })
}

/// Says whether an address is a group, or everybody's in a network of ours.
fn is_for_all(sample: &Sample, ip: IpAddr) -> bool {
    let IpAddr::V4(ip) = ip.to_canonical() else {
        return ip.is_multicast();
    };
    let ends_network = |own: IpAddr, len: u8| {
        let IpAddr::V4(own) = own else { return false };
        let hosts = u32::MAX.checked_shr(len.into()).unwrap_or(0);
        len < 31 && Ipv4Addr::from_bits(own.to_bits() | hosts) == ip
    };
    let mut own = sample.addresses.iter();
    ip.is_multicast() || ip.is_broadcast() || own.any(|own| ends_network(own.ip, own.prefix_len))
}

#[cfg(test)]
mod tests {
    use plumb_model::notice::Notices;
    use plumb_model::rtnl::Address;

    use super::*;

    use crate::diagnose::loss::tests::short_of_processors;
    use crate::made_up;

    /// Gives the interfaces that are told of where so many packets came from an address of ours.
    fn found(destination: [u8; 4], count: u64) -> Vec<(&'static str, Option<String>)> {
        let sample = Sample {
            addresses: vec![Address {
                interface: 3,
                ip: [10, 1, 0, 2].into(),
                prefix_len: 24,
                scope: 0,
                flags: 0,
            }],
            links: short_of_processors(false).links,
            ..Sample::default()
        };
        let notices = Notices {
            martians: vec![Martian {
                interface: 3,
                source: [10, 1, 0, 2].into(),
                destination: destination.into(),
                count,
            }],
            ..Notices::default()
        };
        let found = made_up::found(&sample, &sample, &notices).into_iter();
        found
            .map(|found| (found.kind, found.subject.interface))
            .collect()
    }

    #[test]
    fn packets_from_an_address_of_ours_are_told_by_their_interface() {
        let told = [(REVERSE_PATH, Some("veth0".to_owned()))];
        assert_eq!(found([10, 1, 0, 2], 3), told);
        assert_eq!(found([10, 1, 0, 2], 2), []);
        // What we sent to everybody comes back.
        assert_eq!(found([10, 1, 0, 255], 9), []);
        assert_eq!(found([255; 4], 9), []);
        assert_eq!(found([224, 0, 0, 251], 9), []);
    }
}
