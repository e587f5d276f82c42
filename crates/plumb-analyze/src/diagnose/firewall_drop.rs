//! `firewall-drop`: the local firewall throws away what somebody waits for.
//!
//! A firewall that drops is doing its work; it is a trouble when there is a victim: an attempt of ours whose
//! SYN never leaves the host or whose answer comes and changes nothing (packets are seen before the input hook), or
//! SYNs for a port that is served here and that get no answer. The counter
//! of the rule convicts it; without a counter it is only suspected.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use plumb_model::Known;
use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::firewall::Refuser;
use plumb_model::notice::{Direction, What};

use super::attempts;
use super::{Case, evidence, sockets, subject};

/// The id of the finding.
pub const ID: &str = "firewall-drop";
/// So many SYNs without an answer are no accident.
const SEVERAL: u64 = 3;

/// Looks for victims, then for the rule.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    if case.span.after.refusers.is_empty() {
        return Vec::new();
    }
    let mut findings = outgoing(case);
    findings.extend(incoming(case));
    findings
}

/// Attempts whose SYN was sent again and was not seen to leave, or whose answer was seen and not heard.
fn outgoing(case: &Case<'_>) -> Vec<Finding> {
    let all = attempts::all(case).into_iter();
    all.filter_map(|attempts| {
        let peer = attempts.peer;
        let (fact, summary) = if attempts.syn_acks > 0 && attempts.retransmits > 0 {
            (
                format!(
                    "the SYN-ACK of {peer} came to this host, and the attempt still waits for it"
                ),
                format!("the local firewall keeps the answers of {peer} from coming in"),
            )
        } else if attempts.retried
            && attempts.syns == 0
            && attempts::silent_next_hop(case, peer).is_none()
        {
            (
                format!("a SYN to {peer} was sent again and did not leave this host"),
                format!("the local firewall keeps connections to {peer} from leaving"),
            )
        } else {
            return None;
        };
        let (place, _) = attempts.sockets.first()?;
        let owner = subject::of_socket(&case.span.after.snapshot, *place, "destination");
        let subject = Subject {
            local: None,
            peer: Some(peer.to_string()),
            ..owner
        };
        let fact = evidence::fact("sock_diag SYN_SENT, packets", fact);
        Some(finding(case, subject, fact, summary))
    })
    .collect()
}

/// SYNs for ports that are served here, without any answer.
fn incoming(case: &Case<'_>) -> Vec<Finding> {
    let mut ports: BTreeMap<SocketAddr, u64> = BTreeMap::new();
    for notice in case
        .notices
        .of(Direction::Received, |what| what == What::Syn)
    {
        *ports.entry(sockets::plain(notice.local)).or_default() += notice.count;
    }
    let answered = |end: SocketAddr| {
        let answers = |what| matches!(what, What::SynAck | What::Refusal);
        let mut sent = case.notices.of(Direction::Sent, answers);
        sent.any(|notice| sockets::plain(notice.local) == end)
    };
    let queue_full = ["ListenOverflows", "ListenDrops", "TCPReqQFullDrop"]
        .iter()
        .any(|name| evidence::grown(case.span, "TcpExt", name).is_some());
    if queue_full {
        return Vec::new();
    }
    let silent = ports
        .into_iter()
        .filter(|(end, count)| *count >= SEVERAL && !answered(*end));
    silent
        .filter_map(|(end, count)| {
            let (place, _) = sockets::server_of(case.span.after, end)?;
            let subject = subject::of_socket(&case.span.after.snapshot, place, "listener");
            let fact = evidence::fact(
                "packets received: SYN",
                format!("{count} attempts at {end} came and got no answer, although it is served"),
            );
            let summary = format!("the local firewall keeps clients from {end}");
            Some(finding(case, subject, fact, summary))
        })
        .collect()
}

fn finding(case: &Case<'_>, subject: Subject, victim: Evidence, summary: String) -> Finding {
    let guilty = guilty(case);
    let suspects = case.span.after.refusers.iter().take(5).map(place);
    let mut facts = vec![victim];
    let confidence = if guilty.is_empty() {
        facts.push(evidence::fact(
            "nftables",
            format!(
                "rules that throw packets away, none of them counted: {}",
                suspects.collect::<Vec<_>>().join("; ")
            ),
        ));
        Confidence::Likely
    } else {
        facts.extend(guilty);
        Confidence::Certain
    };
    Finding {
        kind: ID,
        severity: Severity::Critical,
        summary,
        subject,
        evidence: facts,
        hints: vec![
            "see the rules with their handles: nft -a list ruleset".to_owned(),
            "give a suspected rule a counter and look again: … counter drop".to_owned(),
        ],
        confidence,
    }
}

/// Gives the rules whose counters grew.
fn guilty(case: &Case<'_>) -> Vec<Evidence> {
    let before = &case.span.before.refusers;
    let grown = case.span.after.refusers.iter().filter_map(|rule| {
        let now: u64 = rule.packets.ok()?;
        let same = |other: &&Refuser| {
            (other.family, &other.table, &other.chain, other.handle)
                == (rule.family, &rule.table, &rule.chain, rule.handle)
        };
        let then = match before.iter().find(same).map(|other| other.packets) {
            Some(Known::Known(then)) => then,
            _ => 0,
        };
        let more = now.checked_sub(then).filter(|&more| more > 0)?;
        Some(evidence::fact(
            "nftables counter",
            format!(
                "{more} packets met {} in {:.1} s",
                place(rule),
                case.span.seconds()
            ),
        ))
    });
    grown.collect()
}

/// Names a rule as `nft` would be asked for it.
fn place(rule: &Refuser) -> String {
    let (table, chain) = (
        String::from_utf8_lossy(&rule.table),
        String::from_utf8_lossy(&rule.chain),
    );
    let what = rule.verdict.word();
    match rule.handle {
        0 => format!("{} {table} {chain} policy {what}", rule.family),
        handle => format!("{} {table} {chain} handle {handle} ({what})", rule.family),
    }
}
