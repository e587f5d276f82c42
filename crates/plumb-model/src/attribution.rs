//! Who holds which socket: processes, the ways they hold, and the reasons where nobody is known.
//!
//! A side table of [`crate::snapshot::Snapshot`], by the place of a socket in it. A socket may have many
//! holders; it has a reason exactly when it has none.

use std::ops::Range;

use crate::id::{Inode, Pid, Uid};
use crate::known::{Known, Reason};

/// The owners of a list of sockets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attribution {
    /// The processes that hold at least one of the sockets, by pid.
    pub processes: Vec<Process>,
    /// All holdings, those of one socket together, by pid and descriptor.
    holdings: Vec<Holding>,
    answers: Vec<Answer>,
    /// Sockets without an owner, and the one whose owner they concern; by the first.
    related: Vec<(u32, u32)>,
}

/// What is known of one socket.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Held(Range<u32>),
    Unknown(Reason),
}

/// One way in which a process holds a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Holding {
    /// Place of the process in [`Attribution::processes`].
    pub process: u32,
    /// How it is held.
    pub how: How,
}

/// How a process holds a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum How {
    /// By a descriptor.
    Descriptor(i32),
    /// By a descriptor of one thread alone, which has a table of its own (`unshare(CLONE_FILES)`).
    ThreadDescriptor {
        /// The thread.
        tid: u32,
        /// Its descriptor.
        fd: i32,
    },
    /// By a registered file of an io_uring; the descriptor itself may be closed.
    IoUring {
        /// Descriptor of the ring.
        ring_fd: i32,
        /// Place among its registered files.
        slot: u32,
    },
    /// In a message that waits in the receive queue of a UNIX socket of this process (SCM_RIGHTS).
    InFlight {
        /// The UNIX socket.
        carrier: Inode,
    },
}

impl How {
    /// Gives the descriptor, where there is one.
    pub fn fd(self) -> Option<i32> {
        match self {
            Self::Descriptor(fd) | Self::ThreadDescriptor { fd, .. } => Some(fd),
            Self::IoUring { .. } | Self::InFlight { .. } => None,
        }
    }
}

/// A process that holds sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id in the pid namespace of our `/proc`.
    pub pid: Pid,
    /// The process it belongs to as a child; 0 for none.
    pub parent: Known<Pid>,
    /// When it started, clock ticks since boot (`/proc/PID/stat` field 22): with the pid, its identity.
    pub start_ticks: Known<u64>,
    /// Its name (`comm`), raw bytes.
    pub comm: Vec<u8>,
    /// Its command line, arguments separated by NUL.
    pub cmdline: Known<Vec<u8>>,
    /// What it executes.
    pub exe: Known<Executable>,
    /// Its effective user.
    pub uid: Known<Uid>,
    /// Path of its cgroup below the mount (v2, else that of the systemd or first hierarchy).
    pub cgroup: Known<Vec<u8>>,
    /// What the cgroup says it belongs to.
    pub workload: Workload,
}

impl Process {
    /// A process of which no more than the id is known, for a reason.
    pub fn unknown(pid: Pid, reason: Reason) -> Self {
        Self {
            pid,
            parent: Known::Unknown(reason),
            start_ticks: Known::Unknown(reason),
            comm: Vec::new(),
            cmdline: Known::Unknown(reason),
            exe: Known::Unknown(reason),
            uid: Known::Unknown(reason),
            cgroup: Known::Unknown(reason),
            workload: Workload::default(),
        }
    }
}

/// `/proc/PID/exe`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Executable {
    /// The path, raw bytes.
    pub path: Vec<u8>,
    /// The file is gone: replaced or removed since.
    pub deleted: bool,
}

/// What a process belongs to, told from its cgroup's path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Workload {
    /// The innermost systemd unit, as `nginx.service`, spelt as systemd spells it (`\x2d` stays).
    pub unit: Option<Vec<u8>>,
    /// The container.
    pub container: Option<Container>,
    /// The pod.
    pub pod: Option<Pod>,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Container {
    /// `docker`, `podman`, `containerd`, `cri-o`, `lxc`, `nspawn`; `oci` where only the form of the id
    /// tells that it is one.
    pub runtime: &'static str,
    /// Its id, whole.
    pub id: Vec<u8>,
    /// Its name, where it can be read on this machine without asking anybody.
    pub name: Option<Vec<u8>>,
}

/// A Kubernetes pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pod {
    /// Its uid.
    pub uid: Vec<u8>,
    /// Its name, where it can be read on this machine without asking anybody.
    pub name: Option<Vec<u8>>,
    /// Its namespace, likewise.
    pub namespace: Option<Vec<u8>>,
}

impl Attribution {
    /// Starts a table without answers for processes that are known.
    pub fn new(processes: Vec<Process>) -> Self {
        Self {
            processes,
            ..Self::default()
        }
    }

    /// Adds the answer for the next socket: its holdings, or why there are none.
    pub fn push(&mut self, holdings: impl IntoIterator<Item = Holding>, else_reason: Reason) {
        let start = u32::try_from(self.holdings.len()).unwrap_or(u32::MAX);
        self.holdings.extend(holdings);
        let end = u32::try_from(self.holdings.len()).unwrap_or(u32::MAX);
        self.answers.push(if start == end {
            Answer::Unknown(else_reason)
        } else {
            Answer::Held(start..end)
        });
    }

    /// Gives the holdings of a socket, or why none is known.
    pub fn of(&self, socket: usize) -> Known<&[Holding]> {
        match self.answers.get(socket) {
            None => Known::Unknown(Reason::NotInSource),
            Some(Answer::Unknown(reason)) => Known::Unknown(*reason),
            Some(Answer::Held(range)) => {
                let range = usize::try_from(range.start).unwrap_or(usize::MAX)
                    ..usize::try_from(range.end).unwrap_or(usize::MAX);
                match self.holdings.get(range) {
                    Some(holdings) => Known::Known(holdings),
                    None => Known::Unknown(Reason::NotInSource),
                }
            }
        }
    }

    /// Enters that a socket without an owner concerns the owner of another: the listener it came
    /// through, or who has its port.
    pub fn relate(&mut self, socket: usize, related: usize) {
        let (Ok(socket), Ok(related)) = (u32::try_from(socket), u32::try_from(related)) else {
            return;
        };
        let at = self.related.partition_point(|&(of, _)| of < socket);
        self.related.insert(at, (socket, related));
    }

    /// Gives the place of the socket whose owner a socket without one concerns.
    pub fn related_socket(&self, socket: usize) -> Option<usize> {
        let socket = u32::try_from(socket).ok()?;
        let at = self
            .related
            .binary_search_by_key(&socket, |&(of, _)| of)
            .ok()?;
        usize::try_from(self.related.get(at)?.1).ok()
    }

    /// Gives the holdings of the socket whose owner a socket without one concerns: of the listener a
    /// connection request waits for, of who has the port of a connection in TIME_WAIT. Nobody holds
    /// the socket itself.
    pub fn related(&self, socket: usize) -> &[Holding] {
        let related = self.related_socket(socket);
        related
            .and_then(|place| self.of(place).ok())
            .unwrap_or_default()
    }

    /// Gives the process of a holding.
    pub fn process(&self, holding: Holding) -> Option<&Process> {
        self.processes.get(usize::try_from(holding.process).ok()?)
    }

    /// Gives the processes that hold a socket, each once, the lowest pid first.
    pub fn processes_of(&self, socket: usize) -> Vec<&Process> {
        let holdings = self.of(socket).ok().unwrap_or_default();
        let mut places: Vec<u32> = holdings.iter().map(|holding| holding.process).collect();
        places.sort_unstable();
        places.dedup();
        places
            .into_iter()
            .filter_map(|place| self.processes.get(usize::try_from(place).ok()?))
            .collect()
    }

    /// Says for how many sockets there are answers.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Says whether nobody asked.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }
}
