//! What there is to know of a process: its start, name, command line, executable, user, cgroup.
//!
//! Each is a file of its own below `/proc/PID`, read only when asked for. The folder is opened once and
//! everything read through it: the kernel ties it to the process, so what comes is of one process even
//! when its id is given to another meanwhile.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use plumb_model::attribution::{Executable, Process};
use plumb_model::{Known, Pid, Reason, Uid};
use plumb_wire::proc::cgroup::decode_cgroup;
use plumb_wire::proc::process_stat::{decode_effective_uid, decode_stat};
use plumb_wire::workload::decode_workload;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, Statx, StatxFlags, openat, openat2, statx};
use rustix::io::Errno;

use super::uncovered;

/// Bytes of `stat` that are looked at: 52 numbers and a name.
const STAT_BYTES: usize = 2048;
/// Bytes of `status` that are looked at; the user stands near its beginning.
const STATUS_BYTES: usize = 2048;
/// Bytes of a command line that are looked at.
const CMDLINE_BYTES: usize = 32 * 1024;
/// Bytes of `cgroup` that are looked at: a path for each of a dozen hierarchies.
const CGROUP_BYTES: usize = 64 * 1024;
/// Bytes of a path.
const PATH_BYTES: usize = 4096;
/// What the kernel appends to the path of a file that is gone.
const DELETED: &[u8] = b" (deleted)";

/// What to read beside name, parent and start, which are one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The command line.
    pub cmdline: bool,
    /// The executable.
    pub exe: bool,
    /// The effective user.
    pub uid: bool,
    /// The cgroup, and what it says: unit, container, pod.
    pub cgroup: bool,
}

impl Wanted {
    /// Everything.
    pub const ALL: Self = Self {
        cmdline: true,
        exe: true,
        uid: true,
        cgroup: true,
    };
}

/// Describes processes below `root`, a `/proc`; many are shared out among all cores. The answers stand
/// in the order of the ids; what a process no longer tells is unknown because it ended.
pub fn describe_all(root: &Path, pids: &[Pid], wanted: Wanted) -> Vec<Process> {
    let reader = Reader::new(root, wanted);
    let helpers = super::helpers(pids.len());
    if helpers == 0 {
        return pids.iter().map(|&pid| reader.describe(pid)).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut described = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(&pid) = pids.get(place) else {
                return described;
            };
            described.push((place, reader.describe(pid)));
        }
    };
    let mut described: Vec<(usize, Process)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..helpers).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for thread in threads {
            all.extend(thread.join().expect("describing does not panic"));
        }
        all
    });
    described.sort_unstable_by_key(|&(place, _)| place);
    described.into_iter().map(|(_, process)| process).collect()
}

/// Describes one process below `root`.
pub fn describe(root: &Path, pid: Pid, wanted: Wanted) -> Process {
    Reader::new(root, wanted).describe(pid)
}

/// Where to read and what.
struct Reader {
    root: Result<OwnedFd, Errno>,
    wanted: Wanted,
    /// Whether ids are those of this machine, so that the kernel can be asked whether one exists.
    is_live: bool,
}

impl Reader {
    fn new(root: &Path, wanted: Wanted) -> Self {
        Self {
            root: super::open_root(root),
            wanted,
            is_live: root == Path::new("/proc"),
        }
    }

    fn describe(&self, pid: Pid) -> Process {
        let folder = match &self.root {
            Ok(root) => super::open_directory(root.as_fd(), &pid.0.to_string()),
            Err(errno) => Err(*errno),
        };
        let folder = match folder {
            Ok(folder) => folder,
            Err(errno) => return Process::unknown(pid, self.why_no_folder(pid, errno)),
        };
        if let Some(process) = self.read(folder.as_fd(), pid) {
            return process;
        }
        // Not the folder of this process: ended, or behind a mount.
        let elsewhere = self.is_live.then(|| uncovered::folder(pid)).flatten();
        elsewhere
            .and_then(|folder| self.read(folder.as_fd(), pid))
            .unwrap_or_else(|| Process::unknown(pid, self.why_no_stat(pid)))
    }

    /// Reads from an open folder; `None` when it does not tell of this process.
    fn read(&self, folder: BorrowedFd<'_>, pid: Pid) -> Option<Process> {
        let bytes = super::read_start(folder, "stat", STAT_BYTES).ok()?;
        let stat = decode_stat(&bytes).filter(|stat| stat.pid == pid.0)?;
        let mut process = Process {
            parent: Known::Known(Pid(stat.parent)),
            start_ticks: Known::Known(stat.start_ticks),
            comm: stat.comm.to_vec(),
            ..Process::unknown(pid, Reason::NotInSource)
        };
        if self.wanted.cmdline {
            process.cmdline = file(folder, "cmdline", CMDLINE_BYTES);
        }
        if self.wanted.exe {
            process.exe = executable(folder);
        }
        if self.wanted.uid {
            let status = file(folder, "status", STATUS_BYTES);
            process.uid = found(status, |status| decode_effective_uid(status).map(Uid));
        }
        if self.wanted.cgroup {
            let cgroup = file(folder, "cgroup", CGROUP_BYTES);
            process.cgroup = found(cgroup, |cgroup| decode_cgroup(cgroup).map(<[u8]>::to_vec));
            if let Known::Known(path) = &process.cgroup {
                process.workload = decode_workload(path);
            }
        }
        Some(process)
    }

    /// Says why a process has no folder.
    fn why_no_folder(&self, pid: Pid, errno: Errno) -> Reason {
        match errno {
            Errno::ACCESS | Errno::PERM => Reason::PermissionDenied,
            _ if self.is_live && exists(pid) => Reason::Hidepid,
            _ => Reason::ProcessEnded,
        }
    }

    /// Says why a folder does not tell of its process.
    fn why_no_stat(&self, pid: Pid) -> Reason {
        if self.is_live && exists(pid) {
            Reason::Covered
        } else {
            Reason::ProcessEnded
        }
    }
}

/// Asks the kernel whether there is a process of this id, whoever owns it.
fn exists(pid: Pid) -> bool {
    let pid = i32::try_from(pid.0)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(Errno::SRCH))
}

fn file(folder: BorrowedFd<'_>, name: &str, limit: usize) -> Known<Vec<u8>> {
    match super::read_start(folder, name, limit) {
        Ok(bytes) => Known::Known(bytes),
        Err(errno) => Known::Unknown(reason(errno)),
    }
}

fn found<T>(bytes: Known<Vec<u8>>, decode: impl Fn(&[u8]) -> Option<T>) -> Known<T> {
    match bytes {
        Known::Known(bytes) => {
            decode(&bytes).map_or(Known::Unknown(Reason::NotInSource), Known::Known)
        }
        Known::Unknown(reason) => Known::Unknown(reason),
    }
}

fn reason(errno: Errno) -> Reason {
    match errno {
        Errno::ACCESS | Errno::PERM => Reason::PermissionDenied,
        Errno::SRCH => Reason::ProcessEnded,
        // A kernel without cgroups has no such file; what has no executable (a thread of the kernel's,
        // a process about to end) has no such link.
        _ => Reason::NotSupported,
    }
}

/// Reads what a process executes. Files that are gone are marked by the kernel in the path itself,
/// which a file may really be called as well.
fn executable(folder: BorrowedFd<'_>) -> Known<Executable> {
    let path = match rustix::fs::readlinkat(folder, "exe", Vec::with_capacity(PATH_BYTES)) {
        Ok(path) => path.into_bytes(),
        Err(errno) => return Known::Unknown(reason(errno)),
    };
    let executable = match path.strip_suffix(DELETED) {
        Some(before) if !is_called_so(folder, &path) => Executable {
            path: before.to_vec(),
            deleted: true,
        },
        _ => Executable {
            path,
            deleted: false,
        },
    };
    Known::Known(executable)
}

/// Says whether the executable is found under its path, as the process sees it. Only what the kernel
/// has in memory is looked at: a file system of somebody's own could make us wait for ever.
fn is_called_so(folder: BorrowedFd<'_>, path: &[u8]) -> bool {
    let Ok(executable) = look(folder, OsStr::new("exe")) else {
        return false;
    };
    if executable.stx_nlink == 0 {
        return false;
    }
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let Ok(root) = openat(folder, "root", flags, Mode::empty()) else {
        return false;
    };
    let within = ResolveFlags::CACHED | ResolveFlags::IN_ROOT;
    let named = openat2(root, OsStr::from_bytes(path), flags, Mode::empty(), within);
    let named = named.and_then(|named| look(named, OsStr::new("")));
    let identity = |file: &Statx| (file.stx_dev_major, file.stx_dev_minor, file.stx_ino);
    named.is_ok_and(|named| identity(&named) == identity(&executable))
}

/// Asks for what is known of a file without asking whoever serves it.
fn look(base: impl AsFd, path: &OsStr) -> Result<Statx, Errno> {
    let flags = AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT | AtFlags::EMPTY_PATH;
    statx(base, path, flags, StatxFlags::BASIC_STATS)
}

#[cfg(test)]
mod tests;
