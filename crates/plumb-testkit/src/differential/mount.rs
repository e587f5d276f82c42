//! Bind mounts that end with their value.

use std::io;
use std::path::{Path, PathBuf};

use rustix::mount::{UnmountFlags, mount_bind, unmount};

/// A directory shown in another's place until dropped.
#[derive(Debug)]
pub struct Mounted {
    target: PathBuf,
}

impl Mounted {
    /// Covers `target` with `source`, in the caller's mount namespace.
    pub fn over(source: &Path, target: &Path) -> io::Result<Self> {
        mount_bind(source, target).map_err(|errno| {
            let error = io::Error::from(errno);
            io::Error::new(
                error.kind(),
                format!("cannot cover {}: {error}", target.display()),
            )
        })?;
        Ok(Self {
            target: target.to_owned(),
        })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // The mount namespace ends with the test at the latest.
        let _ = unmount(&self.target, UnmountFlags::DETACH);
    }
}
