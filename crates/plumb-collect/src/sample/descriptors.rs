//! How many descriptors processes have open, and how many they may have.

use std::collections::BTreeMap;

use plumb_model::attribution::Process;
use plumb_model::id::Pid;
use plumb_model::sample::DescriptorUse;
use plumb_model::{Known, Reason};
use rustix::fd::AsFd as _;
use rustix::io::Errno;

use crate::proc::read_file;
use crate::processes::{Room, for_each_name, list_numbers, open_directory, open_root};

/// Reads the use of the processes that hold sockets, and of all others in this network namespace: who has no descriptor
/// left to make a socket with may hold none.
pub(super) fn read(processes: &[Process]) -> Vec<DescriptorUse> {
    let mut room = Room::new();
    let mut known: BTreeMap<u32, Vec<u8>> = processes
        .iter()
        .map(|process| (process.pid.0, process.comm.clone()))
        .collect();
    for pid in others(&mut room) {
        known.entry(pid).or_insert_with(|| {
            let comm = read_file(format!("/proc/{pid}/comm")).unwrap_or_default();
            comm.trim_ascii_end().to_vec()
        });
    }
    let one = |(pid, comm): (u32, Vec<u8>)| DescriptorUse {
        pid: Pid(pid),
        comm,
        open: open(pid, &mut room),
        limit: limit(pid),
    };
    known.into_iter().map(one).collect()
}

/// Lists the processes of `/proc` that are in the network namespace of this thread; none where it cannot be read, and
/// none of whom may not be looked at: their descriptors may not be, either.
fn others(room: &mut Room) -> Vec<u32> {
    let number = |name: &[u8]| str::from_utf8(name).ok()?.parse().ok();
    let proc = open_root(std::path::Path::new("/proc"));
    let pids = proc.and_then(|proc| list_numbers(proc.as_fd(), room, number));
    let Some(here) = network("thread-self") else {
        return Vec::new();
    };
    let mut pids: Vec<u32> = pids.unwrap_or_default();
    pids.retain(|pid| network(pid) == Some(here));
    pids
}

/// Gives the inode of a process's network namespace.
fn network(process: impl std::fmt::Display) -> Option<u64> {
    let namespace = rustix::fs::stat(format!("/proc/{process}/ns/net"));
    Some(namespace.ok()?.st_ino)
}

fn open(pid: u32, room: &mut Room) -> Known<u64> {
    let mut count = || -> Result<u64, Errno> {
        let proc = open_root(std::path::Path::new("/proc"))?;
        let directory = open_directory(proc.as_fd(), &format!("{pid}/fd"))?;
        // Since 6.2 the folder's size is their number.
        let size = rustix::fs::fstat(&directory)?.st_size;
        if let Some(count) = u64::try_from(size).ok().filter(|&count| count > 0) {
            return Ok(count);
        }
        let mut count = 0;
        for_each_name(directory.as_fd(), room, |name| {
            count += u64::from(!name.to_bytes().starts_with(b"."));
        })?;
        Ok(count)
    };
    count().map_or_else(unknown, Known::Known)
}

/// Reads the soft limit, a line of `/proc/PID/limits`: name, soft, hard, unit.
fn limit(pid: u32) -> Known<u64> {
    let text = match read_file(format!("/proc/{pid}/limits")) {
        Ok(text) => text,
        Err(errno) => return unknown(errno),
    };
    let line = text
        .split(|&b| b == b'\n')
        .find_map(|line| line.strip_prefix(b"Max open files"));
    let soft = line.and_then(|line| {
        let words = line.split(u8::is_ascii_whitespace);
        let soft = words.filter(|word| !word.is_empty()).find(|_| true)?;
        str::from_utf8(soft).ok()?.parse().ok()
    });
    // "unlimited" is no number.
    soft.map_or(Known::Unknown(Reason::NotInSource), Known::Known)
}

fn unknown(errno: Errno) -> Known<u64> {
    Known::Unknown(match errno {
        Errno::ACCESS | Errno::PERM => Reason::PermissionDenied,
        _ => Reason::ProcessEnded,
    })
}
