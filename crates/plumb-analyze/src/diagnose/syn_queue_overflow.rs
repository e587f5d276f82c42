//! `syn-queue-overflow`: more handshakes are under way than a listener's SYN queue takes.
//!
//! A request socket (SYN_RECV) waits for the last packet of its handshake. When the queue is full the
//! kernel answers with cookies (`TCPReqQFullDoCookies`) or, without them, drops the SYN
//! (`TCPReqQFullDrop`); `tcp_syn_flood_action`. Dropping begins at three quarters of
//! `tcp_max_syn_backlog` when cookies are off, which only `ListenDrops` counts.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::socket::SocketState;

use super::{Case, evidence, sockets, subject};

/// The id of the finding.
pub const ID: &str = "syn-queue-overflow";
/// So many half-open connections make a queue that counts.
const SOME: u64 = 4;

/// Looks for counters of full SYN queues, and the listener with the most half-open connections.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let span = case.span;
    let dropped = evidence::grown(span, "TcpExt", "TCPReqQFullDrop");
    let cookies = evidence::grown(span, "TcpExt", "TCPReqQFullDoCookies");
    let silent = drops_without_overflow(case);
    if dropped.is_none() && cookies.is_none() && silent.is_none() {
        return Vec::new();
    }
    let mut half_open: BTreeMap<SocketAddr, u64> = BTreeMap::new();
    for (_, socket) in sockets::tcp(span.after, SocketState::SYN_RECV) {
        if let Some(local) = socket.local.inet() {
            *half_open.entry(sockets::plain(local)).or_default() += 1;
        }
    }
    let busiest = sockets::most(&half_open).filter(|(_, count)| *count >= SOME);
    let listener = busiest.and_then(|(end, _)| sockets::server_of(span.after, end));
    let mut facts: Vec<_> = [dropped.clone(), cookies, silent]
        .into_iter()
        .flatten()
        .collect();
    if let Some((end, count)) = busiest {
        facts.push(evidence::fact(
            "sock_diag SYN_RECV",
            format!("half open at {end}: {}", evidence::connections(count)),
        ));
    } else if dropped.is_none() && facts.len() == 1 {
        // A counter alone, and no queue to see.
        return Vec::new();
    }
    let subject = listener.map_or_else(
        || Subject {
            kind: "host",
            ..Subject::default()
        },
        |(place, _)| subject::of_socket(&span.after.snapshot, place, "listener"),
    );
    let name = subject
        .local
        .clone()
        .unwrap_or_else(|| "a listener".to_owned());
    let limit = span
        .after
        .settings
        .number("net.ipv4.tcp_max_syn_backlog")
        .ok();
    let mut hints = vec![
        "a peer that never answers, or a flood: see who with plumb ls 'state = syn-recv' --group-by peer".to_owned(),
    ];
    if span.after.settings.number("net.ipv4.tcp_syncookies").ok() == Some(0) {
        hints.push("turn SYN cookies on: sysctl net.ipv4.tcp_syncookies=1".to_owned());
    }
    if let Some(limit) = limit {
        hints.push(format!(
            "raise the program's listen() backlog, and net.ipv4.tcp_max_syn_backlog ({limit})"
        ));
    }
    let loses = facts
        .iter()
        .any(|fact| !fact.source.ends_with("DoCookies") && fact.change.is_some());
    vec![Finding {
        kind: ID,
        severity: if loses {
            Severity::Critical
        } else {
            Severity::Warning
        },
        summary: format!("{name} has more handshakes under way than its SYN queue takes"),
        subject,
        evidence: facts,
        hints,
        confidence: if busiest.is_some() {
            Confidence::Certain
        } else {
            Confidence::Likely
        },
    }]
}

/// Drops at a listener that its accept queue does not explain, with half-open connections there.
fn drops_without_overflow(case: &Case<'_>) -> Option<plumb_model::finding::Evidence> {
    let span = case.span;
    let off = span.after.settings.number("net.ipv4.tcp_syncookies").ok() == Some(0);
    let half_open = sockets::tcp(span.after, SocketState::SYN_RECV).count();
    let overflows = evidence::grown(span, "TcpExt", "ListenOverflows").is_some();
    let drops = evidence::grown(span, "TcpExt", "ListenDrops")?;
    (off && !overflows && u64::try_from(half_open).unwrap_or(u64::MAX) >= SOME).then_some(drops)
}
