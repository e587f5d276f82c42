//! Whether acknowledgements that did not come before a timer expired were lost, or only late.
//!
//! The sender repeats what had arrived. If its acknowledgement was lost, the next one says that all of it came and, in the
//! same segment, that the repetition was in vain (DSACK), and by that the sender takes back that it slowed down
//! (`TCPLossUndo`). If it was late it comes first, the sender takes it back by what it says of the time, and the DSACK that
//! follows is of no use any more (`TCPDSACKIgnoredNoUndo`); nor is one that follows a probe (TLP), which slows nothing down.

use crate::diagnose::Case;

/// Fewer say nothing.
const FEW: u64 = 2;

/// What the counters of the host say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Lost,
    Late,
    Nothing,
}

/// Gives what became of the acknowledgements for which timers expired between the samples.
pub(super) fn word(case: &Case<'_>) -> Word {
    let grown = |name| grown(case, name).unwrap_or(0);
    let ignored = grown("TCPDSACKIgnoredNoUndo") + grown("TCPDSACKIgnoredOld");
    let in_time = grown("TCPDSACKRecv").saturating_sub(ignored);
    let undone = grown("TCPLossUndo");
    if undone < FEW {
        return Word::Nothing;
    }
    // More of them are those of repetitions without a timer.
    let is_alike = in_time * 2 >= undone && in_time <= undone * 2;
    if is_alike && in_time >= FEW {
        Word::Lost
    } else if in_time * 4 <= undone {
        Word::Late
    } else {
        Word::Nothing
    }
}

fn grown(case: &Case<'_>, name: &str) -> Option<u64> {
    let count = |sample: &plumb_model::sample::Sample| sample.counters.get("TcpExt", name).ok();
    count(case.span.after)?.checked_sub(count(case.span.before)?)
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::finding::{Confidence, Severity};
    use plumb_model::sample::Sample;

    use super::super::LOSS;
    use super::super::tests::short_of_processors;
    use crate::diagnose::diagnose;
    use crate::made_up;

    /// What is told where timers expired for what had arrived, by the counters, and how short processors were.
    fn found(
        (received, ignored, undone): (u64, u64, u64),
        is_short: bool,
    ) -> Vec<(&'static str, Severity, Confidence, String)> {
        let sample = |at_us: u64, is_later: bool| {
            let times = u16::from(is_later) * 6;
            let info = TcpInfo {
                data_segs_out: 50_000 * u32::from(is_later),
                bytes_acked: at_us * 10,
                total_retrans: times.into(),
                dsack_dups: times.into(),
                total_rto: times,
                total_rto_recoveries: times,
                ..TcpInfo::default()
            };
            let place = if is_short {
                short_of_processors(is_later)
            } else {
                Sample::default()
            };
            let mut sample = Sample {
                at_us,
                snapshot: made_up::sample(at_us, &info).snapshot,
                ..place
            };
            let later = u64::from(is_later);
            for (name, count) in [
                ("TCPDSACKRecv", received),
                ("TCPDSACKIgnoredNoUndo", ignored),
                ("TCPDSACKIgnoredOld", 0),
                ("TCPLossUndo", undone),
            ] {
                made_up::count(&mut sample, "TcpExt", name, 1 + count * later);
            }
            sample
        };
        let (before, after) = (sample(1_000_000, false), sample(3_000_000, true));
        let found = diagnose(&made_up::between(&before, &after)).into_iter();
        found
            .map(|found| (found.kind, found.severity, found.confidence, found.summary))
            .collect()
    }

    #[test]
    fn acknowledgements_that_are_late_are_told_from_those_that_are_lost() {
        // As measured where four in ten are lost, and where all wait for 0.3 s now and then.
        let lost = (24, 17, 6);
        let late = (14, 14, 6);
        for is_short in [false, true] {
            let told = found(lost, is_short);
            assert_eq!(told[0].0, LOSS);
            assert_eq!(told[0].1, Severity::Warning, "{told:?}");
            assert!(
                told[0]
                    .3
                    .starts_with("acknowledgements of 10.0.0.2 are lost on")
            );
            let told = found(late, is_short);
            assert_eq!(
                (told[0].1, told[0].2),
                (Severity::Info, Confidence::Possible)
            );
            assert!(
                told[0]
                    .3
                    .starts_with("acknowledgements of 10.0.0.2 are late")
            );
        }
        // What the counters do not tell remains as it was.
        assert_eq!(found((6, 3, 1), false)[0].1, Severity::Warning);
        assert_eq!(found((6, 3, 1), true)[0].1, Severity::Info);
    }
}
