//! The owners as a walk over `/proc` finds them.

use std::path::Path;

use plumb_model::attribution::How;
use plumb_model::snapshot::Socket;
use plumb_model::{Known, Reason};

use super::found::{Found, Met};
use super::low_inode;
use super::reasons::View;
use crate::holders::{Detail, Holders};

/// Looks for the holders of all sockets of the snapshot, below a `/proc`.
pub(super) fn read(root: &Path, sockets: &[Socket], found: &mut Found, view: &mut View) {
    let holders = Holders::walk(root, Detail::default());
    view.refused |= holders.is_incomplete;
    for inode in sockets.iter().filter_map(low_inode) {
        for (task, fd) in holders.tasks_of(inode) {
            let met = Met {
                pid: task.pid.cast_unsigned(),
                start_ticks: task
                    .start_ticks
                    .map_or(Known::Unknown(Reason::ProcessEnded), Known::Known),
                comm: &task.name,
            };
            found.add(sockets, (inode.into(), None), met, How::Descriptor(fd));
        }
    }
}
