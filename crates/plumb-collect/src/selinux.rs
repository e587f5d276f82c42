//! Whether SELinux is in force on this machine, and the contexts of sockets.
//!
//! Contexts of processes are read where processes are walked ([`crate::holders`], [`crate::owners`]).

use std::ffi::CStr;

use rustix::fd::BorrowedFd;

/// `SELINUX_MAGIC`: what `statfs` says of a mounted selinuxfs.
const SELINUX_MAGIC: u64 = 0xf97c_ff8c;

/// Longest context looked at, in bytes.
const CONTEXT_BYTES: usize = 4096;

/// Says whether SELinux is enabled: its file system is mounted where it belongs.
pub fn is_enabled() -> bool {
    rustix::fs::statfs("/sys/fs/selinux")
        .is_ok_and(|fs| u64::try_from(fs.f_type).is_ok_and(|magic| magic == SELINUX_MAGIC))
}

/// Reads the context of the socket behind a descriptor of a `/proc/PID/fd`.
pub(crate) fn read_socket_context(directory: BorrowedFd<'_>, name: &CStr) -> Option<Vec<u8>> {
    // There is no `getxattrat` before Linux 6.13; the directory is reached through our own /proc.
    let name = name.to_str().ok()?;
    let path = format!("{}/{name}", crate::proc::fd_path(directory));
    let mut context = vec![0; CONTEXT_BYTES];
    let len = rustix::fs::getxattr(path, "security.selinux", &mut context).ok()?;
    context.truncate(len);
    while context.last() == Some(&0) {
        context.pop();
    }
    Some(context)
}
