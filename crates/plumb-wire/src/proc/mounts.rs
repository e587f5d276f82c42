//! `/proc/PID/mountinfo`, as far as it says what of `/proc` is hidden.

/// Says whether `/proc` is mounted so that processes of other users are hidden (`hidepid`).
///
/// ```
/// use plumb_wire::proc::mounts::hides_processes;
///
/// let hiding = b"22 27 0:21 / /proc rw,relatime - proc proc rw,hidepid=invisible\n";
/// assert!(hides_processes(hiding));
/// assert!(!hides_processes(b"22 27 0:21 / /proc rw - proc proc rw,hidepid=0\n"));
/// assert!(!hides_processes(b"22 27 0:21 / /proc rw,relatime - proc proc rw\n"));
/// ```
pub fn hides_processes(mounts: &[u8]) -> bool {
    // Of several mounts over each other the last one counts.
    let own = mounts
        .split(|&b| b == b'\n')
        .rfind(|line| line.split(|&b| b == b' ').nth(4) == Some(b"/proc"));
    let options = own.and_then(|line| line.rsplit(|&b| b == b' ').next());
    let mut options = options.unwrap_or_default().split(|&b| b == b',');
    let value = options.find_map(|option| option.strip_prefix(b"hidepid="));
    value.is_some_and(|value| value != b"0" && value != b"off")
}
