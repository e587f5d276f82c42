//! The parallel walk over `/proc/PID/fd`.
//!
//! Workers take processes in the order `/proc` lists them and put the smallest position that holds
//! an inode into that inode's slot, so the result does not depend on who was faster. Processes
//! that end meanwhile simply have no descriptors left to show.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use plumb_model::owner::Owner;
use plumb_model::{Inode, Pid};
use plumb_wire::proc::process::{decode_argv0, decode_number_name, decode_socket_link};
use rustc_hash::FxHashMap;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, RawDir, openat, readlinkat_raw};
use rustix::io::Errno;
use rustix::thread::CapabilitySet;

use super::{Detail, Owners};

/// Directory bytes per `getdents64`.
const DIRECTORY_BYTES: usize = 64 * 1024;
/// Bytes of `/proc/PID/cmdline` that are looked at.
const CMDLINE_BYTES: usize = 511;
/// A worker pays for itself from about this many processes on.
const PROCESSES_PER_WORKER: usize = 32;
/// More workers than this contend for the kernel's locks.
const MAX_WORKERS: usize = 16;
/// A slot nobody has claimed.
const UNCLAIMED: usize = usize::MAX;

/// One process found to hold a wanted socket.
struct Holder {
    position: usize,
    owner: Owner,
    context: Option<Vec<u8>>,
}

/// What the workers share.
struct Walk {
    pids: Vec<u32>,
    slots: FxHashMap<Inode, usize>,
    /// Per slot: the smallest position in `pids` that holds it.
    claims: Vec<AtomicUsize>,
    unclaimed: AtomicUsize,
    next: AtomicUsize,
    refused: AtomicBool,
    any_seen: AtomicBool,
    may_stop_early: bool,
    detail: Detail,
}

/// Runs the walk for the inodes of `slots`.
pub(super) fn run(slots: FxHashMap<Inode, usize>, may_stop_early: bool, detail: Detail) -> Owners {
    let Ok(pids) = list_processes() else {
        return Owners::default();
    };
    let walk = Walk {
        claims: (0..slots.len())
            .map(|_| AtomicUsize::new(UNCLAIMED))
            .collect(),
        unclaimed: AtomicUsize::new(slots.len()),
        next: AtomicUsize::new(0),
        refused: AtomicBool::new(false),
        any_seen: AtomicBool::new(false),
        pids,
        slots,
        may_stop_early,
        detail,
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = (walk.pids.len() / PROCESSES_PER_WORKER).clamp(1, cores.min(MAX_WORKERS));
    let holders = std::thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(|| walk.work())).collect();
        let mut holders = walk.work();
        for other in others {
            // A worker cannot panic on what it reads; if it did, its processes stay unknown.
            holders.extend(other.join().unwrap_or_default());
        }
        holders
    });
    walk.into_owners(holders)
}

impl Walk {
    fn work(&self) -> Vec<Holder> {
        let mut buffer = vec![MaybeUninit::uninit(); DIRECTORY_BYTES];
        let mut holders = Vec::new();
        loop {
            if self.may_stop_early && self.unclaimed.load(Ordering::Relaxed) == 0 {
                return holders;
            }
            let position = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(&pid) = self.pids.get(position) else {
                return holders;
            };
            holders.extend(self.look_at(pid, position, &mut buffer));
        }
    }

    /// Goes through the descriptors of one process.
    fn look_at(&self, pid: u32, position: usize, buffer: &mut [MaybeUninit<u8>]) -> Option<Holder> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = match openat(CWD, format!("/proc/{pid}/fd"), flags, Mode::empty()) {
            Ok(directory) => directory,
            Err(errno) => {
                if errno == Errno::ACCESS {
                    self.refused.store(true, Ordering::Relaxed);
                }
                return None;
            }
        };
        let mut holder = None;
        let mut entries = RawDir::new(&directory, buffer);
        while let Some(Ok(entry)) = entries.next() {
            let name = entry.file_name();
            if decode_number_name(name.to_bytes()).is_none() {
                continue;
            }
            let Some(inode) = read_socket_link(directory.as_fd(), name) else {
                continue;
            };
            self.any_seen.store(true, Ordering::Relaxed);
            if self.claim(inode, position) && holder.is_none() {
                holder = Some(self.describe(pid, position));
            }
        }
        holder
    }

    /// Enters `position` as a holder of `inode`; false when the inode is not wanted.
    fn claim(&self, inode: Inode, position: usize) -> bool {
        let Some(slot) = self
            .slots
            .get(&inode)
            .and_then(|&index| self.claims.get(index))
        else {
            return false;
        };
        if slot.fetch_min(position, Ordering::Relaxed) == UNCLAIMED {
            self.unclaimed.fetch_sub(1, Ordering::Relaxed);
        }
        true
    }

    fn describe(&self, pid: u32, position: usize) -> Holder {
        let cmdline = read_start(&format!("/proc/{pid}/cmdline"), CMDLINE_BYTES);
        let context = match self.detail {
            Detail::Process => None,
            Detail::ProcessAndContext => read_context(pid),
        };
        Holder {
            position,
            owner: Owner {
                pid: Pid(pid),
                argv0: decode_argv0(&cmdline.unwrap_or_default()).to_vec(),
            },
            context,
        }
    }

    fn into_owners(self, mut holders: Vec<Holder>) -> Owners {
        holders.sort_unstable_by_key(|holder| holder.position);
        let index_of = |position: usize| {
            holders
                .binary_search_by_key(&position, |holder| holder.position)
                .ok()
        };
        let by_inode = self
            .slots
            .iter()
            .filter_map(|(&inode, &slot)| {
                let position = self.claims.get(slot)?.load(Ordering::Relaxed);
                Some((inode, index_of(position)?))
            })
            .collect();
        let (processes, contexts) = holders
            .into_iter()
            .map(|holder| (holder.owner, holder.context))
            .unzip();
        Owners {
            processes,
            contexts,
            by_inode,
            refused: self.refused.into_inner(),
            any_seen: self.any_seen.into_inner(),
            proc_readable: true,
        }
    }
}

/// Lists the processes in the order of `/proc`.
fn list_processes() -> Result<Vec<u32>, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(CWD, "/proc", flags, Mode::empty())?;
    let mut buffer = vec![MaybeUninit::uninit(); DIRECTORY_BYTES];
    let mut entries = RawDir::new(&directory, &mut buffer);
    let mut pids = Vec::new();
    while let Some(entry) = entries.next() {
        pids.extend(decode_number_name(entry?.file_name().to_bytes()));
    }
    Ok(pids)
}

fn read_socket_link(directory: BorrowedFd<'_>, name: &std::ffi::CStr) -> Option<Inode> {
    // `socket:[` and a 64-bit number fit well; a longer target is no socket.
    let mut target = [MaybeUninit::<u8>::uninit(); 40];
    let (target, _) = readlinkat_raw(directory, name, &mut target).ok()?;
    decode_socket_link(target)
}

fn read_context(pid: u32) -> Option<Vec<u8>> {
    let mut context = read_start(&format!("/proc/{pid}/attr/current"), 4096).ok()?;
    while context.last().is_some_and(|b| matches!(b, 0 | b'\n')) {
        context.pop();
    }
    Some(context)
}

/// Reads at most `limit` bytes from the start of a file.
fn read_start(path: &str, limit: usize) -> Result<Vec<u8>, Errno> {
    let fd: OwnedFd = crate::proc::open_file(path)?;
    let mut bytes = vec![0; limit];
    let got = rustix::io::read(&fd, &mut bytes)?;
    bytes.truncate(got);
    Ok(bytes)
}

/// Says whether the kernel would let us look into every process of this machine: the capabilities
/// for it, in the first user namespace.
pub(super) fn refusal_is_impossible() -> bool {
    let needed = CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_READ_SEARCH;
    let capable =
        rustix::thread::capabilities(None).is_ok_and(|sets| sets.effective.contains(needed));
    capable
        && read_start("/proc/self/uid_map", 128).is_ok_and(|map| {
            let mut numbers = map.split(u8::is_ascii_whitespace).filter(|n| !n.is_empty());
            [&b"0"[..], b"0", b"4294967295"]
                .iter()
                .all(|&n| numbers.next() == Some(n))
        })
}
