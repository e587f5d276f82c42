//! What happened in a time: between two readings, or until one.

use std::collections::HashMap;

use plumb_model::counters::{Counters, Growth, Reading};

/// What names a counter: group, instance, name.
type Key<'c> = (&'c str, Option<&'c str>, &'c str);

/// The time between two readings of the counters, or all the time before one.
#[derive(Debug)]
pub struct Period<'c> {
    before: Option<HashMap<Key<'c>, u64>>,
    after: &'c Counters,
}

impl<'c> Period<'c> {
    /// All the time before a reading: what counters count.
    pub fn until(after: &'c Counters) -> Self {
        Self {
            before: None,
            after,
        }
    }

    /// The time between two readings.
    pub fn between(before: &'c Counters, after: &'c Counters) -> Self {
        let values = before.readings.iter();
        Self {
            before: Some(
                values
                    .map(|reading| (key(reading), reading.value))
                    .collect(),
            ),
            after,
        }
    }

    /// Says whether there is a reading to compare with.
    pub fn has_begin(&self) -> bool {
        self.before.is_some()
    }

    /// Gives the value at the beginning; `None` without a beginning, or where the counter was not there.
    pub fn before(&self, reading: &Reading) -> Option<u64> {
        self.before.as_ref()?.get(&key(reading)).copied()
    }

    /// Gives by how much a counter of the later reading grew; `None` where nobody knows, as for one that
    /// was not there before or was set back.
    pub fn growth(&self, reading: &Reading) -> Option<u64> {
        match &self.before {
            None => Some(reading.value),
            Some(_) => Growth::between(self.before(reading)?, reading.value).known(),
        }
    }

    /// Gives by how much all instances of a counter grew; `None` where there is none.
    pub fn total(&self, group: &str, name: &str) -> Option<u64> {
        self.sum(|reading| reading.group == group && reading.name == name)
    }

    /// Gives by how much another counter grew that `reading` is measured by: of the same instance, where
    /// both are of one group.
    pub fn beside(&self, reading: &Reading, group: &str, name: &str) -> Option<u64> {
        self.sum(|other| {
            other.name == name
                && other.group == group
                && (reading.group != group || other.instance == reading.instance)
        })
    }

    fn sum(&self, wanted: impl Fn(&Reading) -> bool) -> Option<u64> {
        let found = self.after.readings.iter().filter(|other| wanted(other));
        found
            .filter_map(|other| self.growth(other))
            .reduce(u64::saturating_add)
    }
}

fn key(reading: &Reading) -> Key<'_> {
    (&reading.group, reading.instance.as_deref(), &reading.name)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Counters by group, instance, name and value.
    pub(in super::super) fn counters(list: &[(&str, &str, &str, u64)]) -> Counters {
        let reading = |(group, instance, name, value): &(&str, &str, &str, u64)| Reading {
            group: (*group).to_owned(),
            instance: Some((*instance).to_owned()).filter(|instance| !instance.is_empty()),
            name: (*name).to_owned(),
            value: *value,
            source: "",
        };
        Counters {
            readings: list.iter().map(reading).collect(),
            ..Counters::default()
        }
    }

    #[test]
    fn growth_is_between_two_readings_or_all_there_is() {
        let before = counters(&[("Tcp", "", "InSegs", 5), ("Tcp", "", "OutSegs", 900)]);
        let after = counters(&[
            ("Tcp", "", "InSegs", 7),
            ("Tcp", "", "OutSegs", 3),
            ("Tcp", "", "New", 3),
        ]);
        let until = Period::until(&after);
        assert_eq!(until.total("Tcp", "InSegs"), Some(7));
        let between = Period::between(&before, &after);
        assert_eq!(between.total("Tcp", "InSegs"), Some(2));
        assert_eq!(between.total("Tcp", "OutSegs"), None, "it was set back");
        assert_eq!(between.total("Tcp", "New"), None, "it was not there");
        assert_eq!(between.total("Tcp", "Nothing"), None);
    }

    #[test]
    fn an_interface_is_measured_by_itself() {
        let after = counters(&[
            ("interface", "a", "rx_dropped", 1),
            ("interface", "a", "rx_packets", 10),
            ("interface", "b", "rx_packets", 1000),
        ]);
        let period = Period::until(&after);
        let dropped = &after.readings[0];
        assert_eq!(period.beside(dropped, "interface", "rx_packets"), Some(10));
        assert_eq!(period.total("interface", "rx_packets"), Some(1010));
    }
}
