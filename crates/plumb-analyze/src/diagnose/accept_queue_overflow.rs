//! `accept-queue-overflow`: a listener's accept queue is full, connections are turned away.
//!
//! The kernel queues up to `min(listen() backlog, somaxconn) + 1` connections per listener
//! (`sk_acceptq_is_full`); behind that it drops the handshake's last packet and counts
//! `TcpExt.ListenOverflows`. sock_diag gives a listener's queue as recv-q and its limit as send-q. The
//! counter is the whole namespace's, so it convicts a listener only together with its own queue or drops.

use plumb_model::Known;
use plumb_model::finding::{Confidence, Finding, Severity};
use plumb_model::snapshot::Socket;

use super::{Case, evidence, sockets, subject};

/// The id of the finding.
pub const ID: &str = "accept-queue-overflow";

/// Looks for listeners whose queue is full, or was while it was watched.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let overflows = evidence::grown(case.span, "TcpExt", "ListenOverflows");
    let earlier = sockets::by_cookie(case.span.before);
    let mut findings = Vec::new();
    for (place, socket) in sockets::listeners(case.span.after) {
        let Some(queue) = Queue::of(socket) else {
            continue;
        };
        let dropped = sockets::dropped_since(&earlier, socket);
        let before = sockets::again(&earlier, socket).and_then(Queue::of);
        let was_full = before.is_some_and(Queue::is_full);
        let convicted = overflows.is_some() && (dropped > 0 || queue.is_full() || was_full);
        if !(convicted || queue.is_full() && was_full) {
            continue;
        }
        findings.push(finding(case, place, queue, dropped));
    }
    findings
}

/// Says whether a listener's queue is full.
pub(super) fn is_full(listener: &Socket) -> bool {
    Queue::of(listener).is_some_and(Queue::is_full)
}

/// A listener's accept queue.
#[derive(Clone, Copy)]
struct Queue {
    waiting: u64,
    limit: u64,
}

impl Queue {
    fn of(socket: &Socket) -> Option<Self> {
        match (socket.recv_q, socket.send_q) {
            (Known::Known(waiting), Known::Known(limit)) => Some(Self { waiting, limit }),
            _ => None,
        }
    }

    /// The kernel turns connections away when more than the limit wait.
    fn is_full(self) -> bool {
        self.waiting > self.limit
    }
}

fn finding(case: &Case<'_>, place: usize, queue: Queue, dropped: u64) -> Finding {
    let span = case.span;
    let Queue { waiting, limit } = queue;
    let somaxconn = span.after.settings.number("net.core.somaxconn").ok();
    let subject = subject::of_listener(span.after, place);
    let local = subject.local.clone().unwrap_or_default();
    let mut evidence_list = vec![evidence::fact(
        "sock_diag recv-q/send-q",
        format!(
            "the queue holds {}, and {limit} may wait",
            evidence::connections(waiting)
        ),
    )];
    if dropped > 0 {
        evidence_list.push(evidence::fact(
            "sock_diag SK_MEMINFO_DROPS",
            format!("the listener dropped {dropped} segments while it was watched"),
        ));
    }
    let overflows = evidence::grown(span, "TcpExt", "ListenOverflows");
    let growing = overflows.is_some();
    evidence_list.extend(overflows);
    let mut hints = vec![subject::see_instead(&subject, "accepting")];
    if somaxconn == Some(limit) {
        hints.push(format!(
            "the limit is net.core.somaxconn ({limit}); raise it and the program's listen() backlog"
        ));
    } else {
        hints.push(format!(
            "the program passed a backlog of {limit} to listen(); give it a larger one"
        ));
    }
    Finding {
        kind: ID,
        severity: if growing {
            Severity::Critical
        } else {
            Severity::Warning
        },
        summary: format!(
            "{local} does not accept connections as fast as they come: its accept queue ({limit}) is full"
        ),
        subject,
        evidence: evidence_list,
        hints,
        confidence: if growing {
            Confidence::Certain
        } else {
            Confidence::Likely
        },
    }
}
