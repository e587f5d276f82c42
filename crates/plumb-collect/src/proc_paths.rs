//! Where iproute2's tools look for the files of /proc: each has a variable of its own, and
//! `PROC_ROOT` moves all of them.
//!
//! What is set counts, even when it is empty, and texts are joined, not paths resolved: an empty
//! `PROC_ROOT` means `/net/unix`. The netstat personality knows none of these variables.

use std::ffi::{OsStr, OsString};

use rustix::io::Errno;

use crate::proc;

/// Most bytes of a line that the original reads at once.
const LINE_BYTES: usize = 255;

/// A file of /proc and the variable that moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcFile {
    /// The variable that holds another path.
    pub variable: &'static str,
    /// The path below the root, such as `net/unix`.
    pub name: &'static str,
}

/// `/proc/net/unix`.
pub const NET_UNIX: ProcFile = file("PROC_NET_UNIX", "net/unix");
/// `/proc/net/packet`.
pub const NET_PACKET: ProcFile = file("PROC_NET_PACKET", "net/packet");
/// `/proc/net/netlink`.
pub const NET_NETLINK: ProcFile = file("PROC_NET_NETLINK", "net/netlink");

/// Names a file and the variable that moves it.
pub const fn file(variable: &'static str, name: &'static str) -> ProcFile {
    ProcFile { variable, name }
}

impl ProcFile {
    /// Gives the path to read.
    pub fn path(self) -> OsString {
        self.path_with(|variable| std::env::var_os(variable))
    }

    /// Says whether a variable moves the file, which forbids to ask the kernel instead.
    pub fn is_moved(self) -> bool {
        [self.variable, "PROC_ROOT"]
            .iter()
            .any(|variable| std::env::var_os(variable).is_some())
    }

    /// Calls `each` with every line behind the first, line end included. A line that is longer than
    /// what the original reads at once comes in pieces; so may the first, of which one is left out.
    pub fn for_each_row(self, mut each: impl FnMut(&[u8])) -> Result<(), Errno> {
        let mut header = true;
        proc::for_each_piece(self.path(), LINE_BYTES, |piece| {
            if !std::mem::take(&mut header) {
                each(piece);
            }
        })
    }

    fn path_with(self, env: impl Fn(&str) -> Option<OsString>) -> OsString {
        env(self.variable).unwrap_or_else(|| below(env("PROC_ROOT"), self.name))
    }
}

/// Gives a path below `PROC_ROOT` for what has no variable of its own, such as `123/stat`.
pub fn below_root(name: &str) -> OsString {
    below(std::env::var_os("PROC_ROOT"), name)
}

fn below(root: Option<OsString>, name: &str) -> OsString {
    let mut path = root.unwrap_or_else(|| OsString::from("/proc"));
    path.push(OsStr::new("/"));
    path.push(name);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_own_variable_wins_even_when_empty() {
        let path = |own: Option<&str>, root: Option<&str>| {
            NET_UNIX.path_with(|variable| {
                let value = if variable == "PROC_ROOT" { root } else { own };
                value.map(OsString::from)
            })
        };
        assert_eq!(path(None, None), "/proc/net/unix");
        assert_eq!(path(None, Some("")), "/net/unix");
        assert_eq!(path(None, Some("/tmp/tree/")), "/tmp/tree//net/unix");
        assert_eq!(path(Some("/tmp/file"), Some("/tree")), "/tmp/file");
        assert_eq!(path(Some(""), Some("/tree")), "");
    }
}
