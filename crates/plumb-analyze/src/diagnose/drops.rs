//! `backlog-drops`, `conntrack-full`: packets that the kernel drops before any socket is full.
//!
//! Softnet drops a packet when a processor's backlog is full (`softnet_stat` dropped); a socket's backlog
//! fills while its process holds it (`TcpExt.TCPBacklogDrop`). A new flow that finds the conntrack table
//! full is dropped (`nf_conntrack: drop`, `early_drop`).

use plumb_model::Known;
use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};

use super::{Case, evidence};

/// The id of the finding: a backlog is full.
pub const BACKLOG: &str = "backlog-drops";
/// The id of the finding: the conntrack table is full.
pub const CONNTRACK: &str = "conntrack-full";
/// From this share of the table on it is said, in percent.
const NEAR_PERCENT: u64 = 95;

/// Looks for drops at backlogs.
pub fn check_backlog(case: &Case<'_>) -> Vec<Finding> {
    let softnet = evidence::grown(case.span, "softnet", "dropped");
    let socket = evidence::grown(case.span, "TcpExt", "TCPBacklogDrop");
    if softnet.is_none() && socket.is_none() {
        return Vec::new();
    }
    let at = if softnet.is_some() {
        "processors"
    } else {
        "sockets"
    };
    let hint = if softnet.is_some() {
        "raise net.core.netdev_max_backlog, or spread interrupts over processors (RPS, RSS)"
    } else {
        "the process holds its socket too long at a time: shorter writes, more memory, a faster processor"
    };
    let facts: Vec<Evidence> = [softnet, socket].into_iter().flatten().collect();
    vec![Finding {
        kind: BACKLOG,
        severity: Severity::Critical,
        summary: format!("packets are dropped because {at} cannot keep up with their backlog"),
        subject: host(),
        evidence: facts,
        hints: vec![hint.to_owned()],
        confidence: Confidence::Certain,
    }]
}

/// Looks at how full the conntrack table is.
pub fn check_conntrack(case: &Case<'_>) -> Vec<Finding> {
    let settings = &case.span.after.settings;
    let count = settings.number("net.netfilter.nf_conntrack_count");
    let max = settings.number("net.netfilter.nf_conntrack_max");
    let (Known::Known(count), Known::Known(max)) = (count, max) else {
        return Vec::new();
    };
    let dropped: Vec<Evidence> = ["drop", "early_drop", "insert_failed"]
        .iter()
        .filter_map(|name| evidence::grown(case.span, "nf_conntrack", name))
        .collect();
    if max == 0 || count.saturating_mul(100) < max.saturating_mul(NEAR_PERCENT) {
        return Vec::new();
    }
    let failing = !dropped.is_empty() || count >= max;
    let mut facts = vec![evidence::fact(
        "net.netfilter.nf_conntrack_count, nf_conntrack_max",
        format!("{count} flows are tracked, {max} may be"),
    )];
    facts.extend(dropped);
    vec![Finding {
        kind: CONNTRACK,
        severity: if failing {
            Severity::Critical
        } else {
            Severity::Warning
        },
        summary: format!(
            "the conntrack table is full ({count} of {max}): new connections are dropped"
        ),
        subject: host(),
        evidence: facts,
        hints: vec![
            "raise net.netfilter.nf_conntrack_max, or shorten its timeouts".to_owned(),
            "do not track what needs no tracking (notrack in the raw table)".to_owned(),
        ],
        confidence: Confidence::Certain,
    }]
}

fn host() -> Subject {
    Subject {
        kind: "host",
        ..Subject::default()
    }
}
