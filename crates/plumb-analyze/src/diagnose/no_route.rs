//! `no-route`: the routing tables have no way to a destination, or forbid it.
//!
//! Here `connect()` fails at once (ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL), so nothing is left to see but
//! `Ip.OutNoRoutes`; the kernel is asked about the destinations that were named and those of calls that failed.
//! Datagrams that fail so are [`sent`]'s, and what a socket that is bound to an interface sends [`bound`]'s. Elsewhere a
//! router says so by an ICMP error (see [`turned_away`]); what this host should forward is [`forwarded`]'s.

mod bound;
mod forwarded;
mod in_vain;
mod only_way;
mod sent;

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::notice::{Direction, RefusedCall, What};
use plumb_model::sample::{Destination, NO_ROUTE};

use super::flow::lasting;
use super::turned_away::{self, Errors};
use super::{Case, attempts, evidence, interfaces, of_interest, own_word, sockets};

/// The id of the finding.
pub const ID: &str = "no-route";
/// `IPPROTO_TCP`.
const TCP: u8 = 6;
/// Fewer attempts are no trouble.
const SEVERAL: u64 = 2;
/// `EHOSTUNREACH`.
const UNREACHABLE: i32 = 113;
/// `EACCES`.
const PROHIBIT: i32 = 13;
/// `errno` values that stand for a kind of route.
const KINDS: [(i32, &str); 4] = [
    (NO_ROUTE, "there is no route (ENETUNREACH)"),
    (UNREACHABLE, "an unreachable route decided (EHOSTUNREACH)"),
    (PROHIBIT, "a prohibit route decided (EACCES)"),
    (22, "a blackhole route decided (EINVAL)"),
];

/// Looks at the destinations that were asked about, at what others said of them, and at calls that failed.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let destinations = case.span.after.destinations.iter();
    let wanted = destinations.filter(|to| of_interest::is_ours(case, to.ip));
    let mut findings: Vec<Finding> = wanted.filter_map(|to| finding(case, to)).collect();
    let told = turned_away::no_way(case).into_iter();
    let told: Vec<Finding> = told
        .filter_map(|(ip, errors)| far(case, ip, &errors))
        .collect();
    let calls = case.notices.refused_calls.iter();
    let calls = calls.filter(|call| call.call == "connect");
    let refused: Vec<Finding> = calls.filter_map(|call| refused(case, call)).collect();
    let unanswered = unanswered(case).into_iter();
    let unanswered = unanswered.map(|(ip, (count, end))| way_back(case, ip, count, end));
    let forwarded = forwarded::check(case);
    let others = told.into_iter().chain(refused).chain(unanswered);
    let bound = bound::check(case).into_iter();
    for found in bound
        .chain(others)
        .chain(sent::check(case))
        .chain(forwarded)
    {
        if !findings
            .iter()
            .any(|known| known.subject.peer == found.subject.peer)
        {
            findings.push(found);
        }
    }
    findings
}

/// Counts the attempts at ends that are served here of which it is told that there is no way back.
pub(super) fn without_way_back(case: &Case<'_>) -> u64 {
    unanswered(case).into_values().map(|(count, _)| count).sum()
}

/// Counts the attempts at ends that are served here, of clients that got no answer and to whom there is no way back,
/// with one of the ends.
fn unanswered(case: &Case<'_>) -> BTreeMap<IpAddr, (u64, SocketAddr)> {
    let sample = case.span.after;
    let answered: HashSet<_> = case
        .notices
        .of(Direction::Sent, |_| true)
        .map(|notice| (notice.local, notice.peer))
        .collect();
    let servers = sockets::Servers::of(sample);
    let mut by_client: BTreeMap<IpAddr, (u64, SocketAddr)> = BTreeMap::new();
    for notice in case
        .notices
        .of(Direction::Received, |what| what == What::Syn)
    {
        let client = notice.peer.ip().to_canonical();
        let end = sockets::plain(notice.local);
        if case.span.after.has_no_way(client)
            && !answered.contains(&(notice.local, notice.peer))
            && sockets::is_local(sample, end.ip())
            && servers.serve(end)
        {
            by_client.entry(client).or_insert((0, end)).0 += notice.count;
        }
    }
    by_client.retain(|_, (count, _)| *count >= SEVERAL);
    by_client
}

/// A client that this host cannot answer.
fn way_back(case: &Case<'_>, ip: IpAddr, count: u64, end: SocketAddr) -> Finding {
    let mut facts = vec![
        evidence::fact(
            "packets received: SYN",
            format!(
                "{count} came for {end}, which is served, in {:.1} s, and no answer left",
                case.span.seconds()
            ),
        ),
        evidence::fact("rtnetlink RTM_GETROUTE", format!("there is no way to {ip}")),
    ];
    facts.extend(evidence::grown(case.span, "Ip", "OutNoRoutes"));
    facts.extend(evidence::grown(case.span, "Ip6", "OutNoRoutes"));
    Finding {
        kind: ID,
        severity: Severity::Critical,
        summary: format!("{ip} tries to connect to {end}, and this host has no route to answer by"),
        subject: destination(ip),
        evidence: facts,
        hints: vec![
            format!("what the routing tables say of it: plumb path {ip}"),
            "add the route back, or a default route: ip route add default via ROUTER".to_owned(),
        ],
        confidence: Confidence::Certain,
    }
}

/// A destination to which a router, or the host itself, knows or allows no way.
fn far(case: &Case<'_>, ip: IpAddr, errors: &Errors) -> Option<Finding> {
    // Routers limit how often they say it, so one word is enough where nothing else is heard.
    let silent = || in_vain::is_tried(case, ip);
    let enough = if case.focus.counts_each(ip) || stands_still(case, ip) || silent() {
        1
    } else {
        SEVERAL
    };
    if errors.tries.count < enough {
        return None;
    }
    let mut ends = attempts::tried(case, ip);
    let at = ends
        .next()
        .map_or_else(String::new, |end| format!(", as of {end}"));
    Some(Finding {
        kind: ID,
        severity: Severity::Critical,
        summary: format!("{ip} cannot be reached: {}{at}", errors.told()),
        subject: destination(ip),
        evidence: vec![evidence::fact(
            "packets received: ICMP destination unreachable",
            format!(
                "{} packets came back in {:.1} s: {}",
                errors.tries.count,
                case.span.seconds(),
                errors.told()
            ),
        )],
        hints: vec![
            format!("see the way there, and who says so: plumb path {ip} --tcp"),
            "prohibited: a firewall or a route there forbids it; unreachable: it has no route, or the host is down".to_owned(),
        ],
        confidence: Confidence::Certain,
    })
}

/// Says whether a connection to a host only repeats itself: it does so seldom, and what comes back for that is no
/// accident.
fn stands_still(case: &Case<'_>, ip: IpAddr) -> bool {
    lasting(case).any(|flow| flow.host() == Some(ip) && flow.only_repeats())
}

/// A `connect()` that was told so, where the routing tables do not say the same of the destination: a rule
/// by mark, user, port or sender may have decided. An attempt over IPv6 where there is no way for any is no trouble.
fn refused(case: &Case<'_>, call: &RefusedCall) -> Option<Finding> {
    let (_, means) = KINDS.iter().find(|(errno, _)| *errno == call.errno)?;
    let is_harmless = call.address.is_ipv6() && (call.errno == NO_ROUTE || !has_ipv6(case));
    if call.count < SEVERAL || is_harmless || !is_of_routing(case, call) {
        return None;
    }
    let who = String::from_utf8_lossy(&call.comm).into_owned();
    let ip = call.address.ip().to_canonical();
    // The interface that is switched off is the trouble.
    if call.errno == NO_ROUTE && interfaces::is_behind_dead(case, ip) {
        return None;
    }
    Some(Finding {
        kind: ID,
        severity: Severity::Critical,
        summary: format!("{who} cannot reach {ip}: {means}"),
        subject: Subject {
            pid: Some(call.pid),
            process: Some(who),
            ..destination(ip)
        },
        evidence: vec![evidence::fact(
            "connect() returned",
            format!(
                "{} at {} failed: {means}",
                evidence::attempts(call.count),
                call.address
            ),
        )],
        hints: vec![
            format!("the rule and the table that decided: plumb path {ip}"),
            "where that finds a way, a rule about the user, the mark, the port or the source decides: ip rule".to_owned(),
        ],
        confidence: Confidence::Certain,
    })
}

/// Says whether it was the routing that refused a call. A socket for datagrams gets EACCES also for an address of
/// broadcast; EHOSTUNREACH is a route's where nothing left for the host and nobody else can have said it: no
/// neighbour that keeps silent, no router, no firewall.
fn is_of_routing(case: &Case<'_>, call: &RefusedCall) -> bool {
    let ip = call.address.ip().to_canonical();
    match call.errno {
        // So says a rule of the own firewall that rejects.
        PROHIBIT => {
            call.protocol == TCP && !(has_route(case, ip) && own_word::answers_for(case, ip))
        }
        UNREACHABLE => {
            let mut syns = case.notices.of(Direction::Sent, |what| what == What::Syn);
            call.protocol == TCP
                && !case.notices.is_blind
                && has_route(case, ip)
                && !syns.any(|notice| notice.peer.ip().to_canonical() == ip)
                && !turned_away::no_way(case).contains_key(&ip)
                && attempts::silent_next_hop(case, (ip, call.address.port()).into()).is_none()
                && !case.span.after.can_reject()
        }
        _ => true,
    }
}

/// Says whether the routing tables were asked for the way to an address and have one.
fn has_route(case: &Case<'_>, ip: IpAddr) -> bool {
    let mut routes = case.span.after.destinations.iter();
    routes.any(|to| to.ip == ip && to.route.is_ok())
}

fn finding(case: &Case<'_>, to: &Destination) -> Option<Finding> {
    let number = *to.route.as_ref().err()?;
    if number == NO_ROUTE && interfaces::is_behind_dead(case, to.ip) {
        return None;
    }
    let means = KINDS.iter().find(|(errno, _)| *errno == number)?.1;
    let mut facts = vec![evidence::fact("rtnetlink RTM_GETROUTE", means)];
    let mut calls = case.notices.refused_calls.iter();
    let called = |call: &&RefusedCall| call.address.ip().to_canonical() == to.ip;
    let tries = |call: &&RefusedCall| call.call == "connect" || call.is_send();
    let call = calls.find(|call| tries(call) && called(call));
    if let Some(call) = call {
        facts.push(evidence::fact(
            &format!("{}() returned", call.call),
            format!(
                "{} of {} at {} failed",
                evidence::attempts(call.count),
                String::from_utf8_lossy(&call.comm),
                call.address
            ),
        ));
    }
    facts.extend(evidence::grown(case.span, "Ip", "OutNoRoutes"));
    facts.extend(evidence::grown(case.span, "Ip6", "OutNoRoutes"));
    // Programs try both families, and a host without IPv6 tells them at once, whatever its route says: that harms nobody.
    let none = number == NO_ROUTE || !has_ipv6(case);
    let harmless = to.ip.is_ipv6() && none && !case.focus.counts_each(to.ip);
    let severity = match harmless {
        true if only_way::is(case, to.ip) => Severity::Warning,
        true => Severity::Info,
        false => Severity::Critical,
    };
    Some(Finding {
        kind: ID,
        severity,
        summary: format!("packets to {} go nowhere: {means}", to.ip),
        subject: Subject {
            pid: call.map(|call| call.pid),
            process: call.map(|call| String::from_utf8_lossy(&call.comm).into_owned()),
            ..destination(to.ip)
        },
        evidence: facts,
        hints: vec![
            format!("the rule and the table that decided: plumb path {}", to.ip),
            "add a route, or a default route: ip route add default via ROUTER".to_owned(),
        ],
        confidence: Confidence::Certain,
    })
}

/// Says whether an interface has an address of IPv6 that others can reach.
fn has_ipv6(case: &Case<'_>) -> bool {
    let mut addresses = case.span.after.addresses.iter();
    addresses.any(
        |own| matches!(own.ip, IpAddr::V6(ip) if !ip.is_loopback() && !ip.is_unicast_link_local()),
    )
}

fn destination(ip: IpAddr) -> Subject {
    Subject {
        kind: "destination",
        peer: Some(ip.to_string()),
        ..Subject::default()
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::notice::{Notice, Notices};
    use plumb_model::sample::Sample;
    use plumb_model::socket::SocketState;

    use super::*;
    use crate::counters::concerned::tests::socket;
    use crate::made_up;

    /// Gives what is found where a client comes to port 80 that is served, or to one that is not.
    fn found(
        way_back: Result<(), i32>,
        port: u16,
        count: u64,
    ) -> Vec<(&'static str, Option<String>)> {
        let client = IpAddr::from([10, 7, 0, 1]);
        let mut sample = Sample::default();
        sample.snapshot.sockets = vec![socket(SocketState::LISTEN, 80, (0, 128), [0; 9])];
        let destination = way_back.err().map(|errno| Destination {
            ip: client,
            route: Err(errno),
        });
        sample.destinations = destination.into_iter().collect();
        let notices = Notices {
            all: vec![Notice {
                what: What::Syn,
                direction: Direction::Received,
                protocol: 6,
                local: ([127, 0, 0, 1], port).into(),
                peer: (client, 40_000).into(),
                interface: 2,
                count,
                age_us: 0,
                last_age_us: 0,
            }],
            ..Notices::default()
        };
        let found = made_up::found(&sample, &sample, &notices).into_iter();
        found
            .map(|found| (found.kind, found.subject.peer))
            .collect()
    }

    #[test]
    fn clients_that_cannot_be_answered_are_told_and_addresses_that_nobody_wants_are_not() {
        let told = [(ID, Some("10.7.0.1".to_owned()))];
        assert_eq!(found(Err(NO_ROUTE), 80, 3), told);
        assert_eq!(found(Err(NO_ROUTE), 80, 1), []);
        // Nobody serves it: that there is no way to who knocked is nobody's trouble.
        assert_eq!(found(Err(NO_ROUTE), 81, 3), []);
        assert_eq!(found(Ok(()), 80, 3), []);
    }
}
