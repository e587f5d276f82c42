//! `fork`, for a program with one thread.

use std::io;

/// Which of the two we are.
pub(super) enum Side {
    /// The parent, told the id of the child.
    Parent(u32),
    /// The child.
    Child,
}

/// Forks. The program must have one thread.
pub(super) fn fork() -> io::Result<Side> {
    #[expect(unsafe_code, reason = "fork has no safe wrapper")]
    // SAFETY: with one thread no lock can be held by a thread that the child does not have. The forker
    // is such a program: it starts no thread, and nothing it uses does.
    let pid = unsafe { libc::fork() };
    match pid {
        0 => Ok(Side::Child),
        1.. => Ok(Side::Parent(pid.cast_unsigned())),
        _ => Err(io::Error::last_os_error()),
    }
}
