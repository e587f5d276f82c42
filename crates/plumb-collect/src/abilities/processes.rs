//! What `/proc` shows of other processes, and which network namespaces can be entered.

use std::path::Path;

use plumb_model::Reason;
use plumb_model::ability::{Namespaces, Processes};
use plumb_model::finding::Gap;
use plumb_wire::proc::process::decode_number_name;
use rustix::fd::{AsFd as _, BorrowedFd};
use rustix::fs::readlinkat;
use rustix::io::Errno;

use crate::netns::{self, Home};
use crate::processes::{Room, list_numbers, open_directory, open_root, uncovered};

/// The inode of the host's first pid namespace (`PROC_PID_INIT_INO`).
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

pub(super) fn read() -> Processes {
    let mut processes = Processes {
        covered: uncovered::covered().len(),
        is_first_namespace: std::fs::read_link("/proc/self/ns/pid")
            .ok()
            .map(|link| link == Path::new(FIRST_PID_NAMESPACE)),
        ..Processes::default()
    };
    let Ok(proc) = open_root(Path::new("/proc")) else {
        return processes;
    };
    let pids = list_numbers(proc.as_fd(), &mut Room::new(), decode_number_name);
    for pid in pids.unwrap_or_default() {
        match look(proc.as_fd(), pid) {
            Ok(()) => processes.listed += 1,
            Err(Errno::ACCESS | Errno::PERM) => {
                processes.listed += 1;
                processes.refused += 1;
            }
            // It ended.
            Err(_) => {}
        }
    }
    processes
}

/// Looks where the first descriptor of a process points: a folder that opens may still keep that to itself.
fn look(proc: BorrowedFd<'_>, pid: u32) -> Result<(), Errno> {
    let folder = open_directory(proc, &format!("{pid}/fd"))?;
    let fds = list_numbers(folder.as_fd(), &mut Room::new(), decode_number_name)?;
    match fds.first() {
        None => Ok(()),
        Some(fd) => readlinkat(folder, fd.to_string(), Vec::new()).map(drop),
    }
}

/// Finds the namespaces and enters each; in a thread, which nobody misses if there is no way back.
pub(super) fn namespaces() -> Namespaces {
    let thread = std::thread::Builder::new().spawn(enter_all);
    let joined = thread
        .map_err(drop)
        .and_then(|thread| thread.join().map_err(drop));
    joined.unwrap_or_default()
}

fn enter_all() -> Namespaces {
    let found = netns::list_thoroughly();
    let mut namespaces = Namespaces {
        found: found.all.len(),
        closed: Vec::new(),
        hidden_processes: found.hidden_processes,
    };
    let home = Home::remember();
    for netns in &found.all {
        if Some(netns.id) == found.own {
            continue;
        }
        if let Err(errno) = netns::enter(netns) {
            namespaces.closed.push(Gap {
                what: format!("{}: {errno}", String::from_utf8_lossy(&netns.label())),
                reason: Reason::NamespaceNotEntered,
            });
        } else if home.as_ref().is_ok_and(|home| home.go().is_err()) {
            return namespaces;
        }
    }
    namespaces
}
