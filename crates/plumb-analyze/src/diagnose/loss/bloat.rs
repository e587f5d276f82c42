//! `bufferbloat`: a queue on the way is too long.
//!
//! A round trip far above its minimum, with a full window on the way, is a queue that is too long. The window is that of
//! all connections to the host together: congestion control that spares queues (BBR) lets each have few segments there. When it
//! overflows segments are lost as well; then only a round trip that hardly varies is a queue's: one that losses and
//! timers made long varies as much as it is long (`tcpi_rttvar`). One that fills was shorter before: the window grew and
//! nothing is delivered faster for it. Where the queue is our own interface's, what waits in it is known: no minimum is
//! needed, which a connection that began behind a full queue does not have, and no full window, because who asks now and
//! then waits behind what others send. Where processors are short, a program that should have passed packets on may have
//! waited instead of them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use plumb_model::diag::tcp_info::TcpInfo;
use plumb_model::finding::{Confidence, Finding, Severity};

use super::queued::{TIMES, WINDOW, sends_data};
use crate::diagnose::flow::{Flow, lasting};
use crate::diagnose::own_queue::{self, OwnQueue};
use crate::diagnose::processors::{self, Shortage};
use crate::diagnose::{Case, evidence, subject};

/// The id of the finding: a queue is too long.
pub const BLOAT: &str = "bufferbloat";
/// A round trip is long from here on, if it is [`TIMES`] its minimum.
const LONG_US: u32 = 80_000;
/// One that varies by less than this part of itself is steady.
const STEADY: u32 = 4;
/// Fewer segments sent again are no loss.
const FEW: u32 = 4;
/// While a queue fills the window grows by this part of itself or more, and what is delivered does not.
const GROWTH: u64 = 4;

/// Looks for round trips that a queue makes long.
pub fn check_bloat(case: &Case<'_>) -> Vec<Finding> {
    let moving: Vec<Flow<'_>> = lasting(case)
        .filter(|flow| flow.is.bytes_acked > flow.was.bytes_acked)
        .collect();
    let slow = moving
        .iter()
        .filter(|flow| waits_in_ours(case, flow) || waits(case, &moving, flow));
    let outward = slow.map(|flow| (flow, flow.is.rtt_us));
    let all: Vec<Flow<'_>> = lasting(case).collect();
    let inward = all
        .iter()
        .filter_map(|flow| Some((flow, inward_us(case, flow)?)));
    // A queue is one trouble, whoever waits in it; who has most there is told.
    let mut by_host: BTreeMap<Option<IpAddr>, Waiting<'_>> = BTreeMap::new();
    for (flow, rtt_us) in outward.chain(inward) {
        let waiting = by_host.entry(flow.host()).or_insert((flow, rtt_us, 0));
        waiting.2 += 1;
        if flow.is.unacked > waiting.0.is.unacked {
            (waiting.0, waiting.1) = (flow, rtt_us);
        }
    }
    let hosts = by_host.into_values();
    hosts
        .map(|(flow, rtt_us, count)| bloat(case, flow, rtt_us, count))
        .collect()
}

/// The connection with most under way, its round trip, and how many wait.
type Waiting<'f> = (&'f Flow<'f>, u32, usize);

/// Says whether a connection waits in a queue that its round trips show.
fn waits(case: &Case<'_>, moving: &[Flow<'_>], flow: &Flow<'_>) -> bool {
    let again = again(flow);
    (again == 0 || again < FEW && !is_shaky(flow.is) || is_steady(flow.is))
        && is_slow(flow)
        && is_far_above_least(&flow.was)
        && is_far_above_least(flow.is)
        && (is_window(moving, flow) || shares_ours(case, flow))
}

/// Says whether a connection waits in a queue of ours that takes long. A fair queue lets those pass that send little:
/// their round trips stay short. Others approach the truth by an eighth with each answer.
fn waits_in_ours(case: &Case<'_>, flow: &Flow<'_>) -> bool {
    flow.is.rtt_us >= LONG_US / 2 && own_queue_of(case, flow).is_some()
}

/// Says whether the round trips took long in both samples, or in the later one of a queue that fills.
fn is_slow(flow: &Flow<'_>) -> bool {
    flow.is.rtt_us >= LONG_US && (flow.was.rtt_us >= LONG_US || fills(flow))
}

/// Says whether more was on the way in the later sample, nothing arrives faster for it, and nothing was sent again: what is
/// more waits. Round trips that timers made long, where acknowledgements are lost, vary.
fn fills(flow: &Flow<'_>) -> bool {
    let grew = |was: u64, is: u64| is.saturating_sub(was).saturating_mul(GROWTH) >= was;
    let (was, is) = (&flow.was, flow.is);
    again(flow) == 0
        && is_steady(was)
        && is_steady(is)
        && was.delivery_rate > 0
        && is.delivery_rate > 0
        && grew(was.snd_cwnd.into(), is.snd_cwnd.into())
        && grew(was.rtt_us.into(), is.rtt_us.into())
        && !grew(was.delivery_rate, is.delivery_rate)
        && !is.app_limited()
}

fn again(flow: &Flow<'_>) -> u32 {
    flow.is.total_retrans.wrapping_sub(flow.was.total_retrans)
}

/// Says whether a full window is on the way to the host: this connection's, or that of all whose round trips take as
/// long. Small segments are none: their acknowledgements may be delayed. Nor are questions, one on each of many
/// connections, that wait for an answer: it may be lost.
fn is_window(moving: &[Flow<'_>], flow: &Flow<'_>) -> bool {
    let is_large = |flow: &Flow<'_>| {
        sends_data(flow) && !flow.is.app_limited() || flow.is.notsent_bytes > flow.is.snd_mss
    };
    let others = moving
        .iter()
        .filter(|other| other.host() == flow.host() && is_slow(other) && is_large(other));
    let together: u32 = others.map(|other| other.is.unacked).sum();
    flow.is.unacked >= WINDOW || is_large(flow) && together >= WINDOW
}

/// Says whether a connection has something in a full queue of ours.
fn shares_ours(case: &Case<'_>, flow: &Flow<'_>) -> bool {
    let mut host = flow.host().into_iter();
    flow.is.unacked > 0 && host.any(|host| own_queue::is_full(case, host))
}

/// Gives our own queue, if it alone makes round trips long.
fn own_queue_of(case: &Case<'_>, flow: &Flow<'_>) -> Option<OwnQueue> {
    let own = own_queue::towards(case, flow.host()?)?;
    (own.us >= u64::from(LONG_US)).then_some(own)
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
    let to_host = |other: &Flow<'_>| other.place != flow.place && other.host() == flow.host();
    let others: Vec<Flow<'_>> = lasting(case).filter(to_host).collect();
    let agree = others
        .iter()
        .any(|other| is_long(other.is) && !is_by_timers(other));
    // Of several to one host losses hit some, a queue all of them.
    let disagree = others.iter().any(is_quick);
    (agree && !disagree).then_some(flow.is.rcv_rtt_us)
}

/// Says whether a connection was answered meanwhile, and soon.
fn is_quick(flow: &Flow<'_>) -> bool {
    flow.is.bytes_acked > flow.was.bytes_acked && flow.is.rtt_us < LONG_US / 2
}

/// Says whether round trips may have become long because something was lost and came again by a timer, of ours or of the
/// peer.
fn is_by_timers(flow: &Flow<'_>) -> bool {
    !is_steady(flow.is) && (again(flow) > 0 || is_shaky(flow.is))
}

fn is_long(info: &TcpInfo) -> bool {
    info.rtt_us >= LONG_US && is_far_above_least(info)
}

fn is_far_above_least(info: &TcpInfo) -> bool {
    info.min_rtt_us.saturating_mul(TIMES) <= info.rtt_us
}

/// Says whether round trips vary as much as they are long: some came by a timer.
fn is_shaky(info: &TcpInfo) -> bool {
    info.rttvar_us >= info.rtt_us
}

fn is_steady(info: &TcpInfo) -> bool {
    info.rttvar_us.saturating_mul(STEADY) <= info.rtt_us
}

fn bloat(case: &Case<'_>, flow: &Flow<'_>, rtt_us: u32, count: usize) -> Finding {
    let subject = subject::of_other_end(case.span.after, flow.place);
    let peer = subject.peer.clone().unwrap_or_default();
    let ms = |us: u32| f64::from(us) / 1000.0;
    let own = own_queue_of(case, flow);
    let host = flow.host();
    let is_ours = host.is_some_and(|host| own_queue::is_full(case, host));
    let shortage = host
        .and_then(|host| processors::shortage(case, host))
        .filter(|_| own.is_none() && !is_ours);
    let (severity, confidence) = match (&shortage, own) {
        (Some(_), _) => (Severity::Info, Confidence::Possible),
        (None, None) => (Severity::Warning, Confidence::Likely),
        (None, Some(_)) => (Severity::Warning, Confidence::Certain),
    };
    // Without one of its own, a connection that began behind a full queue takes its own smallest for the path's.
    let least_us = match own {
        Some(own) => flow
            .is
            .min_rtt_us
            .min(rtt_us.saturating_sub(saturated(own.us))),
        None => flow.is.min_rtt_us,
    };
    let mut facts = vec![evidence::fact(
        "tcp_info.tcpi_rtt, tcpi_rcv_rtt, tcpi_min_rtt, tcpi_unacked",
        format!(
            "the round trip is {:.1} ms, its minimum was {:.1} ms; {} segments are on the way; so it is on {}",
            ms(rtt_us),
            ms(flow.is.min_rtt_us),
            flow.is.unacked,
            evidence::connections(count)
        ),
    )];
    facts.extend(own.map(OwnQueue::into_fact));
    facts.extend(shortage.map(Shortage::into_fact));
    Finding {
        kind: BLOAT,
        severity,
        summary: format!(
            "a queue on the way to {peer} makes round trips take {:.0} ms instead of {:.0}",
            ms(rtt_us),
            ms(least_us)
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

fn saturated(us: u64) -> u32 {
    u32::try_from(us).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
