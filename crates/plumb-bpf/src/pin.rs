//! A pinned iterator: who may read the file sees the owners of all sockets, without any capability.
//!
//! Root loads `owners/files` once and gives its iterator a name in a BPF file system; opening that
//! name runs the program. The number at the name's end is the version of the records. Nothing is
//! mounted here, and no permission of what exists is changed: what is in the way is told instead.

mod place;

use std::ffi::CString;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::load::load_first;
use crate::owners::FILES;
use crate::sys;
use crate::unavailable::Unavailable;

/// Where a pinned iterator is looked for: the usual place, and one for a BPF file system of plumb's
/// own, because the usual one often lets nobody but root through.
pub const PATHS: [&str; 2] = ["/sys/fs/bpf/plumb/owners-1", "/run/plumb/bpf/owners-1"];

/// The mode of a pinned iterator that a group may read.
pub const GROUP_MODE: u32 = 0o440;

/// Finds a pinned iterator that we may read, and that root made.
pub fn find() -> Option<PathBuf> {
    let mut paths = PATHS.iter().map(Path::new);
    paths.find(|path| is_iterator(path)).map(Path::to_owned)
}

/// A file in a BPF file system is what root pinned there; anywhere else it may be anything.
fn is_iterator(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    access(path, Access::READ_OK).is_ok()
        && path.metadata().is_ok_and(|meta| meta.uid() == 0)
        && place::is_bpf(path)
}

/// Pins the iterator: owned by root and `group`, with `mode`. One that is there is replaced, in one
/// step, so that no reader finds none.
///
/// # Errors
///
/// The program cannot be loaded; there is no BPF file system; the group could not get to the file.
/// Each with what would allow it.
pub fn install(path: &Path, group: Option<u32>, mode: u32) -> Result<(), Unavailable> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    place::check(folder, group)?;
    let link = load_first(&FILES)?.link_iterator()?;
    make_folder(folder)?;
    // A name with a dot is not allowed in a BPF file system.
    let mut new = path.as_os_str().to_owned();
    new.push("-new");
    let new = Path::new(&new);
    let failed = |error: io::Error| {
        Unavailable::new(format!(
            "cannot pin the iterator at {}: {error}",
            path.display()
        ))
    };
    match std::fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let name = CString::new(new.as_os_str().as_bytes()).map_err(|error| failed(error.into()))?;
    sys::pin(link.as_fd(), &name).map_err(|error| failed(error.into()))?;
    let placed = std::os::unix::fs::chown(new, Some(0), group)
        .and_then(|()| std::fs::set_permissions(new, std::fs::Permissions::from_mode(mode)))
        .and_then(|()| std::fs::rename(new, path));
    placed.map_err(|error| {
        let _ = std::fs::remove_file(new);
        failed(error)
    })
}

fn make_folder(folder: &Path) -> Result<(), Unavailable> {
    let made = std::fs::DirBuilder::new().mode(0o755).create(folder);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(Unavailable::new(
            format!("cannot make the folder {}: {error}", folder.display()),
        )),
        // The umask may have taken what the group needs.
        Ok(()) => std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).map_err(
            |error| {
                Unavailable::new(format!(
                    "cannot open {} to readers: {error}",
                    folder.display()
                ))
            },
        ),
        Err(_) => Ok(()),
    }
}

/// Removes a pinned iterator, and its folder when nothing else is in it; says whether one was there.
pub fn remove(path: &Path) -> Result<bool, Unavailable> {
    match std::fs::remove_file(path) {
        Ok(()) => {
            // Not ours to remove while others use it, and no harm when it stays.
            let _ = path.parent().map(std::fs::remove_dir);
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Unavailable::new(format!(
            "cannot remove the iterator {}: {error}",
            path.display()
        ))),
    }
}
