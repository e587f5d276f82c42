//! Reading files that others wrote: whole, bounded, and never waiting for whoever serves them.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fd::{AsFd as _, OwnedFd};
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2};
use serde::de::DeserializeOwned;

/// A file that is longer is not read.
const MOST_BYTES: u64 = 16 * 1024 * 1024;
/// Entries of a folder that are looked at.
const MOST_ENTRIES: usize = 65_536;

/// Below which files are read.
pub(super) struct Folder {
    path: PathBuf,
    fd: Option<OwnedFd>,
    /// What may not be done on the way.
    limits: ResolveFlags,
}

impl Folder {
    /// The root of the system: its folders may be links and mounts, because root made them.
    pub(super) fn of_system(root: &Path) -> Self {
        Self::open(root.to_path_buf(), ResolveFlags::empty())
    }

    /// The home of a user, as `/etc/passwd` has it: there is no way out of it.
    pub(super) fn of_home(root: &Path, uid: u32) -> Option<Self> {
        let table = Self::of_system(root).read("etc/passwd")?;
        let home = decode_home(&table, uid)?;
        let home = std::ffi::OsStr::from_bytes(home.strip_prefix(b"/")?);
        let limits = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        Some(Self::open(root.join(home), limits))
    }

    fn open(path: PathBuf, limits: ResolveFlags) -> Self {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Self {
            fd: openat(CWD, &path, flags, Mode::empty()).ok(),
            path,
            limits,
        }
    }

    /// Gives the whole path of a file in here.
    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.path.join(below)
    }

    /// Opens something; nothing that would have to be waited for.
    fn open_below(&self, below: &str, flags: OFlags) -> Option<OwnedFd> {
        let flags = flags | OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = self.fd.as_ref()?.as_fd();
        openat2(fd, below, flags, Mode::empty(), self.limits).ok()
    }

    /// Reads a regular file of a size that makes sense.
    pub(super) fn read(&self, below: &str) -> Option<Vec<u8>> {
        let fd = self.open_below(below, OFlags::empty())?;
        let stat = fstat(&fd).ok()?;
        let size = u64::try_from(stat.st_size).ok()?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || size > MOST_BYTES {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(size).ok()?];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match rustix::io::read(&fd, rest).ok()? {
                0 => break,
                got => filled += got,
            }
        }
        bytes.truncate(filled);
        Some(bytes)
    }

    /// Reads a file of JSON.
    pub(super) fn read_json<T: DeserializeOwned>(&self, below: &str) -> Option<T> {
        serde_json::from_slice(&self.read(below)?).ok()
    }

    /// Lists the names in a folder.
    pub(super) fn list(&self, below: &str) -> Vec<Vec<u8>> {
        let Some(fd) = self.open_below(below, OFlags::DIRECTORY) else {
            return Vec::new();
        };
        let mut names = Vec::new();
        let mut room = crate::processes::Room::new();
        // What comes before an error is still there.
        let _ = crate::processes::for_each_name(fd.as_fd(), &mut room, |name| {
            if names.len() < MOST_ENTRIES {
                names.push(name.to_bytes().to_vec());
            }
        });
        names.sort_unstable();
        names
    }
}

/// Finds the home of a user in `/etc/passwd`.
fn decode_home(table: &[u8], uid: u32) -> Option<&[u8]> {
    let uid = uid.to_string();
    table.split(|&b| b == b'\n').find_map(|line| {
        let mut fields = line.split(|&b| b == b':').skip(2);
        (fields.next()? == uid.as_bytes()).then_some(())?;
        fields.nth(2)
    })
}
