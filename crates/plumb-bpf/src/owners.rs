//! Which process holds which socket, read from the kernel's tables in one pass.
//!
//! Two programs tell the same records ([`SocketFile`]). `tasks` looks into the tables of files of all
//! tasks and writes to memory it shares with us ([`tasks`]); it is loaded for one reading and needs
//! CAP_BPF and CAP_PERFMON. `files` goes with the kernel's own walk over files ([`stream`]); it can be
//! pinned by root ([`crate::pin`]), and who may read that file needs nothing else. One pass sees
//! every network namespace, and every process that the reader's namespace of processes shows; hidepid
//! and the owner of a process do not matter to it.
//!
//! What no process holds is not here: TIME_WAIT, connection requests, orphans, sockets of the kernel,
//! sockets in flight between processes.
//!
//! Minimum kernel version: 5.8. Below it [`read`] says so.

mod choice;
mod stream;
mod tasks;

use std::path::PathBuf;

use crate::unavailable::Unavailable;
use crate::{pin, privilege};

pub use crate::socket_file::SocketFile;

use choice::Choice;
pub(crate) use stream::FILES;
pub(crate) use tasks::TASKS;
use tasks::Tables;

/// With so many open files on the host, loading a program takes less than reading a pinned one takes
/// more: 5 ms, against some 0.4 us for each socket.
const WORTH_LOADING: u64 = 15_000;

/// Which sockets to tell of.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// All that some process holds.
    All,
    /// Those with these inodes. The program leaves the others out, so that few among very many cost
    /// little more than looking at each descriptor; a pinned program tells all, and they are left
    /// out here.
    Inodes(&'a [u64]),
}

/// Where the records come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A pinned iterator: no capability, nothing to load.
    Pinned(PathBuf),
    /// A program of ours, loaded for one reading.
    Own,
}

/// What a reading was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Where the records came from.
    pub source: Source,
    /// Records given.
    pub told: u64,
    /// Descriptors that were looked at; `None` where the kernel walks and does not count.
    pub descriptors: Option<u64>,
}

/// Reads who holds the sockets, one record for each descriptor of each process.
///
/// Records of one process come together; processes come in the order of their pids, except that
/// threads with a table of files of their own stand for themselves (`tid` differs from `tgid`) and
/// tell only what the process's table does not have. Nothing is told twice. When reading fails half
/// way, records have been given and are true, but not all.
///
/// # Errors
///
/// The reason why no program can be run, or why reading ended early.
pub fn read(wanted: Wanted<'_>, each: &mut dyn FnMut(&SocketFile)) -> Result<Summary, Unavailable> {
    let mut choice = Choice::new(wanted, each);
    let mut source = can_run()?;
    let descriptors = if let Source::Pinned(path) = &source {
        if let Some(mut tables) = better_than_pinned(wanted) {
            source = Source::Own;
            Some(tables.read(&mut choice)?)
        } else {
            stream::read_pinned(path, &mut choice)?;
            None
        }
    } else {
        read_own(wanted, &mut choice)?
    };
    Ok(Summary {
        source,
        told: choice.told(),
        descriptors,
    })
}

/// Loads the program that shares memory although one is pinned, where that pays and we may.
fn better_than_pinned(wanted: Wanted<'_>) -> Option<Tables> {
    let open = std::fs::read_to_string("/proc/sys/fs/file-nr").ok()?;
    let open: u64 = open.split_whitespace().next()?.parse().ok()?;
    (open > WORTH_LOADING && privilege::check().is_ok())
        .then(|| Tables::load(&TASKS, wanted).ok())
        .flatten()
}

/// Loads a program of ours and reads it: one that shares memory, or where none of these loads, one of
/// the others.
fn read_own(wanted: Wanted<'_>, choice: &mut Choice<'_>) -> Result<Option<u64>, Unavailable> {
    match Tables::load(&TASKS, wanted) {
        Ok(mut tables) => tables.read(choice).map(Some),
        Err(_) => stream::read_own(&FILES, choice).map(|()| None),
    }
}

/// Says where [`read`] can take the records from, or why it cannot. Loads nothing, so a program may
/// still be refused by the kernel; and where much is to be read, one of our own is preferred to a pinned
/// one, if we may.
pub fn can_run() -> Result<Source, Unavailable> {
    if let Some(path) = pin::find() {
        return Ok(Source::Pinned(path));
    }
    privilege::check()?;
    Ok(Source::Own)
}

#[cfg(test)]
mod tests;
