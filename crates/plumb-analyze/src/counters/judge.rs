//! Whether what a counter did should worry anybody.

use super::entry::{Explanation, Threshold, Verdict};

/// Below so much growth a share says nothing: one of two is no half.
const LEAST_FOR_A_SHARE: u64 = 5;

/// What is to be thought of a counter's growth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// Nothing to worry about.
    Fine,
    /// It grew, and any growth of it is bad.
    Worrying,
    /// It grew by more than its share of others.
    Above {
        /// Its share in thousandths.
        thousandths: u64,
        /// What would still be fine.
        limit: u32,
        /// Of which counters together, each a group and a name.
        of: &'static [(&'static str, &'static str)],
    },
}

impl Judgement {
    /// Says whether it should worry.
    pub fn is_worrying(self) -> bool {
        self != Self::Fine
    }
}

/// Judges a growth. `other` gives the growth of another counter over the same time, by group and name;
/// one that is not there counts as 0.
pub fn judge(
    explanation: &Explanation,
    growth: u64,
    other: impl Fn(&str, &str) -> Option<u64>,
) -> Judgement {
    match explanation.verdict {
        _ if growth == 0 => Judgement::Fine,
        Verdict::Good | Verdict::Neutral => Judgement::Fine,
        Verdict::Bad(Threshold::Share(..)) if growth < LEAST_FOR_A_SHARE => Judgement::Fine,
        Verdict::Bad(Threshold::Any) => Judgement::Worrying,
        Verdict::Bad(Threshold::Share(limit, others)) => {
            let amounts = others.iter().filter_map(|(group, name)| other(group, name));
            let whole = amounts.fold(0_u64, u64::saturating_add);
            // Of nothing, all is too much.
            let thousandths = u128::from(growth) * 1000 / u128::from(whole.max(1));
            let thousandths = u64::try_from(thousandths).unwrap_or(u64::MAX);
            if thousandths > u64::from(limit) {
                Judgement::Above {
                    thousandths,
                    limit,
                    of: others,
                }
            } else {
                Judgement::Fine
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::explain;
    use super::*;

    fn judged(group: &str, name: &str, growth: u64, whole: u64) -> Judgement {
        let entry = explain(group, name).expect("it is explained");
        judge(entry, growth, |_, _| Some(whole))
    }

    #[test]
    fn one_overflow_worries_and_retransmission_only_above_its_share() {
        let overflows = judged("TcpExt", "ListenOverflows", 1, 0);
        assert_eq!(overflows, Judgement::Worrying);
        assert_eq!(judged("TcpExt", "ListenOverflows", 0, 0), Judgement::Fine);
        assert_eq!(judged("Tcp", "RetransSegs", 10, 1000), Judgement::Fine);
        assert_eq!(
            judged("Tcp", "RetransSegs", 20, 1000),
            Judgement::Above {
                thousandths: 20,
                limit: 10,
                of: &[("Tcp", "OutSegs")]
            }
        );
        assert_eq!(judged("Tcp", "RetransSegs", 4, 1), Judgement::Fine);
        assert!(
            judged("Tcp", "RetransSegs", 9, 0).is_worrying(),
            "of nothing"
        );
        assert_eq!(judged("Tcp", "InSegs", 999, 1), Judgement::Fine);
    }

    #[test]
    fn who_reads_at_the_full_speed_of_a_machine_closes_his_window_now_and_then() {
        // iperf3 with eight connections closes it at every tenth segment.
        let closed = |times| judged("TcpExt", "TCPToZeroWindowAdv", times, 1000);
        assert_eq!(closed(108), Judgement::Fine);
        assert!(closed(250).is_worrying(), "every fourth");
    }
}
