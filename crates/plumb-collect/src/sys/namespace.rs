//! Leaving a namespace that is shared with other processes.

use rustix::io::Errno;
use rustix::thread::{UnshareFlags, unshare_unsafe};

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
