//! The last rates of each interface, for bars.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::env;

use plumb_present::report::spark::{Bars, line};

use super::row::Row;

/// Rates that are remembered and drawn, the oldest leaving first.
const LENGTH: usize = 12;
/// Interfaces that are remembered; of more, the rest have no bars.
const MOST: usize = 4096;

/// Received and sent bytes per second.
type Rates = VecDeque<[Option<f64>; 2]>;

/// The rates of the interfaces seen so far, by namespace and index.
#[derive(Debug, Default)]
pub struct History(BTreeMap<(Option<String>, u32), Rates>);

impl History {
    /// Says whether an interface has been shown, so that it is followed under a new name.
    pub fn knows(&self, netns: Option<&str>, index: u32) -> bool {
        self.0.contains_key(&(netns.map(str::to_owned), index))
    }

    /// Remembers the rates of a row and gives it its bars.
    pub fn remember(&mut self, row: &mut Row) {
        let key = row.key();
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            return;
        }
        let rates = self.0.entry(key).or_default();
        if rates.len() == LENGTH {
            rates.pop_front();
        }
        rates.push_back(row.rates());
        let bars = bars();
        let most = row.full_rate();
        row.bars = [0, 1].map(|side| {
            let missing = LENGTH - rates.len();
            let known = rates.iter().map(|rates| rates.get(side).copied().flatten());
            let all: Vec<Option<f64>> = std::iter::repeat_n(None, missing).chain(known).collect();
            line(&all, most, bars)
        });
    }
}

/// Blocks where the locale says that the terminal knows them.
fn bars() -> Bars {
    let set = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
    let locale = locale.unwrap_or_default().to_ascii_lowercase();
    if locale.contains("utf-8") || locale.contains("utf8") {
        Bars::Blocks
    } else {
        Bars::Ascii
    }
}
