//! `nagle-delayed-ack`: small writes wait for acknowledgements that the peer delays.
//!
//! With Nagle's algorithm (RFC 896) a second small write waits until the first is acknowledged; the peer
//! delays its acknowledgement by 40 to 200 ms in the hope of an answer to put it on (RFC 1122 4.2.3.2).
//! Then the smoothed round trip time is that of the delay, though the network's own is far smaller, and
//! acknowledgements come alone: one that comes with the peer's next words was not waited for. A queue that is full
//! makes it as long; a transfer that goes the same way sees that one, or what waits in our own interface tells.

use plumb_model::finding::{Confidence, Finding, Severity};

use super::flow::{Flow, lasting};
use super::{Case, evidence, loss, subject};

/// The id of the finding.
pub const ID: &str = "nagle-delayed-ack";
/// Round trips that a delayed acknowledgement makes.
const DELAYED_US: std::ops::RangeInclusive<u32> = 15_000..=250_000;
/// The network's own round trip is at most this part of it.
const FASTER: u32 = 6;
/// Who has something under way for so much of the time, in percent, waits for acknowledgements all the time.
const BUSY_PERCENT: u64 = 70;
/// At least one of so many segments of ours is acknowledged by a segment without data.
const ALONE: u32 = 4;
/// So many segments in the watch are a conversation.
const SEGMENTS: u32 = 6;

/// Looks for conversations slowed down by their own acknowledgements.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let slow = lasting(case).filter(|flow| is_delayed(flow) && !loss::is_queued(case, flow));
    slow.map(|flow| finding(case, &flow)).collect()
}

fn is_delayed(flow: &Flow<'_>) -> bool {
    let (was, is) = (&flow.was, flow.is);
    let segments = is.data_segs_out.wrapping_sub(was.data_segs_out);
    let bytes = is.bytes_sent.saturating_sub(was.bytes_sent);
    let small = bytes < u64::from(segments) * u64::from(is.snd_mss) / 2;
    let lossless = is.total_retrans == was.total_retrans;
    segments >= SEGMENTS
        && small
        && lossless
        && acknowledged_alone(flow).saturating_mul(ALONE) >= segments
        && DELAYED_US.contains(&is.rtt_us)
        && is.min_rtt_us.saturating_mul(FASTER) <= is.rtt_us
        // A queue on the way would have many segments in it.
        && is.unacked <= 2
}

/// Counts the segments of the watch that came without data. A peer that answers within its delay puts the
/// acknowledgement on the answer, and what it takes is the time it thinks.
fn acknowledged_alone(flow: &Flow<'_>) -> u32 {
    let came = flow.is.segs_in.wrapping_sub(flow.was.segs_in);
    let with_data = flow.is.data_segs_in.wrapping_sub(flow.was.data_segs_in);
    came.saturating_sub(with_data)
}

/// Says whether a write waited, as far as one can see: one was held back at a sample, or the conversation did
/// nothing but wait. A peer that acknowledges late is no loss to who writes seldom.
fn is_held_back(case: &Case<'_>, flow: &Flow<'_>) -> bool {
    let held = flow.was.notsent_bytes > 0 || flow.is.notsent_bytes > 0;
    held || flow.share_percent(case, |info| info.busy_time_us) >= BUSY_PERCENT
}

/// Gives how long one write waits, microseconds: something was under way for so long, and so often an acknowledgement came
/// alone. The smoothed round trip has those that did not wait in it, and so is the least it can be; where it varies as much
/// as it is long, every other one did.
fn stall_us(flow: &Flow<'_>) -> u32 {
    let busy = flow.is.busy_time_us.saturating_sub(flow.was.busy_time_us);
    let each = busy
        .checked_div(acknowledged_alone(flow).into())
        .unwrap_or(0);
    let each = u32::try_from(each).unwrap_or(u32::MAX);
    let late = flow.is.rtt_us.saturating_add(flow.is.rttvar_us);
    each.max(late).min(*DELAYED_US.end())
}

fn finding(case: &Case<'_>, flow: &Flow<'_>) -> Finding {
    let subject = subject::of_socket(&case.span.after.snapshot, flow.place, "socket");
    let peer = subject.peer.clone().unwrap_or_default();
    let segments = flow.is.data_segs_out.wrapping_sub(flow.was.data_segs_out);
    let ms = |us: u32| f64::from(us) / 1000.0;
    let mut facts = vec![
        evidence::fact(
            "tcp_info.tcpi_rtt, tcpi_min_rtt",
            format!(
                "acknowledgements take {:.1} ms where {:.1} ms are possible",
                ms(flow.is.rtt_us),
                ms(flow.is.min_rtt_us)
            ),
        ),
        evidence::fact(
            "tcp_info.tcpi_data_segs_out",
            format!("{segments} small segments were sent, none was lost"),
        ),
    ];
    facts.extend(evidence::grown(case.span, "TcpExt", "DelayedACKs"));
    Finding {
        kind: ID,
        severity: if is_held_back(case, flow) {
            Severity::Warning
        } else {
            Severity::Info
        },
        summary: format!(
            "small writes to {peer} wait for delayed acknowledgements, about {:.0} ms each",
            ms(stall_us(flow))
        ),
        subject,
        evidence: facts,
        hints: vec![
            "write a request whole, in one call (writev, a buffered writer)".to_owned(),
            "or set TCP_NODELAY on the socket".to_owned(),
        ],
        confidence: Confidence::Likely,
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::tcp_info::TcpInfo;

    use super::*;
    use crate::made_up;

    /// What is said where each of 45 rounds had two small writes, and so many segments of the peer.
    fn said(rtt_us: u32, rttvar_us: u32, busy_us: u64, came: u32) -> String {
        let info = |rounds: u32| TcpInfo {
            snd_mss: 1448,
            rtt_us,
            rttvar_us,
            min_rtt_us: 50,
            data_segs_out: 2 * rounds,
            data_segs_in: rounds,
            segs_in: came * rounds,
            bytes_sent: u64::from(rounds) * 20,
            busy_time_us: u64::from(rounds) * busy_us,
            ..TcpInfo::default()
        };
        let (before, after) = (
            made_up::sample(1_000_000, &info(0)),
            made_up::sample(3_000_000, &info(45)),
        );
        check(&made_up::between(&before, &after))[0].summary.clone()
    }

    #[test]
    fn what_is_said_is_the_stall_and_not_the_smoothed_round_trip() {
        let said = said(22_000, 0, 44_000, 2);
        assert!(said.ends_with("about 44 ms each"), "{said}");
    }

    #[test]
    fn where_every_other_acknowledgement_is_at_once_the_late_ones_are_told() {
        let said = said(20_500, 20_000, 41_000, 3);
        assert!(said.ends_with("about 40 ms each"), "{said}");
    }
}
