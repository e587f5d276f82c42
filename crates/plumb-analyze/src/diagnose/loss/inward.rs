//! `packet-loss` on the way to us: what comes has gaps.
//!
//! Behind a lost segment all that follows comes out of order (`tcpi_rcv_ooopack`) until the sender has heard of it and
//! sent it again, a round trip or more. Segments that merely overtook each other are out of order by themselves, few
//! and at once; a sender that took them for lost sends again what we have, and we tell it so (`TCPDSACKOldSent`).

use std::collections::BTreeMap;
use std::net::IpAddr;

use plumb_model::finding::{Confidence, Finding, Severity};

use super::{LOSS, SEVERAL};
use crate::diagnose::flow::{Flow, lasting};
use crate::diagnose::{Case, evidence};

/// From this share of the segments on, per thousand, one lost of a hundred left a window behind it …
const BEHIND_PER_MILLE: u64 = 50;
/// … and from here on something was lost, or overtook something.
const SOME_PER_MILLE: u64 = 10;
/// Fewer out of order say nothing.
const MANY: u64 = 2 * SEVERAL;

/// What came from one host.
#[derive(Default)]
struct Came {
    segments: u64,
    behind_gaps: u64,
    /// Gaps there were at least.
    gaps: u64,
    first: Option<usize>,
}

impl Came {
    fn behind_per_mille(&self) -> u64 {
        self.behind_gaps * 1000 / self.segments.max(1)
    }
}

/// Looks for hosts whose segments come with gaps.
pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut by_peer: BTreeMap<IpAddr, Came> = BTreeMap::new();
    for flow in lasting(case).filter(|flow| !flow.is_within_host(case)) {
        let Some(peer) = flow.after.peer.inet() else {
            continue;
        };
        let segments = u64::from(flow.is.data_segs_in.wrapping_sub(flow.was.data_segs_in));
        let behind = u64::from(flow.is.rcv_ooopack.wrapping_sub(flow.was.rcv_ooopack));
        let came = by_peer.entry(peer.ip().to_canonical()).or_default();
        came.segments += segments;
        came.behind_gaps += behind;
        came.gaps += behind / in_a_round_trip(case, &flow, segments);
        if behind > 0 {
            came.first.get_or_insert(flow.place);
        }
    }
    let repeated = grown(case, "TcpExt", "TCPDSACKOldSent");
    let found = by_peer.into_iter().filter_map(|(peer, came)| {
        let many = came.behind_gaps >= SEVERAL && repeated * 2 < came.gaps.max(MANY);
        let share = came.behind_per_mille();
        let severity =
            if came.behind_gaps >= MANY && came.gaps >= SEVERAL && share >= BEHIND_PER_MILLE {
                Severity::Warning
            } else if share.max(packets_per_mille(case)) >= SOME_PER_MILLE {
                Severity::Info
            } else {
                return None;
            };
        many.then(|| gaps(case, peer, &came, severity))
    });
    found.collect()
}

fn grown(case: &Case<'_>, group: &str, name: &str) -> u64 {
    case.span.grown(group, name).ok().unwrap_or(0)
}

/// Gives the share of packets that waited behind a gap: where a card or the kernel puts segments together, one
/// packet is many of them, and is lost as one between sockets of one machine.
fn packets_per_mille(case: &Case<'_>) -> u64 {
    let behind = grown(case, "TcpExt", "TCPOFOQueue");
    behind * 1000 / grown(case, "Tcp", "InSegs").max(1)
}

/// Gives how many segments came in the time of a round trip: at most so many are behind one gap.
fn in_a_round_trip(case: &Case<'_>, flow: &Flow<'_>, segments: u64) -> u64 {
    let trip = u64::from(flow.is.rcv_rtt_us.max(flow.is.min_rtt_us));
    let us = u64::try_from(case.span.duration().as_micros()).unwrap_or(u64::MAX);
    (segments.saturating_mul(trip) / us.max(1)).max(1)
}

fn gaps(case: &Case<'_>, peer: IpAddr, came: &Came, severity: Severity) -> Finding {
    let mut facts = vec![evidence::fact(
        "tcp_info.tcpi_rcv_ooopack, tcpi_data_segs_in",
        format!(
            "{} of {} segments came behind a gap in {:.1} s",
            came.behind_gaps,
            came.segments,
            case.span.seconds()
        ),
    )];
    facts.extend(evidence::grown(case.span, "TcpExt", "TCPOFOQueue"));
    Finding {
        kind: LOSS,
        severity,
        summary: if severity == Severity::Info {
            format!("some segments from {peer} are lost on their way to us, or overtake each other")
        } else {
            format!(
                "segments from {peer} are lost on their way to us: {} % came behind a gap",
                came.behind_per_mille() / 10
            )
        },
        subject: super::host(case, peer, came.first),
        evidence: facts,
        hints: vec![
            format!("{peer} knows how much it has to send again: plumb diagnose there"),
            "on our own interfaces: plumb if".to_owned(),
        ],
        confidence: if severity == Severity::Info {
            Confidence::Possible
        } else {
            Confidence::Likely
        },
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::tcp_info::TcpInfo;

    use super::super::tests::found;
    use super::*;

    fn info(segments: u32, behind: u32) -> TcpInfo {
        TcpInfo {
            data_segs_in: segments,
            rcv_ooopack: behind,
            rcv_rtt_us: 1_000,
            min_rtt_us: 100,
            ..TcpInfo::default()
        }
    }

    #[test]
    fn gaps_are_losses_where_much_waits_behind_them() {
        let came = |segments: u32, behind: u32| {
            found((info(1000, 0), info(1000 + segments, behind)), false)
        };
        assert_eq!(came(4000, 900), [(LOSS, Severity::Warning)]);
        // Some overtook others, or were lost.
        assert_eq!(came(4000, 80), [(LOSS, Severity::Info)]);
        assert_eq!(came(4000, 8), []);
        assert_eq!(came(4000, 0), []);
    }
}
