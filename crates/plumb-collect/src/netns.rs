//! Network namespaces: what they are called, and entering them in turn. How they are found is
//! [`search`]'s.
//!
//! Entering moves the calling thread; the main thread does it, because `/proc/net` shows the
//! namespace of the main thread. Needs CAP_SYS_ADMIN, in our user namespace and in the one that owns the
//! network: nobody enters the namespaces of his own user namespaces from outside without leaving his
//! own for good.
//! Minimum kernel version: 3.8 (`nsfs` inode numbers as identity).

pub mod search;
pub mod switch;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plumb_model::NetnsId;
use rustix::fd::{AsFd as _, OwnedFd};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

pub use search::{list, list_thoroughly, list_with_bpf};

/// The namespace of this process.
const OWN: &str = "/proc/self/ns/net";
/// Where `ip netns` keeps its names.
const NAMED: &str = "/run/netns";

/// One network namespace that can be named to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Netns {
    /// Its identity.
    pub id: NetnsId,
    /// Its name under `/run/netns`, if it has one.
    pub name: Option<Vec<u8>>,
    /// A path that opens it.
    pub path: PathBuf,
}

impl Netns {
    /// Gives the text shown to users: the name, or `net:[INODE]`.
    pub fn label(&self) -> Vec<u8> {
        match &self.name {
            Some(name) => name.clone(),
            None => format!("net:[{}]", self.id.0).into_bytes(),
        }
    }
}

/// Every network namespace that could be found.
#[derive(Debug, Clone, Default)]
pub struct Namespaces {
    /// Our own first, then named ones by name, then the others by inode number.
    pub all: Vec<Netns>,
    /// The namespace of this process, which needs no entering.
    pub own: Option<NetnsId>,
    /// Processes whose namespace we may not know.
    pub hidden_processes: usize,
    /// Keeps namespaces that only sockets of others hold, so that their paths lead somewhere.
    _kept: Arc<Vec<OwnedFd>>,
}

/// Gives the namespace of this process; `None` without a readable `/proc`.
pub fn own() -> Option<Netns> {
    let metadata = std::fs::metadata(OWN).ok()?;
    Some(Netns {
        id: NetnsId(metadata.ino()),
        name: None,
        path: PathBuf::from(OWN),
    })
}

/// Gives the namespace of a process; `None` where there is none or we may not look.
pub fn of_process(pid: u64) -> Option<NetnsId> {
    let metadata = std::fs::metadata(format!("/proc/{pid}/ns/net")).ok()?;
    Some(NetnsId(metadata.ino()))
}

/// Finds the namespace that a user names: by its name, as `net:[INODE]`, by a path, or by the pid of a
/// process in it.
pub fn find(text: &str) -> Option<Netns> {
    let inode = text
        .strip_prefix("net:[")
        .and_then(|rest| rest.strip_suffix(']'))
        .and_then(|inode| inode.parse().ok());
    if let Some(inode) = inode {
        let mut all = list().all.into_iter();
        return all.find(|netns| netns.id == NetnsId(inode));
    }
    let is_pid = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let named = Path::new(NAMED).join(text);
    let candidates = [
        Some(named).filter(|_| !text.contains('/')),
        Some(PathBuf::from(text)).filter(|_| text.contains('/')),
        Some(PathBuf::from(format!("/proc/{text}/ns/net"))).filter(|_| is_pid),
    ];
    let nsfs = std::fs::metadata(OWN).ok()?.dev();
    candidates.into_iter().flatten().find_map(|path| {
        let metadata = std::fs::metadata(&path).ok()?;
        (metadata.dev() == nsfs).then(|| Netns {
            id: NetnsId(metadata.ino()),
            name: None,
            path,
        })
    })
}

/// The way back to the namespace this thread was in.
#[derive(Debug)]
pub struct Home(OwnedFd);

impl Home {
    /// Remembers the current namespace.
    pub fn remember() -> Result<Self, Errno> {
        open_path(Path::new(OWN)).map(Self)
    }

    /// Returns to it.
    pub fn go(&self) -> Result<(), Errno> {
        move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::Network))
    }
}

/// Moves the calling thread into a namespace.
pub fn enter(netns: &Netns) -> Result<(), Errno> {
    let fd = open_path(&netns.path)?;
    move_into_link_name_space(fd.as_fd(), Some(LinkNameSpaceType::Network))
}

fn open_path(path: &Path) -> Result<OwnedFd, Errno> {
    open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}
