//! Process directories: `PID/cmdline` and the `PID/fd/N` links that say who holds a socket.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::ProcTree;

/// One process as `/proc` shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process {
    /// The process id.
    pub pid: u32,
    /// The command line, words ended by NUL bytes.
    pub cmdline: Vec<u8>,
    /// Where its descriptors point, from 0 on (`socket:[4711]`).
    pub descriptors: Vec<String>,
    /// Whether only its owner and root may look at its descriptors.
    pub private: bool,
}

impl Process {
    /// Describes a process that holds these sockets and a file.
    pub fn holding(pid: u32, cmdline: &[u8], inodes: &[u32]) -> Self {
        let sockets = inodes.iter().map(|inode| format!("socket:[{inode}]"));
        let mut descriptors = vec!["/dev/null".to_owned()];
        descriptors.extend(sockets);
        Self {
            pid,
            cmdline: cmdline.to_vec(),
            descriptors,
            private: false,
        }
    }

    /// Adds the process to a tree.
    pub fn write(&self, tree: &ProcTree) -> io::Result<()> {
        tree.file(&format!("{}/cmdline", self.pid), &self.cmdline)?;
        let fd = tree.path().join(format!("{}/fd", self.pid));
        fs::create_dir(&fd)?;
        for (number, target) in self.descriptors.iter().enumerate() {
            symlink(target, fd.join(number.to_string()))?;
        }
        let mode = if self.private { 0o500 } else { 0o555 };
        fs::set_permissions(&fd, fs::Permissions::from_mode(mode))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_links_that_name_inodes() {
        let tree = ProcTree::new().expect("the temporary directory is writable");
        Process::holding(42, b"/bin/x\0-v\0", &[4711])
            .write(&tree)
            .expect("the tree is ours");
        let link = fs::read_link(tree.path().join("42/fd/1")).expect("it was just made");
        assert_eq!(link.to_str(), Some("socket:[4711]"));
        let cmdline = fs::read(tree.path().join("42/cmdline")).expect("it was just made");
        assert_eq!(cmdline, b"/bin/x\0-v\0");
    }
}
