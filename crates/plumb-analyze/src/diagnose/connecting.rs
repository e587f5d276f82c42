//! `connect-timeout`, `connection-refused`: attempts that nobody answers, or that are turned down.
//!
//! A SYN that left this host and got no answer, not even a refusal, is sent again after 1, 3, 7 …
//! seconds (`tcp_syn_retries`). One that never left has another cause, which other checks tell.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::notice::{Direction, What};

use super::attempts::{self, Attempts};
use super::{Case, evidence, sockets, subject};

/// The id of the finding: nothing comes back.
pub const TIMEOUT: &str = "connect-timeout";
/// The id of the finding: the other host refuses.
pub const REFUSED: &str = "connection-refused";
/// So many refusals are no accident.
const SEVERAL: u64 = 3;

/// Looks for attempts without an answer.
pub fn check_timeout(case: &Case<'_>) -> Vec<Finding> {
    let unanswered = attempts::all(case).into_iter().filter(|attempts| {
        let left = attempts.syns > 0 || !attempts.retried;
        attempts.retransmits > 0
            && left
            && attempts.answers == 0
            && attempts::silent_next_hop(case, attempts.peer).is_none()
    });
    unanswered
        .filter_map(|attempts| timeout(case, &attempts))
        .collect()
}

fn timeout(case: &Case<'_>, attempts: &Attempts<'_>) -> Option<Finding> {
    let (place, _) = attempts.sockets.first()?;
    let owner = subject::of_socket(&case.span.after.snapshot, *place, "destination");
    let peer = attempts.peer;
    let mut facts = vec![evidence::fact(
        "sock_diag SYN_SENT",
        format!(
            "{} attempts wait, the SYN was sent again up to {} times",
            attempts.sockets.len(),
            attempts.retransmits
        ),
    )];
    if attempts.syns > 0 {
        facts.push(evidence::fact(
            "packets",
            format!(
                "{} SYNs left this host and nothing came back",
                attempts.syns
            ),
        ));
    }
    Some(Finding {
        kind: TIMEOUT,
        severity: Severity::Critical,
        summary: format!("{peer} does not answer: no connection, and no refusal either"),
        subject: Subject {
            local: None,
            peer: Some(peer.to_string()),
            ..owner
        },
        evidence: facts,
        hints: vec![
            format!("where it stops: plumb path {peer} --tcp"),
            "a firewall that drops, a host that is down, or an address that nobody has".to_owned(),
        ],
        confidence: if attempts.syns > 0 {
            Confidence::Certain
        } else {
            Confidence::Likely
        },
    })
}

/// Looks for destinations that refuse.
pub fn check_refused(case: &Case<'_>) -> Vec<Finding> {
    let mut refused: BTreeMap<SocketAddr, u64> = BTreeMap::new();
    for notice in case
        .notices
        .of(Direction::Received, |what| what == What::Refusal)
    {
        let peer = sockets::plain(notice.peer);
        if !sockets::is_local(case.span.after, peer.ip()) {
            *refused.entry(peer).or_default() += notice.count;
        }
    }
    refused
        .into_iter()
        .filter(|(_, count)| *count >= SEVERAL)
        .map(|(peer, count)| refusal(case, peer, count))
        .collect()
}

fn refusal(case: &Case<'_>, peer: SocketAddr, count: u64) -> Finding {
    let mut facts = vec![evidence::fact(
        "packets received: RST in answer to SYN",
        format!(
            "{count} attempts were refused in {:.1} s",
            case.span.seconds()
        ),
    )];
    facts.extend(evidence::grown(case.span, "Tcp", "AttemptFails"));
    Finding {
        kind: REFUSED,
        severity: Severity::Critical,
        summary: format!(
            "{} is there, but nothing listens on its port {}",
            peer.ip(),
            peer.port()
        ),
        subject: Subject {
            kind: "destination",
            peer: Some(peer.to_string()),
            protocol: Some("tcp"),
            ..Subject::default()
        },
        evidence: facts,
        hints: vec![
            format!("start the server at {peer}, or let it listen on that address"),
            "who tries: plumb connects --failed".to_owned(),
        ],
        confidence: Confidence::Certain,
    }
}
