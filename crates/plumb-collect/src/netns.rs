//! Network namespaces: finding every one on the host, and entering them in turn.
//!
//! A namespace is found through a process in it, a name under `/run/netns`, or a bind mount of its
//! `nsfs` file. Entering moves the calling thread; the main thread does it, because `/proc/net`
//! shows the namespace of the main thread. Needs CAP_SYS_ADMIN.
//! Minimum kernel version: 3.8 (`nsfs` inode numbers as identity).

pub mod switch;

use std::collections::BTreeMap;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use plumb_model::NetnsId;
use plumb_wire::proc::process::decode_number_name;
use rustix::fd::{AsFd as _, OwnedFd};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// Our own first, then named ones by name, then the others by inode number.
    pub all: Vec<Netns>,
    /// The namespace of this process, which needs no entering.
    pub own: Option<NetnsId>,
    /// Processes whose namespace we may not know.
    pub hidden_processes: usize,
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

/// Finds the namespaces of this host.
pub fn list() -> Namespaces {
    let mut found: BTreeMap<u64, Netns> = BTreeMap::new();
    // All namespaces are files of one file system; what is elsewhere is no namespace.
    let nsfs = std::fs::metadata(OWN).ok().map(|own| own.dev());
    let mut add = |path: &Path, name| add(&mut found, nsfs, path, name);
    let own = add(Path::new(OWN), None).ok().flatten();
    for entry in read_dir(NAMED) {
        // `ip netns` leaves plain files behind where a name lost its namespace.
        let _ = add(
            &entry,
            entry.file_name().map(|name| name.as_bytes().to_vec()),
        );
    }
    for path in nsfs_mounts() {
        let _ = add(&path, None);
    }
    let mut hidden_processes = 0;
    for entry in read_dir("/proc") {
        let name = entry
            .file_name()
            .map(|name| name.as_bytes().to_vec())
            .unwrap_or_default();
        if decode_number_name(&name).is_some() && add(&entry.join("ns/net"), None).is_err() {
            hidden_processes += 1;
        }
    }
    let mut all: Vec<Netns> = found.into_values().collect();
    all.sort_by_key(|netns| {
        (
            Some(netns.id) != own,
            netns.name.is_none(),
            netns.name.clone(),
            netns.id,
        )
    });
    Namespaces {
        all,
        own,
        hidden_processes,
    }
}

/// Lists what `path` stands for; `Ok(None)` when it ended meanwhile or is no namespace, an error
/// when we may not look.
fn add(
    found: &mut BTreeMap<u64, Netns>,
    nsfs: Option<u64>,
    path: &Path,
    name: Option<Vec<u8>>,
) -> Result<Option<NetnsId>, std::io::Error> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return Err(error),
        Err(_) => return Ok(None),
    };
    if nsfs.is_some_and(|nsfs| nsfs != metadata.dev()) {
        return Ok(None);
    }
    let id = NetnsId(metadata.ino());
    let netns = found.entry(id.0).or_insert_with(|| Netns {
        id,
        name: None,
        path: path.to_path_buf(),
    });
    if netns.name.is_none() {
        netns.name = name;
    }
    Ok(Some(id))
}

fn read_dir(path: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten();
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect()
}

/// Lists the mount points of `net:` nsfs files from `/proc/self/mountinfo`.
fn nsfs_mounts() -> Vec<PathBuf> {
    let content = crate::proc::read_file("/proc/self/mountinfo").unwrap_or_default();
    content
        .split(|&b| b == b'\n')
        .filter_map(|line| {
            let mut words = line.split(|&b| b == b' ').skip(3);
            let (root, point) = (words.next()?, words.next()?);
            root.starts_with(b"net:[")
                .then(|| unescape_mount_point(point))
        })
        .collect()
}

/// Undoes the octal escapes of mountinfo (`\040` for a blank).
fn unescape_mount_point(text: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail
            .first_chunk::<3>()
            .filter(|_| first == b'\\')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        let (byte, used) = octal.map_or((first, 0), |byte| (byte, 3));
        bytes.push(byte);
        rest = tail.get(used..).unwrap_or(&[]);
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_with_blanks_are_unescaped() {
        let path = unescape_mount_point(b"/run/my\\040netns/a\\134b\\9");
        assert_eq!(path, Path::new("/run/my netns/a\\b\\9"));
    }

    #[test]
    fn our_own_namespace_comes_first() {
        let own = std::fs::metadata(OWN).expect("every process has one").ino();
        let first = list().all.into_iter().next().expect("at least our own");
        assert_eq!(first.id, NetnsId(own));
    }
}
