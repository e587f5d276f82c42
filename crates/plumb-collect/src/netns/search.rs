//! Finding the network namespaces of this host.
//!
//! A namespace lives as long as something holds it: a process or a single thread in it, a mount of its
//! `nsfs` file (which is how `ip netns` names it), an open descriptor of that file, a socket. Everything but
//! the last is found by looking; sockets say whose they are to BPF programs alone, so without those a
//! namespace that nothing but a socket holds stays unknown. No process is started and none disturbed.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use plumb_model::NetnsId;
use plumb_wire::proc::process::decode_number_name;
use rustix::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use rustix::fs::FileType;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::{NAMED, Namespaces, Netns, OWN};
use crate::processes::{self, Room, Target};
use crate::sys::namespace;

/// Where processes are.
const PROC: &str = "/proc";
/// What the link of a descriptor of a network namespace begins with.
const NSFS: &[u8] = b"net:[";

/// Finds the namespaces that a process, a thread or a mount holds.
pub fn list() -> Namespaces {
    let mut search = Search::new();
    search.mounts();
    search.processes();
    search.end()
}

/// As [`list`], and those that a descriptor alone holds, which takes a look at every descriptor of every
/// process. Where a pinned BPF program costs nothing, also those that a socket alone holds.
pub fn list_thoroughly() -> Namespaces {
    let mut search = Search::new();
    search.mounts();
    search.processes();
    search.descriptors();
    if plumb_bpf::pin::find().is_some() {
        search.sockets();
    }
    search.end()
}

/// As [`list_thoroughly`], and where BPF is allowed always with those that a socket alone holds: loading
/// the program takes longer than all else.
pub fn list_with_bpf() -> Namespaces {
    let mut search = Search::new();
    search.mounts();
    search.processes();
    search.descriptors();
    search.sockets();
    search.end()
}

/// What was found so far.
struct Search {
    found: BTreeMap<u64, Netns>,
    own: Option<NetnsId>,
    /// All namespaces are files of one file system; what is elsewhere is no namespace.
    nsfs: Option<u64>,
    pids: Vec<u32>,
    hidden_processes: usize,
    kept: Vec<OwnedFd>,
}

impl Search {
    fn new() -> Self {
        let mut search = Self {
            found: BTreeMap::new(),
            own: None,
            nsfs: std::fs::metadata(OWN).ok().map(|own| own.dev()),
            pids: Vec::new(),
            hidden_processes: 0,
            kept: Vec::new(),
        };
        search.own = search.add(Path::new(OWN), None).ok().flatten();
        search
    }

    fn mounts(&mut self) {
        for entry in read_dir(NAMED) {
            let name = entry.file_name().map(|name| name.as_bytes().to_vec());
            // `ip netns` leaves plain files behind where a name lost its namespace.
            let _ = self.add(&entry, name);
        }
        for path in nsfs_mounts() {
            let _ = self.add(&path, None);
        }
    }

    /// Processes, and threads that went elsewhere.
    fn processes(&mut self) {
        self.pids = numbers(PROC);
        for pid in std::mem::take(&mut self.pids) {
            let folder = format!("{PROC}/{pid}");
            if self
                .add(Path::new(&format!("{folder}/ns/net")), None)
                .is_err()
            {
                self.hidden_processes += 1;
                continue;
            }
            self.pids.push(pid);
            // The folder counts a link for each thread, beside its own two.
            let tasks = format!("{folder}/task");
            if std::fs::metadata(&tasks).is_ok_and(|tasks| tasks.nlink() > 3) {
                for tid in numbers(&tasks) {
                    let _ = self.add(Path::new(&format!("{tasks}/{tid}/ns/net")), None);
                }
            }
        }
    }

    /// Descriptors of namespaces; the walk is shared out, because there may be very many.
    fn descriptors(&mut self) {
        let pids = std::mem::take(&mut self.pids);
        let next = AtomicUsize::new(0);
        let work = || {
            let mut paths = Vec::new();
            let mut room = Room::new();
            while let Some(pid) = pids.get(next.fetch_add(1, Ordering::Relaxed)) {
                nsfs_descriptors(*pid, &mut room, &mut paths);
            }
            paths
        };
        let mut paths: Vec<PathBuf> = std::thread::scope(|scope| {
            let helpers = processes::helpers(pids.len());
            let threads: Vec<_> = (0..helpers).map(|_| scope.spawn(work)).collect();
            let mut paths = work();
            for thread in threads {
                paths.extend(thread.join().expect("looking does not panic"));
            }
            paths
        });
        paths.sort();
        for path in paths {
            let _ = self.add(&path, None);
        }
    }

    /// Sockets in namespaces that nothing else holds: BPF tells of them, and a copy of one of each such
    /// namespace leads there.
    fn sockets(&mut self) {
        let mut unknown: BTreeMap<u64, (u32, i32)> = BTreeMap::new();
        let mut known: BTreeSet<u64> = self.found.keys().copied().collect();
        // What ended early is still true, and nothing at all is what there is without BPF.
        let _ = plumb_bpf::owners::read(plumb_bpf::owners::Wanted::All, &mut |file| {
            if file.netns != 0 && known.insert(file.netns) {
                unknown.insert(file.netns, (file.tid, file.fd));
            }
        });
        for (id, (tid, fd)) in unknown {
            let Some(netns) = namespace_of(tid, fd) else {
                continue;
            };
            let path = PathBuf::from(format!("/proc/self/fd/{}", netns.as_raw_fd()));
            // The descriptor may have become another's.
            if self.add(&path, None).ok().flatten() == Some(NetnsId(id)) {
                self.kept.push(netns);
            }
        }
    }

    /// Lists what `path` stands for; `Ok(None)` when it ended meanwhile or is no namespace, an error
    /// when we may not look.
    fn add(
        &mut self,
        path: &Path,
        name: Option<Vec<u8>>,
    ) -> Result<Option<NetnsId>, std::io::Error> {
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(error);
            }
            Err(_) => return Ok(None),
        };
        if self.nsfs.is_some_and(|nsfs| nsfs != metadata.dev()) {
            return Ok(None);
        }
        let id = NetnsId(metadata.ino());
        let netns = self.found.entry(id.0).or_insert_with(|| Netns {
            id,
            name: None,
            path: path.to_path_buf(),
        });
        if netns.name.is_none() {
            netns.name = name;
        }
        Ok(Some(id))
    }

    fn end(self) -> Namespaces {
        let own = self.own;
        let mut all: Vec<Netns> = self.found.into_values().collect();
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
            hidden_processes: self.hidden_processes,
            _kept: self.kept.into(),
        }
    }
}

/// Finds the descriptors of network namespaces that a process has.
fn nsfs_descriptors(pid: u32, room: &mut Room, paths: &mut Vec<PathBuf>) {
    let folder = format!("{PROC}/{pid}/fd");
    let Ok(open) = processes::open_root(Path::new(&folder)) else {
        return;
    };
    let mut target = Target::new();
    let mut seen = BTreeSet::new();
    // A process that ends has none any more.
    let _ = processes::for_each_name(open.as_fd(), room, |name| {
        if let Some(link) = target.read(open.as_fd(), name)
            && link.starts_with(NSFS)
            && seen.insert(link.to_vec())
        {
            paths.push(Path::new(&folder).join(std::ffi::OsStr::from_bytes(name.to_bytes())));
        }
    });
}

/// Gets at the namespace of a socket that another thread holds.
/// Minimum kernel version: 5.6 (`pidfd_getfd`); for a thread with a table of its own 6.9.
fn namespace_of(tid: u32, fd: i32) -> Option<OwnedFd> {
    // PIDFD_THREAD: kernels that do not have it take leaders of processes alone.
    const THREAD: PidfdFlags = PidfdFlags::from_bits_retain(rustix::fs::OFlags::EXCL.bits());
    let pid = Pid::from_raw(i32::try_from(tid).ok()?)?;
    let process = pidfd_open(pid, THREAD)
        .or_else(|_| pidfd_open(pid, PidfdFlags::empty()))
        .ok()?;
    let socket = pidfd_getfd(process, fd, PidfdGetfdFlags::empty()).ok()?;
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&socket).ok()?.st_mode);
    (kind == FileType::Socket).then_some(())?;
    namespace::of_socket(socket.as_fd()).ok()
}

/// Lists the names in a folder that are numbers.
fn numbers(path: &str) -> Vec<u32> {
    let Ok(folder) = processes::open_root(Path::new(path)) else {
        return Vec::new();
    };
    processes::list_numbers(folder.as_fd(), &mut Room::new(), decode_number_name)
        .unwrap_or_default()
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
            root.starts_with(NSFS).then(|| unescape_mount_point(point))
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

#[cfg(test)]
mod tests;
