//! The programs that plumb stands in for, and what has to be known to compare with each.

use super::mask;

/// One original.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// The name both programs are installed under and see in `argv[0]`.
    pub name: &'static str,
    /// Where the original is.
    pub original: &'static str,
    /// Replaces what ticks between two runs on living state.
    pub(super) mask: fn(&[u8]) -> Vec<u8>,
    /// Whether every run gets the same process number, because the program shows its own.
    pub(super) shows_itself: bool,
}

impl Tool {
    /// The netstat of net-tools.
    pub const NETSTAT: Self = Self {
        name: "netstat",
        original: "/usr/bin/netstat",
        mask: mask::netstat_timers,
        shows_itself: false,
    };

    /// The ss of iproute2: its own netlink sockets are among those it lists.
    pub const SS: Self = Self {
        name: "ss",
        original: "/usr/bin/ss",
        mask: mask::ss_times,
        shows_itself: true,
    };

    /// The nstat of iproute2.
    pub const NSTAT: Self = Self {
        name: "nstat",
        original: "/usr/bin/nstat",
        mask: <[u8]>::to_vec,
        shows_itself: false,
    };
}
