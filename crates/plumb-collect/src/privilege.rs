//! What this thread may do.

use plumb_model::{Known, Reason};
use plumb_wire::proc::uid_map;

/// `CAP_NET_BIND_SERVICE`, as a bit of `CapEff`.
const NET_BIND_SERVICE: u64 = 1 << 10;

/// Says whether this thread has CAP_NET_BIND_SERVICE where it counts. In a user namespace of its own it may
/// have it over another network namespace or not, which is unknown.
pub fn may_bind_privileged_ports() -> Known<bool> {
    let Ok(status) = crate::proc::read_file("/proc/thread-self/status") else {
        return Known::Unknown(Reason::NotInSource);
    };
    let Some(effective) = decode_effective(&status) else {
        return Known::Unknown(Reason::NotInSource);
    };
    if effective & NET_BIND_SERVICE == 0 {
        return Known::Known(false);
    }
    if is_first_user_namespace() {
        Known::Known(true)
    } else {
        Known::Unknown(Reason::NotInSource)
    }
}

fn is_first_user_namespace() -> bool {
    let map = crate::proc::read_file("/proc/self/uid_map").unwrap_or_default();
    uid_map::is_first_user_namespace(&map)
}

/// Reads the line `CapEff` of `/proc/PID/status`.
fn decode_effective(status: &[u8]) -> Option<u64> {
    let line = status
        .split(|&byte| byte == b'\n')
        .find_map(|line| line.strip_prefix(b"CapEff:"))?;
    u64::from_str_radix(std::str::from_utf8(line).ok()?.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_a_line_of_status() {
        let status = b"Name:\tx\nCapPrm:\t00000000ffffffff\nCapEff:\t0000000000000400\n";
        assert_eq!(decode_effective(status), Some(NET_BIND_SERVICE));
        assert_eq!(decode_effective(b"Name:\tx\n"), None);
        may_bind_privileged_ports();
    }
}
