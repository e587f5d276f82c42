//! A server that hangs: what clients sent lies there, and nothing of it is read.
//!
//! A request is small, so that no window closes. One connection that is not read may be meant; of several clients, or of
//! a process of which not one thread ran, it is not.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::socket::SocketState;

use super::super::flow::{Flow, lasting};
use super::super::{
    Case, accept_queue_overflow, chance, evidence, half_open_peer, sockets, subject,
};
use super::LOCAL;

/// So many clients do not all send what nobody wants yet.
const SEVERAL: usize = 3;

/// A connection, and the bytes that lie there.
type Left = (Subject, u64);

/// Looks for servers of which nobody reads what their clients sent. One whose accept queue is full says so by that.
pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut ends: BTreeMap<SocketAddr, Vec<Left>> = BTreeMap::new();
    let ended = chance::ended_rows(case);
    // Who is gone waits for nothing.
    let waits = |flow: &Flow<'_>| is_left(case, flow) && !half_open_peer::is_silent(flow, &ended);
    for flow in lasting(case).filter(waits) {
        let Some(end) = flow.after.local.inet().map(sockets::plain) else {
            continue;
        };
        let subject = subject::of_socket(&case.span.after.snapshot, flow.place, "socket");
        ends.entry(end).or_default().push((subject, flow.unread()));
    }
    ends.retain(|end, _| {
        let listener = sockets::server_of(case.span.after, *end);
        listener.is_some_and(|(_, listener)| !accept_queue_overflow::is_full(listener))
    });
    ends.into_values()
        .filter_map(|left| finding(case, &left))
        .collect()
}

/// Something lies in the queue since before the first sample.
fn is_left(case: &Case<'_>, flow: &Flow<'_>) -> bool {
    let is_open = |state| state == SocketState::ESTABLISHED;
    flow.unread() > 0
        && flow.read(case) == 0
        && is_open(flow.before.state)
        && is_open(flow.after.state)
        // What waits in an accept queue nobody could read yet.
        && flow.after.inode.ok().is_some_and(|inode| inode.0 != 0)
}

fn finding(case: &Case<'_>, left: &[Left]) -> Option<Finding> {
    // The processes of a server that forks may hang together.
    let is_asked = |(subject, _): &&Left| {
        subject
            .pid
            .is_some_and(|pid| case.focus.pids.contains(&pid.0))
    };
    let (first, _) = left.iter().find(is_asked).or(left.first())?;
    let sleeps = |(subject, _): &Left| subject.pid.is_some_and(|pid| case.span.slept(pid));
    let slept = left.iter().all(sleeps);
    if left.len() < SEVERAL && !slept {
        return None;
    }
    let who = first
        .process
        .clone()
        .unwrap_or_else(|| "our process".to_owned());
    let bytes: u64 = left.iter().map(|(_, unread)| unread).sum();
    let local = first.local.clone().unwrap_or_default();
    let seconds = case.span.seconds();
    let mut facts = vec![evidence::fact(
        "sock_diag recv-q, tcp_info.tcpi_bytes_received",
        format!(
            "{bytes} bytes of {} lay unread, and none of them was read in {seconds:.1} s",
            evidence::connections(left.len())
        ),
    )];
    if slept {
        facts.push(evidence::fact(
            "/proc/PID/task/*/schedstat",
            "not one of its threads ran in that time",
        ));
    }
    let is_one = left.len() == 1;
    Some(Finding {
        kind: LOCAL,
        severity: Severity::Warning,
        summary: format!("{who} does not read what its clients at {local} have sent"),
        hints: vec![subject::see_instead(first, "reading")],
        subject: Subject {
            peer: first.peer.clone().filter(|_| is_one),
            ..first.clone()
        },
        evidence: facts,
        confidence: Confidence::Likely,
    })
}
