//! The ports the kernel chooses from for sockets that do not ask for one.

use plumb_wire::config::decode_port_range;

use crate::proc_paths::{self, ProcFile};

/// Where the range is.
const FILE: ProcFile = proc_paths::file(
    "PROC_IP_LOCAL_PORT_RANGE",
    "sys/net/ipv4/ip_local_port_range",
);

/// The lowest and the highest port for ephemeral use; empty when the first is above the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    /// The lowest one; below 0 only where the file was made for a test.
    pub lowest: i32,
    /// The highest one.
    pub highest: i32,
}

impl PortRange {
    /// What holds where the kernel does not tell.
    pub const UNTOLD: Self = Self {
        lowest: 1024,
        highest: 4999,
    };

    /// Reads the range of this network namespace.
    pub fn read() -> Self {
        crate::proc::read_file(FILE.path())
            .ok()
            .and_then(|content| decode_port_range(&content))
            .map_or(Self::UNTOLD, |(lowest, highest)| Self { lowest, highest })
    }

    /// Says whether a port is in the range.
    pub fn contains(self, port: i32) -> bool {
        (self.lowest..=self.highest).contains(&port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_belong_to_the_range_and_a_reversed_one_is_empty() {
        assert!(PortRange::UNTOLD.contains(1024) && PortRange::UNTOLD.contains(4999));
        assert!(!PortRange::UNTOLD.contains(1023) && !PortRange::UNTOLD.contains(5000));
        let reversed = PortRange {
            lowest: 53,
            highest: 22,
        };
        assert!(!reversed.contains(30));
    }
}
