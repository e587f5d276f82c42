//! The owners as BPF programs tell them.

use plumb_bpf::Unavailable;
use plumb_bpf::owners::{self, SocketFile, Wanted};
use plumb_model::attribution::How;
use plumb_model::snapshot::Socket;
use plumb_model::{Cookie, Known, NetnsId};

use super::found::{Found, Identity, Met};
use crate::processes::boot_clock::BootClock;

/// Up to so many sockets the program is told which are wanted.
const FEW: usize = 20_000;

/// Asks for the holders of all sockets of the snapshot.
pub(super) fn read(sockets: &[Socket], found: &mut Found) -> Result<(), Unavailable> {
    if found.inodes().len() > FEW {
        return ask(Wanted::All, sockets, found);
    }
    let inodes: Vec<u64> = found.inodes().map(u64::from).collect();
    read_these(&inodes, sockets, found)
}

/// Asks for the holders of some.
pub(super) fn read_these(
    inodes: &[u64],
    sockets: &[Socket],
    found: &mut Found,
) -> Result<(), Unavailable> {
    if inodes.is_empty() {
        return Ok(());
    }
    ask(Wanted::Inodes(inodes), sockets, found)
}

fn ask(wanted: Wanted<'_>, sockets: &[Socket], found: &mut Found) -> Result<(), Unavailable> {
    let clock = BootClock::read();
    owners::read(wanted, &mut |file| {
        let identity = identity(file.cookie, file.netns);
        let met = met(clock, file);
        found.add(sockets, (file.inode, identity), met, how(file));
    })
    .map(drop)
}

/// Calls `each` for every process that holds one of these, with the inode.
pub(super) fn each(inodes: &[u64], each: &mut dyn FnMut(u64, Met<'_>)) -> Result<(), Unavailable> {
    if inodes.is_empty() {
        return Ok(());
    }
    let clock = BootClock::read();
    owners::read(Wanted::Inodes(inodes), &mut |file| {
        each(file.inode, met(clock, file));
    })
    .map(drop)
}

/// A cookie that nobody has asked for yet tells nothing.
pub(super) fn identity(cookie: u64, netns: u64) -> Option<Identity> {
    (cookie != 0).then_some(Identity {
        cookie: Cookie(cookie),
        netns: NetnsId(netns),
    })
}

/// Gives the process of a record.
fn met(clock: BootClock, file: &SocketFile) -> Met<'_> {
    Met {
        pid: file.tgid,
        start_ticks: Known::Known(clock.ticks(file.start_ns)),
        comm: file.comm(),
    }
}

fn how(file: &SocketFile) -> How {
    if file.tid == file.tgid {
        return How::Descriptor(file.fd);
    }
    How::ThreadDescriptor {
        tid: file.tid,
        fd: file.fd,
    }
}
