//! `orphans`: closed sockets that still wait for their peer pile up.
//!
//! A socket that was closed before its peer has acknowledged everything lives on without an owner, in
//! FIN_WAIT1, LAST_ACK or CLOSING, with its memory, until retransmission gives up
//! (`tcp_orphan_retries`). Beyond `tcp_max_orphans` the kernel resets them (`tcp_too_many_orphans`).

use std::collections::BTreeMap;
use std::net::IpAddr;

use plumb_model::Known;
use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::socket::SocketState;

use super::{Case, evidence, sockets};

/// The id of the finding.
pub const ID: &str = "orphans";
/// So many that outlast the watch are a pile.
const PILE: u64 = 20;
/// The states in which data or a FIN waits to be acknowledged.
const STATES: [SocketState; 3] = [
    SocketState::FIN_WAIT1,
    SocketState::LAST_ACK,
    SocketState::CLOSING,
];

/// Looks for orphans that were there in both samples.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let after = case.span.after;
    let mut lasting = 0;
    let mut unsent_bytes = 0;
    let mut peers: BTreeMap<IpAddr, u64> = BTreeMap::new();
    let orphans = STATES.iter().flat_map(|state| sockets::tcp(after, *state));
    for (_, socket) in orphans.filter(|(_, socket)| socket.inode.reason().is_some()) {
        if sockets::same(case.span.before, socket).is_none() {
            continue;
        }
        lasting += 1;
        if let Known::Known(unsent) = socket.send_q {
            unsent_bytes += unsent;
        }
        if let Some(peer) = socket.peer.inet() {
            *peers.entry(peer.ip().to_canonical()).or_default() += 1;
        }
    }
    let killed = evidence::grown(case.span, "TcpExt", "TCPAbortOnMemory");
    if lasting < PILE {
        return Vec::new();
    }
    let most = sockets::most(&peers);
    let mut facts = vec![evidence::fact(
        "sock_diag FIN_WAIT1, LAST_ACK, CLOSING without inode",
        format!(
            "{lasting} sockets outlasted the watch, {unsent_bytes} bytes wait to be acknowledged"
        ),
    )];
    if let Some((peer, count)) = most {
        facts.push(evidence::fact(
            "sock_diag peers",
            format!("{count} towards {peer}"),
        ));
    }
    let failing = killed.is_some();
    facts.extend(killed);
    vec![Finding {
        kind: ID,
        severity: if failing {
            Severity::Critical
        } else {
            Severity::Warning
        },
        summary: format!("{lasting} closed connections wait for peers that do not answer"),
        subject: Subject {
            kind: "destination",
            peer: most.map(|(peer, _)| peer.to_string()),
            protocol: Some("tcp"),
            ..Subject::default()
        },
        evidence: facts,
        hints: vec![
            "find out why the peers do not answer: plumb path HOST".to_owned(),
            "let the kernel give up sooner: net.ipv4.tcp_orphan_retries".to_owned(),
        ],
        confidence: Confidence::Certain,
    }]
}
