//! From socket inodes to the processes that hold them, by one pass over `/proc/PID/fd`.
//!
//! Seam: *inodes wanted → owners, or the reasons why not*. Of several holders the first process in
//! the order of `/proc` (the lowest pid) is the owner. All cores share the pass; it ends early once
//! every wanted inode has an owner, but only where the kernel cannot refuse us a process, because
//! a refusal must be known even when nothing is missing.

mod walk;

use plumb_model::owner::Owner;
use plumb_model::{Inode, Known, Reason};
use rustc_hash::FxHashMap;

/// What a search for owners found.
#[derive(Debug, Default)]
pub struct Owners {
    processes: Vec<Owner>,
    contexts: Vec<Option<Vec<u8>>>,
    by_inode: FxHashMap<Inode, usize>,
    /// `/proc/PID/fd` of at least one process was refused (EACCES).
    pub refused: bool,
    /// At least one socket of any process was seen, wanted or not.
    pub any_seen: bool,
    /// `/proc` itself could be listed.
    pub proc_readable: bool,
}

impl Owners {
    /// Gives the owner of a socket, or why it is unknown.
    pub fn owner(&self, inode: Known<Inode>) -> Known<&Owner> {
        let inode = match inode {
            Known::Known(inode) => inode,
            Known::Unknown(reason) => return Known::Unknown(reason),
        };
        match self
            .by_inode
            .get(&inode)
            .and_then(|&index| self.processes.get(index))
        {
            Some(owner) => Known::Known(owner),
            None if self.refused || !self.proc_readable => Known::Unknown(Reason::PermissionDenied),
            None => Known::Unknown(Reason::NoHolder),
        }
    }

    /// Gives the SELinux context of a socket's owner, where contexts were asked for and readable.
    pub fn context(&self, inode: Known<Inode>) -> Option<&[u8]> {
        let index = self.by_inode.get(&inode.ok()?)?;
        self.contexts.get(*index)?.as_deref()
    }
}

/// What to find beside the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Process id and argv[0].
    Process,
    /// Also the SELinux context of the process.
    ProcessAndContext,
}

/// Finds the owners of `wanted` sockets.
///
/// Never fails: what could not be looked at is told by the flags of the result.
pub fn find(wanted: impl IntoIterator<Item = Inode>, detail: Detail) -> Owners {
    let mut slots = FxHashMap::default();
    for inode in wanted {
        let next = slots.len();
        slots.entry(inode).or_insert(next);
    }
    let may_stop_early = walk::refusal_is_impossible();
    if slots.is_empty() && may_stop_early {
        return Owners {
            proc_readable: true,
            ..Owners::default()
        };
    }
    walk::run(slots, may_stop_early, detail)
}
