//! The texts of the -p and -Z columns: who holds a socket, as it is to be shown.

use std::borrow::Cow;

use plumb_collect::owners::Owners;
use plumb_model::owner::Owner;
use plumb_model::{Inode, Known, Reason};
use plumb_present::netstat::inet::write_program;
use plumb_present::sanitize;

/// The owners of a listing's sockets, once they were looked for.
#[derive(Debug, Default)]
pub struct OwnerTexts {
    owners: Option<Owners>,
    terminal: bool,
}

impl OwnerTexts {
    /// Starts without owners; `terminal` says whether outside text must be made safe.
    pub fn new(terminal: bool) -> Self {
        Self {
            owners: None,
            terminal,
        }
    }

    /// Takes what a search found.
    pub fn set(&mut self, owners: Owners) {
        self.owners = Some(owners);
    }

    /// Says whether owners were looked for.
    pub fn are_known(&self) -> bool {
        self.owners.is_some()
    }

    /// Gives the owner of a socket or why it is unknown; `None` when nobody looked.
    pub fn owner(&self, inode: Known<Inode>) -> Option<Known<&Owner>> {
        self.owners.as_ref().map(|owners| owners.owner(inode))
    }

    /// Appends `PID/NAME`, or `-` when the owner is unknown.
    pub fn write_program(&self, out: &mut Vec<u8>, inode: Inode) {
        match self.owner(known(inode)) {
            Some(Known::Known(owner)) if self.terminal => {
                let argv0 = sanitize::for_terminal(&owner.argv0).into_owned();
                let owner = Owner {
                    pid: owner.pid,
                    argv0,
                };
                write_program(out, &owner);
            }
            Some(Known::Known(owner)) => write_program(out, owner),
            Some(Known::Unknown(_)) | None => out.push(b'-'),
        }
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

/// Reads the inode of a row, where 0 means that there is none.
pub fn known(inode: Inode) -> Known<Inode> {
    match inode {
        Inode(0) => Known::Unknown(Reason::NoHolder),
        inode => Known::Known(inode),
    }
}
