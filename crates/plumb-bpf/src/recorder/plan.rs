//! What is to be recorded, and what became of it: programs at work, and gaps. Which programs there are, is in
//! [`super::ladders`].

use plumb_model::id::Pid;

/// Whose sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// Everybody's but ours.
    #[default]
    Host,
    /// Those of processes that are followed ([`super::Recorder::follow`]).
    Processes,
    /// Those of a cgroup (v2) and the groups below it.
    Cgroup {
        /// Its id: the inode number of its folder.
        id: u64,
        /// How deep it is: 0 is the root.
        level: u32,
    },
}

/// What to record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Whose sockets.
    pub scope: Scope,
    /// What happens to them, beside their states, which are always recorded.
    pub layers: Vec<Layer>,
    /// Without stacks.
    pub no_stacks: bool,
    /// Every change of state, also those between the ends.
    pub every_state: bool,
    /// A stack with each call, with [`Layer::Calls`].
    pub call_stacks: bool,
    /// With [`Layer::Calls`]: these calls alone, by their names; empty for all.
    pub only_calls: &'static [&'static str],
    /// With [`Layer::Calls`] and `only_calls`: datagrams, too, that the routing may have refused (EACCES, EINVAL,
    /// ENETUNREACH, EHOSTUNREACH); of sends nothing else is told.
    pub refused_sends: bool,
    /// With [`Layer::Drops`]: those for these reasons alone, as far as the kernel has them; empty for all. Four at most.
    pub only_drops: &'static [&'static str],
    /// Packets that belong to no known socket, too.
    pub strangers: bool,
}

/// A part of the recorder that costs something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// States of TCP sockets.
    States,
    /// What connect() and accept() returned, and the code that called.
    Opening,
    /// The recv() that returned 0.
    Reading,
    /// Internet sockets of every protocol made, bound and closed, so that those without states have owners, too.
    Made,
    /// The same without TCP's, and the code that makes and binds them. Not together with [`Self::Made`], whose programs
    /// tell of them, too.
    Datagrams,
    /// Segments sent again, resets, errors, full queues.
    Faults,
    /// Full queues of listeners, looked at every [`super::limits::LOOK`].
    Queues,
    /// Dropped packets and the reasons.
    Drops,
    /// Every call of the network. While it is attached, every system call of the machine is slower.
    Calls,
    /// Bytes of sockets other than TCP's, whose totals the kernel keeps itself.
    Traffic,
    /// Bytes by the code that moved them, and who wrote what waits in queues. Every call that sends or receives
    /// has its stack taken.
    Functions,
    /// Children of followed processes, programs begun, ends of processes.
    Processes,
}

impl Layer {
    /// Says what it sees, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::States => "states of TCP sockets",
            Self::Opening => "what connect() and accept() return",
            Self::Reading => "reads that found the end of a connection",
            Self::Made => "sockets made, bound and closed",
            Self::Datagrams => "UDP and raw sockets made, bound and closed",
            Self::Faults => "retransmissions, resets and errors",
            Self::Queues => "full queues of listeners",
            Self::Drops => "dropped packets",
            Self::Calls => "calls of the network",
            Self::Traffic => "bytes of UDP and UNIX sockets",
            Self::Functions => "bytes by the code that moved them",
            Self::Processes => "children of processes",
        }
    }
}

/// A program at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// What it is for.
    pub layer: Layer,
    /// What it sees.
    pub sees: &'static str,
    /// Where it is attached, as `tp_btf/inet_sock_set_state`.
    pub hook: &'static str,
    /// The program's name in the object.
    pub name: &'static str,
}

/// Something that will not be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What it is for.
    pub layer: Layer,
    /// What is not seen, in words.
    pub sees: &'static str,
    /// Why: what was tried, and the kernel's answers.
    pub why: String,
}

impl Plan {
    /// Says whether a layer belongs to it.
    pub(super) fn wants(&self, layer: Layer) -> bool {
        layer == Layer::States
            || self.layers.contains(&layer)
            || (layer == Layer::Processes && self.scope == Scope::Processes)
    }
}

/// Our own id, which is never recorded.
pub(super) fn own_pid() -> Pid {
    Pid(std::process::id())
}
