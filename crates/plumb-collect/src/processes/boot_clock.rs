//! When a process began, as `/proc/PID/stat` counts it, out of the kernel's nanoseconds since boot.
//!
//! `stat` shows the clock of the reader's time namespace, programs see the kernel's own.

use plumb_wire::proc::process::decode_boottime_offset;

use crate::proc;

/// `/proc/PID/stat` counts in ticks of 10 ms (USER_HZ is 100 everywhere).
const NS_PER_TICK: i128 = 10_000_000;

/// The clock of this process's time namespace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BootClock {
    offset_ns: i128,
}

impl BootClock {
    /// Asks how far the clock is ahead of the kernel's. Before 5.5 there are no time namespaces.
    pub(crate) fn read() -> Self {
        let content = proc::read_file("/proc/self/timens_offsets").unwrap_or_default();
        Self {
            offset_ns: decode_boottime_offset(&content),
        }
    }

    /// Gives the ticks that `stat` shows for a start.
    pub(crate) fn ticks(self, start_ns: u64) -> u64 {
        let shown = (i128::from(start_ns) + self.offset_ns) / NS_PER_TICK;
        u64::try_from(shown).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_namespace_moves_the_clock() {
        let clock = |offset_ns| BootClock { offset_ns };
        assert_eq!(clock(0).ticks(123_456_789), 12);
        assert_eq!(clock(1_000_000_000).ticks(123_456_789), 112);
        assert_eq!(clock(-1_000_000_000).ticks(123_456_789), 0);
    }
}
