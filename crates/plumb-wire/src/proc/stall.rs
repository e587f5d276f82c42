//! `/proc/pressure/*`: how long tasks were kept waiting for a resource (Linux 4.20).

/// Decodes how long so far some task waited, microseconds; `None` when the line is not there.
///
/// ```
/// use plumb_wire::proc::stall::decode_stall_us;
///
/// let text = b"some avg10=1.00 avg60=0.50 avg300=0.10 total=4711\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
/// assert_eq!(decode_stall_us(text), Some(4711));
/// assert_eq!(decode_stall_us(b"full total=3\n"), None);
/// ```
pub fn decode_stall_us(content: &[u8]) -> Option<u64> {
    let text = str::from_utf8(content).ok()?;
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let total = some
        .split(' ')
        .find_map(|word| word.strip_prefix("total="))?;
    total.parse().ok()
}
