//! Shell patterns, as the C library matches them.

use std::ffi::CStr;

/// Says whether `text` matches the shell pattern, upper and lower case being the same.
///
/// `fnmatch` of the C library with `FNM_CASEFOLD`: brackets, classes and broken patterns mean what
/// they mean to the original.
pub fn matches_ignoring_case(pattern: &CStr, text: &CStr) -> bool {
    #[expect(unsafe_code, reason = "fnmatch(3) has no safe wrapper")]
    // SAFETY: both are C strings that outlive the call, and fnmatch keeps neither.
    let result = unsafe { libc::fnmatch(pattern.as_ptr(), text.as_ptr(), FOLD_CASE) };
    result == 0
}

/// `FNM_CASEFOLD` of `<fnmatch.h>`, the same in glibc and musl.
const FOLD_CASE: libc::c_int = 1 << 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_the_shell() {
        assert!(matches_ignoring_case(c"tcp*drop?", c"TcpExtListenDrops"));
        assert!(matches_ignoring_case(c"[[:alpha:]]b", c"Ab"));
        assert!(!matches_ignoring_case(c"[", c"A"));
        assert!(!matches_ignoring_case(c"tcp", c"TcpExt"));
    }
}
