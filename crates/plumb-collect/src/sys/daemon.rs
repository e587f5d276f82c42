//! Detaching from the terminal.

use std::io;

/// Goes on as a daemon: a child of init with its own session, in `/`, with `/dev/null` as its three
/// streams. The caller's process ends here with status 0; only the child returns.
///
/// Refused while other threads exist: they would not follow, and what they hold would stay held.
pub fn detach() -> io::Result<()> {
    let threads = std::fs::read_dir("/proc/self/task")?.count();
    if threads != 1 {
        return Err(io::Error::other("other threads would be lost"));
    }
    #[expect(unsafe_code, reason = "daemon(3) has no safe wrapper")]
    // SAFETY: daemon takes two plain numbers. It forks; the process has one thread, which is us, so
    // no lock of the allocator or of std can be held by a thread that does not exist in the child.
    let result = unsafe { libc::daemon(0, 0) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
