//! The parallel walk that finds every holder.
//!
//! Workers take processes in the order `/proc` lists them and keep what they find in pieces of their
//! own; the pieces are then put together in that order, so the result does not depend on who was
//! faster. Threads are looked at where `/proc/TID` shows them, unlisted as they are there.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use plumb_wire::proc::process::{decode_comm, decode_int_name, decode_socket_link_start};
use plumb_wire::proc::process_stat::decode_stat;
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::io::Errno;

use super::{Contexts, Detail, Holders, Socket, Task};
use crate::processes::{self, Room, STAT_BYTES, Target, read_context};
use crate::{inet, selinux};

/// What the workers share.
struct Walk {
    proc: OwnedFd,
    pids: Vec<i32>,
    next: AtomicUsize,
    detail: Detail,
    /// It is the `/proc` of this machine, no hand-made tree.
    is_live: bool,
}

/// A walk with its background workers.
pub(super) struct Started {
    walk: Option<Arc<Walk>>,
    workers: Vec<JoinHandle<Found>>,
}

/// What one worker found.
#[derive(Default)]
struct Found {
    pieces: Vec<Piece>,
    sockets: Vec<Socket>,
    /// Parallel to `sockets` when asked for, empty otherwise.
    contexts: Vec<Option<Arc<[u8]>>>,
    refused: bool,
}

/// The sockets of one task.
struct Piece {
    /// Place of the process in the list.
    position: usize,
    task: Task,
    sockets: Range<usize>,
}

/// Starts a walk; without a readable `root` it finds nothing.
pub(super) fn start(root: &Path, detail: Detail) -> Started {
    let listed = processes::open_root(root).and_then(|proc| {
        let pids = processes::list_numbers(proc.as_fd(), &mut Room::new(), decode_int_name)?;
        Ok((proc, pids))
    });
    let Ok((proc, pids)) = listed else {
        return Started {
            walk: None,
            workers: Vec::new(),
        };
    };
    let helpers = processes::helpers(pids.len());
    let walk = Arc::new(Walk {
        proc,
        pids,
        next: AtomicUsize::new(0),
        detail,
        is_live: root == Path::new("/proc") && inet::is_genuine("/proc"),
    });
    let workers = (0..helpers)
        .map(|_| {
            let walk = Arc::clone(&walk);
            std::thread::spawn(move || walk.work())
        })
        .collect();
    Started {
        walk: Some(walk),
        workers,
    }
}

impl Started {
    /// Walks to the end and gives the holders.
    pub(super) fn finish(self) -> Holders {
        let Some(walk) = self.walk else {
            return Holders {
                is_incomplete: true,
                ..Holders::default()
            };
        };
        let mut found = vec![walk.work()];
        for worker in self.workers {
            // A worker cannot panic on what it reads; if it did, its processes have no sockets.
            found.extend(worker.join());
        }
        put_together(found)
    }
}

/// Adds all pieces in the order of the processes.
fn put_together(mut found: Vec<Found>) -> Holders {
    let mut pieces: Vec<(usize, Piece)> = Vec::new();
    for (worker, found) in found.iter_mut().enumerate() {
        pieces.extend(found.pieces.drain(..).map(|piece| (worker, piece)));
    }
    // Stable: a process and its threads stay in the order their worker looked at them.
    pieces.sort_by_key(|(_, piece)| piece.position);
    let mut holders = Holders {
        is_incomplete: found.iter().any(|found| found.refused),
        ..Holders::default()
    };
    let total = found.iter().map(|found| found.sockets.len()).sum();
    holders.entries.reserve_exact(total);
    for (worker, piece) in pieces {
        let Some(found) = found.get(worker) else {
            continue;
        };
        let sockets = found.sockets.get(piece.sockets.clone()).unwrap_or(&[]);
        let contexts = found.contexts.get(piece.sockets).unwrap_or(&[]);
        holders.add(piece.task, sockets, contexts);
    }
    holders
}

impl Walk {
    fn work(&self) -> Found {
        let mut worker = Worker {
            walk: self,
            room: Room::new(),
            found: Found::default(),
            known_contexts: HashSet::new(),
        };
        loop {
            let position = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(&pid) = self.pids.get(position) else {
                return worker.found;
            };
            worker.look_at_process(pid, position);
        }
    }
}

/// One thread's part of the walk.
struct Worker<'w> {
    walk: &'w Walk,
    room: Room,
    found: Found,
    /// Contexts are few and repeat.
    known_contexts: HashSet<Arc<[u8]>>,
}

impl Worker<'_> {
    /// Goes through the descriptors of a process, and of its threads if they are wanted.
    fn look_at_process(&mut self, pid: i32, position: usize) {
        self.look_at_task(pid, pid, position);
        if !self.walk.detail.threads {
            return;
        }
        let tasks = processes::open_directory(self.walk.proc.as_fd(), &format!("{pid}/task"));
        let Ok(tasks) = tasks else { return };
        let tids = processes::list_numbers(tasks.as_fd(), &mut self.room, decode_int_name);
        let tids = tids.unwrap_or_default();
        for tid in tids.into_iter().filter(|&tid| tid != pid) {
            self.look_at_task(pid, tid, position);
        }
    }

    fn look_at_task(&mut self, pid: i32, tid: i32, position: usize) {
        let proc = self.walk.proc.as_fd();
        let directory = match processes::open_directory(proc, &format!("{tid}/fd")) {
            Ok(directory) => directory,
            Err(errno) => {
                self.found.refused |= errno == Errno::ACCESS;
                return;
            }
        };
        let wants_contexts = self.walk.detail.contexts == Contexts::ProcessesAndSockets;
        let start = self.found.sockets.len();
        let Self {
            room,
            found,
            known_contexts,
            ..
        } = self;
        let mut target = Target::new();
        // What cannot be listed any more belongs to a process that ended.
        let _ = processes::for_each_name(directory.as_fd(), room, |name| {
            let Some(fd) = decode_int_name(name.to_bytes()) else {
                return;
            };
            let spelled = usual_spelling(fd, name);
            let target = target.read(directory.as_fd(), &spelled);
            let Some(inode) = target.and_then(decode_socket_link_start) else {
                return;
            };
            found.sockets.push(Socket { inode, fd });
            if wants_contexts {
                let context = selinux::read_socket_context(directory.as_fd(), &spelled);
                found
                    .contexts
                    .push(context.map(|text| shared(known_contexts, text)));
            }
        });
        let end = self.found.sockets.len();
        if end > start {
            let task = self.describe(pid, tid, directory.as_fd());
            self.found.pieces.push(Piece {
                position,
                task,
                sockets: start..end,
            });
        }
    }

    fn describe(&self, pid: i32, tid: i32, table: BorrowedFd<'_>) -> Task {
        // Beside its table stands the `stat` of this very task, even if another has its id by now.
        let stat = if self.walk.is_live {
            processes::read_start(table, "../stat", STAT_BYTES)
        } else {
            processes::read_start(&self.walk.proc, &format!("{tid}/stat"), STAT_BYTES)
        };
        // A process that ended meanwhile keeps its entries and has no name.
        let stat = stat.unwrap_or_default();
        let name = decode_comm(&stat).unwrap_or_default();
        let context = match self.walk.detail.contexts {
            Contexts::None => None,
            Contexts::Processes | Contexts::ProcessesAndSockets => read_context(tid),
        };
        Task {
            pid,
            tid,
            name: name.into(),
            context: context.map(Vec::into_boxed_slice),
            start_ticks: decode_stat(&stat).map(|stat| stat.start_ticks),
        }
    }
}

/// Gives the name under which a descriptor is looked at: outside hand-made trees the one it has.
#[inline]
fn usual_spelling(fd: i32, name: &CStr) -> Cow<'_, CStr> {
    match name.to_bytes() {
        [b'0'] | [b'1'..=b'9', ..] if fd >= 0 && name.count_bytes() <= 9 => Cow::Borrowed(name),
        _ => CString::new(fd.to_string()).map_or(Cow::Borrowed(name), Cow::Owned),
    }
}

/// Gives the one copy of a context.
fn shared(known: &mut HashSet<Arc<[u8]>>, context: Vec<u8>) -> Arc<[u8]> {
    if let Some(known) = known.get(context.as_slice()) {
        return Arc::clone(known);
    }
    let context: Arc<[u8]> = context.into();
    known.insert(Arc::clone(&context));
    context
}
