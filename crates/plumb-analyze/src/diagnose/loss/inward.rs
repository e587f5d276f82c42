//! `packet-loss` on the way to us: what comes has gaps.
//!
//! Behind a lost segment all that follows comes out of order (`tcpi_rcv_ooopack`) until the sender has heard of it and
//! sent it again, a round trip or more. Segments that merely overtook each other are out of order by themselves, few
//! and at once; a sender that took them for lost sends again what we have, and we tell it so (`TCPDSACKOldSent`).
//! How long a gap is open settles it where a round trip is long enough to be measured: what was late fills it within a part
//! of one, what was lost after one at the earliest. Our own selective acknowledgements tell ([`Gaps`]).

use std::collections::BTreeMap;
use std::net::IpAddr;

use plumb_model::Known;
use plumb_model::finding::{Confidence, Finding, Severity};
use plumb_model::notice::Gaps;

use super::{LOSS, SEVERAL};
use crate::diagnose::flow::{Flow, lasting};
use crate::diagnose::{Case, evidence, sockets};

/// From this share of the segments on, per thousand, one lost of a hundred left a window behind it …
const BEHIND_PER_MILLE: u64 = 50;
/// … and from here on something was lost, or overtook something.
const SOME_PER_MILLE: u64 = 10;
/// Fewer out of order say nothing.
const MANY: u64 = 2 * SEVERAL;

/// A shorter round trip is no measure: a processor that was busy takes as long. Microseconds.
const MEASURED_US: u32 = 1_000;
/// So much of a round trip passes at least until a repetition comes, in percent; the first word of a gap leaves a little
/// after it was made.
const REPEATED_PERCENT: u64 = 80;
/// Within this part of one what was late comes, in percent.
const LATE_PERCENT: u64 = 50;
/// So many gaps that are of one kind, and from this share of all on, in percent.
const SURE_PERCENT: u64 = 90;
const LIKELY_PERCENT: u64 = 50;
/// From this share of the packets on losses are a trouble, per thousand.
const LOST_PER_MILLE: u64 = 5;

/// What came from one host.
#[derive(Default)]
struct Came {
    segments: u64,
    behind_gaps: u64,
    /// Gaps there were at least.
    gaps: u64,
    /// Gaps whose length is known, those that were open until a repetition could come, and those that were filled before.
    measured: u64,
    repeated: u64,
    late: u64,
    first: Option<usize>,
}

impl Came {
    /// Adds the gaps of one connection.
    fn measure(&mut self, gaps: &Gaps, trip_us: u32) {
        let trip = u64::from(trip_us);
        for us in &gaps.open_us {
            let percent = u64::from(*us) * 100 / trip.max(1);
            self.measured += 1;
            self.repeated += u64::from(percent >= REPEATED_PERCENT);
            self.late += u64::from(percent <= LATE_PERCENT);
        }
    }

    /// Says whether most gaps were filled by repetitions: something was lost.
    fn is_lost(&self) -> bool {
        self.repeated >= SEVERAL && self.repeated * 100 >= self.measured * LIKELY_PERCENT
    }

    /// Says whether nearly all were filled by what was only late.
    fn is_late(&self) -> bool {
        self.late >= MANY && self.late * 100 >= self.measured * SURE_PERCENT
    }

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
        if let Some(gaps) = told(case, &flow)
            && (MEASURED_US..u32::MAX).contains(&flow.is.min_rtt_us)
        {
            came.measure(gaps, flow.is.min_rtt_us);
        }
        if behind > 0 {
            came.first.get_or_insert(flow.place);
        }
    }
    if are_damaged(case, by_peer.values()) {
        return Vec::new();
    }
    let repeated = grown(case, "TcpExt", "TCPDSACKOldSent");
    let found = by_peer.into_iter().filter_map(|(peer, came)| {
        if came.is_late() {
            return None;
        }
        let many = came.behind_gaps >= SEVERAL && repeated * 2 < came.gaps.max(MANY);
        if came.is_lost() && came.repeated * 1000 >= packets(case, &came) * LOST_PER_MILLE {
            return Some(gaps(case, peer, &came, Severity::Warning));
        }
        let share = came.behind_per_mille();
        let enough = came.behind_gaps >= MANY && came.gaps >= SEVERAL && share >= BEHIND_PER_MILLE;
        // Where round trips are short a sender that loses much repeats much too soon, as one whose segments overtake each
        // other does.
        let severity = match (enough, many) {
            (true, true) => Severity::Warning,
            (true, false) => Severity::Info,
            (false, true) if share.max(packets_per_mille(case)) >= SOME_PER_MILLE => Severity::Info,
            (false, _) => return None,
        };
        Some(gaps(case, peer, &came, severity))
    });
    found.collect()
}

/// Says whether most of what is missing came and was damaged, which another finding tells: nobody lost it on the way.
fn are_damaged<'c>(case: &Case<'_>, hosts: impl Iterator<Item = &'c Came>) -> bool {
    let missing: u64 = hosts.map(|came| came.gaps.max(came.repeated)).sum();
    let counters = [("Tcp", "InCsumErrors"), ("IpExt", "InCsumErrors")];
    let damaged = counters.map(|(group, name)| grown(case, group, name));
    let damaged: u64 = damaged.iter().sum();
    damaged >= SEVERAL && damaged * 2 >= missing
}

/// Gives what our acknowledgements told of the gaps of a connection.
fn told<'s>(case: &Case<'s>, flow: &Flow<'_>) -> Option<&'s Gaps> {
    let (local, peer) = (flow.after.local.inet()?, flow.after.peer.inet()?);
    let ends = (sockets::plain(local), sockets::plain(peer));
    let mut all = case.notices.gaps.iter();
    all.find(|gaps| (gaps.local, gaps.peer) == ends)
}

/// Gives the packets that came from a host: where segments are put together, fewer than segments.
fn packets(case: &Case<'_>, came: &Came) -> u64 {
    match case.span.grown("Tcp", "InSegs") {
        Known::Known(packets) => came.segments.min(packets),
        Known::Unknown(_) => came.segments,
    }
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
    if came.measured > 0 {
        facts.push(evidence::fact(
            "packets sent: selective acknowledgements",
            format!(
                "{} of {} gaps were open for a round trip or longer, as those are that a repetition fills; {} for less than half of one",
                came.repeated, came.measured, came.late
            ),
        ));
    }
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
        } else if came.is_lost() {
            Confidence::Certain
        } else {
            Confidence::Likely
        },
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::notice::Notices;

    use super::super::tests::found;
    use super::*;
    use crate::diagnose::diagnose;
    use crate::diagnose::received_bad::CHECKSUM;
    use crate::made_up;

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

    #[test]
    fn what_came_damaged_was_not_lost() {
        let found = |damaged: u64| {
            let sample = |at_us, segments, behind, damaged: u64| {
                let mut sample = made_up::sample(at_us, &info(segments, behind));
                made_up::count(&mut sample, "Tcp", "InCsumErrors", damaged);
                sample
            };
            let (before, after) = (
                sample(1_000_000, 1_000, 0, 1),
                sample(3_000_000, 5_000, 900, 1 + damaged),
            );
            let found = diagnose(&made_up::between(&before, &after)).into_iter();
            found.map(|found| found.kind).collect::<Vec<_>>()
        };
        assert_eq!(found(0), [LOSS]);
        assert_eq!(found(450), [CHECKSUM]);
        // Damage beside losses.
        assert_eq!(found(20), [CHECKSUM, LOSS]);
    }

    #[test]
    fn what_is_repeated_in_vain_beside_losses_hides_them_not_quite() {
        let found = |in_vain: u64| {
            let sample = |at_us, segments, behind, in_vain| {
                let mut sample = made_up::sample(at_us, &info(segments, behind));
                made_up::count(&mut sample, "TcpExt", "TCPDSACKOldSent", in_vain);
                sample
            };
            let before = sample(1_000_000, 0, 0, 0);
            let after = sample(3_000_000, 1_600_000, 200_000, in_vain);
            let found = diagnose(&made_up::between(&before, &after)).into_iter();
            found.map(|found| found.severity).collect::<Vec<_>>()
        };
        assert_eq!(found(10), [Severity::Warning]);
        // As many as there were gaps at least: 800 segments came in a round trip.
        assert_eq!(found(250), [Severity::Info]);
    }

    /// What is found of 4000 segments over a round trip of so long, with gaps that were open so long.
    fn found_with(min_rtt_us: u32, behind: u32, open_us: &[u32]) -> Vec<Severity> {
        let sample = |at_us, segments, behind| {
            let info = TcpInfo {
                min_rtt_us,
                ..info(segments, behind)
            };
            made_up::sample(at_us, &info)
        };
        let (before, after) = (
            sample(1_000_000, 1_000, 0),
            sample(3_000_000, 5_000, behind),
        );
        let notices = Notices {
            gaps: vec![Gaps {
                local: ([10, 0, 0, 1], 40_000).into(),
                peer: ([10, 0, 0, 2], 80).into(),
                open_us: open_us.to_vec(),
            }],
            ..Notices::default()
        };
        let found = made_up::found(&before, &after, &notices).into_iter();
        found.map(|found| found.severity).collect()
    }

    #[test]
    fn how_long_gaps_are_open_tells_losses_from_what_was_late() {
        let lost = [21_000; 30];
        assert_eq!(found_with(20_000, 80, &lost), [Severity::Warning]);
        // Fewer than one packet in two hundred.
        assert_eq!(found_with(20_000, 80, &lost[..9]), [Severity::Info]);
        // Much waited, and never for long.
        let late = [6_000; 30];
        assert_eq!(found_with(20_000, 3_800, &late), []);
        assert_eq!(found_with(20_000, 80, &late), []);
        // What is shorter than what a busy processor takes is no measure.
        assert_eq!(found_with(100, 80, &lost), [Severity::Info]);
    }
}
