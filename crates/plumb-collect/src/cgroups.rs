//! The ids of cgroups and their paths, both ways.
//!
//! An id is the file handle of the cgroup's folder in cgroup2. A path is told relative to the first
//! cgroup2 mount of `/proc/mounts`, whose line is taken as it stands, escapes included, because the
//! original does. With CAP_DAC_READ_SEARCH one id is one question to the kernel; without it all
//! folders are walked once, as the original always does.

use std::collections::HashMap;
use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use plumb_model::id::Pid;
use plumb_wire::proc::cgroup::decode_unified;
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, open, readlink};
use rustix::io::Errno;

use crate::sys::file_handle;

/// Longest path of a descriptor that is looked at, in bytes.
const LINK_BYTES: usize = 4096;
/// Cgroups remembered by the walk; a host has thousands at most.
const MOST_CGROUPS: usize = 1 << 20;

/// Why an id has no path, or a path no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CgroupError {
    /// `/proc/mounts` has no cgroup2.
    #[error("no cgroup2 mount")]
    NoMount,
    /// Its folder cannot be opened.
    #[error("cannot open the cgroup2 mount: {0}")]
    MountNotOpened(Errno),
    /// There is no cgroup of that id below the mount.
    #[error("no cgroup of this id")]
    NoSuchId,
    /// There is no such file, in the file system or below the mount.
    #[error("no cgroup at this path: {0}")]
    NoSuchPath(Errno),
    /// The file has no id of a cgroup's size.
    #[error("no cgroup path")]
    NotACgroup,
}

/// The first cgroup2 mount, open.
#[derive(Debug)]
struct Mount {
    point: Vec<u8>,
    fd: OwnedFd,
}

impl Mount {
    fn find() -> Result<Self, CgroupError> {
        let mounts = crate::proc::read_file("/proc/mounts").unwrap_or_default();
        let point = decode_cgroup2_mount(&mounts).ok_or(CgroupError::NoMount)?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let fd = open(OsStr::from_bytes(point), flags, Mode::empty())
            .map_err(CgroupError::MountNotOpened)?;
        Ok(Self {
            point: point.to_vec(),
            fd,
        })
    }

    /// Asks the kernel for the path of an id.
    fn path_of(&self, id: u64) -> Result<Vec<u8>, Errno> {
        let folder = file_handle::open_by_id(self.fd.as_fd(), id)?;
        let link = crate::proc::fd_path(folder.as_fd());
        let target = readlink(link, Vec::with_capacity(LINK_BYTES))?;
        let inside = target.to_bytes().strip_prefix(self.point.as_slice());
        // A cgroup outside what the mount shows has a path, but none below the mount.
        let inside = inside.filter(|path| path.is_empty() || path.starts_with(b"/"));
        inside
            .map(|path| if path.is_empty() { b"/" } else { path }.to_vec())
            .ok_or(Errno::NOENT)
    }

    /// Walks all folders below the mount.
    fn walk(&self) -> HashMap<u64, Vec<u8>> {
        let mut found = HashMap::new();
        let root = PathBuf::from(OsStr::from_bytes(&self.point));
        let mut rest = vec![root];
        while let Some(folder) = rest.pop() {
            if found.len() >= MOST_CGROUPS {
                break;
            }
            let path = folder.as_os_str().as_bytes();
            let id = CString::new(path)
                .ok()
                .and_then(|path| file_handle::id_of(CWD, &path).ok().flatten());
            if let Some(id) = id {
                let inside = path.get(self.point.len()..).unwrap_or_default();
                let inside = if inside.is_empty() { b"/" } else { inside };
                found.insert(id, inside.to_vec());
            }
            let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            rest.extend(
                entries
                    .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
                    .map(|entry| entry.path()),
            );
        }
        found
    }
}

/// Looks paths up by id, each once.
#[derive(Debug, Default)]
pub struct Cgroups {
    mount: Option<Result<Mount, CgroupError>>,
    paths: HashMap<u64, Option<Vec<u8>>>,
    walked: bool,
}

impl Cgroups {
    /// Starts with nothing looked up.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says why no id at all can have a path, if that is so.
    pub fn mount_error(&mut self) -> Option<CgroupError> {
        self.mount
            .get_or_insert_with(Mount::find)
            .as_ref()
            .err()
            .copied()
    }

    /// Gives the path of a cgroup below the mount; `/` is the mount itself.
    pub fn path(&mut self, id: u64) -> Result<&[u8], CgroupError> {
        let mount = match self.mount.get_or_insert_with(Mount::find) {
            Ok(mount) => mount,
            Err(error) => return Err(*error),
        };
        if !self.paths.contains_key(&id) {
            let asked = mount.path_of(id);
            if asked == Err(Errno::PERM) && !self.walked {
                self.walked = true;
                let found = mount.walk();
                self.paths
                    .extend(found.into_iter().map(|(id, path)| (id, Some(path))));
            }
            self.paths.entry(id).or_insert(asked.ok());
        }
        self.paths
            .get(&id)
            .and_then(Option::as_deref)
            .ok_or(CgroupError::NoSuchId)
    }
}

/// Gives the path of a process's cgroup of version 2 below the mount; `None` where it has none, or has ended.
pub fn of_process(pid: Pid) -> Option<Vec<u8>> {
    let content = std::fs::read(format!("/proc/{}/cgroup", pid.0)).ok()?;
    decode_unified(&content).map(<[u8]>::to_vec)
}

/// Says whether a process is in a cgroup of version 2, given by its path below the mount, or below it.
pub fn is_in(pid: Pid, cgroup: &[u8]) -> bool {
    of_process(pid).is_some_and(|path| is_below(&path, cgroup))
}

fn is_below(path: &[u8], cgroup: &[u8]) -> bool {
    let cgroup = cgroup.strip_suffix(b"/").unwrap_or(cgroup);
    path.strip_prefix(cgroup)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// Gives the id of the file at a path, tried as it is, then below the cgroup2 mount. Whether it is a
/// cgroup at all is not asked.
pub fn id_of(path: &[u8]) -> Result<u64, CgroupError> {
    let path = CString::new(path).map_err(|_| CgroupError::NotACgroup)?;
    if let Ok(id) = file_handle::id_of(CWD, &path) {
        return id.ok_or(CgroupError::NotACgroup);
    }
    let slashes = path.to_bytes().iter().take_while(|&&b| b == b'/').count();
    let inside = path.to_bytes_with_nul().get(slashes..).unwrap_or_default();
    let inside = CStr::from_bytes_with_nul(inside).map_err(|_| CgroupError::NotACgroup)?;
    if inside.is_empty() {
        return Err(CgroupError::NotACgroup);
    }
    let mount = Mount::find()?;
    id_below(mount.fd.as_fd(), inside)
}

fn id_below(mount: BorrowedFd<'_>, path: &CStr) -> Result<u64, CgroupError> {
    file_handle::id_of(mount, path)
        .map_err(CgroupError::NoSuchPath)?
        .ok_or(CgroupError::NotACgroup)
}

/// Finds the mount point of the first cgroup2 of `/proc/mounts`.
fn decode_cgroup2_mount(mounts: &[u8]) -> Option<&[u8]> {
    mounts.split(|&b| b == b'\n').find_map(|line| {
        let mut words = line.split(|&b| b == b' ');
        let point = words.nth(1)?;
        (words.next()? == b"cgroup2").then_some(point)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cgroup2_counts() {
        let mounts = b"proc /proc proc rw 0 0\ncgroup /c cgroup rw 0 0\n\
            none /a\\040b cgroup2 rw 0 0\nnone /c2 cgroup2 rw 0 0\n";
        assert_eq!(decode_cgroup2_mount(mounts), Some(&b"/a\\040b"[..]));
        assert_eq!(decode_cgroup2_mount(b"\n\nx\nproc /proc proc rw"), None);
    }

    #[test]
    fn slashes_alone_are_no_cgroup_and_a_missing_path_says_so() {
        // What the root file system gives for "/" depends on its kind, what is missing does not.
        let missing = id_of(b"no/such/cgroup/of/ours");
        assert!(matches!(
            missing,
            Err(CgroupError::NoSuchPath(Errno::NOENT) | CgroupError::NoMount)
        ));
        assert_eq!(id_of(b"a\0b"), Err(CgroupError::NotACgroup));
    }

    #[test]
    fn the_mount_is_its_own_root_and_ids_lead_back() {
        let mut cgroups = Cgroups::new();
        match cgroups.mount_error() {
            None => {
                assert_eq!(cgroups.path(1), Ok(&b"/"[..]), "the root's id is 1");
                assert_eq!(id_of(b"."), file_handle_of_cwd());
            }
            Some(error) => assert_eq!(cgroups.path(1), Err(error)),
        }
        assert!(cgroups.path(u64::MAX - 1).is_err());
    }

    fn file_handle_of_cwd() -> Result<u64, CgroupError> {
        match file_handle::id_of(CWD, c".") {
            Ok(Some(id)) => Ok(id),
            _ => id_below(Mount::find()?.fd.as_fd(), c"."),
        }
    }
}
