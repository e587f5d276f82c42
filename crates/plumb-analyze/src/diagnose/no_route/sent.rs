//! Datagrams that `sendto()` and the like refused for want of a way: only ENETUNREACH is counted anywhere.
//! Those for a group are [`group`]'s.
//!
//! The same errors have other causes. EINVAL is believed where the routing tables give it, too, and EACCES where
//! the destination is no broadcast; what a router or a neighbour said of an earlier datagram comes back from a later call.

mod group;

use std::collections::BTreeMap;
use std::net::IpAddr;

use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::notice::RefusedCall;
use plumb_model::rtnl::RouteType;
use plumb_model::sample::{Lookup, NO_ROUTE, Way};

use super::super::{Case, attempts, evidence, interfaces, turned_away};
use super::{ID, KINDS, PROHIBIT, SEVERAL, UNREACHABLE, destination, has_ipv6};

/// Looks for destinations whose datagrams were refused.
pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut by_way: BTreeMap<_, Vec<&RefusedCall>> = BTreeMap::new();
    let sends = case.notices.refused_calls.iter();
    for call in sends.filter(|call| call.is_send()) {
        let way = (Way::of(call), call.errno);
        by_way.entry(way).or_default().push(call);
    }
    let all = by_way.values();
    all.filter_map(|calls| refused(case, calls)).collect()
}

/// A destination to which datagrams from one source are refused in one way.
fn refused(case: &Case<'_>, calls: &[&RefusedCall]) -> Option<Finding> {
    let count: u64 = calls.iter().map(|call| call.count).sum();
    let call = *calls.iter().max_by_key(|call| call.count)?;
    let (_, means) = KINDS.iter().find(|(errno, _)| *errno == call.errno)?;
    let ip = call.address.ip().to_canonical();
    if count < SEVERAL || is_harmless(case, call, ip) {
        return None;
    }
    let answer = lookup(case, call);
    let confidence = if answer.is_some_and(|answer| answer.route == Err(call.errno)) {
        Confidence::Certain
    } else if answer.is_some_and(|answer| may_be_rule(case, call, answer)) {
        Confidence::Likely
    } else {
        return None;
    };
    let who = String::from_utf8_lossy(&call.comm).into_owned();
    let is_group = ip.is_multicast();
    Some(Finding {
        kind: ID,
        severity: if is_group {
            group::severity(case, call)
        } else {
            Severity::Critical
        },
        summary: format!("{who} cannot send to {ip}: {means}"),
        subject: Subject {
            pid: Some(call.pid),
            process: Some(who),
            ..destination(ip)
        },
        evidence: facts(case, call, count, means, answer),
        hints: if is_group {
            group::hints()
        } else {
            vec![
                format!("the rule and the table that decided: plumb path {ip}"),
                "where that finds a way, a rule about the user, the mark, the port or the source decides: ip rule".to_owned(),
            ]
        },
        confidence,
    })
}

fn facts(
    case: &Case<'_>,
    call: &RefusedCall,
    count: u64,
    means: &str,
    answer: Option<&Lookup>,
) -> Vec<Evidence> {
    let failed = format!("{count} datagrams to {} failed: {means}", call.address);
    let mut facts = vec![evidence::fact(&format!("{}() returned", call.call), failed)];
    if let Some(answer) = answer {
        let from = answer
            .way
            .source
            .map(|source| format!(" from {source}"))
            .unwrap_or_default();
        let said = match &answer.route {
            Ok(_) => "there is a way",
            Err(_) => means,
        };
        let said = format!("to {}{from}: {said}", answer.way.to);
        facts.push(evidence::fact("rtnetlink RTM_GETROUTE", said));
    }
    facts.extend(evidence::grown(case.span, "Ip", "OutNoRoutes"));
    facts.extend(evidence::grown(case.span, "Ip6", "OutNoRoutes"));
    facts
}

/// Gives what the routing tables say of such a datagram.
pub(super) fn lookup<'c>(case: &Case<'c>, call: &RefusedCall) -> Option<&'c Lookup> {
    let mut answers = case.span.after.refused.iter();
    answers.find(|answer| answer.way == Way::of(call))
}

/// Says whether a datagram that fails so harms nobody: programs try both families, a host without one of them tells them
/// at once, and who sends to everybody does so by each interface. From the loopback nothing goes elsewhere, whatever the
/// tables say. What an interface that is switched off does is told as that.
fn is_harmless(case: &Case<'_>, call: &RefusedCall, ip: IpAddr) -> bool {
    let without_family = match ip {
        IpAddr::V6(_) => call.errno == NO_ROUTE || !has_ipv6(case),
        IpAddr::V4(_) => !has_ipv4(case),
    };
    let to_all = match ip {
        IpAddr::V4(ip) => ip.is_broadcast() || ip.is_multicast() && !group::is_needed(call),
        IpAddr::V6(ip) => ip.is_multicast(),
    };
    without_family && !case.focus.counts_each(ip)
        || to_all
        || ip.is_loopback()
        || call.source.is_some_and(|source| source.is_loopback())
        || call.errno == NO_ROUTE && interfaces::is_behind_dead(case, ip)
}

/// Says whether a rule may have refused a datagram to which the tables, asked without what the rule looks at, give a way.
fn may_be_rule(case: &Case<'_>, call: &RefusedCall, answer: &Lookup) -> bool {
    let Ok(route) = &answer.route else {
        return false;
    };
    let ip = answer.way.to;
    match call.errno {
        PROHIBIT => route.kind == RouteType::UNICAST,
        UNREACHABLE | NO_ROUTE => {
            !case.notices.is_blind
                && !turned_away::no_way(case).contains_key(&ip)
                && attempts::silent_hop_of(case, route, ip).is_none()
                && !case.span.after.can_reject()
        }
        _ => false,
    }
}

/// Says whether an interface has an address of IPv4 that others can reach.
fn has_ipv4(case: &Case<'_>) -> bool {
    let mut addresses = case.span.after.addresses.iter();
    addresses.any(|own| own.ip.is_ipv4() && !own.ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use plumb_model::id::Pid;
    use plumb_model::notice::Notices;
    use plumb_model::rtnl::{Address, Route};
    use plumb_model::sample::Sample;

    use super::*;
    use crate::made_up;

    const SOURCE: [u8; 4] = [10, 9, 0, 1];
    const FAR: ([u8; 4], u16) = ([10, 50, 0, 9], 8125);

    /// Gives what is found where datagrams to an end were refused so often with this error, and the tables answer so.
    fn found(
        to: impl Into<SocketAddr>,
        (errno, count): (i32, u64),
        route: Result<Route, i32>,
    ) -> Vec<(&'static str, Option<String>, Confidence)> {
        let address = to.into();
        let source = Some(IpAddr::from(SOURCE));
        let ip = address.ip();
        let sample = Sample {
            addresses: vec![Address {
                interface: 2,
                ip: SOURCE.into(),
                prefix_len: 24,
                scope: 0,
                flags: 0,
            }],
            refused: vec![Lookup {
                way: Way {
                    to: ip,
                    source,
                    interface: None,
                },
                route,
            }],
            ..Sample::default()
        };
        let notices = Notices {
            refused_calls: vec![RefusedCall {
                call: "sendto",
                pid: Pid(7),
                comm: b"statsd".to_vec(),
                protocol: 17,
                address,
                source,
                interface: None,
                errno,
                count,
                instead: None,
            }],
            ..Notices::default()
        };
        let found = made_up::found(&sample, &sample, &notices).into_iter();
        found
            .map(|found| (found.kind, found.subject.peer, found.confidence))
            .collect()
    }

    #[test]
    fn datagrams_that_no_counter_tells_of_are_told_by_what_sendto_returned() {
        let told = |confidence| [(ID, Some("10.50.0.9".to_owned()), confidence)];
        for errno in [13, 22, 101, 113] {
            let certain = found(FAR, (errno, 2), Err(errno));
            assert_eq!(certain, told(Confidence::Certain), "{errno}");
            assert_eq!(found(FAR, (errno, 1), Err(errno)), [], "{errno}");
        }
        // A rule about the user or the mark, which the question does not have.
        for errno in [13, 101, 113] {
            let likely = found(FAR, (errno, 2), Ok(made_up::route(RouteType::UNICAST)));
            assert_eq!(likely, told(Confidence::Likely), "{errno}");
        }
    }

    #[test]
    fn sends_that_fail_for_other_reasons_or_harm_nobody_are_not_told() {
        // A wrong argument, a broadcast without SO_BROADCAST.
        assert_eq!(
            found(FAR, (22, 9), Ok(made_up::route(RouteType::UNICAST))),
            []
        );
        let all = ([10, 9, 0, 255], 9);
        assert_eq!(
            found(all, (13, 9), Ok(made_up::route(RouteType::BROADCAST))),
            []
        );
        let everybody = ([255; 4], 9);
        assert_eq!(found(everybody, (101, 9), Err(101)), []);
        let group = ([224, 0, 0, 251], 5353);
        assert_eq!(found(group, (101, 9), Err(101)), []);
        // The other family is tried as well.
        let other: SocketAddr = "[2001:db8::53]:53".parse().expect("an end");
        assert_eq!(found(other, (101, 9), Err(101)), []);
        // The firewall, and a socket that is full.
        assert_eq!(
            found(FAR, (1, 9), Ok(made_up::route(RouteType::UNICAST))),
            []
        );
        assert_eq!(
            found(FAR, (11, 9), Ok(made_up::route(RouteType::UNICAST))),
            []
        );
    }
}
