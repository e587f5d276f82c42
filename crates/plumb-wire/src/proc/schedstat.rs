//! `/proc/PID/task/TID/schedstat`: how long a thread ran and waited for a processor (`CONFIG_SCHED_INFO`).

/// Decodes how long the thread ran so far, nanoseconds: the first of three numbers.
///
/// ```
/// use plumb_wire::proc::schedstat::decode_run_ns;
///
/// assert_eq!(decode_run_ns(b"174853 2104 12\n"), Some(174_853));
/// assert_eq!(decode_run_ns(b""), None);
/// ```
pub fn decode_run_ns(content: &[u8]) -> Option<u64> {
    let text = str::from_utf8(content).ok()?;
    text.split_ascii_whitespace().next()?.parse().ok()
}
