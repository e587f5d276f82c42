//! Signal dispositions.

use std::sync::atomic::{AtomicBool, Ordering};

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

/// Set by the handler below, and by nothing else: a handler may touch no more than a flag.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Lets SIGINT and SIGTERM end what is going on ([`interrupted`]) instead of the process. The second of
/// them ends the process. Programs that are started get the default action back.
pub fn catch_interrupts() {
    extern "C" fn note(_: libc::c_int) {
        INTERRUPTED.store(true, Ordering::Relaxed);
    }
    let handler: extern "C" fn(libc::c_int) = note;
    for signal in [libc::SIGINT, libc::SIGTERM] {
        #[expect(unsafe_code, reason = "sigaction(2) has no safe wrapper")]
        // SAFETY: the struct is plain words for which zero is valid; the handler stores to an atomic, which
        // is allowed at any time; SA_RESETHAND gives the default back with the first signal.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_RESETHAND;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }
}

/// Says whether a signal came since [`catch_interrupts`].
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
