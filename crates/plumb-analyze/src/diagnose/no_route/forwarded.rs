//! What this host should forward and has no way for, or a way that forbids it: attempts of others that come in, do not
//! go out again, and whose destination the routing tables refuse.
//!
//! Whoever tries may hear of it seldom or never: a router limits its ICMP errors, and sends none for a `blackhole`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use plumb_model::Known;
use plumb_model::finding::{Confidence, Finding, Severity};
use plumb_model::notice::{Direction, Notice, What};

use super::{ID, KINDS, destination};
use crate::diagnose::{Case, evidence, sockets};

/// So many are no accident.
const SEVERAL: u64 = 2;

/// Looks for destinations to which others try to connect through this host, in vain.
pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let kept = kept(case).into_iter();
    kept.filter(|(ip, (count, _))| *count >= SEVERAL && forwards(case, *ip))
        .filter_map(|(ip, (count, clients))| finding(case, ip, count, &clients))
        .collect()
}

/// Says whether this host is a router for the family of an address.
fn forwards(case: &Case<'_>, ip: IpAddr) -> bool {
    let name = if ip.is_ipv4() {
        "net.ipv4.ip_forward"
    } else {
        "net.ipv6.conf.all.forwarding"
    };
    matches!(case.span.after.settings.number(name), Known::Known(1..))
}

/// Counts SYNs between others that came and did not leave again, by their destination, with their senders.
fn kept(case: &Case<'_>) -> BTreeMap<IpAddr, (u64, BTreeSet<IpAddr>)> {
    let sample = case.span.after;
    let is_local = |end: SocketAddr| sockets::is_local(sample, end.ip());
    let syns = |direction| case.notices.of(direction, |what| what == What::Syn);
    let sent: BTreeSet<(SocketAddr, SocketAddr)> = syns(Direction::Sent)
        .map(|notice| (notice.local, notice.peer))
        .collect();
    let mut kept: BTreeMap<IpAddr, (u64, BTreeSet<IpAddr>)> = BTreeMap::new();
    let passed_on = |notice: &Notice| sent.contains(&(notice.peer, notice.local));
    for notice in syns(Direction::Received) {
        if !is_local(notice.local) && !is_local(notice.peer) && !passed_on(notice) {
            let (count, clients) = kept.entry(notice.local.ip().to_canonical()).or_default();
            *count += notice.count;
            clients.insert(notice.peer.ip().to_canonical());
        }
    }
    kept
}

fn finding(case: &Case<'_>, ip: IpAddr, count: u64, clients: &BTreeSet<IpAddr>) -> Option<Finding> {
    let mut routes = case.span.after.destinations.iter();
    let number = *routes.find(|to| to.ip == ip)?.route.as_ref().err()?;
    let means = KINDS.iter().find(|(errno, _)| *errno == number)?.1;
    let clients: Vec<String> = clients.iter().take(4).map(IpAddr::to_string).collect();
    let mut facts = vec![
        evidence::fact("rtnetlink RTM_GETROUTE", means),
        evidence::fact(
            "packets received: SYN",
            format!(
                "{count} of {} came to be forwarded in {:.1} s and did not leave",
                clients.join(", "),
                case.span.seconds()
            ),
        ),
    ];
    facts.extend(evidence::grown(case.span, "IpExt", "InNoRoutes"));
    facts.extend(evidence::grown(case.span, "Icmp", "OutDestUnreachs"));
    Some(Finding {
        kind: ID,
        // Whether whoever tries should get through, only he knows.
        severity: Severity::Warning,
        summary: format!("what others send to {ip} by way of this host goes nowhere: {means}"),
        subject: destination(ip),
        evidence: facts,
        hints: vec![
            format!("the rule and the table that decided: plumb path {ip}"),
            "a prohibit, unreachable or blackhole route forbids on purpose: ip route show"
                .to_owned(),
        ],
        confidence: Confidence::Certain,
    })
}

#[cfg(test)]
mod tests {
    use plumb_model::notice::Notices;
    use plumb_model::sample::{Destination, Sample, Settings};

    use super::*;
    use crate::made_up;

    /// What is told where SYNs of 10.9.0.1 for 10.98.0.1 came, whether or not one left, and the route is so.
    fn told(forward: u64, passed_on: bool, errno: i32) -> Vec<Severity> {
        let (client, server): (SocketAddr, SocketAddr) =
            (([10, 9, 0, 1], 40_000).into(), ([10, 98, 0, 1], 80).into());
        let syn = |direction, local, peer| Notice {
            what: What::Syn,
            direction,
            protocol: 6,
            local,
            peer,
            interface: 2,
            count: 3,
            age_us: 1_500_000,
            last_age_us: 0,
        };
        let mut all = vec![syn(Direction::Received, server, client)];
        if passed_on {
            all.push(syn(Direction::Sent, client, server));
        }
        let notices = Notices {
            all,
            ..Notices::default()
        };
        let sample = Sample {
            settings: Settings::new(vec![("net.ipv4.ip_forward", vec![forward])]),
            destinations: vec![Destination {
                ip: server.ip(),
                route: Err(errno),
            }],
            ..Sample::default()
        };
        let case = Case {
            notices: &notices,
            ..made_up::between(&sample, &sample)
        };
        let found = super::super::check(&case).into_iter();
        found.map(|found| found.severity).collect()
    }

    #[test]
    fn a_router_tells_whose_attempts_its_routes_refuse() {
        for errno in [13, 22, 101, 113] {
            assert_eq!(told(1, false, errno), [Severity::Warning]);
        }
        // Whoever is no router throws away what is not for him, and what left was not refused.
        assert_eq!(told(0, false, 13), []);
        assert_eq!(told(1, true, 13), []);
        // An errno that stands for no route.
        assert_eq!(told(1, false, 1), []);
    }
}
