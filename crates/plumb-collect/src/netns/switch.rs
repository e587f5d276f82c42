//! Becoming a process of a named network namespace, as `ip netns exec` makes one: its network, its
//! `/sys`, and its files in place of those of `/etc`.
//!
//! This is for good, and for the whole process only while it has one thread. What stands in
//! `/etc/netns/NAME` and has no counterpart in `/etc` is passed over and told.
//! Minimum kernel version: 3.0 (`setns`).

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{OFlags, StatVfsMountFlags, open, statvfs};
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change, unmount,
};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::NAMED;
use crate::sys::namespace;

/// Where each namespace keeps its own files of `/etc`.
const FILES: &str = "/etc/netns";

/// Which step failed; nothing after it was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SwitchError {
    /// There is no namespace of that name, or we may not open it.
    #[error("cannot open the network namespace: {0}")]
    Open(Errno),
    /// It cannot be entered.
    #[error("cannot enter the network namespace: {0}")]
    Enter(Errno),
    /// No mount namespace of our own.
    #[error("cannot leave the mount namespace: {0}")]
    LeaveMounts(Errno),
    /// Our mounts would be seen by others.
    #[error("cannot keep mounts to ourselves: {0}")]
    KeepMounts(Errno),
    /// No `/sys` of the namespace.
    #[error("cannot mount /sys: {0}")]
    MountSys(Errno),
}

/// A file that could not stand in for its counterpart in `/etc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotBound {
    /// The file of the namespace.
    pub file: PathBuf,
    /// What it should have stood in for.
    pub place: PathBuf,
    /// Why it does not.
    pub error: Errno,
}

/// Switches this process to the namespace of a name.
pub fn switch(name: &[u8]) -> Result<Vec<NotBound>, SwitchError> {
    // Joined as text: a name may well lead elsewhere.
    let path = [NAMED.as_bytes(), b"/", name].concat();
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let netns = open(OsStr::from_bytes(&path), flags, rustix::fs::Mode::empty())
        .map_err(SwitchError::Open)?;
    move_into_link_name_space(
        std::os::fd::AsFd::as_fd(&netns),
        Some(LinkNameSpaceType::Network),
    )
    .map_err(SwitchError::Enter)?;
    namespace::leave_mounts().map_err(SwitchError::LeaveMounts)?;
    let propagation = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    mount_change("/", propagation).map_err(SwitchError::KeepMounts)?;
    mount_sys(name).map_err(SwitchError::MountSys)?;
    Ok(bind_files(name))
}

/// Mounts the namespace's view of `/sys`; where the old one cannot be taken away, over it and as
/// read-only as it.
fn mount_sys(name: &[u8]) -> Result<(), Errno> {
    let mut flags = MountFlags::empty();
    if unmount("/sys", UnmountFlags::DETACH).is_err()
        && statvfs("/sys").is_ok_and(|fs| fs.f_flag.contains(StatVfsMountFlags::RDONLY))
    {
        flags |= MountFlags::RDONLY;
    }
    let source = CString::new(name).map_err(|_| Errno::INVAL)?;
    mount(source.as_c_str(), "/sys", "sysfs", flags, None)
}

/// Binds every file of the namespace over its counterpart in `/etc`.
fn bind_files(name: &[u8]) -> Vec<NotBound> {
    let folder = [FILES.as_bytes(), b"/", name].concat();
    let folder = Path::new(OsStr::from_bytes(&folder));
    let mut not_bound = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let file = folder.join(entry.file_name());
        let place = Path::new("/etc").join(entry.file_name());
        if let Err(error) = mount_bind(&file, &place) {
            not_bound.push(NotBound { file, place, error });
        }
    }
    not_bound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_nobody_gave_changes_nothing() {
        let before = std::fs::read_link(super::super::OWN).expect("every process has one");
        let error = switch(b"no-such-namespace-of-ours").expect_err("nobody made it");
        assert_eq!(error, SwitchError::Open(Errno::NOENT));
        let after = std::fs::read_link(super::super::OWN).expect("every process has one");
        assert_eq!(before, after);
    }
}
