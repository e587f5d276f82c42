//! The names a runtime gives to what it compiles: its perf map, read again whenever it has grown.
//!
//! The file lies in a folder anybody can write to, so it counts only if the process's own user or root
//! wrote it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use plumb_wire::perf_map;
use rustix::fs::{Mode, OFlags};

use super::process::Origin;

/// Bytes of a map that are read at most; the names of a large Java program take some 10 MB.
const MAX_BYTES: u64 = 128 << 20;

/// The compiled functions of one process, by address.
#[derive(Debug, Default)]
pub(super) struct PerfMap {
    functions: BTreeMap<u64, (u64, Arc<[u8]>)>,
    read: Option<Version>,
}

/// Which state of the file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl PerfMap {
    /// Reads the map if there is a newer one than what was read.
    pub(super) fn update(&mut self, origin: &Origin) {
        let Some((file, version)) = open(origin) else {
            return;
        };
        if self.read == Some(version) {
            return;
        }
        let mut bytes = Vec::new();
        if file.take(MAX_BYTES).read_to_end(&mut bytes).is_ok() {
            self.functions.clear();
            for line in bytes.split(|byte| *byte == b'\n') {
                self.add(line);
            }
            self.read = Some(version);
        }
    }

    /// Gives the name of the function at an address.
    pub(super) fn name(&self, address: u64) -> Option<Arc<[u8]>> {
        let (_, (end, name)) = self.functions.range(..=address).next_back()?;
        (address < *end).then(|| Arc::clone(name))
    }

    /// Adds an entry. Memory is used again when compiled code is dropped: what is written later counts.
    fn add(&mut self, line: &[u8]) {
        let Some(entry) = perf_map::decode_line(line) else {
            return;
        };
        let (start, end) = (entry.range.start, entry.range.end);
        let before = self.functions.range_mut(..start).next_back();
        if let Some((_, (before_end, _))) = before {
            *before_end = (*before_end).min(start);
        }
        let covered: Vec<u64> = self
            .functions
            .range(start..end)
            .map(|(at, _)| *at)
            .collect();
        for at in covered {
            self.functions.remove(&at);
        }
        self.functions.insert(start, (end, entry.name.into()));
    }
}

fn open(origin: &Origin) -> Option<(File, Version)> {
    let name = format!("tmp/perf-{}.map", origin.own_pid);
    let in_root = origin
        .root
        .as_ref()
        .and_then(|root| open_at(root.as_fd(), &name));
    let file = in_root?;
    let meta = file.metadata().ok()?;
    let trusted = meta.uid() == origin.uid || meta.uid() == 0;
    let version = Version {
        inode: meta.ino(),
        size: meta.len(),
        changed: (meta.mtime(), meta.mtime_nsec()),
    };
    (meta.is_file() && trusted).then_some((file, version))
}

fn open_at(folder: std::os::fd::BorrowedFd<'_>, name: &str) -> Option<File> {
    // Neither a link to somebody's file nor a pipe nobody writes to.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(folder, name, flags, Mode::empty()).ok()?;
    Some(File::from(fd))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[&str]) -> PerfMap {
        let mut map = PerfMap::default();
        for line in lines {
            map.add(line.as_bytes());
        }
        map
    }

    fn name(map: &PerfMap, address: u64) -> Option<String> {
        Some(String::from_utf8_lossy(&map.name(address)?).into_owned())
    }

    #[test]
    fn an_address_belongs_to_the_function_around_it() {
        let map = map(&["1000 10 first", "1020 10 second"]);
        assert_eq!(name(&map, 0x1000).as_deref(), Some("first"));
        assert_eq!(name(&map, 0x100f).as_deref(), Some("first"));
        assert_eq!(name(&map, 0x1010), None);
        assert_eq!(name(&map, 0x0fff), None);
        assert_eq!(name(&map, 0x102f).as_deref(), Some("second"));
    }

    #[test]
    fn code_that_replaced_other_code_has_the_later_name() {
        let map = map(&["1000 20 old", "1030 10 covered", "1010 40 new"]);
        assert_eq!(name(&map, 0x1008).as_deref(), Some("old"));
        assert_eq!(name(&map, 0x1018).as_deref(), Some("new"));
        assert_eq!(name(&map, 0x1038).as_deref(), Some("new"));
    }
}
