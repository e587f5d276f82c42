//! `ttl-exceeded`: packets are given up on the way, because they went in a circle or their hop limit is too
//! small.
//!
//! The router that gives one up says so (ICMP time exceeded, code 0). Tools that trace a route provoke
//! it on purpose, by UDP to high ports or by ICMP, and do not count.

use std::collections::BTreeMap;
use std::net::IpAddr;

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::notice::{Direction, Notice, What};

use super::{Case, evidence};

/// The id of the finding.
pub const ID: &str = "ttl-exceeded";
/// `IPPROTO_TCP`, `IPPROTO_UDP`.
const TCP: u8 = 6;
const UDP: u8 = 17;
/// Ports that traceroute sends to.
const TRACED: std::ops::RangeInclusive<u16> = 33_434..=33_634;
/// So many are no accident.
const SEVERAL: u64 = 2;

/// Looks for destinations towards which packets are given up.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let exceeded = |what| matches!(what, What::TimeExceeded { code: 0, .. });
    let mut by_peer: BTreeMap<IpAddr, (u64, Vec<IpAddr>)> = BTreeMap::new();
    let notices = case.notices.of(Direction::Received, exceeded);
    for notice in notices.filter(|notice| is_traffic(notice)) {
        let (count, routers) = by_peer.entry(notice.peer.ip().to_canonical()).or_default();
        *count += notice.count;
        if let What::TimeExceeded { by, .. } = notice.what
            && !routers.contains(&by)
        {
            routers.push(by);
        }
    }
    by_peer
        .into_iter()
        .filter(|(_, (count, _))| *count >= SEVERAL)
        .map(|(peer, (count, routers))| finding(case, peer, count, &routers))
        .collect()
}

fn is_traffic(notice: &Notice) -> bool {
    match notice.protocol {
        TCP => true,
        UDP => !TRACED.contains(&notice.peer.port()),
        _ => false,
    }
}

fn finding(case: &Case<'_>, peer: IpAddr, count: u64, routers: &[IpAddr]) -> Finding {
    let by: Vec<String> = routers.iter().take(4).map(IpAddr::to_string).collect();
    Finding {
        kind: ID,
        severity: Severity::Critical,
        summary: format!("packets to {peer} go in a circle, or have too small a hop limit"),
        subject: Subject {
            kind: "destination",
            peer: Some(peer.to_string()),
            ..Subject::default()
        },
        evidence: vec![evidence::fact(
            "packets received: ICMP time exceeded",
            format!(
                "{count} packets were given up in {:.1} s, by {}",
                case.span.seconds(),
                by.join(", ")
            ),
        )],
        hints: vec![
            format!("see the circle: plumb path {peer}"),
            "two routers that each send to the other: compare their routing tables".to_owned(),
        ],
        confidence: Confidence::Certain,
    }
}
