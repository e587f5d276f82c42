//! A walk over `/proc` into the corners that a walk for many sockets leaves out: tables of single threads
//! (`/proc/PID/task/TID/fd`) and files registered with an io_uring (`fdinfo` of the ring).

use std::sync::atomic::{AtomicUsize, Ordering};

use plumb_model::Known;
use plumb_model::attribution::How;
use plumb_wire::proc::io_uring::{RING_LINK, decode_user_files};
use plumb_wire::proc::process::{decode_number_name, decode_socket_link};
use plumb_wire::proc::process_stat::decode_stat;
use rustc_hash::FxHashSet;
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};

use crate::processes::{self, Room, Target, read_start};
use crate::sys::kcmp::shares_files;

/// Bytes of `fdinfo` that are looked at: a line for each registered file.
const FDINFO_BYTES: usize = 1 << 20;
/// Bytes of `stat` that are looked at.
const STAT_BYTES: usize = 1024;
/// A process with more descriptors is asked for its rings by its memory, where rings are mapped.
const MANY_DESCRIPTORS: i64 = 512;
/// Bytes of `maps` that are looked at.
const MAPS_BYTES: usize = 4 << 20;

/// Where to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ways {
    /// For registered files alone: programs have told the rest.
    Rings,
    /// For what no descriptor of a process holds: tables of threads, registered files.
    Corners,
    /// Everywhere.
    All,
}

/// A socket that a process holds.
pub(crate) struct Holding {
    pub inode: u32,
    pub pid: u32,
    pub start_ticks: Known<u64>,
    pub comm: Vec<u8>,
    pub how: How,
}

/// Looks in all processes for the sockets with these inodes; without any for all sockets.
pub(crate) fn look(wanted: Option<&FxHashSet<u32>>, ways: Ways) -> Vec<Holding> {
    let Ok(proc) = processes::open_root(std::path::Path::new("/proc")) else {
        return Vec::new();
    };
    let pids = processes::list_numbers(proc.as_fd(), &mut Room::new(), decode_number_name);
    let pids = pids.unwrap_or_default();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut worker = Worker {
            wanted,
            ways,
            room: Room::new(),
            found: Vec::new(),
        };
        while let Some(&pid) = pids.get(next.fetch_add(1, Ordering::Relaxed)) {
            worker.look_at(&proc, pid);
        }
        worker.found
    };
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (0..processes::helpers(pids.len()))
            .map(|_| scope.spawn(work))
            .collect();
        let mut found = work();
        for helper in helpers {
            // A worker cannot panic on what it reads; if it did, its processes hold nothing.
            found.extend(helper.join().unwrap_or_default());
        }
        found
    })
}

struct Worker<'w> {
    wanted: Option<&'w FxHashSet<u32>>,
    ways: Ways,
    room: Room,
    found: Vec<Holding>,
}

impl Worker<'_> {
    fn look_at(&mut self, proc: &OwnedFd, pid: u32) {
        // Everything is read through the folder, which stays that of the process.
        let Ok(folder) = processes::open_directory(proc.as_fd(), &pid.to_string()) else {
            return;
        };
        let mut main = Vec::new();
        if self.ways != Ways::Rings || may_have_rings(folder.as_fd()) {
            self.look_at_table(folder.as_fd(), "fd", &mut main, How::Descriptor);
        }
        let mut ways = Vec::new();
        if self.ways != Ways::Rings {
            self.look_at_threads(folder.as_fd(), pid, &mut ways);
            // What a thread inherited and its process still has is not its own.
            ways.retain(|&(inode, how)| {
                let same = how.fd().map(|fd| (inode, How::Descriptor(fd)));
                !same.is_some_and(|same| main.contains(&same))
            });
        }
        if self.ways == Ways::Corners {
            main.retain(|(_, how)| matches!(how, How::IoUring { .. }));
        }
        ways.append(&mut main);
        if ways.is_empty() {
            return;
        }
        let stat = read_start(&folder, "stat", STAT_BYTES).unwrap_or_default();
        let Some(stat) = decode_stat(&stat) else {
            return;
        };
        self.found
            .extend(ways.into_iter().map(|(inode, how)| Holding {
                inode,
                pid,
                start_ticks: Known::Known(stat.start_ticks),
                comm: stat.comm.to_vec(),
                how,
            }));
    }

    /// Goes through the tables of threads that have their own.
    fn look_at_threads(&mut self, folder: BorrowedFd<'_>, pid: u32, ways: &mut Vec<(u32, How)>) {
        let Ok(tasks) = processes::open_directory(folder, "task") else {
            return;
        };
        let tids = processes::list_numbers(tasks.as_fd(), &mut self.room, decode_number_name);
        for tid in tids.unwrap_or_default() {
            if tid == pid || shares_files(pid, tid) != Some(false) {
                continue;
            }
            let mut own = Vec::new();
            self.look_at_table(tasks.as_fd(), &format!("{tid}/fd"), &mut own, |fd| {
                How::ThreadDescriptor { tid, fd }
            });
            ways.extend(own);
        }
    }

    /// Goes through one table of descriptors, and the rings in it.
    fn look_at_table(
        &mut self,
        base: BorrowedFd<'_>,
        path: &str,
        ways: &mut Vec<(u32, How)>,
        how: impl Fn(i32) -> How,
    ) {
        let Ok(table) = processes::open_directory(base, path) else {
            return;
        };
        let mut rings = Vec::new();
        let mut target = Target::new();
        let wanted = self.wanted;
        let is_wanted = |inode: &u32| wanted.is_none_or(|wanted| wanted.contains(inode));
        let wants_sockets = self.ways != Ways::Rings;
        let _ = processes::for_each_name(table.as_fd(), &mut self.room, |name| {
            let fd = decode_number_name(name.to_bytes()).and_then(|fd| i32::try_from(fd).ok());
            let Some(fd) = fd else { return };
            let Some(link) = target.read(table.as_fd(), name) else {
                return;
            };
            if link == RING_LINK {
                rings.push(fd);
            } else if wants_sockets
                && let Some(inode) = decode_socket_link(link)
                && let Ok(inode) = u32::try_from(inode.0)
                && is_wanted(&inode)
            {
                ways.push((inode, how(fd)));
            }
        });
        for ring_fd in rings {
            let info = format!("../fdinfo/{ring_fd}");
            let info = read_start(&table, &info, FDINFO_BYTES).unwrap_or_default();
            let files = decode_user_files(&info).into_iter();
            ways.extend(
                files
                    .filter(|(_, inode)| is_wanted(inode))
                    .map(|(slot, inode)| (inode, How::IoUring { ring_fd, slot })),
            );
        }
    }
}

/// Says whether a process can have an io_uring: a large table of descriptors is not read for that.
fn may_have_rings(folder: BorrowedFd<'_>) -> bool {
    let size = rustix::fs::statat(folder, "fd", rustix::fs::AtFlags::empty());
    if size.is_ok_and(|size| size.st_size <= MANY_DESCRIPTORS) {
        return true;
    }
    let maps = processes::read_whole(folder, "maps", MAPS_BYTES).unwrap_or_default();
    maps.windows(RING_LINK.len())
        .any(|window| window == RING_LINK)
}
