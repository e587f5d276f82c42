//! `orphans`: closed sockets that still wait for their peer pile up.
//!
//! A socket that was closed before its peer has acknowledged everything lives on without an owner, in
//! FIN_WAIT1, LAST_ACK or CLOSING, with its memory, until retransmission gives up
//! (`tcp_orphan_retries`). One whose peer acknowledged and never closes its side stays in FIN_WAIT2 for
//! `tcp_fin_timeout`. Beyond `tcp_max_orphans` the kernel resets them (`tcp_too_many_orphans`).

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use plumb_model::Known;
use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::snapshot::{Kind, Socket};
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
    let mut unanswered = Pile::default();
    let mut unclosed = Pile::default();
    let before = sockets::by_cookie(case.span.before);
    let forgotten = forgotten(case);
    let sockets = case.span.after.snapshot.sockets.iter();
    let orphans = sockets.filter(|socket| socket.kind == Kind::Tcp && socket.inode.ok().is_none());
    let lasting = orphans.filter(|socket| {
        let cookie = socket.cookie.ok();
        cookie.is_some_and(|cookie| before.contains_key(&cookie))
    });
    for socket in lasting {
        if STATES.contains(&socket.state) {
            unanswered.add(socket);
        } else if socket.state == SocketState::FIN_WAIT2 && !is_among(socket, &forgotten) {
            unclosed.add(socket);
        }
    }
    let unanswered = (unanswered.count >= PILE).then(|| {
        let states = "FIN_WAIT1, LAST_ACK, CLOSING";
        finding(case, &unanswered, states, "that do not answer")
    });
    // Slow clients from everywhere are everyday life; a pile of one peer is one that does not close.
    let one_peer = sockets::most(&unclosed.peers).is_some_and(|(_, count)| count >= PILE);
    let unclosed =
        one_peer.then(|| finding(case, &unclosed, "FIN_WAIT2", "that do not close their side"));
    unanswered.into_iter().chain(unclosed).collect()
}

/// Orphans of one sort.
#[derive(Default)]
struct Pile {
    count: u64,
    unsent_bytes: u64,
    peers: BTreeMap<IpAddr, u64>,
}

impl Pile {
    fn add(&mut self, socket: &Socket) {
        self.count += 1;
        if let Known::Known(unsent) = socket.send_q {
            self.unsent_bytes += unsent;
        }
        if let Some(peer) = socket.peer.inet() {
            *self.peers.entry(peer.ip().to_canonical()).or_default() += 1;
        }
    }
}

/// Gives the connections whose other end is here and is not closed: that is the trouble of who holds it.
fn forgotten(case: &Case<'_>) -> HashSet<(SocketAddr, SocketAddr)> {
    sockets::tcp(case.span.after, SocketState::CLOSE_WAIT)
        .filter_map(|(_, socket)| {
            let (local, peer) = (socket.local.inet()?, socket.peer.inet()?);
            Some((sockets::plain(peer), sockets::plain(local)))
        })
        .collect()
}

fn is_among(socket: &Socket, ends: &HashSet<(SocketAddr, SocketAddr)>) -> bool {
    match (socket.local.inet(), socket.peer.inet()) {
        (Some(local), Some(peer)) => ends.contains(&(sockets::plain(local), sockets::plain(peer))),
        _ => false,
    }
}

fn finding(case: &Case<'_>, pile: &Pile, states: &str, peers_words: &str) -> Finding {
    let killed = evidence::grown(case.span, "TcpExt", "TCPAbortOnMemory");
    let (lasting, unsent_bytes) = (pile.count, pile.unsent_bytes);
    let most = sockets::most(&pile.peers);
    let mut facts = vec![evidence::fact(
        &format!("sock_diag {states} without inode"),
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
    Finding {
        kind: ID,
        severity: if failing {
            Severity::Critical
        } else {
            Severity::Warning
        },
        summary: format!("{lasting} closed connections wait for peers {peers_words}"),
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
    }
}
