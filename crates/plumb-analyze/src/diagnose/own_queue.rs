//! The queue of our own interface towards a host: what waits in it, how long that takes to leave, what it dropped.
//!
//! The kernel tells the bytes that wait in a queueing discipline and those that left it (`TCA_STATS2`), so how long a
//! packet waits follows from two samples, whatever the sender's round trips say: one that keeps its own window small,
//! or began when the queue was full already, does not see it.

use std::net::IpAddr;

use plumb_model::Known;
use plumb_model::finding::Evidence;
use plumb_model::sample::Sample;
use plumb_model::traffic::{Qdisc, QdiscStatistics};

use super::{Case, evidence};

/// So much in a queue of ours is a full window, too.
const MUCH_BYTES: u64 = 12_000;

/// What waited in a queue in both samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OwnQueue {
    /// Bytes that waited, when it were less.
    pub bytes: u64,
    /// How long they need to leave, at the pace of the watch, microseconds.
    pub us: u64,
}

impl OwnQueue {
    /// Says it.
    pub fn into_fact(self) -> Evidence {
        let ms = self.us / 1000;
        evidence::fact(
            "rtnetlink RTM_GETQDISC backlog, bytes",
            format!(
                "{} bytes wait in the queue of our own interface, which takes {ms} ms to let them out",
                self.bytes
            ),
        )
    }
}

/// Gives the queue towards a host, if something waited in it in both samples and left it between them.
pub(super) fn towards(case: &Case<'_>, host: IpAddr) -> Option<OwnQueue> {
    let index = interface_to(case, host)?;
    let (was, is) = (
        outermost(case.span.before, index)?,
        outermost(case.span.after, index)?,
    );
    let bytes = was.queue_bytes.min(is.queue_bytes);
    let left = is.bytes.checked_sub(was.bytes)?;
    let us = u64::try_from(case.span.duration().as_micros()).ok()?;
    let us = bytes.saturating_mul(us).checked_div(left)?;
    (bytes > 0).then_some(OwnQueue { bytes, us })
}

/// Says whether much waited in a queue of the interface towards a host in both samples.
pub(super) fn is_full(case: &Case<'_>, host: IpAddr) -> bool {
    let Some(index) = interface_to(case, host) else {
        return false;
    };
    [case.span.before, case.span.after].iter().all(|sample| {
        let mut queues = of(sample, index);
        queues.any(|qdisc| told(qdisc).queue_bytes >= MUCH_BYTES)
    })
}

/// Gives what the queues of the interface towards a host dropped between the samples.
pub(super) fn drops(case: &Case<'_>, host: IpAddr) -> u64 {
    let Some(index) = interface_to(case, host) else {
        return 0;
    };
    // A queue tells what the one in it dropped, too.
    let dropped = |sample| of(sample, index).map(|qdisc| told(qdisc).drops).max();
    let dropped = |sample| dropped(sample).unwrap_or(0);
    dropped(case.span.after).saturating_sub(dropped(case.span.before))
}

/// Gives the interface by which packets to a host leave.
pub(super) fn interface_to(case: &Case<'_>, host: IpAddr) -> Option<u32> {
    let mut destinations = case.span.after.destinations.iter();
    let to = destinations.find(|to| to.ip == host)?;
    to.route.as_ref().ok()?.interface
}

fn of(sample: &Sample, index: u32) -> impl Iterator<Item = &Qdisc> {
    let queues = sample.qdiscs.iter();
    queues.filter(move |qdisc| qdisc.index == index)
}

fn outermost(sample: &Sample, index: u32) -> Option<QdiscStatistics> {
    let mut queues = of(sample, index);
    let root = queues.find(|qdisc| qdisc.parent == Qdisc::ROOT)?;
    root.statistics.ok()
}

fn told(qdisc: &Qdisc) -> QdiscStatistics {
    match qdisc.statistics {
        Known::Known(statistics) => statistics,
        Known::Unknown(_) => QdiscStatistics::default(),
    }
}
