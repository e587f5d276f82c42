//! Who waits for room at UNIX listeners: no table ties a `connect()` that waits to a listener.
//!
//! Read only while a listener is full, of every thread that may be traced: the call it sleeps in
//! (`/proc/PID/task/TID/syscall`), and the address it gave, from its memory. A process may know the listener by another
//! path than it was bound to: it is the same if the file is.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use plumb_model::id::Pid;
use plumb_model::sample::UnixWait;
use plumb_model::snapshot::{Snapshot, Socket};
use plumb_wire::proc::syscall::{InKernel, decode_syscall};
use plumb_wire::sockaddr::decode_unix;

use crate::proc::read_file;

/// More threads are not looked at.
const MOST_THREADS: usize = 16_384;
/// `sizeof(struct sockaddr_un)`.
const LONGEST: usize = 110;

/// Reads who waits.
pub(super) fn read(snapshot: &Snapshot) -> Vec<UnixWait> {
    let full = Listeners::of(snapshot, is_full);
    if full.0.is_empty() {
        return Vec::new();
    }
    let pids = numbers(Path::new("/proc")).into_iter();
    let threads = pids.flat_map(|pid| {
        let tids = numbers(Path::new(&format!("/proc/{pid}/task")));
        tids.into_iter().map(move |tid| (pid, tid))
    });
    let mut waits: Vec<UnixWait> = threads
        .take(MOST_THREADS)
        .filter_map(|(pid, tid)| wait(pid, tid, &full))
        .collect();
    waits.sort_unstable();
    waits
}

/// More wait than may (`unix_recvq_full`).
fn is_full(socket: &Socket) -> bool {
    matches!((socket.recv_q.ok(), socket.send_q.ok()), (Some(waiting), Some(limit)) if waiting > limit)
}

/// Gives the names of UNIX listeners at which threads of processes wait to be let in, each with its process.
pub(super) fn asked_by(pids: &BTreeSet<Pid>) -> Vec<(Pid, Vec<u8>)> {
    let threads = pids.iter().flat_map(|pid| {
        let tids = numbers(Path::new(&format!("/proc/{}/task", pid.0)));
        tids.into_iter().map(|tid| (*pid, tid))
    });
    threads
        .take(MOST_THREADS)
        .filter_map(|(pid, tid)| Some((pid, asked(pid.0, tid)?)))
        .collect()
}

fn wait(pid: u32, tid: u32, full: &Listeners) -> Option<UnixWait> {
    let listener = full.named(Pid(pid), &asked(pid, tid)?)?;
    let comm = read_file(format!("/proc/{pid}/comm")).ok()?;
    Some(UnixWait {
        pid: Pid(pid),
        tid,
        comm: comm.trim_ascii_end().to_vec(),
        listener,
    })
}

/// Gives the name that a thread gave to the `connect()` in which it sleeps.
fn asked(pid: u32, tid: u32) -> Option<Vec<u8>> {
    let line = read_file(format!("/proc/{pid}/task/{tid}/syscall")).ok()?;
    let InKernel::Call {
        number, arguments, ..
    } = decode_syscall(&line)?
    else {
        return None;
    };
    if i64::try_from(number) != Ok(libc::SYS_connect) {
        return None;
    }
    let [_, at, len, ..] = arguments;
    let mut bytes = [0; LONGEST];
    let len = usize::try_from(len).ok()?.min(LONGEST);
    let memory = File::open(format!("/proc/{pid}/mem")).ok()?;
    let read = memory.read_at(bytes.get_mut(..len)?, at).ok()?;
    decode_unix(bytes.get(..read)?).map(<[u8]>::to_vec)
}

fn numbers(folder: &Path) -> Vec<u32> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// UNIX listeners that have a name, each with a process that holds it.
pub(super) struct Listeners(Vec<(Vec<u8>, Option<Pid>)>);

impl Listeners {
    /// Gathers those that are wanted.
    pub fn of(snapshot: &Snapshot, is_wanted: impl Fn(&Socket) -> bool) -> Self {
        let sockets = snapshot.sockets.iter().enumerate();
        let listeners = sockets.filter(|(_, socket)| {
            socket.kind.is_unix() && socket.is_listener() && is_wanted(socket)
        });
        let named = listeners.filter_map(|(place, socket)| {
            let holders = snapshot.owners.processes_of(place);
            let holder = holders.first().map(|process| process.pid);
            Some((socket.local.unix_name()?.to_vec(), holder))
        });
        Self(named.collect())
    }

    /// Gives the name of the one that a process means.
    pub fn named(&self, pid: Pid, asked: &[u8]) -> Option<Vec<u8>> {
        let mut all = self.0.iter();
        if let Some((name, _)) = all.find(|(name, _)| name == asked) {
            return Some(name.clone());
        }
        let wanted = file_of(Some(pid), asked)?;
        let mut all = self.0.iter();
        let (name, _) = all.find(|(name, holder)| file_of(*holder, name) == Some(wanted))?;
        Some(name.clone())
    }
}

/// Gives the file of a path as a process sees it, ourselves where it is not known.
fn file_of(pid: Option<Pid>, path: &[u8]) -> Option<(u64, u64)> {
    if path.first().is_none_or(|first| *first == 0) {
        return None;
    }
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    let seen: PathBuf = match (pid, path.strip_prefix("/")) {
        (Some(pid), Ok(below)) => Path::new("/proc")
            .join(format!("{}/root", pid.0))
            .join(below),
        (Some(pid), Err(_)) => Path::new("/proc").join(format!("{}/cwd", pid.0)).join(path),
        (None, _) => path.to_owned(),
    };
    let file = std::fs::metadata(seen).ok()?;
    Some((file.dev(), file.ino()))
}
