//! What has to be collected for the columns, tests and sort keys of a run; nothing else is.

use std::ops::{BitOr, BitOrAssign};

use plumb_filter::Needs;

/// A set of things to collect beside the rows themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asks(u16);

impl Asks {
    /// Who holds the sockets.
    pub const OWNERS: Self = Self(1);
    /// The executables of the holders.
    pub const EXE: Self = Self(1 << 1);
    /// Their command lines.
    pub const CMDLINE: Self = Self(1 << 2);
    /// Their cgroups, which tell unit, container and pod.
    pub const CGROUP: Self = Self(1 << 3);
    /// Their users.
    pub const OWNER_UID: Self = Self(1 << 4);
    /// The sockets at the other ends.
    pub const PEERS: Self = Self(1 << 5);
    /// `struct tcp_info`.
    pub const INFO: Self = Self(1 << 6);
    /// The memory counters.
    pub const MEMORY: Self = Self(1 << 7);
    /// Names of users.
    pub const USERS: Self = Self(1 << 8);
    /// Paths of the cgroups that sockets were made in.
    pub const CGROUP_PATHS: Self = Self(1 << 9);

    /// Which code made the sockets.
    pub const CREATIONS: Self = Self(1 << 10);

    /// Says whether all of `other` is asked for.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Gives what the tests of a filter ask for.
    pub fn of_filter(needs: Needs) -> Self {
        let mut asks = Self::default();
        for (needed, ask) in [
            (needs.owners, Self::OWNERS),
            (needs.identity, Self::EXE | Self::CMDLINE | Self::CGROUP),
            (needs.peers, Self::PEERS | Self::OWNERS),
            (needs.info || needs.age, Self::INFO),
            (needs.memory, Self::MEMORY),
        ] {
            if needed {
                asks |= ask;
            }
        }
        asks
    }
}

impl BitOr for Asks {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Asks {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
