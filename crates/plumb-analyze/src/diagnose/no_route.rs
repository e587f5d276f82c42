//! `no-route`: the routing tables have no way to a destination, or forbid it.
//!
//! `connect()` fails at once (ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL), so nothing is left to see but
//! `Ip.OutNoRoutes`; the kernel is asked about the destinations that were named.

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::sample::Destination;

use super::{Case, evidence};

/// The id of the finding.
pub const ID: &str = "no-route";
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
    destinations.filter_map(|to| finding(case, to)).collect()
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
