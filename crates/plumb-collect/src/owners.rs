//! From socket inodes to the processes that hold them: told by BPF programs, or found by one pass over
//! `/proc/PID/fd`.
//!
//! Seam: *inodes wanted → owners, or the reasons why not*. Of several holders the first process in
//! the order of `/proc` (the lowest pid) is the owner. All cores share the pass; it ends early once
//! every wanted inode has an owner, but only where the kernel cannot refuse us a process, because
//! a refusal must be known even when nothing is missing.

pub mod engine;
pub mod extra;
pub(crate) mod odd;
mod told;
mod walk;

use plumb_model::owner::Owner;
use plumb_model::{Inode, Known, Reason};
use rustc_hash::FxHashMap;

use self::engine::{Engine, Purpose};
use crate::holders::{self, Holders};

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

/// A search for the owners of sockets that become known one by one.
///
/// The walk begins with the first socket, so that it runs beside whatever still reads the others;
/// without any it does not happen at all.
pub struct Search {
    detail: Detail,
    wanted: FxHashMap<Inode, usize>,
    walk: State,
    may_stop_early: bool,
}

/// How far a search is.
enum State {
    NotStarted,
    Walking(walk::Started),
    /// Programs tell all holders.
    Told(holders::Started),
    /// `/proc` cannot be listed.
    Impossible,
}

impl Search {
    /// Prepares a search.
    pub fn new(detail: Detail) -> Self {
        Self {
            detail,
            wanted: FxHashMap::default(),
            walk: State::NotStarted,
            may_stop_early: refusal_is_impossible(),
        }
    }

    /// Adds a socket.
    pub fn want(&mut self, inode: Inode) {
        let next = self.wanted.len();
        self.wanted.entry(inode).or_insert(next);
        self.start();
    }

    fn start(&mut self) {
        if !matches!(self.walk, State::NotStarted) {
            return;
        }
        if self.detail == Detail::Process
            && engine::choose(Purpose::AsTheOriginal).engine == Engine::Bpf
        {
            self.walk = State::Told(Holders::start_told());
        } else {
            let started = walk::start(self.may_stop_early, self.detail);
            self.walk = started.map_or(State::Impossible, State::Walking);
        }
    }

    /// Walks to the end and gives the owners.
    ///
    /// Never fails: what could not be looked at is told by the flags of the result.
    pub fn finish(mut self) -> Owners {
        if self.wanted.is_empty() && self.may_stop_early {
            return Owners {
                proc_readable: true,
                ..Owners::default()
            };
        }
        // Where a refusal is possible it must be noticed, even if nothing is wanted.
        self.start();
        match self.walk {
            State::Walking(started) => started.finish(self.wanted),
            State::Told(started) => told::owners(&started.finish(), self.wanted.into_keys()),
            State::NotStarted | State::Impossible => Owners::default(),
        }
    }
}

pub(crate) use walk::refusal_is_impossible;

/// Finds the owners of `wanted` sockets that are all known already.
pub fn find(wanted: impl IntoIterator<Item = Inode>, detail: Detail) -> Owners {
    let mut search = Search::new(detail);
    for inode in wanted {
        search.want(inode);
    }
    search.finish()
}
