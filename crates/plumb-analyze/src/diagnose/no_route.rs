//! `no-route`: the routing tables have no way to a destination, or forbid it.
//!
//! `connect()` fails at once (ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL), so nothing is left to see but
//! `Ip.OutNoRoutes`; the kernel is asked about the destinations that were named.

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::notice::RefusedCall;
use plumb_model::sample::Destination;

use super::{Case, evidence};

/// The id of the finding.
pub const ID: &str = "no-route";
/// Fewer attempts are no trouble.
const SEVERAL: u64 = 2;
/// `errno` values that stand for a kind of route.
const KINDS: [(i32, &str); 4] = [
    (101, "there is no route (ENETUNREACH)"),
    (113, "an unreachable route decided (EHOSTUNREACH)"),
    (13, "a prohibit route decided (EACCES)"),
    (22, "a blackhole route decided (EINVAL)"),
];

/// Looks at the destinations that were asked about.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let destinations = case.span.after.destinations.iter();
    let mut findings: Vec<Finding> = destinations.filter_map(|to| finding(case, to)).collect();
    let known: Vec<Option<String>> = findings
        .iter()
        .map(|found| found.subject.peer.clone())
        .collect();
    let calls = case
        .notices
        .refused_calls
        .iter()
        .filter(|call| call.call == "connect");
    findings.extend(
        calls
            .filter_map(refused)
            .filter(|found| !known.contains(&found.subject.peer)),
    );
    findings
}

/// A `connect()` that was told so. An unreachable host may also be one that does not answer; that is another
/// finding's, so EHOSTUNREACH alone is no evidence here. Nor is one attempt over IPv6 where there is no IPv6.
fn refused(call: &RefusedCall) -> Option<Finding> {
    let (_, means) = KINDS
        .iter()
        .find(|(errno, _)| *errno == call.errno && *errno != 113 && *errno != 13)?;
    if call.count < SEVERAL || call.address.is_ipv6() {
        return None;
    }
    let who = String::from_utf8_lossy(&call.comm).into_owned();
    let ip = call.address.ip();
    Some(Finding {
        kind: ID,
        severity: Severity::Critical,
        summary: format!("{who} cannot reach {ip}: {means}"),
        subject: Subject {
            kind: "destination",
            peer: Some(ip.to_string()),
            pid: Some(call.pid),
            process: Some(who),
            ..Subject::default()
        },
        evidence: vec![evidence::fact(
            "connect() returned",
            format!(
                "{} attempts at {} failed: {means}",
                call.count, call.address
            ),
        )],
        hints: vec![format!(
            "the rule and the table that decided: plumb path {ip}"
        )],
        confidence: Confidence::Certain,
    })
}

fn finding(case: &Case<'_>, to: &Destination) -> Option<Finding> {
    let number = *to.route.as_ref().err()?;
    let means = KINDS.iter().find(|(errno, _)| *errno == number)?.1;
    let mut facts = vec![evidence::fact("rtnetlink RTM_GETROUTE", means)];
    facts.extend(evidence::grown(case.span, "Ip", "OutNoRoutes"));
    Some(Finding {
        kind: ID,
        severity: Severity::Critical,
        summary: format!("packets to {} go nowhere: {means}", to.ip),
        subject: Subject {
            kind: "destination",
            peer: Some(to.ip.to_string()),
            ..Subject::default()
        },
        evidence: facts,
        hints: vec![
            format!("the rule and the table that decided: plumb path {}", to.ip),
            "add a route, or a default route: ip route add default via ROUTER".to_owned(),
        ],
        confidence: Confidence::Certain,
    })
}
