//! `close-wait-leak`: the peer has closed, our process does not.
//!
//! A socket is in CLOSE_WAIT from the peer's FIN until our `close()`. `tcpi_last_ack_recv` tells how long
//! ago the last segment came, which is the FIN unless we sent since: the least age. A process that is
//! only slow has a few, young ones; one that forgets has many, or old ones.

use std::collections::BTreeMap;

use plumb_model::Known;
use plumb_model::finding::{Confidence, Finding, Severity};
use plumb_model::snapshot::{Kind, Snapshot, Socket};
use plumb_model::socket::SocketState;

use super::{Case, evidence, subject};

/// The id of the finding.
pub const ID: &str = "close-wait-leak";
/// From this age on one is old.
const OLD_MS: u64 = 30_000;
/// So many that lived through the whole watch are a leak even when they are young.
const MANY: usize = 20;
/// So many old ones are a leak.
const SEVERAL_OLD: usize = 3;
/// So old that even one is.
const FORGOTTEN_MS: u64 = 300_000;

/// The CLOSE_WAIT sockets of one process.
#[derive(Default)]
struct Kept {
    /// Those that were there in the first sample, too.
    lasting: usize,
    all: usize,
    old: usize,
    oldest_ms: u64,
    unread_bytes: u64,
    local: BTreeMap<String, usize>,
    peers: BTreeMap<String, usize>,
}

/// Looks for processes that keep connections their peers have closed.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let after = &case.span.after.snapshot;
    let before: std::collections::HashSet<_> = waiting(&case.span.before.snapshot)
        .filter_map(|(_, socket)| socket.cookie.ok())
        .collect();
    let mut by_process: BTreeMap<u32, Kept> = BTreeMap::new();
    for (place, socket) in waiting(after) {
        let Some(first) = after.owners.of(place).ok().and_then(|held| held.first()) else {
            continue;
        };
        let kept = by_process.entry(first.process).or_default();
        let lasting = socket
            .cookie
            .ok()
            .is_some_and(|cookie| before.contains(&cookie));
        kept.add(socket, lasting);
    }
    by_process
        .into_iter()
        .filter(|(_, kept)| kept.is_leak())
        .filter_map(|(process, kept)| finding(case, process, &kept))
        .collect()
}

fn waiting(snapshot: &Snapshot) -> impl Iterator<Item = (usize, &Socket)> {
    snapshot
        .sockets
        .iter()
        .enumerate()
        .filter(|(_, socket)| socket.kind == Kind::Tcp && socket.state == SocketState::CLOSE_WAIT)
}

impl Kept {
    fn add(&mut self, socket: &Socket, lasting: bool) {
        let age_ms = socket
            .tcp
            .as_ref()
            .map_or(0, |info| u64::from(info.last_ack_recv_ms));
        self.all += 1;
        self.lasting += usize::from(lasting);
        self.old += usize::from(age_ms >= OLD_MS);
        self.oldest_ms = self.oldest_ms.max(age_ms);
        if let Known::Known(unread) = socket.recv_q {
            // The FIN counts as one byte.
            self.unread_bytes += unread.saturating_sub(1);
        }
        if let Some(local) = subject::text(&socket.local) {
            *self.local.entry(local).or_default() += 1;
        }
        if let Some(peer) = socket.peer.inet() {
            *self
                .peers
                .entry(peer.ip().to_canonical().to_string())
                .or_default() += 1;
        }
    }

    fn is_leak(&self) -> bool {
        self.lasting >= MANY || self.old >= SEVERAL_OLD || self.oldest_ms >= FORGOTTEN_MS
    }
}

fn finding(case: &Case<'_>, process: u32, kept: &Kept) -> Option<Finding> {
    let after = &case.span.after.snapshot;
    let process = after.owners.processes.get(usize::try_from(process).ok()?)?;
    let mut subject = subject::of_process(process);
    // All on one local port: a server's, and that is worth naming.
    if let [(local, _)] = kept.local.iter().collect::<Vec<_>>().as_slice() {
        subject.local = Some((*local).clone());
    }
    let name = subject.process.clone().unwrap_or_default();
    let (all, oldest_s) = (kept.all, kept.oldest_ms / 1000);
    let mut facts = vec![evidence::fact(
        "sock_diag CLOSE_WAIT",
        format!(
            "{all} sockets, {} of them through the whole watch",
            kept.lasting
        ),
    )];
    facts.push(evidence::fact(
        "tcp_info.tcpi_last_ack_recv",
        format!(
            "the oldest for at least {oldest_s} s, {} for more than {} s",
            kept.old,
            OLD_MS / 1000
        ),
    ));
    if kept.unread_bytes > 0 {
        facts.push(evidence::fact(
            "sock_diag recv-q",
            format!("{} bytes never read", kept.unread_bytes),
        ));
    }
    let most = kept.peers.iter().max_by_key(|(_, count)| **count);
    if let Some((peer, count)) = most {
        facts.push(evidence::fact(
            "sock_diag peers",
            format!("{count} from {peer}"),
        ));
    }
    let pid = process.pid.0;
    Some(Finding {
        kind: ID,
        severity: Severity::Warning,
        summary: format!(
            "{name} (pid {pid}) keeps {all} connections open that their peers have closed"
        ),
        subject,
        evidence: facts,
        hints: vec![
            format!("see the code that made and forgot them: plumb leaks -p {pid}"),
            "close() a socket when recv() returns 0".to_owned(),
        ],
        confidence: Confidence::Certain,
    })
}
