//! All counters of a moment, and what happened between two.
//!
//! A reading is named by its group (`TcpExt`, `softnet`, `interface`), where there are several of a kind
//! by its instance (`cpu0`, `eth0`), and by its name. Names are the kernel's; what no table of ours knows is
//! a reading like any other. [`crate::counter`] is what the personalities show, in the file's own order.

use crate::finding::Gap;
use crate::known::{Known, Reason};

/// One number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Its group, as `TcpExt`.
    pub group: String,
    /// Which of several, as `eth0`.
    pub instance: Option<String>,
    /// Its name in the group, as `ListenOverflows`.
    pub name: String,
    /// The number. `Tcp.MaxConn` is all ones where there is no limit.
    pub value: u64,
    /// Where it was read, as `/proc/net/netstat`.
    pub source: &'static str,
}

impl Reading {
    /// Says whether it is the same counter as another.
    pub fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.group == other.group && self.instance == other.instance
    }

    /// Gives the name for people: `TcpExt.ListenOverflows`, `interface.eth0.rx_bytes`.
    pub fn full_name(&self) -> String {
        match &self.instance {
            Some(instance) => format!("{}.{instance}.{}", self.group, self.name),
            None => format!("{}.{}", self.group, self.name),
        }
    }
}

/// The counters of one network namespace at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    /// When: microseconds since the machine started (`CLOCK_BOOTTIME`).
    pub at_us: u64,
    /// The readings, source by source, in the kernel's order.
    pub readings: Vec<Reading>,
    /// What could not be read. A source that this kernel does not have is none.
    pub gaps: Vec<Gap>,
}

impl Counters {
    /// Gives the sum over all instances; unknown where this kernel has no such counter.
    pub fn get(&self, group: &str, name: &str) -> Known<u64> {
        let mut found = Known::Unknown(Reason::NotSupported);
        for reading in &self.readings {
            if reading.name == name && reading.group == group {
                let before: u64 = found.ok().unwrap_or(0);
                found = Known::Known(before.wrapping_add(reading.value));
            }
        }
        found
    }

    /// Finds the same counter in this sample.
    pub fn same(&self, reading: &Reading) -> Option<&Reading> {
        self.readings.iter().find(|other| reading.is_same(other))
    }

    /// Gives the seconds from an earlier sample to this one.
    pub fn seconds_since(&self, earlier: &Self) -> f64 {
        let us = self.at_us.saturating_sub(earlier.at_us);
        std::time::Duration::from_micros(us).as_secs_f64()
    }
}

/// What a counter did between two samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// It grew by so much, or stayed.
    By(u64),
    /// It fell and cannot have run over: whatever counts was made anew, or it was set back. What
    /// happened meanwhile is unknown.
    Restarted,
}

impl Growth {
    /// Compares two values of a counter. A fall that a 32-bit counter's running over explains better than
    /// a fresh start is taken for that.
    pub fn between(before: u64, after: u64) -> Self {
        const WRAP: u64 = 1 << 32;
        if let Some(by) = after.checked_sub(before) {
            return Self::By(by);
        }
        let by = after.wrapping_add(WRAP).wrapping_sub(before);
        // Nearer than half its range, and only where 32 bits could hold both.
        if before < WRAP && by < WRAP / 2 {
            Self::By(by)
        } else {
            Self::Restarted
        }
    }

    /// Gives the growth where it is known.
    pub fn known(self) -> Option<u64> {
        match self {
            Self::By(by) => Some(by),
            Self::Restarted => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_told_from_running_over_and_from_a_fresh_start() {
        assert_eq!(Growth::between(5, 5), Growth::By(0));
        assert_eq!(Growth::between(5, 12), Growth::By(7));
        assert_eq!(Growth::between((1 << 32) - 10, 5), Growth::By(15));
        assert_eq!(Growth::between(1_000_000, 5), Growth::Restarted);
        assert_eq!(Growth::between(1 << 40, 5), Growth::Restarted);
        assert_eq!(Growth::between(u64::MAX, 0), Growth::Restarted);
    }

    #[test]
    fn instances_are_summed_and_absence_is_none() {
        let reading = |instance: &str, value| Reading {
            group: "softnet".into(),
            instance: Some(instance.into()),
            name: "dropped".into(),
            value,
            source: "/proc/net/softnet_stat",
        };
        let sample = Counters {
            readings: vec![reading("cpu0", 2), reading("cpu1", 3)],
            ..Counters::default()
        };
        assert_eq!(sample.get("softnet", "dropped"), Known::Known(5));
        assert_eq!(
            sample.get("softnet", "processed"),
            Known::Unknown(Reason::NotSupported)
        );
        assert_eq!(sample.readings[1].full_name(), "softnet.cpu1.dropped");
    }
}
