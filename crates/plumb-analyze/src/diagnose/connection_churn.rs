//! `connection-churn`: many short connections to one destination where one kept alive would serve.
//!
//! Attempts that were answered and left no connection are seen on the wire. Without it there are the TIME_WAIT
//! sockets, one for each connection that our side closed first: many of them to one destination, while
//! `Tcp.ActiveOpens` grows, are a client that does not keep its connections.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;

use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::notice::{Direction, What};
use plumb_model::socket::SocketState;

use super::{Case, evidence, sockets};

/// The id of the finding.
pub const ID: &str = "connection-churn";
/// So many TIME_WAIT sockets to one destination are many.
const MANY: u64 = 100;
/// So many new connections a second are churn.
const RATE: f64 = 20.0;

/// Looks for destinations to which connections are opened and closed again.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(opens) = evidence::grown(case.span, "Tcp", "ActiveOpens") else {
        return Vec::new();
    };
    let more = opens
        .change
        .map_or(0, |change| change.after - change.before);
    if rate(more, case.span.seconds()) < RATE {
        return Vec::new();
    }
    let short = sockets::most(&short_ones(case));
    let short = short.filter(|(_, count)| rate(*count, case.span.seconds()) >= RATE);
    let closed = sockets::most(&just_closed(case)).filter(|(_, count)| *count >= MANY);
    let finding = if let Some((peer, count)) = short {
        let seconds = case.span.seconds();
        let rate = rate(count, seconds);
        let fact = evidence::fact(
            "packets: SYN sent and answered, no connection left",
            format!("{count} connections to {peer} were opened and closed in {seconds:.1} s"),
        );
        let summary = format!("{rate:.0} short connections a second to {peer}");
        Some(finding(peer, summary, vec![opens, fact]))
    } else {
        closed.map(|(peer, count)| {
            let rate = rate(more, case.span.seconds());
            let fact = evidence::fact("sock_diag TIME_WAIT", format!("{count} sockets to {peer}"));
            let summary =
                format!("{rate:.0} new connections a second, {count} just closed to {peer}");
            finding(peer, summary, vec![opens, fact])
        })
    };
    finding.into_iter().collect()
}

/// Counts by destination the connections that were opened and are not there any more.
fn short_ones(case: &Case<'_>) -> BTreeMap<SocketAddr, u64> {
    let answered: HashSet<_> = case
        .notices
        .of(Direction::Received, |what| what == What::SynAck)
        .map(|notice| (notice.local, notice.peer))
        .collect();
    let open: HashSet<_> = sockets::tcp(case.span.after, SocketState::ESTABLISHED)
        .filter_map(|(_, socket)| {
            let (local, peer) = (socket.local.inet()?, socket.peer.inet()?);
            Some((sockets::plain(local), sockets::plain(peer)))
        })
        .collect();
    let mut destinations = BTreeMap::new();
    for syn in case.notices.of(Direction::Sent, |what| what == What::Syn) {
        let flow = (syn.local, syn.peer);
        if answered.contains(&flow) && !open.contains(&flow) {
            *destinations.entry(sockets::plain(syn.peer)).or_default() += 1;
        }
    }
    destinations
}

/// Counts by destination the connections that our side closed first.
fn just_closed(case: &Case<'_>) -> BTreeMap<SocketAddr, u64> {
    let servers = sockets::Servers::of(case.span.after);
    let mut destinations = BTreeMap::new();
    for (_, socket) in sockets::tcp(case.span.after, SocketState::TIME_WAIT) {
        let (Some(local), Some(peer)) = (socket.local.inet(), socket.peer.inet()) else {
            continue;
        };
        // The side that served leaves TIME_WAIT sockets, too: those of a listener are not ours to judge.
        if !servers.serve(sockets::plain(local)) {
            *destinations.entry(sockets::plain(peer)).or_default() += 1;
        }
    }
    destinations
}

fn finding(peer: SocketAddr, summary: String, evidence: Vec<Evidence>) -> Finding {
    Finding {
        kind: ID,
        severity: Severity::Info,
        summary,
        subject: Subject {
            kind: "destination",
            peer: Some(peer.to_string()),
            protocol: Some("tcp"),
            ..Subject::default()
        },
        evidence,
        hints: vec![
            "keep connections and use them again (a pool, HTTP keep-alive)".to_owned(),
            "see how near the ports are to their end: plumb ports".to_owned(),
        ],
        confidence: Confidence::Likely,
    }
}

fn rate(more: u64, seconds: f64) -> f64 {
    // More connections than a u32 counts do not happen in a watch.
    f64::from(u32::try_from(more).unwrap_or(u32::MAX)) / seconds.max(0.001)
}
