//! `reset-by-us`, `reset-by-peer`: connections that exist are torn down by resets.
//!
//! Resets of this host are seen as they leave, with their ends; why they were sent the kernel counts:
//! `TCPAbortOnClose` (closed with data unread, `tcp_close`), `TCPAbortOnData` (SO_LINGER 0, or data for
//! a socket that was closed), `TCPAbortOnTimeout`. What comes from peers must also have ended a
//! connection (`Tcp.EstabResets`).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::notice::{Direction, Notice, What};

use super::{Case, evidence, sockets, subject};

/// The id of the finding: we send them.
pub const BY_US: &str = "reset-by-us";
/// The id of the finding: peers send them.
pub const BY_PEER: &str = "reset-by-peer";
/// So many are no accident.
const SEVERAL: u64 = 3;

/// What the kernel counts when it sends a reset, and what that means.
const CAUSES: [(&str, &str, &str); 3] = [
    (
        "TCPAbortOnClose",
        "sockets are closed while received data is still unread",
        "read until recv() returns 0 before close(), or shutdown(SHUT_WR) first",
    ),
    (
        "TCPAbortOnData",
        "SO_LINGER with time 0, or data comes for sockets that were closed",
        "leave SO_LINGER alone; let both sides agree on who closes",
    ),
    (
        "TCPAbortOnTimeout",
        "connections are given up after retransmissions",
        "find out where packets are lost: plumb path HOST",
    ),
];

/// Looks for resets that we send.
pub fn check_by_us(case: &Case<'_>) -> Vec<Finding> {
    let causes: Vec<(Evidence, &str, &str)> = CAUSES
        .iter()
        .filter_map(|(name, means, hint)| {
            Some((evidence::grown(case.span, "TcpExt", name)?, *means, *hint))
        })
        .collect();
    if causes.is_empty() {
        // A reset alone may be the answer to a stray segment.
        return Vec::new();
    }
    groups(case, Direction::Sent)
        .into_iter()
        .map(|(end, group)| {
            let means: Vec<&str> = causes.iter().map(|(_, means, _)| *means).collect();
            let mut found = finding(BY_US, case, &end, &group);
            found.summary = format!("we reset connections {}: {}", end.words(), means.join("; "));
            found
                .evidence
                .extend(causes.iter().map(|(fact, ..)| fact.clone()));
            found.hints = causes.iter().map(|(.., hint)| (*hint).to_owned()).collect();
            found
        })
        .collect()
}

/// Looks for resets that come from peers.
pub fn check_by_peer(case: &Case<'_>) -> Vec<Finding> {
    let Some(ended) = evidence::grown(case.span, "Tcp", "EstabResets") else {
        return Vec::new();
    };
    groups(case, Direction::Received)
        .into_iter()
        .filter(|(_, group)| !group.is_local)
        .map(|(end, group)| {
            let mut found = finding(BY_PEER, case, &end, &group);
            found.summary = format!("the peers reset connections {}", end.words());
            found.evidence.push(ended.clone());
            found.hints = vec![
                "the reason is on the other side: its process, its host, or something between that gives up idle connections".to_owned(),
                "see what was sent before: plumb trace 'dst HOST'".to_owned(),
            ];
            found
        })
        .collect()
}

/// Whose connections they are.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// Accepted by this listener.
    At(SocketAddr),
    /// Made to this destination.
    To(SocketAddr),
}

impl End {
    fn words(&self) -> String {
        match self {
            Self::At(end) => format!("at {end}"),
            Self::To(end) => format!("to {end}"),
        }
    }
}

#[derive(Default)]
struct Group {
    count: u64,
    flows: u64,
    is_local: bool,
}

fn groups(case: &Case<'_>, direction: Direction) -> BTreeMap<End, Group> {
    let mut groups: BTreeMap<End, Group> = BTreeMap::new();
    for notice in case.notices.of(direction, |what| what == What::Reset) {
        let group = groups.entry(end_of(case, notice)).or_default();
        group.count += notice.count;
        group.flows += 1;
        group.is_local |= sockets::is_local(case.span.after, notice.peer.ip())
            || case.notices.all.iter().any(|other| {
                other.direction != direction
                    && other.what == What::Reset
                    && other.local == notice.peer
                    && other.peer == notice.local
            });
    }
    groups.retain(|_, group| group.flows >= SEVERAL);
    groups
}

fn end_of(case: &Case<'_>, notice: &Notice) -> End {
    let (local, peer) = (sockets::plain(notice.local), sockets::plain(notice.peer));
    let samples = [case.span.after, case.span.before];
    let serves = samples
        .iter()
        .any(|sample| sockets::server_of(sample, local).is_some());
    // Without a listener the lower port is the server's more often than not.
    if serves || local.port() < peer.port() {
        End::At(local)
    } else {
        End::To(peer)
    }
}

fn finding(kind: &'static str, case: &Case<'_>, end: &End, group: &Group) -> Finding {
    let who = if kind == BY_US { "sent" } else { "received" };
    Finding {
        kind,
        severity: Severity::Warning,
        subject: subject_of(case, end),
        summary: String::new(),
        evidence: vec![evidence::fact(
            &format!("packets {who}: RST"),
            format!(
                "{} resets {who} on {} connections in {:.1} s",
                group.count,
                group.flows,
                case.span.seconds()
            ),
        )],
        hints: Vec::new(),
        confidence: Confidence::Likely,
    }
}

fn subject_of(case: &Case<'_>, end: &End) -> Subject {
    let sample = case.span.after;
    match end {
        End::At(local) => {
            let listener = sockets::server_of(sample, *local);
            let named =
                listener.map(|(place, _)| subject::of_socket(&sample.snapshot, place, "listener"));
            Subject {
                kind: "listener",
                local: Some(local.to_string()),
                protocol: Some("tcp"),
                ..named.unwrap_or_default()
            }
        }
        End::To(peer) => Subject {
            kind: "destination",
            peer: Some(peer.to_string()),
            protocol: Some("tcp"),
            ..Subject::default()
        },
    }
}
