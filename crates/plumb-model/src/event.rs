//! What happened to sockets, as the recorder tells it.
//!
//! An event is one moment: a socket, what became of it, and, where a call made it happen, who called.
//! What packets cause happens in anybody's time, so such an event has an owner (from what is known of the
//! socket) but no task.

use std::net::SocketAddr;

use crate::id::{Cookie, NetnsId, Pid};
use crate::snapshot::Kind;
use crate::socket::SocketState;

/// One moment of a socket or process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When: nanoseconds of the monotonic clock.
    pub time_ns: u64,
    /// The socket; `None` for events of processes, and for sockets that have no name yet.
    pub cookie: Option<Cookie>,
    /// Its namespace, or that of the packet; `None` where it is not known.
    pub netns: Option<NetnsId>,
    /// Its ends, or those of the packet.
    pub ends: Option<Ends>,
    /// The process it belongs to, where that is known.
    pub owner: Option<Pid>,
    /// Who did it, when a call did.
    pub task: Option<Task>,
    /// The code that did it.
    pub stack: Option<StackId>,
    /// What happened.
    pub what: What,
}

/// Protocol and both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ends {
    /// `IPPROTO_*`.
    pub protocol: u8,
    /// The local end.
    pub local: SocketAddr,
    /// The other end; its port is 0 when there is none.
    pub peer: SocketAddr,
}

/// A thread that did something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Task {
    /// Its process.
    pub pid: Pid,
    /// The thread.
    pub tid: u32,
    /// The thread's name (`comm`), raw bytes.
    pub comm: Vec<u8>,
}

/// A distinct stack of one process, as the recorder tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StackId(pub u64);

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// A TCP socket changed its state.
    State(StateChange),
    /// `accept()` handed a connection out, as this descriptor.
    Accepted {
        /// The descriptor.
        fd: i32,
    },
    /// `connect()` returned: 0, or a negative errno.
    ConnectReturned {
        /// What it returned.
        result: i32,
        /// The socket's state then.
        state: SocketState,
    },
    /// A `recv()` returned 0: the program has been told that the peer will send nothing more.
    EndOfFile(Totals),
    /// A segment was sent again.
    Retransmitted {
        /// The state of the connection: in `SYN_SENT` nobody has answered yet.
        state: SocketState,
    },
    /// We sent a reset.
    ResetSent {
        /// `enum sk_rst_reason`, where the kernel says why (6.10).
        reason: Option<u32>,
    },
    /// The peer sent a reset.
    ResetReceived {
        /// The state of the connection until then.
        state: SocketState,
    },
    /// An error was left at the socket.
    Error {
        /// The errno, positive.
        errno: i32,
    },
    /// A packet was dropped.
    Dropped {
        /// `enum skb_drop_reason`, whose numbers are another kernel's others; where a kernel has no reasons
        /// (below 5.17), a number that stands for the function that dropped.
        reason: u32,
        /// Whether it belonged to a socket; else its ends are those of the packet, `local` being who it was for.
        of_socket: bool,
        /// Index of the interface that it was at, if it belonged to no socket and the kernel tells.
        interface: Option<u32>,
    },
    /// A packet found the receive queue full, and was dropped for this reason (see [`What::Dropped`]), where the
    /// kernel has any.
    QueueFull {
        /// `enum skb_drop_reason`.
        reason: Option<u32>,
    },
    /// An Internet socket was made.
    Made {
        /// `IPPROTO_*`; may be more than a byte holds.
        protocol: u32,
    },
    /// It has an address and a port of its own.
    Bound {
        /// As above.
        protocol: u32,
        /// Nobody called bind(): the kernel chose the port, when one was needed.
        chosen: bool,
    },
    /// A socket that is no connection, or never became one, was closed.
    Closed {
        /// As above.
        protocol: u32,
        /// The kernel closed it because its process ended.
        by_exit: bool,
    },
    /// A queue of a listener is full, or was since the last look.
    ListenerFull(FullListener),
    /// A process began another program.
    Exec,
    /// A process ended.
    Exit,
    /// A system call returned.
    Call(Box<Call>),
}

/// A change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateChange {
    /// Before.
    pub old: SocketState,
    /// After.
    pub new: SocketState,
    /// The error the socket died of: an errno, positive; 0 for none.
    pub errno: i32,
    /// The totals, at states that end something.
    pub totals: Option<Totals>,
    /// The kernel closed it because its process ended.
    pub by_exit: bool,
    /// The socket was there before the recorder.
    pub older: bool,
    /// With totals: no byte has come, and none of ours is acknowledged. Neither side has heard more of the other
    /// than the handshake, as far as this one knows.
    pub untouched: bool,
}

/// What a connection has carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Bytes that arrived in order.
    pub received_bytes: u64,
    /// Bytes sent, each counted once.
    pub sent_bytes: u64,
    /// Bytes that arrived and were not read.
    pub unread_bytes: u32,
    /// Segments sent again.
    pub retransmits: u32,
}

/// A listener that had no room for what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FullListener {
    /// Which of its queues is full.
    pub queue: FullQueue,
    /// Packets it has dropped since the last look (`sk_drops`).
    pub dropped: u32,
    /// Connections that wait for accept() (`sk_ack_backlog`).
    pub accept_queue: u32,
    /// Connections that are being made (`icsk_accept_queue.qlen`).
    pub syn_queue: u32,
    /// What both are compared with: the backlog of listen(), at most `net.core.somaxconn`.
    pub limit: u32,
}

/// The queues of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FullQueue {
    /// That of connections that wait for accept().
    Accept,
    /// That of connections being made.
    Syn,
    /// It dropped, and both had room again when it was looked at.
    Unknown,
}

impl FullQueue {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Syn => "syn",
            Self::Unknown => "unknown",
        }
    }
}

/// A system call and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its number on this architecture.
    pub number: u32,
    /// When it returned, on the clock of the event's time; `None` while it has not.
    pub end_ns: Option<u64>,
    /// Its arguments, raw.
    pub args: [u64; 6],
    /// The state of the socket behind its descriptor: after it, where it has returned.
    pub state: Option<SocketState>,
    /// What it returned: a value, or a negative errno.
    pub result: i64,
    /// Index of the interface that the socket is bound to (`SO_BINDTODEVICE`, a link-local address).
    pub interface: Option<u32>,
    /// It moves bytes towards the program.
    pub receives: bool,
    /// The `struct sockaddr` it was given, raw bytes.
    pub address: Vec<u8>,
    /// The first bytes of what it sent or received.
    pub payload: Vec<u8>,
}

/// Bytes a socket has moved since the recorder began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// Bytes it sent.
    pub sent_bytes: u64,
    /// Bytes it received.
    pub received_bytes: u64,
    /// Who moved the first of them.
    pub owner: Option<Pid>,
    /// What it is; `None` of what no verb lists.
    pub kind: Option<Kind>,
    /// Its namespace, and its ends if they are addresses: both as they were when it moved the first of them.
    pub netns: Option<NetnsId>,
    /// See above; the peer's port is 0 where the socket was not connected.
    pub ends: Option<Ends>,
}

/// What could not be told, each kind counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Losses {
    /// Events, because they came faster than they were read.
    pub events: u64,
    /// Copies of stacks, likewise; their sockets have no stack.
    pub stacks: u64,
    /// Sockets beyond the table's size; what happens to them has no owner.
    pub sockets: u64,
    /// Distinct stacks beyond the table's size.
    pub stack_ids: u64,
    /// Calls of threads beyond the table's size.
    pub calls: u64,
    /// Byte counts beyond the table's size.
    pub traffic: u64,
    /// Processes beyond the table's size; they and their children were not followed.
    pub processes: u64,
    /// Calls of sockets that 32-bit programs made: their numbers and arguments are others.
    pub foreign: u64,
    /// How often the kernel left a program out that it had interrupted at work; not each time would have been an event.
    pub interrupted: u64,
}

impl Losses {
    /// Says in words what was lost, a line for each kind; nothing when nothing was.
    pub fn reasons(&self) -> Vec<String> {
        let kinds = [
            (
                self.events,
                "events were lost: they came faster than they could be read",
            ),
            (
                self.stacks,
                "stacks were lost: they came faster than they could be taken and read",
            ),
            (
                self.sockets,
                "sockets were not followed: the table of sockets is full",
            ),
            (
                self.stack_ids,
                "stacks were not taken: the table of distinct stacks is full",
            ),
            (
                self.calls,
                "calls were not followed: the table of threads that make any is full",
            ),
            (
                self.traffic,
                "transfers were not counted: the table of byte counts is full",
            ),
            (
                self.processes,
                "processes were not followed: the table of processes is full",
            ),
            (
                self.foreign,
                "calls of 32-bit programs were not told: only those of 64-bit programs are understood",
            ),
            (
                self.interrupted,
                "events at most were missed: the kernel does not run a program that it has interrupted",
            ),
        ];
        let told = kinds.iter().filter(|(count, _)| *count > 0);
        told.map(|(count, text)| format!("{count} {text}"))
            .collect()
    }
}
