//! Which network namespaces a diagnosis looks at: ours, one that is named, every one, or those in which the
//! processes are that somebody asks about.

use std::collections::BTreeSet;

use plumb_collect::netns;
use plumb_model::NetnsId;
use plumb_model::id::Pid;

use crate::verbs::place;

/// More namespaces are not looked at together: each has a watch of its own.
const MOST_PLACES: usize = 256;

/// A network namespace that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Its identity; `None` where `/proc` does not tell that of our own.
    pub id: Option<NetnsId>,
    /// What it is called, unless it is our own.
    pub label: Option<String>,
}

/// The choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Places {
    /// Our own.
    Own,
    /// Those.
    Those(BTreeSet<NetnsId>),
    /// Every one of this host.
    Every,
}

impl Places {
    /// Gives those of processes; without any, our own.
    pub fn of(pids: &BTreeSet<Pid>) -> Self {
        let own = netns::own().map(|netns| netns.id);
        let of_pids = pids.iter();
        let all: BTreeSet<NetnsId> = of_pids
            .filter_map(|pid| netns::of_process(u64::from(pid.0)))
            .collect();
        let is_own = all.iter().all(|id| Some(*id) == own);
        if is_own { Self::Own } else { Self::Those(all) }
    }

    /// Adds our own.
    pub fn and_own(self) -> Self {
        match (self, netns::own()) {
            (Self::Those(mut ids), Some(own)) => {
                ids.insert(own.id);
                Self::Those(ids)
            }
            (places, _) => places,
        }
    }

    /// Calls `look` inside each, our own first; says why others are missing.
    pub fn visit(&self, mut look: impl FnMut(Place)) -> Vec<String> {
        let own = netns::own().map(|netns| netns.id);
        let mut left = MOST_PLACES;
        let mut missed = 0_usize;
        let each = |id, label: &str| {
            if left == 0 {
                missed += 1;
                return;
            }
            left -= 1;
            look(Place {
                id: Some(id),
                label: (own != Some(id)).then(|| label.to_owned()),
            });
        };
        let mut gaps = match self {
            Self::Own => {
                look(Place {
                    id: own,
                    label: None,
                });
                return Vec::new();
            }
            Self::Those(ids) => place::visit_those(ids, each),
            Self::Every => place::visit_all(each),
        };
        if missed > 0 {
            gaps.push(format!(
                "{missed} more network namespaces: too many at once"
            ));
        }
        gaps
    }
}
