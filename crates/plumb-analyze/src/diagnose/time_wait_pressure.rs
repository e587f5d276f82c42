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
/// From this share on, if they grow so fast that within the life of one (`TCP_TIMEWAIT_LEN`, seconds) there would be
/// more than may be: after that time as many end as come.
const GROWING_PERCENT: u64 = 10;
const LIFE_S: f64 = 60.0;

/// Looks at the number of TIME_WAIT sockets and at their overflow.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let sample = case.span.after;
    let overflow = evidence::grown(case.span, "TcpExt", "TCPTimeWaitOverflow");
    let [before, count] = [case.span.before, sample].map(|sample| {
        let count = sockets::tcp(sample, SocketState::TIME_WAIT).count();
        u64::try_from(count).unwrap_or(u64::MAX)
    });
    let limit = sample.settings.number("net.ipv4.tcp_max_tw_buckets").ok();
    let reaches = |limit: u64, percent: u64| {
        limit > 0 && count.saturating_mul(100) >= limit.saturating_mul(percent)
    };
    let near = limit.is_some_and(|limit| reaches(limit, NEAR_PERCENT));
    let more = count.saturating_sub(before);
    let will = limit.is_some_and(|limit| {
        reaches(limit, GROWING_PERCENT) && in_a_life(more, case.span.seconds()) >= as_number(limit)
    });
    if overflow.is_none() && !near && !will {
        return Vec::new();
    }
    let text = match limit {
        Some(limit) if will && !near => {
            format!(
                "{count} sockets in TIME_WAIT, {more} more than at the first sample, {limit} may be"
            )
        }
        Some(limit) => format!("{count} sockets in TIME_WAIT, {limit} may be"),
        None => format!("{count} sockets in TIME_WAIT"),
    };
    let mut facts = vec![evidence::fact(
        "sock_diag, net.ipv4.tcp_max_tw_buckets",
        text.clone(),
    )];
    let failing = overflow.is_some();
    facts.extend(overflow);
    let verb = if near || failing {
        "reach"
    } else {
        "will reach"
    };
    vec![Finding {
        kind: ID,
        severity: Severity::Warning,
        summary: format!("TIME_WAIT sockets {verb} their limit: {text}"),
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

/// Gives how many more there are after a life at this pace.
fn in_a_life(more: u64, seconds: f64) -> f64 {
    as_number(more) * LIFE_S / seconds.max(f64::MIN_POSITIVE)
}

#[expect(clippy::cast_precision_loss, reason = "numbers of sockets")]
fn as_number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::sample::{Sample, Settings};

    use super::*;
    use crate::made_up;

    fn is_told(before: usize, after: usize, limit: u64) -> bool {
        let sample = |at_us, count| {
            let mut one = made_up::connection(&TcpInfo::default());
            one.state = SocketState::TIME_WAIT;
            let mut sample = Sample {
                at_us,
                ..Sample::default()
            };
            sample.snapshot.sockets = vec![one; count];
            sample.settings = Settings::new(vec![("net.ipv4.tcp_max_tw_buckets", vec![limit])]);
            sample
        };
        let (before, after) = (sample(1_000_000, before), sample(3_000_000, after));
        !check(&made_up::between(&before, &after)).is_empty()
    }

    #[test]
    fn a_pace_that_fills_the_table_within_the_life_of_one_is_told_early() {
        assert!(is_told(109, 416, 1500));
        // As many as a pace that goes on for a minute would bring, and no more.
        assert!(!is_told(109, 159, 1550));
        // So few may be a burst.
        assert!(!is_told(10, 140, 1500));
        assert!(is_told(1400, 1400, 1500));
    }
}
