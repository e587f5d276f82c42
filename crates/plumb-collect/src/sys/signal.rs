//! Signal dispositions.

/// Gives SIGPIPE its default action back, which the Rust runtime took away at start.
///
/// A reader that leaves (`netstat | head -1`) must end us as it ends the original: quietly, by the
/// signal, with status 141 in a shell.
pub fn restore_sigpipe() {
    #[expect(unsafe_code, reason = "signal(2) has no safe wrapper")]
    // SAFETY: SIG_DFL is a valid disposition and SIGPIPE a valid signal; no handler of ours exists
    // that could be lost.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}
