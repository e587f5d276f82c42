//! Whether a queue makes a conversation slow: then others that go the same way are slow as well, or the queue is our own.

use crate::diagnose::flow::{Flow, lasting};
use crate::diagnose::{Case, own_queue};

/// A round trip is long that is so many times the smallest.
pub(super) const TIMES: u32 = 5;
/// So many segments on the way are a full window.
pub(super) const WINDOW: u32 = 8;
/// Larger ones are data and no answers of a conversation, bytes.
const LARGE: u64 = 1000;

/// Says whether a conversation takes so long because of a queue: what waits in our own, or what a transfer by the same
/// interface or with the same host sees, whose acknowledgements nobody delays, is long as well.
pub(in crate::diagnose) fn is_queued(case: &Case<'_>, flow: &Flow<'_>) -> bool {
    let half_us = u64::from(flow.is.rtt_us / 2);
    let own = flow.host().and_then(|host| own_queue::towards(case, host));
    let interface = |flow: &Flow<'_>| own_queue::interface_to(case, flow.host()?);
    let near = |other: &Flow<'_>| {
        other.host() == flow.host()
            || interface(other).is_some_and(|at| interface(flow) == Some(at))
    };
    let mut others = lasting(case).filter(|other| other.place != flow.place && near(other));
    own.is_some_and(|own| own.us >= half_us)
        || others.any(|other| {
            let least = u64::from(other.is.min_rtt_us.saturating_mul(TIMES));
            let long = |us: u32| least.max(half_us) <= u64::from(us);
            sends_data(&other) && long(other.is.rtt_us)
                || gets_data(&other) && long(other.is.rcv_rtt_us)
        })
}

/// Says whether a connection sends full segments, one after the other.
pub(super) fn sends_data(flow: &Flow<'_>) -> bool {
    let segments = flow.is.data_segs_out.wrapping_sub(flow.was.data_segs_out);
    let bytes = flow.is.bytes_acked.saturating_sub(flow.was.bytes_acked);
    is_data(segments, bytes, flow.is.snd_mss)
}

fn gets_data(flow: &Flow<'_>) -> bool {
    let segments = flow.is.data_segs_in.wrapping_sub(flow.was.data_segs_in);
    let bytes = flow
        .is
        .bytes_received
        .saturating_sub(flow.was.bytes_received);
    is_data(segments, bytes, u32::MAX)
}

/// Says whether so many segments were a window of large ones, or of full ones where the connection has no larger.
fn is_data(segments: u32, bytes: u64, mss: u32) -> bool {
    let large = LARGE.min(u64::from(mss / 2));
    segments >= WINDOW && bytes >= u64::from(segments).saturating_mul(large)
}
