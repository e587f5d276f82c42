//! `connection-churn`: many short connections to one destination where one kept alive would serve.
//!
//! Each leaves a TIME_WAIT socket at the side that closed first. Many of them to one destination, while
//! `Tcp.ActiveOpens` grows, are a client that does not keep its connections.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::socket::SocketState;

use super::{Case, evidence, sockets};

/// The id of the finding.
pub const ID: &str = "connection-churn";
/// So many TIME_WAIT sockets to one destination are many.
const MANY: u64 = 200;
/// So many new connections a second are churn.
const RATE: f64 = 20.0;

/// Looks for destinations with many TIME_WAIT sockets.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(opens) = evidence::grown(case.span, "Tcp", "ActiveOpens") else {
        return Vec::new();
    };
    let more = opens
        .change
        .map_or(0, |change| change.after - change.before);
    let rate = rate(more, case.span.seconds());
    if rate < RATE {
        return Vec::new();
    }
    let mut destinations: BTreeMap<SocketAddr, u64> = BTreeMap::new();
    for (_, socket) in sockets::tcp(case.span.after, SocketState::TIME_WAIT) {
        let (Some(local), Some(peer)) = (socket.local.inet(), socket.peer.inet()) else {
            continue;
        };
        // The side that served leaves TIME_WAIT sockets, too: those of a listener are not ours to judge.
        if sockets::server_of(case.span.after, sockets::plain(local)).is_none() {
            *destinations.entry(sockets::plain(peer)).or_default() += 1;
        }
    }
    let most = sockets::most(&destinations).filter(|(_, count)| *count >= MANY);
    let finding = most.map(|(peer, count)| Finding {
        kind: ID,
        severity: Severity::Info,
        summary: format!("{rate:.0} new connections a second, {count} just closed to {peer}"),
        subject: Subject {
            kind: "destination",
            peer: Some(peer.to_string()),
            protocol: Some("tcp"),
            ..Subject::default()
        },
        evidence: vec![
            opens.clone(),
            evidence::fact("sock_diag TIME_WAIT", format!("{count} sockets to {peer}")),
        ],
        hints: vec![
            "keep connections and use them again (a pool, HTTP keep-alive)".to_owned(),
            "see how near the ports are to their end: plumb ports".to_owned(),
        ],
        confidence: Confidence::Likely,
    });
    finding.into_iter().collect()
}

fn rate(more: u64, seconds: f64) -> f64 {
    // More connections than a u32 counts do not happen in a watch.
    f64::from(u32::try_from(more).unwrap_or(u32::MAX)) / seconds.max(0.001)
}
