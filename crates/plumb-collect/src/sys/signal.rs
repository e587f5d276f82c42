//! Signal dispositions.

use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{Timespec, poll};

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

/// How many signals came, and which was the last; set by the handler below, and by nothing else: a handler may
/// touch no more than flags.
static CAME: AtomicU32 = AtomicU32::new(0);
static LAST: AtomicI32 = AtomicI32::new(0);
/// How many signals are noted; the next ends the process.
static NOTED: AtomicU32 = AtomicU32::new(1);

/// Lets SIGINT and SIGTERM end what is going on ([`interrupted`]) instead of the process, `noted` of them; the one
/// that follows ends the process. Programs that are started get the default action back.
pub fn catch_interrupts(noted: u32) {
    extern "C" fn note(signal: libc::c_int) {
        LAST.store(signal, Ordering::Relaxed);
        let came = CAME.fetch_add(1, Ordering::Relaxed) + 1;
        if came >= NOTED.load(Ordering::Relaxed) {
            for signal in [libc::SIGINT, libc::SIGTERM] {
                #[expect(unsafe_code, reason = "signal(2) has no safe wrapper")]
                // SAFETY: signal(2) may be called in a handler, and SIG_DFL is a valid disposition.
                unsafe {
                    libc::signal(signal, libc::SIG_DFL);
                }
            }
        }
    }
    NOTED.store(noted, Ordering::Relaxed);
    let handler: extern "C" fn(libc::c_int) = note;
    for signal in [libc::SIGINT, libc::SIGTERM] {
        #[expect(unsafe_code, reason = "sigaction(2) has no safe wrapper")]
        // SAFETY: the struct is plain words for which zero is valid; the handler stores to atomics and calls
        // signal(2), which are allowed at any time.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as usize;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }
}

/// Says whether a signal came since [`catch_interrupts`].
pub fn interrupted() -> bool {
    interrupts() > 0
}

/// Says how many signals came since [`catch_interrupts`].
pub fn interrupts() -> u32 {
    CAME.load(Ordering::Relaxed)
}

/// Gives the number of the last signal that came; `None` if none did.
pub fn last() -> Option<i32> {
    interrupted().then(|| LAST.load(Ordering::Relaxed))
}

/// The longest that a signal goes unnoticed which comes in the moment before the waiting.
const LOOK: Duration = Duration::from_millis(100);

/// Waits for so long, or until a signal comes that [`catch_interrupts`] notes; says whether the time is over.
pub fn pause(length: Duration) -> bool {
    let end = Instant::now() + length;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if interrupted() || left.is_zero() {
            return left.is_zero();
        }
        // A time that fits no timespec is longer than a look; a signal ends the call.
        let look = Timespec::try_from(left.min(LOOK)).ok();
        let _ = poll(&mut [], look.as_ref());
    }
}
