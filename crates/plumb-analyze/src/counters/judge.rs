//! Whether what a counter did should worry anybody.

use super::entry::{Explanation, Threshold, Verdict};

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
        Verdict::Bad(Threshold::Any) => Judgement::Worrying,
        Verdict::Bad(Threshold::Share(limit, others)) => {
            let amounts = others.iter().filter_map(|(group, name)| other(group, name));
            let whole = amounts.fold(0_u64, u64::saturating_add);
            // Of nothing, all is too much.
            let thousandths = u128::from(growth) * 1000 / u128::from(whole.max(1));
            let thousandths = u64::try_from(thousandths).unwrap_or(u64::MAX);
            if thousandths > u64::from(limit) {
                Judgement::Above { thousandths, limit }
            } else {
                Judgement::Fine
            }
        }
    }
}
