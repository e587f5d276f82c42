//! What is shown and what is remembered: the counters of now beside those of the last run.
//!
//! Both lists are in the kernel's order, and so is the search: it goes on behind the last name it
//! found. That a name stands twice, or that a new kernel has names in between, is then no matter.

use std::ffi::CString;

use plumb_collect::sys::glob::matches_ignoring_case;
use plumb_model::counter::RatedCounter;
use plumb_present::nstat::Row;

use super::options::Options;

/// Settings and gauges among the counters, which are never shown.
const HIDDEN: [&[u8]; 7] = [
    b"IpForwarding",
    b"IpDefaultTTL",
    b"TcpRtoAlgorithm",
    b"TcpRtoMin",
    b"TcpRtoMax",
    b"TcpMaxConn",
    b"TcpCurrEstab",
];

/// Says whether a counter is left out everywhere.
pub fn is_hidden(counter: &RatedCounter) -> bool {
    HIDDEN.contains(&&*counter.name)
}

/// Says whether nothing happened to a counter, ever.
pub fn is_idle(value: u64, rate: f64) -> bool {
    value == 0 && rate == 0.0
}

/// A search through counters, in their order.
pub struct Search<'a> {
    rest: &'a [RatedCounter],
}

impl<'a> Search<'a> {
    /// Starts at the first counter.
    pub fn new(counters: &'a [RatedCounter]) -> Self {
        Self { rest: counters }
    }

    /// Finds the next counter of that name; a name that is not found moves nothing.
    pub fn find(&mut self, name: &[u8]) -> Option<&'a RatedCounter> {
        let at = self.rest.iter().position(|counter| counter.name == name)?;
        let found = self.rest.get(at)?;
        self.rest = self.rest.get(at + 1..).unwrap_or(&[]);
        Some(found)
    }
}

/// Gives the rows to show: increments where something is remembered, unless -a wants none.
pub fn to_show<'a>(
    now: &'a [RatedCounter],
    remembered: &[RatedCounter],
    options: &Options,
) -> Vec<Row<'a>> {
    let remembered = if options.ignore_history {
        &[]
    } else {
        remembered
    };
    let mut search = Search::new(remembered);
    let mut rows = Vec::new();
    for counter in now.iter().filter(|counter| !is_hidden(counter)) {
        let mut row = Row::absolute(counter);
        if let Some(old) = search.find(&counter.name) {
            row.has_overflowed = counter.value < old.value;
            row.value = counter.value.saturating_sub(old.value);
        }
        let is_shown = options.zeros || !is_idle(row.value, row.rate);
        if is_shown && is_chosen(&counter.name, options) {
            rows.push(row);
        }
    }
    rows
}

/// Gives what to remember: the counters of now, but what no pattern chose as it was remembered.
pub fn to_remember(
    now: &[RatedCounter],
    remembered: &[RatedCounter],
    options: &Options,
) -> Vec<RatedCounter> {
    let mut search = Search::new(remembered);
    now.iter()
        .filter(|counter| !is_hidden(counter))
        .filter(|counter| options.zeros || !is_idle(counter.value, counter.rate))
        .map(|counter| {
            let mut kept = counter.clone();
            if !is_chosen(&counter.name, options)
                && let Some(old) = search.find(&counter.name)
            {
                kept.value = old.value;
            }
            kept
        })
        .collect()
}

/// Says whether a name matches one of the patterns, or there is none.
fn is_chosen(name: &[u8], options: &Options) -> bool {
    let patterns = &options.patterns;
    patterns.is_empty()
        || CString::new(name).is_ok_and(|name| {
            patterns
                .iter()
                .any(|pattern| matches_ignoring_case(pattern, &name))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(list: &[(&str, u64)]) -> Vec<RatedCounter> {
        let counter = |&(name, value): &(&str, u64)| RatedCounter {
            name: name.into(),
            value,
            rate: 0.0,
        };
        list.iter().map(counter).collect()
    }

    fn shown(now: &[(&str, u64)], old: &[(&str, u64)], options: &Options) -> Vec<u64> {
        let (now, old) = (counters(now), counters(old));
        let rows = to_show(&now, &old, options);
        rows.iter().map(|row| row.value).collect()
    }

    fn patterns(words: &[&str]) -> Options {
        Options {
            patterns: words
                .iter()
                .map(|word| CString::new(*word).expect("no NUL"))
                .collect(),
            ..Options::default()
        }
    }

    #[test]
    fn increments_are_found_in_the_kernels_order() {
        let now = [("A", 10), ("B", 20), ("A", 30), ("C", 40)];
        let options = Options::default();
        let old = [("A", 1), ("B", 2), ("A", 3)];
        assert_eq!(shown(&now, &old, &options), [9, 18, 27, 40]);
        let old = [("B", 2), ("A", 1)];
        assert_eq!(shown(&now, &old, &options), [9, 20, 30, 40]);
        let all = Options {
            ignore_history: true,
            ..Options::default()
        };
        assert_eq!(shown(&now, &old, &all), [10, 20, 30, 40]);
    }

    #[test]
    fn a_counter_below_its_memory_has_overflowed() {
        let (now, old) = (counters(&[("A", 1)]), counters(&[("A", 2)]));
        let zeros = Options {
            zeros: true,
            ..Options::default()
        };
        let rows = to_show(&now, &old, &zeros);
        assert!(rows[0].has_overflowed);
        assert_eq!(rows[0].value, 0);
        assert!(to_show(&now, &old, &Options::default()).is_empty());
    }

    #[test]
    fn what_no_pattern_chose_keeps_its_memory() {
        let now = counters(&[("A", 7), ("B", 5), ("C", 0), ("D", 9), ("IpForwarding", 1)]);
        let old = counters(&[("A", 0), ("B", 4), ("C", 5)]);
        let kept = |options: &Options| {
            to_remember(&now, &old, options)
                .iter()
                .map(|c| c.value)
                .collect::<Vec<_>>()
        };
        assert_eq!(kept(&patterns(&["b"])), [0, 5, 9]);
        assert_eq!(kept(&patterns(&[])), [7, 5, 9]);
    }
}
