//! Folders of processes that something is mounted over.
//!
//! A mount over `/proc/PID` hides a process from whoever walks `/proc`. A `/proc` of our own, attached
//! nowhere, has no mounts in it; it shows the pid namespace this process is in.
//! Minimum kernel version: 5.2 (`fsmount`). Needs CAP_SYS_ADMIN; without it there are no such folders.

use plumb_model::Pid;
use rustix::fd::{AsFd as _, OwnedFd};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

/// Opens the folder of a process in a `/proc` without mounts.
pub(crate) fn folder(pid: Pid) -> Option<OwnedFd> {
    super::open_directory(proc().ok()?.as_fd(), &pid.0.to_string()).ok()
}

/// Makes a `/proc` that is attached nowhere and goes with its descriptor.
pub fn proc() -> Result<OwnedFd, Errno> {
    let context = fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(context.as_fd())?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC
        | MountAttrFlags::MOUNT_ATTR_RDONLY;
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// Lists the processes whose folders something is mounted over.
pub fn covered() -> Vec<Pid> {
    let mounts = crate::proc::read_file("/proc/self/mountinfo").unwrap_or_default();
    decode_covered(&mounts)
}

/// Picks mount points `/proc/PID` and below out of `mountinfo`.
fn decode_covered(mounts: &[u8]) -> Vec<Pid> {
    let mut covered: Vec<Pid> = mounts
        .split(|&b| b == b'\n')
        .filter_map(|line| {
            let point = line.split(|&b| b == b' ').nth(4)?;
            let below = point.strip_prefix(b"/proc/")?;
            let name = below.split(|&b| b == b'/').next()?;
            plumb_wire::proc::process::decode_number_name(name).map(Pid)
        })
        .collect();
    covered.sort_unstable();
    covered.dedup();
    covered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_over_processes_are_told_from_others() {
        let mounts = b"63 45 0:39 / /proc rw,nosuid - proc proc rw\n\
            64 63 0:40 / /proc/5 rw,relatime - tmpfs tmpfs rw\n\
            65 63 0:40 / /proc/7/fd rw,relatime - tmpfs tmpfs rw\n\
            66 63 0:41 / /proc/sys/fs/binfmt_misc rw - binfmt_misc none rw\n\
            67 64 0:40 / /proc/5 rw,relatime - tmpfs tmpfs rw\nx\n";
        assert_eq!(decode_covered(mounts), [Pid(5), Pid(7)]);
    }
}
