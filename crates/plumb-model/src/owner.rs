//! Which process holds a socket.

use crate::id::Pid;

/// One process that holds a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The process id.
    pub pid: Pid,
    /// The first string of `/proc/PID/cmdline`, raw bytes, at most 511 of them; empty when the
    /// process has none.
    pub argv0: Vec<u8>,
}
