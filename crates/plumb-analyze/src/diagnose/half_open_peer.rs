//! `half-open-peer`: the peer is gone without a word, and we still send to it.
//!
//! Retransmission timeouts back off one after the other (`tcpi_backoff`, `tcpi_retransmits`) and not one acknowledgement comes
//! (`tcpi_last_ack_recv`), nor anything else from that host. Where packets are lost at random, earlier ones
//! were, too, and so many in a row are no surprise.
//! Probes of a closed window, and those of SO_KEEPALIVE on a connection that has nothing to send, go without an
//! answer, too (`tcpi_probes`, which an acknowledgement sets back).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use plumb_model::finding::{Confidence, Finding, Severity, Subject};

use super::flow::{Flow, lasting};
use super::rows::{self, Ended};
use super::{Case, evidence, sockets, subject, turned_away};

/// The id of the finding.
pub const ID: &str = "half-open-peer";
/// So many timeouts in a row without an answer.
const TIMEOUTS: u8 = 3;
/// So many probes of a closed window: a peer that is there answers each, and those behind come ever more seldom.
const INTO_WINDOW: u8 = 2;
/// The last word of the peer is at least so old.
const SILENT_MS: u32 = 2_000;

/// Looks for connections whose peer says nothing any more.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    // Whoever says why nothing arrives is not without a word.
    let told = turned_away::no_way(case);
    let is_told = |peer: SocketAddr| told.contains_key(&peer.ip().to_canonical());
    let mut silent: BTreeMap<SocketAddr, Vec<Flow<'_>>> = BTreeMap::new();
    let ended = Ended::of(case);
    for flow in lasting(case) {
        if is_silent(&flow, &ended)
            && !flow.peer_talks(case)
            && let Some(peer) = flow.after.peer.inet()
            && !is_told(peer)
        {
            silent.entry(sockets::plain(peer)).or_default().push(flow);
        }
    }
    silent
        .into_iter()
        .filter_map(|(peer, flows)| finding(case, peer, &flows))
        .collect()
}

fn is_silent(flow: &Flow<'_>, ended: &Ended) -> bool {
    let row = rows::in_a_row(flow.is);
    let resends = flow.is.unacked > 0 && row >= TIMEOUTS && !flow.is_lost_by_chance(ended);
    let enough = if flow.probes() { INTO_WINDOW } else { TIMEOUTS };
    let asks = flow.is.probes >= enough;
    (resends || asks) && flow.is.last_ack_recv_ms >= SILENT_MS
}

fn finding(case: &Case<'_>, peer: SocketAddr, silent: &[Flow<'_>]) -> Option<Finding> {
    let snapshot = &case.span.after.snapshot;
    let flow = silent.first()?;
    let info = flow.is;
    let owner = subject::of_socket(snapshot, flow.place, "destination");
    let count = silent.len();
    Some(Finding {
        kind: ID,
        severity: Severity::Warning,
        summary: format!(
            "{peer} does not answer any more; {count} connections to it only retransmit or probe"
        ),
        subject: Subject {
            local: owner.local.clone().filter(|_| count == 1),
            peer: Some(peer.to_string()),
            ..owner
        },
        evidence: vec![evidence::fact(
            "sock_diag tcp_info.tcpi_retransmits, tcpi_backoff, tcpi_probes, tcpi_last_ack_recv",
            format!(
                "{} timeouts in a row, {} probes without an answer, nothing from the peer for {:.1} s, {} segments unacknowledged",
                rows::in_a_row(info),
                info.probes,
                f64::from(info.last_ack_recv_ms) / 1000.0,
                info.unacked
            ),
        )],
        hints: vec![
            format!("is the host there at all: plumb path {peer}"),
            "give up sooner: TCP_USER_TIMEOUT on the socket; notice idle ones: SO_KEEPALIVE"
                .to_owned(),
        ],
        confidence: Confidence::Certain,
    })
}
