//! How many descriptors processes have open, and how many they may have.

use plumb_model::attribution::Process;
use plumb_model::sample::DescriptorUse;
use plumb_model::{Known, Reason};
use rustix::fd::AsFd as _;
use rustix::io::Errno;

use crate::proc::read_file;
use crate::processes::{Room, for_each_name, open_directory, open_root};

/// Reads the use of each process.
pub(super) fn read(processes: &[Process]) -> Vec<DescriptorUse> {
    let mut room = Room::new();
    let one = |process: &Process| DescriptorUse {
        pid: process.pid,
        comm: process.comm.clone(),
        open: open(process.pid.0, &mut room),
        limit: limit(process.pid.0),
    };
    processes.iter().map(one).collect()
}

fn open(pid: u32, room: &mut Room) -> Known<u64> {
    let mut count = || -> Result<u64, Errno> {
        let proc = open_root(std::path::Path::new("/proc"))?;
        let directory = open_directory(proc.as_fd(), &format!("{pid}/fd"))?;
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
