//! The file with the symbols of a stripped module, where a distribution or a build keeps it apart.
//!
//! Looked for as gdb documents it ("Debugging Information in Separate Files"): by build-id below the debug
//! folders, then by the name in `.gnu_debuglink` beside the module, in its `.debug` folder, and below the debug
//! folders; in the root the process lives in first, then in ours. A file counts only if it belongs to this
//! very build: the same build-id, or the checksum that the link states.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

use super::elf;
use super::module::{Module, open_regular};
use super::process::Origin;

/// Where debug files lie, apart from beside their modules.
const FOLDERS: &[&str] = &["/usr/lib/debug", "/lib/debug"];

/// Bytes of a debug file that are read at most to compare its checksum.
const MAX_CHECKED_BYTES: u64 = 4 << 30;

/// Finds the debug file of a module of a process, by the root folder that it had: it may have ended since.
pub(super) fn find(origin: Option<&Origin>, module: &Module) -> Option<File> {
    let by_build_id = module.image.build_id.as_deref().and_then(build_id_path);
    let by_link = module
        .image
        .debug_link
        .as_ref()
        .map(|(name, _)| link_paths(in_its_root(origin, &module.path), name));
    let paths: Vec<PathBuf> = by_build_id
        .iter()
        .flat_map(|path| {
            FOLDERS
                .iter()
                .map(move |folder| Path::new(folder).join(path))
        })
        .chain(by_link.into_iter().flatten())
        .collect();
    let root = origin.and_then(|origin| origin.root.as_ref());
    let in_its_root = paths.iter().filter_map(|path| open_in(root?.as_fd(), path));
    in_its_root
        .chain(paths.iter().filter_map(|path| open_regular(path)))
        .find(|file| is_of(module, file))
}

/// Gives a path as the process itself has it: of one with another root, `maps` tells the whole of it where the
/// reader sees that root as a folder.
fn in_its_root<'a>(origin: Option<&Origin>, path: &'a [u8]) -> &'a [u8] {
    let root = origin.map_or(&b""[..], |origin| &origin.root_path);
    let inside = path.strip_prefix(root);
    inside
        .filter(|inside| inside.starts_with(b"/"))
        .unwrap_or(path)
}

/// Opens a regular file below another root; links lead to nowhere else. Minimum kernel version: 5.6 (`openat2`).
fn open_in(root: BorrowedFd<'_>, path: &Path) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd = openat2(root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT).ok()?;
    let file = File::from(fd);
    file.metadata().ok()?.is_file().then_some(file)
}

/// `.build-id/ab/cdef….debug`.
fn build_id_path(id: &[u8]) -> Option<PathBuf> {
    let (first, rest) = id.split_first()?;
    // A shorter one than any linker makes names somebody else's file.
    if rest.len() < 7 {
        return None;
    }
    let mut path = format!(".build-id/{first:02x}/");
    for byte in rest {
        write!(path, "{byte:02x}").ok()?;
    }
    Some(PathBuf::from(path + ".debug"))
}

fn link_paths(module: &[u8], name: &[u8]) -> Vec<PathBuf> {
    let name = Path::new(std::ffi::OsStr::from_bytes(name));
    // A name is a name: one that leads elsewhere was not made by a linker.
    if name.components().count() != 1 || name.file_name().is_none() {
        return Vec::new();
    }
    let module = Path::new(std::ffi::OsStr::from_bytes(module));
    let Some(folder) = module.parent() else {
        return Vec::new();
    };
    let relative = folder.strip_prefix("/").unwrap_or(folder);
    let mut paths = vec![folder.join(name), folder.join(".debug").join(name)];
    paths.extend(
        FOLDERS
            .iter()
            .map(|debug| Path::new(debug).join(relative).join(name)),
    );
    paths
}

/// Says whether a file holds the symbols of this build of the module.
fn is_of(module: &Module, file: &File) -> bool {
    let id = module.image.build_id.as_ref();
    if id.is_some() && elf::read_image(file).is_ok_and(|image| image.build_id.as_ref() == id) {
        return true;
    }
    let wanted = module
        .image
        .debug_link
        .as_ref()
        .map(|(_, checksum)| *checksum);
    wanted.is_some() && checksum(file) == wanted
}

fn checksum(file: &File) -> Option<u32> {
    let mut hasher = crc32fast::Hasher::new();
    let mut file = file.take(MAX_CHECKED_BYTES);
    let mut chunk = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut chunk).ok()?;
        if read == 0 {
            return Some(hasher.finalize());
        }
        hasher.update(chunk.get(..read)?);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_ids_are_paths_below_the_debug_folders() {
        let id = [0xab, 1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(
            build_id_path(&id),
            Some(PathBuf::from(".build-id/ab/0102030405060708.debug"))
        );
        assert_eq!(build_id_path(&id[..4]), None);
    }

    #[test]
    fn a_link_is_looked_for_beside_its_module_and_never_elsewhere() {
        let paths = link_paths(b"/srv/bin/app", b"app.debug");
        assert_eq!(paths[0], Path::new("/srv/bin/app.debug"));
        assert_eq!(paths[1], Path::new("/srv/bin/.debug/app.debug"));
        assert_eq!(paths[2], Path::new("/usr/lib/debug/srv/bin/app.debug"));
        assert!(link_paths(b"/srv/bin/app", b"../../etc/shadow").is_empty());
        assert!(link_paths(b"/srv/bin/app", b"/etc/shadow").is_empty());
        assert!(link_paths(b"/srv/bin/app", b"..").is_empty());
    }
}
