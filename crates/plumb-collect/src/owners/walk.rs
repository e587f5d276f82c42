//! The parallel walk over `/proc/PID/fd`.
//!
//! Workers take processes in the order `/proc` lists them and put the smallest position that holds
//! an inode into that inode's slot, so the result does not depend on who was faster. The walk may
//! begin before it is known which sockets are wanted; then workers note what they meet and claim it
//! later. Processes that end meanwhile simply have no descriptors left to show.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use plumb_model::owner::Owner;
use plumb_model::{Inode, Pid};
use plumb_wire::proc::process::{decode_argv0, decode_number_name, decode_socket_link};
use rustc_hash::FxHashMap;
use rustix::fd::{AsFd as _, OwnedFd};
use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::thread::CapabilitySet;

use super::{Detail, Owners};
use crate::processes::{self, Room, Target, read_context, read_start};

/// Bytes of `/proc/PID/cmdline` that are looked at.
pub(super) const CMDLINE_BYTES: usize = 511;
/// A slot nobody has claimed.
const UNCLAIMED: usize = usize::MAX;

/// One process found to hold a wanted socket.
struct Holder {
    position: usize,
    owner: Owner,
    context: Option<Vec<u8>>,
}

/// The sockets somebody asked for.
struct Wanted {
    slots: FxHashMap<Inode, usize>,
    /// Per slot: the smallest position in the list of processes that holds it.
    claims: Vec<AtomicUsize>,
    unclaimed: AtomicUsize,
}

impl Wanted {
    fn new(slots: FxHashMap<Inode, usize>) -> Self {
        Self {
            claims: (0..slots.len())
                .map(|_| AtomicUsize::new(UNCLAIMED))
                .collect(),
            unclaimed: AtomicUsize::new(slots.len()),
            slots,
        }
    }

    /// Enters `position` as a holder of `inode`; false when the inode is not wanted.
    fn claim(&self, inode: Inode, position: usize) -> bool {
        let slot = self
            .slots
            .get(&inode)
            .and_then(|&index| self.claims.get(index));
        let Some(slot) = slot else {
            return false;
        };
        if slot.fetch_min(position, Ordering::Relaxed) == UNCLAIMED {
            self.unclaimed.fetch_sub(1, Ordering::Relaxed);
        }
        true
    }
}

/// A walk under way, and what its workers share.
///
/// It may start before all wanted sockets are known: until then the workers note every socket they
/// meet, afterwards they look for the wanted ones.
pub(super) struct Walk {
    proc: OwnedFd,
    pids: Vec<u32>,
    wanted: OnceLock<Wanted>,
    next: AtomicUsize,
    refused: AtomicBool,
    any_seen: AtomicBool,
    may_stop_early: bool,
    detail: Detail,
}

/// A walk with its background workers.
pub(super) struct Started {
    walk: Arc<Walk>,
    workers: Vec<JoinHandle<Vec<Holder>>>,
}

/// Starts a walk; `None` when `/proc` cannot be listed.
pub(super) fn start(may_stop_early: bool, detail: Detail) -> Option<Started> {
    let proc = processes::open_root(Path::new("/proc")).ok()?;
    let walk = Arc::new(Walk {
        pids: processes::list_numbers(proc.as_fd(), &mut Room::new(), decode_number_name).ok()?,
        proc,
        wanted: OnceLock::new(),
        next: AtomicUsize::new(0),
        refused: AtomicBool::new(false),
        any_seen: AtomicBool::new(false),
        may_stop_early,
        detail,
    });
    // The caller's thread will work, too.
    let workers = (0..processes::helpers(walk.pids.len()))
        .map(|_| {
            let walk = Arc::clone(&walk);
            std::thread::spawn(move || walk.work())
        })
        .collect();
    Some(Started { walk, workers })
}

impl Started {
    /// Says which sockets are wanted, and walks to the end.
    pub(super) fn finish(self, slots: FxHashMap<Inode, usize>) -> Owners {
        let wanted = self.walk.wanted.get_or_init(|| Wanted::new(slots));
        let mut holders = self.walk.work();
        for worker in self.workers {
            // A worker cannot panic on what it reads; if it did, its processes stay unknown.
            holders.extend(worker.join().unwrap_or_default());
        }
        self.walk.owners(wanted, holders)
    }
}

impl Walk {
    fn work(&self) -> Vec<Holder> {
        let mut worker = Worker {
            walk: self,
            room: Room::new(),
            noted: Vec::new(),
            holders: Vec::new(),
        };
        // A process that was taken is looked at, whatever others have found meanwhile: it stands
        // before theirs.
        while !self.is_complete() {
            let position = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(&pid) = self.pids.get(position) else {
                break;
            };
            worker.look_at(pid, position);
            worker.claim_noted();
        }
        worker.finish()
    }

    /// Says whether nothing is left to be found, and nothing to be noticed either.
    fn is_complete(&self) -> bool {
        let found = |wanted: &Wanted| wanted.unclaimed.load(Ordering::Relaxed) == 0;
        self.may_stop_early && self.wanted.get().is_some_and(found)
    }
}

/// One thread's part of the walk.
struct Worker<'w> {
    walk: &'w Walk,
    room: Room,
    /// Sockets met before it was known which are wanted.
    noted: Vec<(Inode, usize)>,
    holders: Vec<Holder>,
}

impl Worker<'_> {
    /// Goes through the descriptors of one process.
    fn look_at(&mut self, pid: u32, position: usize) {
        let opened = processes::open_directory(self.walk.proc.as_fd(), &format!("{pid}/fd"));
        let directory = match opened {
            Ok(directory) => directory,
            Err(errno) => {
                if errno == Errno::ACCESS {
                    self.walk.refused.store(true, Ordering::Relaxed);
                }
                return;
            }
        };
        let wanted = self.walk.wanted.get();
        let mut holds = false;
        let Self {
            walk, room, noted, ..
        } = self;
        let mut target = Target::new();
        // What cannot be listed any more belongs to a process that ended.
        let _ = processes::for_each_name(directory.as_fd(), room, |name| {
            if decode_number_name(name.to_bytes()).is_none() {
                return;
            }
            let target = target.read(directory.as_fd(), name);
            let Some(inode) = target.and_then(decode_socket_link) else {
                return;
            };
            walk.any_seen.store(true, Ordering::Relaxed);
            match wanted {
                Some(wanted) => holds |= wanted.claim(inode, position),
                None => noted.push((inode, position)),
            }
        });
        if holds {
            self.holders.push(self.walk.describe(pid, position));
        }
    }

    /// Claims what was noted, as soon as it is known what is wanted.
    fn claim_noted(&mut self) {
        let Some(wanted) = self.walk.wanted.get() else {
            return;
        };
        // The notes of one process stand together, in the order of the walk.
        let mut last = None;
        for (inode, position) in self.noted.drain(..) {
            if wanted.claim(inode, position) && last != Some(position) {
                last = Some(position);
                if let Some(&pid) = self.walk.pids.get(position) {
                    self.holders.push(self.walk.describe(pid, position));
                }
            }
        }
    }

    /// Ends this thread's part; waits for what is wanted, if that is not known yet.
    fn finish(mut self) -> Vec<Holder> {
        self.walk.wanted.wait();
        self.claim_noted();
        self.holders
    }
}

impl Walk {
    fn describe(&self, pid: u32, position: usize) -> Holder {
        let cmdline = read_start(&self.proc, &format!("{pid}/cmdline"), CMDLINE_BYTES);
        let context = match self.detail {
            Detail::Process => None,
            Detail::ProcessAndContext => i32::try_from(pid).ok().and_then(read_context),
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

    fn owners(&self, wanted: &Wanted, mut holders: Vec<Holder>) -> Owners {
        holders.sort_unstable_by_key(|holder| holder.position);
        let index_of = |position: usize| {
            holders
                .binary_search_by_key(&position, |holder| holder.position)
                .ok()
        };
        let by_inode = wanted
            .slots
            .iter()
            .filter_map(|(&inode, &slot)| {
                let position = wanted.claims.get(slot)?.load(Ordering::Relaxed);
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
            refused: self.refused.load(Ordering::Relaxed),
            any_seen: self.any_seen.load(Ordering::Relaxed),
            proc_readable: true,
        }
    }
}

/// Says whether the kernel would let us look into every process of this machine: the capabilities
/// for it, in the first user namespace.
pub(crate) fn refusal_is_impossible() -> bool {
    let needed = CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_READ_SEARCH;
    let capable =
        rustix::thread::capabilities(None).is_ok_and(|sets| sets.effective.contains(needed));
    capable
        && read_start(CWD, "/proc/self/uid_map", 128).is_ok_and(|map| {
            let mut numbers = map.split(u8::is_ascii_whitespace).filter(|n| !n.is_empty());
            [&b"0"[..], b"0", b"4294967295"]
                .iter()
                .all(|&n| numbers.next() == Some(n))
        })
}
