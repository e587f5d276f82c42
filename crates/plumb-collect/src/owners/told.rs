//! The first process of each wanted socket, out of all holders that BPF programs told.
//!
//! Programs know no command lines: those are read behind them, through the folder of the process, and
//! only count if it is still the process that was told.

use std::path::Path;

use plumb_model::owner::Owner;
use plumb_model::{Inode, Pid};
use plumb_wire::proc::process::decode_argv0;
use plumb_wire::proc::process_stat::decode_stat;
use rustc_hash::FxHashMap;
use rustix::fd::{AsFd as _, OwnedFd};

use super::Owners;
use super::walk::CMDLINE_BYTES;
use crate::holders::{Holders, Task};
use crate::processes::{self, read_start};

/// Bytes of `stat` that are looked at: the start is the 22nd of its numbers.
const STAT_BYTES: usize = 1024;

/// Gives the owners of the wanted sockets.
pub(super) fn owners(holders: &Holders, wanted: impl Iterator<Item = Inode>) -> Owners {
    let mut owners = Owners {
        any_seen: !holders.is_empty(),
        refused: holders.is_incomplete,
        proc_readable: !holders.is_incomplete,
        ..Owners::default()
    };
    let Ok(proc) = processes::open_root(Path::new("/proc")) else {
        return owners;
    };
    let mut described: FxHashMap<i32, Option<usize>> = FxHashMap::default();
    let mut held = Vec::new();
    for inode in wanted {
        held.clear();
        let low = u32::try_from(inode.0).ok();
        held.extend(low.into_iter().flat_map(|low| holders.tasks_of(low)));
        // The first process that has not ended meanwhile.
        let owner = held.iter().rev().find_map(|(task, _)| {
            *described.entry(task.pid).or_insert_with(|| {
                owners.processes.push(describe(&proc, task)?);
                Some(owners.processes.len() - 1)
            })
        });
        if let Some(place) = owner {
            owners.by_inode.insert(inode, place);
        }
    }
    owners
}

/// Reads the command line of a process; `None` when it has ended or another has its id.
fn describe(proc: &OwnedFd, task: &Task) -> Option<Owner> {
    let folder = processes::open_directory(proc.as_fd(), &task.pid.to_string()).ok()?;
    let stat = read_start(&folder, "stat", STAT_BYTES).ok()?;
    let now = decode_stat(&stat)?.start_ticks;
    if task.start_ticks.is_some_and(|start| start != now) {
        return None;
    }
    let cmdline = read_start(&folder, "cmdline", CMDLINE_BYTES).unwrap_or_default();
    Some(Owner {
        pid: Pid(task.pid.cast_unsigned()),
        argv0: decode_argv0(&cmdline).to_vec(),
    })
}
