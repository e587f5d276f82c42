//! A process that hides: something else is mounted over its folder in `/proc`.
//!
//! Only in a mount namespace of one's own, as the sandbox makes: everybody there is fooled.

use std::io;
use std::path::PathBuf;

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use super::children::{Ending, sleeper};
use super::{Held, Way};

/// Takes the mount away before the child ends.
struct Cover {
    place: PathBuf,
    _child: Ending,
}

impl Drop for Cover {
    fn drop(&mut self) {
        // It may be gone with its namespace.
        let _ = unmount(&self.place, UnmountFlags::DETACH);
    }
}

/// Starts a child that holds a socket, and mounts an empty file system over its folder in `/proc`.
pub fn covered() -> io::Result<Held> {
    let (child, inode, port) = sleeper()?;
    let pid = child.0.id();
    let place = PathBuf::from(format!("/proc/{pid}"));
    mount("tmpfs", &place, "tmpfs", MountFlags::empty(), None)?;
    Ok(Held {
        way: Way::Covered,
        pid,
        inode,
        port,
        _guard: Box::new(Cover {
            place,
            _child: child,
        }),
    })
}
