//! What this host should forward and has no way for, or a way that forbids it: attempts of others that come in and do not
//! go out again, or packets of others that it answers with an ICMP error, whose destination the routing tables refuse.
//!
//! Whoever tries may hear of it seldom or never: a router limits its ICMP errors, and sends none for a `blackhole`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use plumb_model::Known;
use plumb_model::finding::{Confidence, Finding, Severity};
use plumb_model::notice::{Direction, Notice, What};

use super::{ID, KINDS, destination};
use crate::diagnose::{Case, evidence, of_interest, sockets};

/// So many are no accident.
const SEVERAL: u64 = 2;

/// What came for one destination and did not go on.
#[derive(Debug, Default)]
struct Kept {
    /// SYNs.
    syns: u64,
    /// Packets of any protocol that this host answered with an ICMP error.
    errors: u64,
    /// Who sent them.
    clients: BTreeSet<IpAddr>,
}

/// Looks for destinations to which others try to connect through this host, in vain.
pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut all = kept(case);
    add_turned_away(case, &mut all);
    let all = all.into_iter();
    all.filter(|(ip, kept)| kept.syns.max(kept.errors) >= SEVERAL && forwards(case, *ip))
        .filter_map(|(ip, kept)| finding(case, ip, &kept))
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
fn kept(case: &Case<'_>) -> BTreeMap<IpAddr, Kept> {
    let sample = case.span.after;
    let is_local = |end: SocketAddr| sockets::is_local(sample, end.ip());
    let syns = |direction| case.notices.of(direction, |what| what == What::Syn);
    let sent: BTreeSet<(SocketAddr, SocketAddr)> = syns(Direction::Sent)
        .map(|notice| (notice.local, notice.peer))
        .collect();
    let mut all: BTreeMap<IpAddr, Kept> = BTreeMap::new();
    let passed_on = |notice: &Notice| sent.contains(&(notice.peer, notice.local));
    for notice in syns(Direction::Received) {
        if !is_local(notice.local) && !is_local(notice.peer) && !passed_on(notice) {
            let kept = all.entry(notice.local.ip().to_canonical()).or_default();
            kept.syns += notice.count;
            kept.clients.insert(notice.peer.ip().to_canonical());
        }
    }
    all
}

/// Adds what this host itself told others that it has no way for.
fn add_turned_away(case: &Case<'_>, all: &mut BTreeMap<IpAddr, Kept>) {
    let is_local = |ip: IpAddr| sockets::is_local(case.span.after, ip);
    for notice in case.notices.of(Direction::Sent, of_interest::is_no_way) {
        let (to, client) = (notice.local.ip(), notice.peer.ip());
        let ours = matches!(notice.what, What::Unreachable { by, .. } if is_local(by));
        if ours && !is_local(to) && !is_local(client) {
            let kept = all.entry(to.to_canonical()).or_default();
            kept.errors += notice.count;
            kept.clients.insert(client.to_canonical());
        }
    }
}

fn finding(case: &Case<'_>, ip: IpAddr, kept: &Kept) -> Option<Finding> {
    let mut routes = case.span.after.destinations.iter();
    let number = *routes.find(|to| to.ip == ip)?.route.as_ref().err()?;
    let means = KINDS.iter().find(|(errno, _)| *errno == number)?.1;
    let clients = kept.clients.iter().take(4).map(IpAddr::to_string);
    let clients = clients.collect::<Vec<_>>().join(", ");
    let seconds = case.span.seconds();
    let mut facts = vec![evidence::fact("rtnetlink RTM_GETROUTE", means)];
    if kept.syns > 0 {
        let count = kept.syns;
        let text = format!(
            "{count} of {clients} came to be forwarded in {seconds:.1} s and did not leave"
        );
        facts.push(evidence::fact("packets received: SYN", text));
    }
    if kept.errors > 0 {
        let count = kept.errors;
        let text =
            format!("{count} went to {clients} in {seconds:.1} s for what was to be forwarded");
        let source = "packets sent: ICMP destination unreachable";
        facts.push(evidence::fact(source, text));
    }
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
    use plumb_model::rtnl::Address;
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

    /// What is told where this router, 10.9.0.254, or another sent a client so many ICMP errors for a datagram.
    fn told_by(by: [u8; 4], code: u8, count: u64, errno: i32) -> Vec<Severity> {
        let server = SocketAddr::from(([10, 77, 0, 4], 123));
        let by = by.into();
        let notices = Notices {
            all: vec![Notice {
                what: What::Unreachable { code, by },
                direction: Direction::Sent,
                protocol: 17,
                local: server,
                peer: ([10, 9, 0, 1], 40_000).into(),
                interface: 2,
                count,
                age_us: 1_500_000,
                last_age_us: 0,
            }],
            ..Notices::default()
        };
        let sample = Sample {
            settings: Settings::new(vec![("net.ipv4.ip_forward", vec![1])]),
            addresses: vec![Address {
                interface: 2,
                ip: [10, 9, 0, 254].into(),
                prefix_len: 24,
                scope: 0,
                flags: 0,
            }],
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
        assert_eq!(
            of_interest::destinations(&notices).contains(&server.ip()),
            code != 3
        );
        let found = super::super::check(&case).into_iter();
        found.map(|found| found.severity).collect()
    }

    #[test]
    fn a_router_tells_whose_datagrams_its_routes_refuse() {
        let own = [10, 9, 0, 254];
        assert_eq!(told_by(own, 13, 3, 13), [Severity::Warning]);
        assert_eq!(told_by(own, 0, 3, 101), [Severity::Warning]);
        // Once, of a port, and the word of a router behind it.
        assert_eq!(told_by(own, 13, 1, 13), []);
        assert_eq!(told_by(own, 3, 3, 13), []);
        assert_eq!(told_by([10, 8, 0, 254], 13, 3, 13), []);
    }
}
