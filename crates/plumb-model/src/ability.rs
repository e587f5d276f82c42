//! What a kernel and a user allow plumb to do: facts as they were read, and abilities that follow.

use crate::creation::Recorder;
use crate::finding::Gap;
use crate::id::Uid;
use crate::known::Known;

/// A set of capabilities (`capabilities(7)`), a bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Capabilities(pub u64);

impl Capabilities {
    /// `CAP_DAC_READ_SEARCH`: reading whatever permissions say.
    pub const DAC_READ_SEARCH: Self = Self(1 << 2);
    /// `CAP_NET_ADMIN`.
    pub const NET_ADMIN: Self = Self(1 << 12);
    /// `CAP_NET_RAW`.
    pub const NET_RAW: Self = Self(1 << 13);
    /// `CAP_SYS_PTRACE`: looking into other users' processes.
    pub const SYS_PTRACE: Self = Self(1 << 19);
    /// `CAP_SYS_ADMIN`.
    pub const SYS_ADMIN: Self = Self(1 << 21);
    /// `CAP_PERFMON` (5.8).
    pub const PERFMON: Self = Self(1 << 38);
    /// `CAP_BPF` (5.8).
    pub const BPF: Self = Self(1 << 39);

    /// Those that have a part in anything here, with their names.
    pub const NAMES: [(Self, &'static str); 7] = [
        (Self::BPF, "cap_bpf"),
        (Self::DAC_READ_SEARCH, "cap_dac_read_search"),
        (Self::NET_ADMIN, "cap_net_admin"),
        (Self::NET_RAW, "cap_net_raw"),
        (Self::PERFMON, "cap_perfmon"),
        (Self::SYS_ADMIN, "cap_sys_admin"),
        (Self::SYS_PTRACE, "cap_sys_ptrace"),
    ];

    /// Gives both sets together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Gives what is not in the other set.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Says whether all of the other set is in this one.
    pub const fn has(self, other: Self) -> bool {
        other.without(self).is_empty()
    }

    /// Says whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Gives the names of those that are known here, sorted.
    pub fn names(self) -> Vec<&'static str> {
        Self::NAMES
            .iter()
            .filter(|(capability, _)| self.has(*capability))
            .map(|&(_, name)| name)
            .collect()
    }
}

/// Everything abilities follow from.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The kernel's release, as `uname -r` prints it.
    pub release: String,
    /// Who asks.
    pub user: User,
    /// What the administrator set.
    pub settings: Settings,
    /// What is mounted and built in.
    pub places: Places,
    /// The tables of sock_diag.
    pub tables: Vec<Table>,
    /// Whether sockets can be closed through sock_diag: the kernel's answer to closing none (`ENOENT` is yes).
    pub destroy: Answer,
    /// What `/proc` shows of other processes.
    pub processes: Processes,
    /// Network namespaces.
    pub namespaces: Namespaces,
    /// How owners are found.
    pub owners: Owners,
    /// The BPF programs, and what came of loading each.
    pub programs: Vec<Program>,
    /// The recorder that listings ask which code made a socket.
    pub recorder: Background,
}

/// A recorder in the background, as far as it is ours to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Background {
    /// It serves us.
    Serves(Recorder),
    /// There is none; in words.
    Nobody(String),
    /// There is one, and it serves others; in words.
    NotUs(String),
    /// There is one, and it cannot be asked; in words.
    Silent(String),
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The effective user.
    pub uid: Uid,
    /// Capabilities that count now.
    pub effective: Capabilities,
    /// Capabilities that could ever be had.
    pub bounding: Capabilities,
    /// `no_new_privs`: no program started from here gains any.
    pub no_new_privs: bool,
    /// Whether the user namespace is the host's first: capabilities of others do not count everywhere.
    pub is_first_namespace: bool,
    /// Where this program lies.
    pub program: Vec<u8>,
    /// Whether its file system lets files have capabilities (it is not mounted `nosuid`).
    pub program_may_have_capabilities: bool,
}

/// What the administrator set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `kernel.yama.ptrace_scope`.
    pub ptrace_scope: Known<i64>,
    /// `kernel.perf_event_paranoid`.
    pub perf_event_paranoid: Known<i64>,
    /// `kernel.unprivileged_bpf_disabled`.
    pub unprivileged_bpf_disabled: Known<i64>,
    /// `kernel.kptr_restrict`.
    pub kptr_restrict: Known<i64>,
    /// The lockdown in force: `none`, `integrity`, `confidentiality`.
    pub lockdown: Known<String>,
    /// `hidepid` of `/proc`: 0, 1, 2 or 4.
    pub hidepid: Known<u8>,
}

/// What is mounted and built in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    /// `/sys/kernel/btf/vmlinux` is there.
    pub kernel_types: bool,
    /// A BPF file system, if one is mounted.
    pub bpf: Option<String>,
    /// A tracefs, if one is mounted, and whether it can be read.
    pub trace: Option<(String, bool)>,
    /// cgroup2 is mounted.
    pub cgroup2: bool,
    /// Hierarchies of cgroup version 1 that are mounted.
    pub cgroup1: usize,
}

/// The kernel's answer to one question: 0, or an error number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer(pub i32);

/// A table of sock_diag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Its word, as `tcp`.
    pub word: &'static str,
    /// The kernel module that has it, as `tcp_diag`.
    pub module: &'static str,
    /// Whether this kernel has that module lying about; `None` where its modules cannot be looked at.
    pub has_module: Option<bool>,
    /// What came of asking for it.
    pub answer: Answer,
}

/// What `/proc` shows of other processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Processes {
    /// Processes that `/proc` lists.
    pub listed: usize,
    /// Of these, those whose descriptors may not be read.
    pub refused: usize,
    /// Folders of processes that something is mounted over.
    pub covered: usize,
    /// Whether the pid namespace is the host's first; `None` where that cannot be told.
    pub is_first_namespace: Option<bool>,
}

/// Network namespaces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Namespaces {
    /// Found, our own included.
    pub found: usize,
    /// Those that cannot be entered.
    pub closed: Vec<Gap>,
    /// Processes whose namespace may not be known.
    pub hidden_processes: usize,
}

/// How owners are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owners {
    /// `bpf` or `proc`.
    pub engine: &'static str,
    /// Why this one, in words.
    pub why: String,
    /// Where a BPF program would come from.
    pub bpf: Result<Bpf, Refusal>,
}

/// Where the BPF program that tells owners comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bpf {
    /// A file that root pinned.
    Pinned(String),
    /// It is loaded for each reading.
    Loaded,
}

/// Why something is refused, and what would allow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, in words.
    pub why: String,
    /// A command or a setting.
    pub allow: Option<String>,
}

/// A BPF program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its name, as `owners/tasks`.
    pub name: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// The first kernel it runs on, as `5.8`.
    pub minimum_kernel: &'static str,
    /// Whether it could be loaded; where its hooks were chosen among several, these are they.
    pub answer: Result<Vec<&'static str>, Refusal>,
}

/// Whether something can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// All of it.
    Yes,
    /// Some of it.
    Partly,
    /// Nothing.
    No,
}

impl Verdict {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Partly => "partly",
            Self::No => "no",
        }
    }
}

/// Something that plumb can do here, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ability {
    /// What it belongs to: `sockets`, `owners`, `namespaces`, `bpf`, `tracing`, `network`.
    pub area: &'static str,
    /// Its id, a promise to scripts: `owners-all`.
    pub key: String,
    /// What can be done with it.
    pub what: String,
    /// Whether.
    pub verdict: Verdict,
    /// Why, or how.
    pub why: String,
    /// The exact command that would allow more, where there is one.
    pub allow: Option<String>,
    /// The capabilities that this command gives a file, none for other commands.
    pub gives: Capabilities,
}
