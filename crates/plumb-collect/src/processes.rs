//! What every walk over the processes needs: listing them, reading where their descriptors point,
//! and the start of their small files. And the name and context of one process.
//!
//! Nothing here knows what is looked for. A process may end between any two reads; what it can no
//! longer tell is simply missing.

pub(crate) mod boot_clock;
pub mod details;
pub mod uncovered;

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};

use plumb_model::Pid;
use plumb_wire::proc::process::decode_comm;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, RawDir, openat, readlinkat_raw};
use rustix::io::Errno;

use crate::proc_paths;

/// Directory bytes per `getdents64`.
const DIRECTORY_BYTES: usize = 64 * 1024;
/// Bytes of a link's target that are looked at; what names a socket fits well.
const TARGET_BYTES: usize = 63;
/// Bytes of `stat` that are looked at; the name stands at its beginning.
pub(crate) const STAT_BYTES: usize = 512;
/// Bytes of a context that are looked at.
const CONTEXT_BYTES: usize = 4096;
/// A worker pays for itself from about this many processes on.
const PROCESSES_PER_WORKER: usize = 32;
/// More workers than this contend for the kernel's locks.
const MAX_WORKERS: usize = 16;

/// Room for the entries of a directory, used again for the next one.
pub(crate) struct Room(Vec<MaybeUninit<u8>>);

impl Room {
    pub(crate) fn new() -> Self {
        Self(vec![MaybeUninit::uninit(); DIRECTORY_BYTES])
    }
}

/// How many workers beside the caller share a walk over so many processes.
pub(crate) fn helpers(processes: usize) -> usize {
    let cores = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MAX_WORKERS);
    (processes / PROCESSES_PER_WORKER).min(cores - 1)
}

/// Opens a directory below another one.
pub(crate) fn open_directory(base: BorrowedFd<'_>, path: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(base, path, flags, Mode::empty())
}

/// Opens a directory by its path.
pub(crate) fn open_root(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty())
}

/// Calls `each` with every name in a directory, in its order.
pub(crate) fn for_each_name(
    directory: BorrowedFd<'_>,
    room: &mut Room,
    mut each: impl FnMut(&CStr),
) -> Result<(), Errno> {
    let mut entries = RawDir::new(directory, &mut room.0);
    while let Some(entry) = entries.next() {
        each(entry?.file_name());
    }
    Ok(())
}

/// Lists the names that are numbers, in the order of the directory.
pub(crate) fn list_numbers<N>(
    directory: BorrowedFd<'_>,
    room: &mut Room,
    decode: impl Fn(&[u8]) -> Option<N>,
) -> Result<Vec<N>, Errno> {
    let mut numbers = Vec::new();
    for_each_name(directory, room, |name| {
        numbers.extend(decode(name.to_bytes()));
    })?;
    Ok(numbers)
}

/// Where a link points.
pub(crate) struct Target([MaybeUninit<u8>; TARGET_BYTES]);

impl Target {
    pub(crate) fn new() -> Self {
        Self([MaybeUninit::uninit(); TARGET_BYTES])
    }

    /// Reads the start of a link's target.
    #[inline]
    pub(crate) fn read(&mut self, directory: BorrowedFd<'_>, name: &CStr) -> Option<&[u8]> {
        let (target, _) = readlinkat_raw(directory, name, &mut self.0).ok()?;
        Some(target)
    }
}

/// Reads at most `limit` bytes from the start of a file.
pub(crate) fn read_start(base: impl AsFd, path: &str, limit: usize) -> Result<Vec<u8>, Errno> {
    let fd = openat(base, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut bytes = vec![0; limit];
    let got = rustix::io::read(&fd, &mut bytes)?;
    bytes.truncate(got);
    Ok(bytes)
}

/// Reads a file to its end, or so much of it.
pub(crate) fn read_whole(base: impl AsFd, path: &str, limit: usize) -> Result<Vec<u8>, Errno> {
    let fd = openat(base, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut bytes = Vec::new();
    let mut room = vec![0; DIRECTORY_BYTES];
    while bytes.len() < limit {
        let got = rustix::io::read(&fd, &mut room)?;
        if got == 0 {
            break;
        }
        bytes.extend_from_slice(room.get(..got).unwrap_or_default());
    }
    Ok(bytes)
}

/// Reads the SELinux context of a process or thread of this machine.
pub(crate) fn read_context(pid: i32) -> Option<Vec<u8>> {
    let mut context = read_start(CWD, &format!("/proc/{pid}/attr/current"), CONTEXT_BYTES).ok()?;
    while context.last().is_some_and(|b| matches!(b, 0 | b'\n')) {
        context.pop();
    }
    Some(context)
}

/// Reads the name of a process or thread below a `/proc`; `None` when it has none to tell.
pub(crate) fn read_comm(base: impl AsFd, pid: i32) -> Option<Vec<u8>> {
    let stat = read_start(base, &format!("{pid}/stat"), STAT_BYTES).ok()?;
    decode_comm(&stat).map(<[u8]>::to_vec)
}

/// The processes of one `/proc`, asked one by one.
#[derive(Debug)]
pub struct Processes {
    proc: Option<OwnedFd>,
}

impl Processes {
    /// Opens the `/proc` that `PROC_ROOT` may have moved.
    pub fn open() -> Self {
        Self {
            proc: open_root(&root()).ok(),
        }
    }

    /// Gives the name (`comm`) of a process up to its first `)`.
    pub fn name(&self, pid: i32) -> Option<Vec<u8>> {
        read_comm(self.proc.as_ref()?, pid)
    }

    /// Gives the SELinux context of a process of this machine.
    pub fn context(&self, pid: i32) -> Option<Vec<u8>> {
        read_context(pid)
    }
}

/// Gives the processes that descend from one, itself first, as far as `/proc` tells (`children`, which needs
/// CONFIG_PROC_CHILDREN; without it there is the one). Who is born while this reads may be missing.
pub fn descendants(pid: Pid) -> Vec<Pid> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&Pid(pid)) = found.get(next) {
        next += 1;
        for thread in std::fs::read_dir(format!("/proc/{pid}/task"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let text = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            let children = text
                .split_ascii_whitespace()
                .filter_map(|word| word.parse().ok())
                .map(Pid);
            found.extend(children);
        }
    }
    found
}

/// Gives the process that a thread belongs to, itself where it is one; `None` where there is neither
/// (`/proc/PID/status`, `Tgid`).
pub fn of_thread(id: Pid) -> Option<Pid> {
    let status = std::fs::read_to_string(root().join(id.0.to_string()).join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"))?;
    Some(Pid(line.trim().parse().ok()?))
}

/// Gives the `/proc` that `PROC_ROOT` may have moved.
pub fn root() -> PathBuf {
    PathBuf::from(proc_paths::below_root(""))
}
