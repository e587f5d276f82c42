//! The owners of a snapshot's sockets: who holds them, in every way there is, or why nobody is known.
//!
//! First one pass for all (BPF programs, or a walk over `/proc`). What it leaves open is looked at again,
//! in the places where few look: single threads, io_uring, messages between sockets; and whether the
//! socket still exists. A socket is one when its inode is and, where it was told, its cookie and namespace:
//! inodes are only the way.

mod again;
mod found;
mod reasons;
mod related;
mod told;
mod walked;

#[cfg(test)]
mod tests;

use std::os::fd::AsFd as _;
use std::path::PathBuf;

use plumb_bpf::Unavailable;
use plumb_model::finding::Gap;
use plumb_model::snapshot::Snapshot;
use plumb_model::{Known, Reason};

use self::found::Found;
use self::reasons::View;
use super::Request;
use crate::owners::engine::{self, Choice, Engine, Purpose, Why};
use crate::processes::uncovered;

/// Finds the owners of all sockets of a snapshot.
pub(super) fn attribute(request: &Request, snapshot: &mut Snapshot) {
    attribute_by(&engine::choose(Purpose::Everything), request, snapshot);
}

fn attribute_by(choice: &Choice, request: &Request, snapshot: &mut Snapshot) {
    let mut found = Found::new(&snapshot.sockets);
    let mut view = View::of_this_process();
    let engine = first_pass(choice, snapshot, &mut found, &mut view);
    let missing = found.missing();
    // Who was refused processes cannot know whether others hold the rest.
    if !missing.is_empty() && !view.has_refusals() {
        again::look(engine, request, snapshot, &mut found, &mut view, &missing);
    }
    let mut owners = found.into_attribution(&snapshot.sockets, |place, socket| {
        reasons::reason(place, socket, &view)
    });
    related::relate(&snapshot.sockets, &mut owners);
    snapshot.owners = owners;
}

/// Asks the engine for all sockets; where programs fail on their way, the walk answers.
fn first_pass(
    choice: &Choice,
    snapshot: &mut Snapshot,
    found: &mut Found,
    view: &mut View,
) -> Engine {
    if choice.engine == Engine::Bpf {
        match told::read(&snapshot.sockets, found) {
            Ok(()) => return Engine::Bpf,
            Err(unavailable) if choice.why == Why::Forced => {
                view.refused = true;
                gap(snapshot, &unavailable);
                return Engine::Bpf;
            }
            Err(_) => {}
        }
    }
    let covered = uncovered::covered();
    // A `/proc` of our own hides nobody; it is of our pid namespace, which `/proc` then has to be, too.
    let open = !covered.is_empty() && choice.why != Why::OtherProc;
    let open = open.then(|| uncovered::proc().ok()).flatten();
    let root = match &open {
        Some(proc) => PathBuf::from(crate::proc::fd_path(proc.as_fd())),
        None => PathBuf::from("/proc"),
    };
    walked::read(&root, &snapshot.sockets, found, view);
    for pid in covered.iter().filter(|_| open.is_none()) {
        let what = format!(
            "descriptors of process {}: something is mounted over its folder in /proc",
            pid.0
        );
        snapshot.gaps.push(Gap {
            what,
            reason: Reason::Covered,
        });
    }
    Engine::Proc
}

fn gap(snapshot: &mut Snapshot, unavailable: &Unavailable) {
    snapshot.gaps.push(Gap {
        what: format!("owners by {}=bpf: {unavailable}", engine::VARIABLE),
        reason: Reason::PermissionDenied,
    });
}

/// Gives the inode of a socket as a walk meets it: the kernel's have 32 bits.
fn low_inode(socket: &plumb_model::snapshot::Socket) -> Option<u32> {
    match socket.inode {
        Known::Known(inode) => u32::try_from(inode.0).ok(),
        Known::Unknown(_) => None,
    }
}
