//! Builders of `/proc` trees that stand still: kernel state as files, in the kernel's own formats.
//!
//! Both programs of a comparison read such a tree (mounted over `/proc` in a sandbox) and so see
//! the same state, however rare. Row formats are those of Linux 6.18 (`cat /proc/net/…`); of tables
//! that kernels no longer have, those their last kernels printed. [`inet`] also gives the
//! `sock_diag` answers for the same sockets.

pub mod counters;
pub mod devices;
pub mod diag;
pub mod groups;
pub mod inet;
pub mod known_counters;
pub mod legacy;
pub mod processes;
pub mod routes;
pub mod unix;

use std::fs;
use std::io;
use std::path::Path;

use crate::temp::TempDir;

/// A `/proc` tree in a temporary directory, gone on drop.
#[derive(Debug)]
pub struct ProcTree {
    dir: TempDir,
}

impl ProcTree {
    /// Makes a tree with an empty `net` directory.
    pub fn new() -> io::Result<Self> {
        let dir = TempDir::new("proc")?;
        fs::create_dir(dir.path().join("net"))?;
        Ok(Self { dir })
    }

    /// Gives the directory to mount over `/proc`.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes one file; `path` is relative to `/proc` (`net/tcp`). Directories are made as needed.
    pub fn file(&self, path: &str, content: impl AsRef<[u8]>) -> io::Result<()> {
        let path = self.dir.path().join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, content)
    }

    /// Removes one file, so that it is missing.
    pub fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.dir.path().join(path))
    }

    /// Empties the tree for the next state; `net` stays.
    pub fn clear(&self) -> io::Result<()> {
        self.dir.clear()?;
        fs::create_dir(self.dir.path().join("net"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_can_be_filled_emptied_and_filled_again() {
        let tree = ProcTree::new().expect("the temporary directory is writable");
        tree.file("net/sctp/eps", "x").expect("the tree is ours");
        assert!(tree.path().join("net/sctp/eps").is_file());
        tree.clear().expect("the tree is ours");
        assert!(!tree.path().join("net/sctp").exists());
        tree.file("net/tcp", "y").expect("the tree is ours");
        tree.remove("net/tcp").expect("it was just written");
        assert!(!tree.path().join("net/tcp").exists());
    }
}
