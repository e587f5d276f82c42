//! Packets of others that this host, a router, gives up itself.
//!
//! The kernel counts each as `InHdrErrors` (`ip_forward`, `ip6_forward`) and tells the sender, who is another. It tells one
//! sender about one a second (`icmp_ratelimit`), so the errors that leave are far fewer than what is given up; those held back
//! are counted, too (`OutRateLimitHost`, `OutRateLimitGlobal`, Linux 6.1).

use std::collections::BTreeMap;
use std::net::IpAddr;

use plumb_model::Known;
use plumb_model::finding::{Evidence, Finding, Severity};
use plumb_model::notice::{Direction, What};

use super::super::{Case, evidence, sockets};
use super::{finding, is_traffic};

/// Fewer are somebody who traces a route: three tries of each hop.
const MANY: u64 = 5;
/// The counters of a family: of IP, of ICMP.
const FAMILIES: [(bool, &str, &str); 2] = [(false, "Ip", "Icmp"), (true, "Ip6", "Icmp6")];

/// Looks for destinations towards which this host gives up what it should hand on, the most frequent of each family.
pub(super) fn given_up(case: &Case<'_>) -> Vec<Finding> {
    let families = FAMILIES.into_iter();
    families
        .filter_map(|(is_v6, ip, icmp)| of_family(case, is_v6, ip, icmp))
        .collect()
}

fn of_family(case: &Case<'_>, is_v6: bool, ip: &str, icmp: &str) -> Option<Finding> {
    let told = told(case, is_v6);
    let (peer, most) = sockets::most(&told)?;
    let all: u64 = told.values().sum();
    let count = counted(case, ip, icmp).map_or(all, |counted| counted.max(all));
    if count < MANY {
        return None;
    }
    let others = match told.len() - 1 {
        0 => String::new(),
        others => format!(", others to {others} more"),
    };
    let told = evidence::fact(
        "packets sent: ICMP time exceeded",
        format!("{most} senders of packets to {peer} were told{others}"),
    );
    let names = [
        (ip, "InHdrErrors"),
        (icmp, "OutTimeExcds"),
        (icmp, HELD_BACK[0]),
    ];
    let grown = names
        .iter()
        .filter_map(|(group, name)| grown(case, group, name));
    let found = finding(case, peer, count, &[]);
    Some(Finding {
        // Whom it harms is another.
        severity: Severity::Warning,
        summary: format!(
            "this host gives up packets of others to {peer}: they go in a circle, or have too small a hop limit"
        ),
        evidence: [told].into_iter().chain(grown).collect(),
        ..found
    })
}

/// Counters of errors that were held back, per sender and of all together.
const HELD_BACK: [&str; 2] = ["OutRateLimitHost", "OutRateLimitGlobal"];

/// Gives a counter that grew, as evidence; not every kernel has each.
fn grown(case: &Case<'_>, group: &str, name: &str) -> Option<Evidence> {
    matches!(case.span.grown(group, name), Known::Known(1..))
        .then(|| evidence::grown(case.span, group, name))?
}

/// Counts the errors of this host by the destination of what was given up.
fn told(case: &Case<'_>, is_v6: bool) -> BTreeMap<IpAddr, u64> {
    let sample = case.span.after;
    let exceeded = |what| matches!(what, What::TimeExceeded { code: 0, .. });
    let mut by_destination = BTreeMap::new();
    for notice in case.notices.of(Direction::Sent, exceeded) {
        let to = notice.local.ip().to_canonical();
        let What::TimeExceeded { by, .. } = notice.what else {
            continue;
        };
        let is_others = sockets::is_local(sample, by) && !sockets::is_local(sample, to);
        if is_others && to.is_ipv6() == is_v6 && is_traffic(notice) {
            *by_destination.entry(to).or_default() += notice.count;
        }
    }
    by_destination
}

/// Gives how many packets the kernel counts as given up: those with a wrong header of which senders are told, or would be.
fn counted(case: &Case<'_>, ip: &str, icmp: &str) -> Option<u64> {
    let grown = |group: &str, name| case.span.grown(group, name).ok();
    let wrong = grown(ip, "InHdrErrors")?;
    let told = grown(icmp, "OutTimeExcds")?;
    let held: Vec<u64> = HELD_BACK
        .iter()
        .filter_map(|name| grown(icmp, name))
        .collect();
    let errors = told + held.iter().sum::<u64>();
    Some(if held.is_empty() {
        wrong
    } else {
        wrong.min(errors)
    })
}

#[cfg(test)]
mod tests {
    use plumb_model::counters::{Counters, Reading};
    use plumb_model::notice::{Notice, Notices};
    use plumb_model::sample::Sample;

    use super::super::check;
    use super::*;
    use crate::made_up;

    fn sample(at_us: u64, values: &[(&str, &str, u64)]) -> Sample {
        let reading = |(group, name, value): &(&str, &str, u64)| Reading {
            group: (*group).into(),
            instance: None,
            name: (*name).into(),
            value: *value,
            source: "/proc/net/snmp",
        };
        Sample {
            at_us,
            counters: Counters {
                readings: values.iter().map(reading).collect(),
                ..Counters::default()
            },
            ..Sample::default()
        }
    }

    /// What is told where two errors for packets to this port leave and so many packets have been given up.
    fn told(port: u16, wrong: u64, held: u64) -> Vec<String> {
        let names = |wrong, told, held| {
            [
                ("Ip", "InHdrErrors", wrong),
                ("Icmp", "OutTimeExcds", told),
                ("Icmp", "OutRateLimitHost", held),
            ]
        };
        let notices = Notices {
            all: vec![Notice {
                what: What::TimeExceeded {
                    code: 0,
                    by: [127, 0, 0, 1].into(),
                },
                direction: Direction::Sent,
                protocol: 17,
                local: ([10, 55, 0, 1], port).into(),
                peer: ([10, 1, 0, 2], 40_000).into(),
                interface: 2,
                count: 2,
                age_us: 0,
                last_age_us: 0,
            }],
            ..Notices::default()
        };
        let (before, after) = (
            sample(1_000_000, &names(0, 0, 0)),
            sample(3_000_000, &names(wrong, 2, held)),
        );
        let case = Case {
            notices: &notices,
            ..made_up::between(&before, &after)
        };
        let found = check(&case).into_iter();
        found.filter_map(|found| found.subject.peer).collect()
    }

    #[test]
    fn a_router_in_a_circle_is_seen_by_what_it_gives_up_and_not_by_the_few_errors_that_it_may_send()
    {
        assert_eq!(told(4500, 98, 96), ["10.55.0.1"]);
        // A hop that somebody traces by another port, one that traceroute does, and headers that are wrong otherwise.
        assert_eq!(told(4500, 2, 0), [""; 0]);
        assert_eq!(told(33_440, 98, 96), [""; 0]);
        assert_eq!(told(4500, 98, 0), [""; 0]);
    }
}
