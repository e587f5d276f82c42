//! Leaving a namespace that is shared with other processes, and getting at that of a socket.

use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use rustix::io::Errno;
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// `SIOCGSKNS` of `linux/sockios.h`.
const SIOCGSKNS: libc::Ioctl = 0x894C;

/// Gives the calling thread a mount namespace of its own, and with it a root and working directory of
/// its own. Needs CAP_SYS_ADMIN.
pub fn leave_mounts() -> Result<(), Errno> {
    #[expect(
        unsafe_code,
        reason = "unshare can take descriptors from other threads"
    )]
    // SAFETY: only unsharing the table of descriptors is unsound for safe code, and it stays shared.
    unsafe {
        unshare_unsafe(UnshareFlags::NEWNS)
    }
}

/// Opens the network namespace of a socket (`SIOCGSKNS`). Needs CAP_NET_ADMIN there.
/// Minimum kernel version: 4.9.
pub fn of_socket(socket: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    #[expect(unsafe_code, reason = "the ioctl has no safe wrapper")]
    // SAFETY: it takes no argument and touches no memory of ours; a descriptor that comes back is new
    // and nobody else's. What is no socket refuses it, or has an ioctl of that number of its own that
    // takes none either: asked of sockets only.
    unsafe {
        let fd = libc::ioctl(socket.as_raw_fd(), SIOCGSKNS);
        if fd < 0 {
            let error = std::io::Error::last_os_error();
            return Err(Errno::from_io_error(&error).unwrap_or(Errno::IO));
        }
        Ok(OwnedFd::from_raw_fd(fd))
    }
}
