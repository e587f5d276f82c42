//! Whether the processors of this machine were short: then what waits may be a program, not a packet.
//!
//! `/proc/pressure/cpu` says how long somebody had work and no processor. It speaks of this machine alone, so it
//! explains delays only where packets go to others by way of it: by interfaces without hardware (veth, tap,
//! bridge), behind which a program of this machine may have to pass them on.

use std::net::IpAddr;

use plumb_model::finding::Evidence;

use super::{Case, evidence, own_queue};

/// Somebody waited for a processor in this share of the time or more, in percent.
const SHORT_PERCENT: u64 = 50;

/// How short they were.
pub(super) struct Shortage(u64);

impl Shortage {
    /// Says it.
    pub fn into_fact(self) -> Evidence {
        let Self(percent) = self;
        evidence::fact(
            "/proc/pressure/cpu",
            format!(
                "{percent} % of the time somebody on this machine waited for a processor: a program that should have passed packets on may be what they waited for"
            ),
        )
    }
}

/// Says whether somebody waited for a processor half of the time or more.
pub(super) fn are_short(case: &Case<'_>) -> bool {
    let percent = case.span.processor_wait_percent().ok();
    percent.is_some_and(|percent| percent >= SHORT_PERCENT)
}

/// Gives how short processors were, where that may be why packets to a host are late.
pub(super) fn shortage(case: &Case<'_>, peer: IpAddr) -> Option<Shortage> {
    let percent = case.span.processor_wait_percent().ok()?;
    (are_short(case) && goes_through_software(case, peer)).then_some(Shortage(percent))
}

fn goes_through_software(case: &Case<'_>, peer: IpAddr) -> bool {
    let sample = case.span.after;
    let interface = own_queue::interface_to(case, peer);
    let mut links = sample.links.iter();
    links.any(|link| Some(link.base.index) == interface && link.kind.is_some())
}
