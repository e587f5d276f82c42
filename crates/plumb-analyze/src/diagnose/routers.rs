//! `ttl-exceeded`: packets are given up on the way, because they went in a circle or their hop limit is too
//! small.
//!
//! The router that gives one up says so (ICMP time exceeded, code 0). Tools that trace a route provoke
//! it on purpose, by UDP to high ports or by ICMP, and do not count. Over IPv4 a circle through this very host ends
//! earlier: what comes back has our own address as its sender, and the kernel throws it away without a word
//! (`fib_validate_source`). What this host itself gives up of others' packets is in [`here`].

mod here;

use std::collections::BTreeMap;
use std::net::IpAddr;

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::notice::{Direction, Notice, What};

use super::{Case, evidence, sockets};

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
    // `connect()` gives up with the first of them.
    let enough = |peer: IpAddr| {
        if case.focus.counts_each(peer) {
            1
        } else {
            SEVERAL
        }
    };
    let told: Vec<Finding> = by_peer
        .into_iter()
        .filter(|(peer, (count, _))| *count >= enough(*peer))
        .map(|(peer, (count, routers))| finding(case, peer, count, &routers))
        .collect();
    let untold = returned(case).into_iter().filter(|(peer, count)| {
        let known = |found: &Finding| found.subject.peer.as_deref() == Some(&peer.to_string());
        *count >= enough(*peer) && !told.iter().any(known)
    });
    let circles: Vec<Finding> = untold
        .map(|(peer, count)| circle(case, peer, count))
        .collect();
    let told: Vec<Finding> = told.into_iter().chain(circles).collect();
    let here = here::given_up(case).into_iter();
    let here: Vec<Finding> = here
        .filter(|found| {
            told.iter()
                .all(|other| other.subject.peer != found.subject.peer)
        })
        .collect();
    told.into_iter().chain(here).collect()
}

/// Counts the SYNs of this host that came back to it from the wire, by destination.
pub(super) fn returned(case: &Case<'_>) -> BTreeMap<IpAddr, u64> {
    let mut by_peer: BTreeMap<IpAddr, u64> = BTreeMap::new();
    let syns = case
        .notices
        .of(Direction::Received, |what| what == What::Syn);
    for notice in syns.filter(|notice| comes_back(case, notice)) {
        *by_peer.entry(notice.local.ip().to_canonical()).or_default() += notice.count;
    }
    by_peer
}

/// Says whether a packet that came is one that this host sent to another.
pub(super) fn comes_back(case: &Case<'_>, notice: &Notice) -> bool {
    let sample = case.span.after;
    notice.direction == Direction::Received
        && !sockets::is_loopback(sample, notice.interface)
        && sockets::is_local(sample, notice.peer.ip())
        && !sockets::is_local(sample, notice.local.ip())
}

fn is_traffic(notice: &Notice) -> bool {
    let to = match notice.direction {
        Direction::Received => notice.peer,
        Direction::Sent => notice.local,
    };
    match notice.protocol {
        TCP => true,
        UDP => !TRACED.contains(&to.port()),
        _ => false,
    }
}

fn circle(case: &Case<'_>, peer: IpAddr, count: u64) -> Finding {
    Finding {
        summary: format!("packets to {peer} come back to this host: they go in a circle"),
        evidence: vec![evidence::fact(
            "packets received: SYN from our own address",
            format!(
                "{count} SYNs that this host sent to {peer} came back to it in {:.1} s",
                case.span.seconds()
            ),
        )],
        hints: vec![
            format!("see which router they are sent to: plumb path {peer}"),
            "that router sends them back here: compare its routing table with ours".to_owned(),
        ],
        ..finding(case, peer, count, &[])
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
