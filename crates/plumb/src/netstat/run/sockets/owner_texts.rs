//! The texts of the -p and -Z columns: who holds a socket, as it is to be shown.

use std::borrow::Cow;

use plumb_collect::owners::Owners;
use plumb_collect::owners::extra::{Extra, Extras};
use plumb_model::attribution::How;
use plumb_model::owner::Owner;
use plumb_model::{Inode, Known, Pid, Reason};
use plumb_present::netstat::inet::write_program;
use plumb_present::sanitize;

/// The owners of a listing's sockets, once they were looked for.
#[derive(Debug, Default)]
pub struct OwnerTexts {
    owners: Option<Owners>,
    /// With --all-owners: those that hold a socket otherwise, by network namespace.
    extras: Vec<Extras>,
    terminal: bool,
}

impl OwnerTexts {
    /// Starts without owners; `terminal` says whether outside text must be made safe.
    pub fn new(terminal: bool) -> Self {
        Self {
            owners: None,
            extras: Vec::new(),
            terminal,
        }
    }

    /// Takes what a search found.
    pub fn set(&mut self, owners: Owners) {
        self.owners = Some(owners);
    }

    /// Takes the owners of --all-owners.
    pub fn add(&mut self, extras: Vec<Extras>) {
        self.extras = extras;
    }

    /// Says whether owners were looked for.
    pub fn are_known(&self) -> bool {
        self.owners.is_some()
    }

    /// Gives the owner of a socket or why it is unknown; `None` when nobody looked.
    pub fn owner(&self, inode: Known<Inode>) -> Option<Known<&Owner>> {
        self.owners.as_ref().map(|owners| owners.owner(inode))
    }

    /// Appends `PID/NAME`, or `-` when the owner is unknown; with --all-owners also the others.
    pub fn write_program(&self, out: &mut Vec<u8>, inode: Inode) {
        let owner = self.owner(known(inode));
        let mut any = true;
        match owner {
            Some(Known::Known(owner)) => self.write_owner(out, owner.pid, &owner.argv0),
            Some(Known::Unknown(_)) | None => any = false,
        }
        let of_namespaces = self.extras.iter().flat_map(|extras| extras.of(inode.0));
        let mut told: Vec<&Extra> = Vec::new();
        for extra in of_namespaces {
            // What is in one table of a process is found once for each namespace.
            if told.contains(&extra) {
                continue;
            }
            told.push(extra);
            if std::mem::replace(&mut any, true) {
                out.push(b',');
            }
            self.write_owner(out, Pid(extra.pid), &extra.name);
            out.extend_from_slice(way(extra.how).as_bytes());
        }
        if !any {
            out.push(b'-');
        }
    }

    fn write_owner(&self, out: &mut Vec<u8>, pid: Pid, argv0: &[u8]) {
        let argv0 = if self.terminal {
            sanitize::for_terminal(argv0).into_owned()
        } else {
            argv0.to_vec()
        };
        write_program(out, &Owner { pid, argv0 });
    }

    /// Gives the security context, or `-`.
    pub fn context(&self, inode: Inode) -> Cow<'_, [u8]> {
        let owners = self.owners.as_ref();
        match owners.and_then(|owners| owners.context(known(inode))) {
            Some(context) if self.terminal => sanitize::for_terminal(context),
            Some(context) => Cow::Borrowed(context),
            None => Cow::Borrowed(b"-"),
        }
    }
}

/// Says how a socket is held, where it is not by a descriptor of the process.
fn way(how: How) -> String {
    match how {
        How::Descriptor(_) => String::new(),
        How::ThreadDescriptor { tid, .. } => format!("(thread {tid})"),
        How::IoUring { ring_fd, .. } => format!("(io_uring {ring_fd})"),
        How::InFlight { carrier } => format!("(in flight {})", carrier.0),
    }
}

/// Reads the inode of a row, where 0 means that there is none.
pub fn known(inode: Inode) -> Known<Inode> {
    match inode {
        Inode(0) => Known::Unknown(Reason::NoHolder),
        inode => Known::Known(inode),
    }
}
