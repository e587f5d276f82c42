//! `connect-timeout`, `connection-refused`: attempts that nobody answers, or that are turned down.
//!
//! A SYN that left this host and got no answer, not even a refusal, is sent again after 1, 3, 7 …
//! seconds (`tcp_syn_retries`), unless the program gives up before. One that never left has another cause,
//! which other checks tell.

mod by_chance;
mod refused;
mod translated;

use std::net::SocketAddr;

use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::socket::SocketState;

pub use self::refused::check_refused;
use super::attempts::{self, Attempts, Shares};
use super::{Case, evidence, loss, not_taken, received_bad, routers, sockets, subject};

/// The id of the finding: nothing comes back.
pub const TIMEOUT: &str = "connect-timeout";
/// The id of the finding: the other host refuses.
pub const REFUSED: &str = "connection-refused";
/// So many SYNs, one of them old, are none either.
const GIVEN_UP: u64 = 2;
/// So many sockets whose SYN is sent again are no accident, although others are answered.
const WITHOUT_ANSWER: usize = 2;
/// Where one of so many attempts or more gets no answer, that is no accident either.
const SOME: u64 = 20;

/// Looks for attempts without an answer: those that wait, and those that were given up before their SYN was
/// sent again.
pub fn check_timeout(case: &Case<'_>) -> Vec<Finding> {
    let circles = routers::returned(case);
    let is_lost = |peer: &SocketAddr| !circles.contains_key(&peer.ip());
    let waiting = attempts::all(case).into_iter().filter(|attempts| {
        let left = attempts.syns > 0 || !attempts.retried || case.notices.is_blind;
        attempts.retransmits > 0
            && left
            && is_silent(attempts)
            && is_lost(&attempts.peer)
            && attempts::silent_next_hop(case, attempts.peer).is_none()
    });
    let ignored = attempts::all(case).into_iter().filter(|attempts| {
        attempts.syn_acks > 0 && attempts.retransmits > 0 && is_unexplained(case)
    });
    let ignored: Vec<Finding> = ignored
        .filter_map(|attempts| unheard(case, &attempts))
        .collect();
    let mut findings: Vec<Finding> = waiting
        .filter_map(|attempts| timeout(case, &attempts))
        .collect();
    for (peer, count) in attempts::given_up(case) {
        let known = |found: &Finding| found.subject.peer.as_deref() == Some(&peer.to_string());
        let enough = if case.focus.counts_each(peer.ip()) {
            1
        } else {
            GIVEN_UP
        };
        if count >= enough && is_lost(&peer) && !findings.iter().any(known) {
            let ms = attempts::given_up_us(case) / 1000;
            let fact = evidence::fact(
                "packets",
                format!(
                    "{count} SYNs left this host, the first more than {ms} ms ago, and nothing came back"
                ),
            );
            findings.push(silence(
                peer,
                destination(peer),
                vec![fact],
                Confidence::Likely,
            ));
        }
    }
    findings.extend(ignored);
    for (peer, count) in attempts::abandoned(case) {
        let known = |found: &Finding| found.subject.peer.as_deref() == Some(&peer.to_string());
        let hop = attempts::silent_next_hop(case, peer);
        if hop.is_none() && is_lost(&peer) && !findings.iter().any(known) {
            let text = format!(
                "{count} attempts whose SYN had been sent again before were given up, others began, and nothing came back"
            );
            let fact = evidence::fact("sock_diag SYN_SENT, packets", text);
            let subject = destination(peer);
            findings.push(silence(peer, subject, vec![fact], Confidence::Likely));
        }
    }
    for (peer, shares) in attempts::shares(case) {
        let known = |found: &Finding| found.subject.peer.as_deref() == Some(&peer.to_string());
        let some = shares.answered > 0
            && shares.silent >= GIVEN_UP
            && shares.silent * SOME >= shares.answered;
        let hop = attempts::silent_next_hop(case, peer);
        if some && hop.is_none() && is_lost(&peer) && !findings.iter().any(known) {
            findings.push(now_and_then(case, peer, shares));
        }
    }
    let lossy = loss::shares(case);
    findings.retain(|found| !by_chance::is_lost(case, &lossy, found));
    findings
}

/// Says whether nothing came for attempts. What comes for older connections shows that somebody is there: then one
/// attempt without an answer is chance, and several are not.
fn is_silent(attempts: &Attempts<'_>) -> bool {
    attempts.answers == 0 && (attempts.others == 0 || attempts.again >= WITHOUT_ANSWER)
}

/// Of several attempts some are answered and others never are, although their SYN was sent again: that is what one
/// of several ways, or of several servers behind an address, makes of them. A SYN that is lost by chance comes through
/// when it is sent again.
fn now_and_then(case: &Case<'_>, peer: SocketAddr, shares: Shares) -> Finding {
    let owner = sockets::tcp(case.span.after, SocketState::SYN_SENT)
        .find(|(_, socket)| socket.peer.inet().map(sockets::plain) == Some(peer))
        .map(|(place, _)| subject::of_socket(&case.span.after.snapshot, place, "destination"));
    let subject = Subject {
        local: None,
        ..owner.unwrap_or_else(|| destination(peer))
    };
    let fact = evidence::fact(
        "packets",
        format!(
            "{} attempts sent their SYN again and nothing came back; {} others were answered",
            shares.silent, shares.answered
        ),
    );
    let mut found = silence(peer, subject, vec![fact], Confidence::Likely);
    found.summary = format!(
        "{} of {} attempts at {peer} are not answered, not even by a refusal",
        shares.silent,
        shares.silent + shares.answered
    );
    found.hints = vec![
        "one of several ways leads nowhere, or one of several servers behind the address is down"
            .to_owned(),
        format!("see the next hops: plumb path {}", peer.ip()),
    ];
    found
}

/// Says whether neither the firewall nor a counter tells why this host throws answers away.
fn is_unexplained(case: &Case<'_>) -> bool {
    case.span.after.refusers.is_empty()
        && !not_taken::is_bad(case)
        && received_bad::martians(case).is_none()
}

/// Answers come and nobody hears them.
fn unheard(case: &Case<'_>, attempts: &Attempts<'_>) -> Option<Finding> {
    let peer = attempts.peer;
    let mut found = timeout(case, attempts)?;
    found.summary =
        format!("answers of {peer} come to this host and are thrown away before TCP sees them");
    found.evidence.push(evidence::fact(
        "packets received: SYN-ACK",
        format!(
            "{} came, and the attempt still waits for one",
            attempts.syn_acks
        ),
    ));
    found.hints = vec![
        "what may do so and is not seen from here: iptables-legacy, tc filters, XDP, IPsec policies".to_owned(),
        "the reason of each drop: plumb trace, or perf trace -e skb:kfree_skb".to_owned(),
    ];
    found.confidence = Confidence::Likely;
    Some(found)
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
                "{} SYNs left this host and nothing was heard",
                attempts.syns
            ),
        ));
    }
    let confidence = if attempts.syns > 0 {
        Confidence::Certain
    } else {
        Confidence::Likely
    };
    let subject = Subject {
        local: None,
        peer: Some(peer.to_string()),
        ..owner
    };
    Some(silence(peer, subject, facts, confidence))
}

fn silence(
    peer: SocketAddr,
    subject: Subject,
    evidence: Vec<Evidence>,
    confidence: Confidence,
) -> Finding {
    Finding {
        kind: TIMEOUT,
        severity: Severity::Critical,
        summary: format!("{peer} does not answer: no connection, and no refusal either"),
        subject,
        evidence,
        hints: vec![
            format!("where it stops: plumb path {peer} --tcp"),
            "a firewall that drops, a host that is down, or an address that nobody has".to_owned(),
        ],
        confidence,
    }
}

fn destination(peer: SocketAddr) -> Subject {
    Subject {
        kind: "destination",
        peer: Some(peer.to_string()),
        protocol: Some("tcp"),
        ..Subject::default()
    }
}

#[cfg(test)]
mod tests;
