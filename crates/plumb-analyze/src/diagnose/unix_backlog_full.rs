//! `unix-backlog-full`: a UNIX listener does not accept, its queue is full.
//!
//! `connect()` waits, or fails with EAGAIN, while more connections wait than `listen()` allowed
//! (`unix_stream_connect`). sock_diag gives both numbers as recv-q and send-q.

use plumb_model::finding::{Confidence, Finding, Severity};
use plumb_model::snapshot::Socket;

use super::{Case, evidence, sockets, subject};

/// The id of the finding.
pub const ID: &str = "unix-backlog-full";

/// Looks for UNIX listeners whose queue was full in both samples.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let full = |socket: &Socket| match (socket.recv_q.ok(), socket.send_q.ok()) {
        (Some(waiting), Some(limit)) => waiting > limit,
        _ => false,
    };
    let snapshot = &case.span.after.snapshot;
    let listeners = snapshot.sockets.iter().enumerate();
    listeners
        .filter(|(_, socket)| socket.kind.is_unix() && socket.is_listener() && full(socket))
        .filter(|(_, socket)| sockets::same(case.span.before, socket).is_some_and(full))
        .map(|(place, socket)| {
            let subject = subject::of_listener(case.span.after, place);
            let who = subject
                .process
                .clone()
                .unwrap_or_else(|| "the process".to_owned());
            let local = subject.local.clone().unwrap_or_default();
            let (waiting, limit) = (
                socket.recv_q.ok().unwrap_or(0),
                socket.send_q.ok().unwrap_or(0),
            );
            Finding {
                kind: ID,
                severity: Severity::Critical,
                summary: format!("{who} does not accept connections to {local}: its queue is full"),
                subject,
                evidence: vec![evidence::fact(
                    "sock_diag unix recv-q/send-q",
                    format!("{waiting} connections wait, {limit} may, through the watch"),
                )],
                hints: vec![
                    "see what the process does instead of accepting: plumb trace -p PID --stacks"
                        .to_owned(),
                    "give listen() a larger backlog, up to net.core.somaxconn".to_owned(),
                ],
                confidence: Confidence::Certain,
            }
        })
        .collect()
}
