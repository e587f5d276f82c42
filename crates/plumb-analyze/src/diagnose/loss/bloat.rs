//! `bufferbloat`: a queue on the way is too long.
//!
//! A round trip far above its minimum, with a full window on the way, is a queue that is too long. When it
//! overflows segments are lost as well; then only a round trip that hardly varies is a queue's: one that losses and
//! timers made long varies as much as it is long (`tcpi_rttvar`). Where processors are short, a program that
//! should have passed packets on may have waited instead of them.

use plumb_model::diag::tcp_info::TcpInfo;
use plumb_model::finding::{Confidence, Finding, Severity};

use super::waits_here;
use crate::diagnose::flow::{Flow, lasting};
use crate::diagnose::processors::{self, Shortage};
use crate::diagnose::{Case, evidence, subject};

/// The id of the finding: a queue is too long.
pub const BLOAT: &str = "bufferbloat";
/// A round trip is long from here on …
const LONG_US: u32 = 80_000;
/// … if it is so many times the smallest.
const TIMES: u32 = 5;
/// So many segments on the way are a full window.
const WINDOW: u32 = 8;
/// One that varies by less than this part of itself is steady.
const STEADY: u32 = 4;
/// Fewer segments sent again are no loss.
const FEW: u32 = 4;

/// Looks for round trips that a queue makes long.
pub fn check_bloat(case: &Case<'_>) -> Vec<Finding> {
    let slow = lasting(case).filter(|flow| {
        let moving = flow.is.bytes_acked > flow.was.bytes_acked;
        let again = flow.is.total_retrans.wrapping_sub(flow.was.total_retrans);
        let is_queue = again < FEW || is_steady(flow.is) || queues_here(case, flow);
        is_long(&flow.was) && is_long(flow.is) && moving && is_queue && is_full(case, flow)
    });
    let outward = slow.map(|flow| (flow.is.rtt_us, flow.is.unacked, flow));
    let inward = lasting(case).filter_map(|flow| {
        let trip = inward_us(case, &flow)?;
        Some((trip, flow.is.unacked, flow))
    });
    outward
        .chain(inward)
        .map(|(rtt_us, under_way, flow)| bloat(case, &flow, rtt_us, under_way))
        .collect()
}

/// Gives the round trip of a connection on which much comes to us through a queue. What we see of it
/// (`tcpi_rcv_rtt`) is long also where the sender pauses, so another connection to the host must find it long, too.
fn inward_us(case: &Case<'_>, flow: &Flow<'_>) -> Option<u32> {
    let is_long_inward = |info: &TcpInfo| {
        let least = info.min_rtt_us.saturating_mul(TIMES);
        info.rcv_rtt_us >= LONG_US && least <= info.rcv_rtt_us
    };
    let segments = flow.is.data_segs_in.wrapping_sub(flow.was.data_segs_in);
    if !is_long_inward(&flow.was) || !is_long_inward(flow.is) || segments < WINDOW {
        return None;
    }
    let host = |flow: &Flow<'_>| {
        let peer = flow.after.peer.inet();
        peer.map(|peer| peer.ip().to_canonical())
    };
    let mut others = lasting(case).filter(|other| other.place != flow.place);
    let agrees = others.any(|other| host(&other) == host(flow) && is_long(other.is));
    agrees.then_some(flow.is.rcv_rtt_us)
}

fn is_long(info: &TcpInfo) -> bool {
    info.rtt_us >= LONG_US && info.min_rtt_us.saturating_mul(TIMES) <= info.rtt_us
}

/// Says whether a window is on the way; of many connections that share a full queue of ours each has a few segments there.
fn is_full(case: &Case<'_>, flow: &Flow<'_>) -> bool {
    flow.is.unacked >= WINDOW || flow.is.unacked > 0 && queues_here(case, flow)
}

fn is_steady(info: &TcpInfo) -> bool {
    info.rttvar_us.saturating_mul(STEADY) <= info.rtt_us
}

/// Says whether the queue is one of ours, which may be full and lose, too.
fn queues_here(case: &Case<'_>, flow: &Flow<'_>) -> bool {
    let peer = flow.after.peer.inet().map(|peer| peer.ip().to_canonical());
    peer.is_some_and(|peer| waits_here(case, peer))
}

fn bloat(case: &Case<'_>, flow: &Flow<'_>, rtt_us: u32, under_way: u32) -> Finding {
    let subject = subject::of_other_end(case.span.after, flow.place);
    let peer = subject.peer.clone().unwrap_or_default();
    let ms = |us: u32| f64::from(us) / 1000.0;
    let host = flow.after.peer.inet().map(|peer| peer.ip().to_canonical());
    let shortage = host
        .and_then(|host| processors::shortage(case, host))
        .filter(|_| !queues_here(case, flow));
    let (severity, confidence) = match shortage {
        Some(_) => (Severity::Info, Confidence::Possible),
        None => (Severity::Warning, Confidence::Likely),
    };
    let mut facts = vec![evidence::fact(
        "tcp_info.tcpi_rtt, tcpi_rcv_rtt, tcpi_min_rtt, tcpi_unacked",
        format!(
            "the round trip is {:.1} ms, its minimum was {:.1} ms; {} segments are on the way",
            ms(rtt_us),
            ms(flow.is.min_rtt_us),
            under_way
        ),
    )];
    facts.extend(shortage.map(Shortage::into_fact));
    Finding {
        kind: BLOAT,
        severity,
        summary: format!(
            "a queue on the way to {peer} makes round trips take {:.0} ms instead of {:.0}",
            ms(rtt_us),
            ms(flow.is.min_rtt_us)
        ),
        subject,
        evidence: facts,
        hints: vec![
            "on our own interface: a fair queue (tc qdisc replace dev IF root fq_codel), a smaller limit".to_owned(),
            "elsewhere: limit the sender's rate below the slowest link (SO_MAX_PACING_RATE, tc)".to_owned(),
        ],
        confidence,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, short_of_processors};
    use super::*;

    fn info(rtt_us: u32, rttvar_us: u32, sent: u64, again: u32) -> TcpInfo {
        TcpInfo {
            rtt_us,
            rttvar_us,
            min_rtt_us: 100,
            unacked: 40,
            bytes_acked: sent,
            data_segs_out: u32::try_from(sent / 1000).expect("few"),
            total_retrans: again,
            ..TcpInfo::default()
        }
    }

    #[test]
    fn a_queue_that_overflows_is_told_instead_of_its_losses() {
        let steady = found(
            (
                info(800_000, 2_000, 1_000_000, 10),
                info(790_000, 3_000, 2_000_000, 400),
            ),
            false,
        );
        assert_eq!(steady, [(BLOAT, Severity::Warning)]);
        // What losses and timers made long varies as much.
        let shaky = found(
            (
                info(90_000, 60_000, 1_000_000, 10),
                info(95_000, 70_000, 2_000_000, 400),
            ),
            false,
        );
        assert_eq!(shaky, [(super::super::LOSS, Severity::Warning)]);
    }

    #[test]
    fn who_waits_for_a_processor_may_be_no_queue() {
        let flow = (
            info(200_000, 2_000, 1_000_000, 0),
            info(210_000, 3_000, 2_000_000, 0),
        );
        assert_eq!(found(flow, false), [(BLOAT, Severity::Warning)]);
        assert_eq!(found(flow, true), [(BLOAT, Severity::Info)]);
        assert!(short_of_processors(true).processor_wait.0.ok().is_some());
    }
}
