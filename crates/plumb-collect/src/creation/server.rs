//! The recorder's side: takes a place, and takes clients there.
//!
//! The place is held by a lock on a file beside the socket. The kernel lets go of it however the process ends,
//! so whoever gets it knows that a socket that is there is nobody's, and replaces it in one step.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::sys::peer::{Peer, peer};

/// Clients that wait to be taken at most; beyond, connecting is refused.
const BACKLOG: i32 = 64;
/// The modes of the socket: without and with a group.
const OWN_MODE: u32 = 0o600;
const GROUP_MODE: u32 = 0o660;
/// What others may not have at the folder.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Why nobody can be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another recorder serves there.
    #[error("another recorder serves at {0}")]
    Taken(PathBuf),
    /// Others could put something in the way.
    #[error("{0} is no folder of this user's alone")]
    Folder(PathBuf),
    /// Something else failed.
    #[error("cannot serve at {path}: {source}")]
    Failed {
        /// The place.
        path: PathBuf,
        /// The kernel's answer.
        source: std::io::Error,
    },
}

/// A place that is served.
#[derive(Debug)]
pub struct Server {
    socket: OwnedFd,
    path: PathBuf,
    lock_path: PathBuf,
    /// Held, not read.
    _lock: File,
}

impl Server {
    /// Begins to serve at `path`: its own user and root, and the members of `group`.
    pub fn begin(path: &Path, group: Option<u32>) -> Result<Self, ServeError> {
        let failed = |source: std::io::Error| ServeError::Failed {
            path: path.to_owned(),
            source,
        };
        let folder = path.parent().unwrap_or(Path::new("/"));
        make_folder(folder).map_err(failed)?;
        check_folder(folder)?;
        let lock_path = beside(path, ".lock");
        let lock = take_lock(&lock_path)
            .map_err(failed)?
            .ok_or_else(|| ServeError::Taken(path.to_owned()))?;
        let socket = listen(path, group).map_err(failed)?;
        Ok(Self {
            socket,
            path: path.to_owned(),
            lock_path,
            _lock: lock,
        })
    }

    /// Takes the next client; `None` if none waits. Who it is says the kernel.
    pub fn accept(&self) -> Option<(UnixStream, Peer)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let client = rustix::net::accept_with(&self.socket, flags).ok()?;
        let who = peer(client.as_fd()).ok()?;
        Some((UnixStream::from(client), who))
    }

    /// Gives the place.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl AsFd for Server {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Server {
    /// While the lock is held nobody else has put anything there.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        let _ = std::fs::remove_file(&self.lock_path);
    }
}

fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    // Members of the group must get through; what is in it has modes of its own.
    builder.recursive(true).mode(0o755).create(folder)
}

fn check_folder(folder: &Path) -> Result<(), ServeError> {
    let own = rustix::process::geteuid().as_raw();
    let is_ours = std::fs::symlink_metadata(folder).is_ok_and(|meta| {
        meta.is_dir() && meta.uid() == own && meta.mode() & WRITABLE_BY_OTHERS == 0
    });
    is_ours
        .then_some(())
        .ok_or_else(|| ServeError::Folder(folder.to_owned()))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Takes the lock; `None` if somebody has it.
fn take_lock(path: &Path) -> std::io::Result<Option<File>> {
    loop {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let mut options = File::options();
        options.create(true).truncate(false).read(true).write(true);
        let mut lock = options.mode(OWN_MODE).custom_flags(flags).open(path)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        }
        // Whoever had it before may have taken the file away: then it is not the one that others see.
        let held = lock.metadata()?;
        let is_there = std::fs::symlink_metadata(path)
            .is_ok_and(|there| (there.dev(), there.ino()) == (held.dev(), held.ino()));
        if is_there {
            lock.set_len(0)?;
            writeln!(lock, "{}", std::process::id())?;
            return Ok(Some(lock));
        }
    }
}

/// Makes the socket under another name, and gives it its own when it is complete.
fn listen(path: &Path, group: Option<u32>) -> std::io::Result<OwnedFd> {
    let new = beside(path, ".new");
    let _ = std::fs::remove_file(&new);
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // Nobody may connect before the group is set. The process has one thread yet.
    let before = rustix::process::umask(Mode::from_raw_mode(0o177));
    let bound = rustix::net::bind(&socket, &SocketAddrUnix::new(&new)?);
    rustix::process::umask(before);
    bound?;
    if let Some(group) = group {
        std::os::unix::fs::lchown(&new, None, Some(group))?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(GROUP_MODE);
        std::fs::set_permissions(&new, mode)?;
    }
    rustix::net::listen(&socket, BACKLOG)?;
    std::fs::rename(&new, path)?;
    Ok(socket)
}
