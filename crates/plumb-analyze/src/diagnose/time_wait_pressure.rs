//! `time-wait-pressure`: TIME_WAIT sockets reach their limit (`tcp_max_tw_buckets`).
//!
//! Beyond it the kernel closes connections without TIME_WAIT and counts `TcpExt.TCPTimeWaitOverflow`
//! (`inet_twsk_alloc`): late segments may then meet a new connection of the same ends.

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::socket::SocketState;

use super::{Case, evidence, sockets};

/// The id of the finding.
pub const ID: &str = "time-wait-pressure";
/// From this share of the limit on it is said, in percent.
const NEAR_PERCENT: u64 = 90;

/// Looks at the number of TIME_WAIT sockets and at their overflow.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let sample = case.span.after;
    let overflow = evidence::grown(case.span, "TcpExt", "TCPTimeWaitOverflow");
    let count = sockets::tcp(sample, SocketState::TIME_WAIT).count();
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    let limit = sample.settings.number("net.ipv4.tcp_max_tw_buckets").ok();
    let near = limit.filter(|limit| {
        *limit > 0 && count.saturating_mul(100) >= limit.saturating_mul(NEAR_PERCENT)
    });
    if overflow.is_none() && near.is_none() {
        return Vec::new();
    }
    let text = match limit {
        Some(limit) => format!("{count} sockets in TIME_WAIT, {limit} may be"),
        None => format!("{count} sockets in TIME_WAIT"),
    };
    let mut facts = vec![evidence::fact(
        "sock_diag, net.ipv4.tcp_max_tw_buckets",
        text.clone(),
    )];
    let failing = overflow.is_some();
    facts.extend(overflow);
    vec![Finding {
        kind: ID,
        severity: Severity::Warning,
        summary: format!("TIME_WAIT sockets reach their limit: {text}"),
        subject: Subject {
            kind: "host",
            ..Subject::default()
        },
        evidence: facts,
        hints: vec![
            "find who opens so many short connections: plumb ls 'state = time-wait' --group-by peer".to_owned(),
            "keep connections and use them again; raise net.ipv4.tcp_max_tw_buckets (some 200 bytes each)".to_owned(),
        ],
        confidence: if failing { Confidence::Certain } else { Confidence::Likely },
    }]
}
