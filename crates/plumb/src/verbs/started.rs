//! When a process started, as a time of day.

/// Gives the time (RFC 3339, UTC, whole seconds) of a start in clock ticks since boot; `None` where
/// `/proc/stat` does not tell when that was.
pub fn rfc3339(start_ticks: u64) -> Option<String> {
    let boot = decode_boot_time(&std::fs::read("/proc/stat").ok()?)?;
    let since = start_ticks.checked_div(rustix::param::clock_ticks_per_second())?;
    let seconds = i64::try_from(boot.checked_add(since)?).ok()?;
    Some(jiff::Timestamp::from_second(seconds).ok()?.to_string())
}

/// Reads the line `btime` of `/proc/stat`: seconds since 1970.
fn decode_boot_time(stat: &[u8]) -> Option<u64> {
    let line = stat
        .split(|&byte| byte == b'\n')
        .find_map(|line| line.strip_prefix(b"btime "))?;
    std::str::from_utf8(line).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_a_time_of_day() {
        assert_eq!(
            decode_boot_time(b"cpu 1\nbtime 1700000000\nx"),
            Some(1_700_000_000)
        );
        assert_eq!(decode_boot_time(b"cpu 1\n"), None);
        let at_boot = rfc3339(0).expect("every kernel tells its boot time");
        assert!(
            at_boot.ends_with('Z') && at_boot.starts_with("20"),
            "{at_boot}"
        );
    }
}
