//! Whether two tasks share their table of descriptors.

/// `KCMP_FILES` of `linux/kcmp.h`.
const KCMP_FILES: libc::c_int = 2;

/// Asks whether two tasks share their table of descriptors; `None` when the kernel does not tell.
/// Needs CAP_SYS_PTRACE for tasks of others. Minimum kernel version: 3.5, with `CONFIG_KCMP`.
pub fn shares_files(one: u32, other: u32) -> Option<bool> {
    #[expect(unsafe_code, reason = "the call has no safe wrapper")]
    // SAFETY: it takes numbers alone and writes nowhere.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_kcmp,
            one.cast_signed(),
            other.cast_signed(),
            KCMP_FILES,
            0,
            0,
        )
    };
    match answer {
        0 => Some(true),
        1.. => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_shares_its_table_with_itself() {
        let us = std::process::id();
        // A sandbox may forbid the call, which is no answer.
        assert_ne!(shares_files(us, us), Some(false));
    }
}
