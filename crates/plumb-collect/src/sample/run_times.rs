//! How long processes ran that have something to read: who did not run at all cannot have read it. And of UNIX sockets
//! those that wrote it: who did not run at all has not written more.

use std::collections::BTreeSet;

use plumb_model::id::{Inode, Pid};
use plumb_model::sample::RunTime;
use plumb_model::snapshot::{End, Snapshot, Socket};
use plumb_wire::proc::schedstat::decode_run_ns;
use rustix::fd::AsFd as _;

use crate::proc::read_file;
use crate::processes::{Room, list_numbers, open_directory, open_root};

/// Of more processes nothing is known.
const MOST: usize = 256;

/// Reads those of the holders of sockets whose receive queue is not empty, and of UNIX sockets that send to such a one.
pub(super) fn read(snapshot: &Snapshot) -> Vec<RunTime> {
    let waits = |socket: &Socket| {
        !socket.is_listener() && socket.recv_q.ok().is_some_and(|unread| unread > 0)
    };
    let sockets = || snapshot.sockets.iter().enumerate();
    let of_unix = sockets().filter(|(_, socket)| socket.kind.is_unix() && waits(socket));
    let unread: BTreeSet<Inode> = of_unix
        .filter_map(|(_, socket)| socket.inode.ok())
        .collect();
    let writes = |socket: &Socket| match &socket.peer {
        End::Unix { inode, .. } => unread.contains(inode),
        _ => false,
    };
    let places = sockets().filter(|(_, socket)| waits(socket) || writes(socket));
    let holders = places.flat_map(|(place, _)| snapshot.owners.processes_of(place));
    let pids: BTreeSet<u32> = holders.map(|process| process.pid.0).collect();
    let mut room = Room::new();
    let times = pids.into_iter().take(MOST).filter_map(|pid| {
        Some(RunTime {
            pid: Pid(pid),
            ns: run_ns(pid, &mut room)?,
        })
    });
    times.collect()
}

/// Adds up what the threads ran; `None` where that of one is not known, as without `CONFIG_SCHED_INFO`.
fn run_ns(pid: u32, room: &mut Room) -> Option<u64> {
    let proc = open_root(std::path::Path::new("/proc")).ok()?;
    let threads = open_directory(proc.as_fd(), &format!("{pid}/task")).ok()?;
    let number = |name: &[u8]| str::from_utf8(name).ok()?.parse().ok();
    let tids: Vec<u32> = list_numbers(threads.as_fd(), room, number).ok()?;
    let times = tids.into_iter().map(|tid| {
        let text = read_file(format!("/proc/{pid}/task/{tid}/schedstat")).ok()?;
        decode_run_ns(&text)
    });
    times.sum()
}
