//! Why nobody is known to hold a socket. Pure but for [`View::of_this_process`].

use plumb_model::snapshot::{Kind, Socket};
use plumb_model::{Known, Reason};
use plumb_wire::proc::mounts::hides_processes;
use rustc_hash::FxHashSet;

use crate::owners;

/// Inode of the first pid namespace of a machine (`PROC_PID_INIT_INO`).
const FIRST_PID_NAMESPACE: u64 = 0xefff_fffc;

/// What limits this process's view of others, and what was seen.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    /// Processes were refused.
    pub refused: bool,
    /// `/proc` shows only own processes.
    pub hidepid: bool,
    /// There are processes that `/proc` does not show, in other pid namespaces.
    pub partial_pids: bool,
    /// Sockets, by place, that have been closed since they were listed.
    pub closed: FxHashSet<u32>,
}

impl View {
    /// Looks at where this process is.
    pub(super) fn of_this_process() -> Self {
        let is_first = rustix::fs::stat("/proc/self/ns/pid")
            .is_ok_and(|namespace| namespace.st_ino == FIRST_PID_NAMESPACE);
        let mounts = crate::proc::read_file("/proc/self/mountinfo").unwrap_or_default();
        Self {
            hidepid: hides_processes(&mounts) && !owners::refusal_is_impossible(),
            partial_pids: !is_first,
            ..Self::default()
        }
    }

    /// Says whether processes that we may not see could hold what nobody else does.
    pub(super) fn has_refusals(&self) -> bool {
        self.refused || self.hidepid
    }
}

/// Says why a socket that was not found to be held is not.
pub(super) fn reason(place: u32, socket: &Socket, view: &View) -> Reason {
    if let Known::Unknown(reason) = socket.inode {
        return reason;
    }
    match socket.kind {
        // The kernel's own ends.
        Kind::Netlink if is_kernel_port(socket) => Reason::KernelOwned,
        _ if view.closed.contains(&place) => Reason::ProcessEnded,
        _ if view.hidepid => Reason::Hidepid,
        _ if view.refused => Reason::PermissionDenied,
        _ if view.partial_pids => Reason::OtherPidNamespace,
        _ => Reason::NoHolder,
    }
}

fn is_kernel_port(socket: &Socket) -> bool {
    use plumb_model::snapshot::End;
    matches!(socket.local, End::Netlink { port_id: 0, .. })
}
