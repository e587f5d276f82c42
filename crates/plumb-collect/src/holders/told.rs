//! The holders as BPF programs tell them, put into the order of a walk.
//!
//! Programs tell processes by their pid and descriptors by their number, as `/proc` lists them. What
//! only they see, descriptors of single threads, is left out: ss does not see it either.

use plumb_bpf::Unavailable;
use plumb_bpf::owners::{self, SocketFile, Wanted};

use super::{Holders, Socket, Task};
use crate::processes::boot_clock::BootClock;

/// Reads the holders of the wanted sockets.
pub(super) fn read(wanted: Wanted<'_>) -> Result<Holders, Unavailable> {
    let mut holders = Holders::default();
    let clock = BootClock::read();
    owners::read(wanted, &mut |file| {
        if file.tid == file.tgid {
            take(&mut holders, file, clock);
        }
    })?;
    Ok(holders)
}

fn take(holders: &mut Holders, file: &SocketFile, clock: BootClock) {
    let pid = file.tgid.cast_signed();
    if holders.tasks.last().is_none_or(|task| task.pid != pid) {
        holders.tasks.push(Task {
            pid,
            tid: pid,
            name: name(file.comm()).into(),
            context: None,
            start_ticks: Some(clock.ticks(file.start_ns)),
        });
    }
    // Sockets' inodes have 32 bits.
    if let Ok(inode) = u32::try_from(file.inode) {
        holders.add_socket(Socket { inode, fd: file.fd });
    }
}

/// A name as ss reads it from `/proc/PID/stat`: up to its first `)`.
fn name(comm: &[u8]) -> &[u8] {
    comm.split(|&b| b == b')').next().unwrap_or_default()
}
