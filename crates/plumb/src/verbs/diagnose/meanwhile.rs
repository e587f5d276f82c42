//! When samples are taken while a command runs: it may end at any time, and its sockets end with it.
//!
//! Soon at first, then less and less often, so that the last of them saw most of what a command did, however short
//! it was; and never so often that looking is most of what this host does.

use std::time::{Duration, Instant};

/// When the first is taken.
const FIRST: Duration = Duration::from_millis(40);
/// The next comes after this part of the time so far …
const PART: u32 = 4;
/// … and after so many times as long as the last one took.
const PAUSES: u32 = 3;
/// A host whose sample takes longer is not looked at between: meanwhile nobody would listen.
const LONGEST: Duration = Duration::from_secs(1);

/// The pace of samples.
pub(super) struct Pace {
    began: Instant,
    next: Option<Instant>,
    last: Option<Instant>,
}

impl Pace {
    /// Begins with the command.
    pub fn begin() -> Self {
        let began = Instant::now();
        Self {
            began,
            next: Some(began + FIRST),
            last: None,
        }
    }

    /// Takes one if it is time; `take` says whether the command still ran behind it.
    pub fn keep(&mut self, take: impl FnOnce() -> bool) {
        let now = Instant::now();
        if self.next.is_none_or(|next| now < next) {
            return;
        }
        if take() {
            self.last = Some(now);
        }
        let took = now.elapsed();
        let pause = (self.began.elapsed() / PART).max(took * PAUSES);
        self.next = (took <= LONGEST).then(|| Instant::now() + pause);
    }

    /// Gives the time since the last one that the command outlived, or since the beginning.
    pub fn unseen(&self) -> Duration {
        self.last.unwrap_or(self.began).elapsed()
    }
}
