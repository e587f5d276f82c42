//! Which code used a socket, and how much, as the recorder counts it.

use crate::event::StackId;
use crate::id::Pid;

/// What one code moved through one socket since the recorder began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Bytes it sent.
    pub sent_bytes: u64,
    /// Bytes it received.
    pub received_bytes: u64,
    /// Calls that sent some.
    pub sends: u64,
    /// Calls that received some.
    pub receives: u64,
    /// The process that did it first.
    pub owner: Option<Pid>,
}

/// Who wrote what may wait in a socket's queues.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Queue {
    /// The code that read last; `None` if none did.
    pub last_reader: Option<StackId>,
    /// The code that wrote last.
    pub last_writer: Option<StackId>,
    /// Writes to a TCP socket, the newest first; what the same code wrote on is one.
    pub writes: Vec<Written>,
    /// What `tcp_info.tcpi_bytes_acked` has to be added to for the sequence number acknowledged last (`snd_una`).
    pub acked_base: Option<u32>,
    /// There were more, earlier ones.
    pub overflowed: bool,
}

/// A piece of a TCP stream that one code wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The code; `None` if its stack could not be taken.
    pub by: Option<StackId>,
    /// The sequence number behind its last byte.
    pub end_seq: u32,
    /// Its bytes.
    pub len: u32,
}
