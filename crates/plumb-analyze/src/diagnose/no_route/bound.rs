//! Sockets that are bound to an interface (`SO_BINDTODEVICE`) by which no route leads where they send.
//!
//! For them the tables are asked for routes by that interface alone. Over IPv6 the call fails, although there is a way by
//! another one. Over IPv4 the kernel takes the address for one of the interface's network and asks for it there, where
//! nobody has it.

use std::net::IpAddr;

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::notice::RefusedCall;
use plumb_model::sample::{NO_ROUTE, Way};

use super::super::{Case, evidence, neighbour};
use super::{ID, SEVERAL, TCP, destination, only_way, sent};

/// Looks for calls that were refused, and for addresses that are asked for where no route leads.
pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let calls = case.notices.refused_calls.iter();
    let mut found: Vec<Finding> = calls.filter_map(|call| refused(case, call)).collect();
    let silent = neighbour::check_unresolved(case).into_iter();
    found.extend(silent.filter_map(|silent| off_link(case, silent)));
    found
}

/// Says whether a call is such a one: the tables have no way by its interface. It is the interface that is at fault, or who
/// chose it, only where it has addresses of the family.
pub(super) fn is_refused(case: &Case<'_>, call: &RefusedCall) -> bool {
    let ip = call.address.ip().to_canonical();
    let Some(interface) = call.interface else {
        return false;
    };
    let has_way = match sent::lookup(case, call) {
        Some(answer) => answer.route.is_ok(),
        None => return false,
    };
    let is_there = |own: IpAddr| match (own, ip) {
        (IpAddr::V6(own), IpAddr::V6(_)) => !own.is_unicast_link_local(),
        (IpAddr::V4(_), IpAddr::V4(_)) => true,
        _ => false,
    };
    let mut addresses = case.span.after.addresses.iter();
    call.errno == NO_ROUTE
        && !has_way
        && !is_near(ip)
        && addresses.any(|own| own.interface == interface && is_there(own.ip))
}

/// Says whether an address is no other host's, or on the link whatever the tables say.
fn is_near(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_multicast() || ip.is_broadcast() || ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_multicast() || ip.is_loopback() || ip.is_unicast_link_local(),
    }
}

fn refused(case: &Case<'_>, call: &RefusedCall) -> Option<Finding> {
    let tries = call.call == "connect" || call.is_send();
    if call.count < SEVERAL || !tries || !is_refused(case, call) {
        return None;
    }
    let ip = call.address.ip().to_canonical();
    // Who tries both families goes on with the other.
    let goes_on = ip.is_ipv6() && call.protocol == TCP && !only_way::is(case, ip);
    let severity = if goes_on && !case.focus.counts_each(ip) {
        Severity::Info
    } else {
        Severity::Warning
    };
    let who = String::from_utf8_lossy(&call.comm).into_owned();
    let way = Way::of(call);
    let interface = name(case, way.interface);
    let tries = match call.call {
        "connect" => evidence::attempts(call.count),
        _ => format!("{} datagrams", call.count),
    };
    Some(Finding {
        kind: ID,
        severity,
        summary: format!(
            "{who} cannot reach {ip}: its socket is bound to {interface}, by which there is no route"
        ),
        subject: Subject {
            pid: Some(call.pid),
            process: Some(who),
            ..destination(ip)
        },
        evidence: vec![
            evidence::fact(
                &format!("{}() returned", call.call),
                format!("{tries} to {} failed: ENETUNREACH", call.address),
            ),
            evidence::fact(
                "rtnetlink RTM_GETROUTE RTA_OIF",
                format!("to {ip} by {interface}: there is no route"),
            ),
        ],
        hints: hints(ip, &interface),
        confidence: Confidence::Certain,
    })
}

/// Makes of an address that nobody has on an interface the reason why it is asked for there.
fn off_link(case: &Case<'_>, silent: Finding) -> Option<Finding> {
    let ip: IpAddr = silent.subject.peer.as_deref()?.parse().ok()?;
    let interface = silent.subject.interface.clone()?;
    let mut asked = case.span.after.off_link.iter();
    asked.find(|(of, index)| *of == ip && name(case, Some(*index)) == interface)?;
    let fact = evidence::fact(
        "rtnetlink RTM_GETROUTE RTA_OIF, RTM_F_FIB_MATCH",
        format!("no entry of the routing tables leads to {ip} by {interface}"),
    );
    let mut facts = vec![fact];
    facts.extend(silent.evidence);
    Some(Finding {
        kind: ID,
        summary: format!(
            "packets to {ip} leave by {interface}, by which no route leads there: their socket is bound to it"
        ),
        evidence: facts,
        hints: hints(ip, &interface),
        ..silent
    })
}

fn hints(ip: IpAddr, interface: &str) -> Vec<String> {
    let family = if ip.is_ipv6() { "-6 " } else { "" };
    vec![
        format!(
            "add one: ip {family}route add {ip} via ROUTER dev {interface} (a higher metric keeps it from others)"
        ),
        "or let the program bind to no interface (SO_BINDTODEVICE), or to another one".to_owned(),
    ]
}

fn name(case: &Case<'_>, index: Option<u32>) -> String {
    let mut links = case.span.after.links.iter();
    let link = links.find(|link| Some(link.base.index) == index);
    link.map(|link| String::from_utf8_lossy(&link.base.name).into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use plumb_model::id::Pid;
    use plumb_model::notice::Notices;
    use plumb_model::rtnl::{Address, Neighbour, RouteType};
    use plumb_model::sample::{Lookup, Sample};

    use super::super::super::diagnose;
    use super::super::super::loss::tests::short_of_processors;
    use super::*;
    use crate::made_up;

    const FAR: &str = "[2001:db8:50::1]:80";

    fn address(interface: u32, ip: &str) -> Address {
        Address {
            interface,
            ip: ip.parse().expect("an address"),
            prefix_len: 64,
            scope: 0,
            flags: 0,
        }
    }

    /// What is found where a socket that is bound to an interface was refused, whose addresses are these; by it there is a
    /// way or not.
    fn found(
        call: &'static str,
        own: &str,
        has_way: bool,
    ) -> Vec<(&'static str, Severity, Option<String>)> {
        let address_of = FAR.parse().expect("an end");
        let refused = RefusedCall {
            call,
            pid: Pid(7),
            comm: b"probe".to_vec(),
            protocol: if call == "connect" { 6 } else { 17 },
            address: address_of,
            source: None,
            interface: Some(3),
            errno: NO_ROUTE,
            count: 3,
            instead: None,
        };
        let route = made_up::route(RouteType::UNICAST);
        let sample = Sample {
            addresses: vec![address(2, "2001:db8:9::1"), address(3, own)],
            refused: vec![Lookup {
                way: Way::of(&refused),
                route: if has_way { Ok(route) } else { Err(NO_ROUTE) },
            }],
            ..Sample::default()
        };
        let notices = Notices {
            refused_calls: vec![refused],
            ..Notices::default()
        };
        let case = Case {
            notices: &notices,
            ..made_up::between(&sample, &sample)
        };
        let found = diagnose(&case).into_iter();
        found
            .map(|found| (found.kind, found.severity, found.subject.peer))
            .collect()
    }

    /// What is found of an address on an interface that goes on to be asked for, and that a route leads to or not.
    fn asked_for(is_off_link: bool) -> Vec<(&'static str, Option<String>)> {
        let ip = [10, 50, 0, 1].into();
        let neighbour = Neighbour {
            interface: 3,
            ip,
            // NUD_FAILED.
            state: 0x20,
            flags: 0,
            link_address: None,
            probes: None,
            idle_ms: Some(100),
        };
        let sample = |at_us| Sample {
            at_us,
            neighbours: vec![neighbour.clone()],
            off_link: is_off_link.then_some((ip, 3)).into_iter().collect(),
            ..short_of_processors(false)
        };
        let (before, after) = (sample(1_000_000), sample(3_000_000));
        let found = diagnose(&made_up::between(&before, &after)).into_iter();
        found
            .map(|found| (found.kind, found.subject.interface))
            .collect()
    }

    #[test]
    fn an_address_that_is_asked_for_where_no_route_leads_is_the_route_s_trouble() {
        let on = Some("veth0".to_owned());
        assert_eq!(asked_for(true), [(ID, on.clone())]);
        assert_eq!(asked_for(false), [(neighbour::UNRESOLVED, on)]);
    }

    #[test]
    fn a_socket_that_is_bound_where_no_route_leads_is_told() {
        let told = [(ID, Severity::Warning, Some("2001:db8:50::1".to_owned()))];
        assert_eq!(found("connect", "2001:db8:8::1", false), told);
        assert_eq!(found("sendto", "2001:db8:8::1", false), told);
        // There is a way by now; and an interface without IPv6 has none for anybody.
        assert_eq!(found("connect", "2001:db8:8::1", true), []);
        assert_eq!(found("connect", "fe80::1", false), []);
        assert_eq!(found("sendto", "10.8.0.1", false), []);
    }
}
