//! What the administrator set: sysctls, lockdown, hidepid.

use plumb_model::ability::Settings;
use plumb_model::{Known, Reason};
use rustix::io::Errno;

use crate::proc::read_file;

pub(super) fn read() -> Settings {
    Settings {
        ptrace_scope: number("/proc/sys/kernel/yama/ptrace_scope"),
        perf_event_paranoid: number("/proc/sys/kernel/perf_event_paranoid"),
        unprivileged_bpf_disabled: number("/proc/sys/kernel/unprivileged_bpf_disabled"),
        kptr_restrict: number("/proc/sys/kernel/kptr_restrict"),
        lockdown: read_known("/sys/kernel/security/lockdown", decode_lockdown),
        hidepid: read_known("/proc/self/mountinfo", decode_hidepid),
    }
}

fn number(path: &str) -> Known<i64> {
    read_known(path, |content| {
        std::str::from_utf8(content).ok()?.trim().parse().ok()
    })
}

fn read_known<T>(path: &str, decode: impl Fn(&[u8]) -> Option<T>) -> Known<T> {
    let content = match read_file(path) {
        Ok(content) => content,
        Err(Errno::ACCESS | Errno::PERM) => return Known::Unknown(Reason::PermissionDenied),
        Err(_) => return Known::Unknown(Reason::NotSupported),
    };
    decode(&content).map_or(Known::Unknown(Reason::NotInSource), Known::Known)
}

/// The one in brackets is in force: `none [integrity] confidentiality`.
fn decode_lockdown(content: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(content).ok()?;
    let (_, rest) = text.split_once('[')?;
    Some(rest.split_once(']')?.0.to_owned())
}

/// Finds `hidepid` among the options of what is mounted on `/proc` last.
fn decode_hidepid(mounts: &[u8]) -> Option<u8> {
    let line = mounts
        .split(|&b| b == b'\n')
        .rfind(|line| line.split(|&b| b == b' ').nth(4) == Some(b"/proc"))?;
    let words = line.split(|&b| b == b' ' || b == b',');
    let value = words
        .filter_map(|word| word.strip_prefix(b"hidepid="))
        .next_back();
    match value {
        None | Some(b"0" | b"off") => Some(0),
        Some(b"1" | b"noaccess") => Some(1),
        Some(b"2" | b"invisible") => Some(2),
        Some(b"4" | b"ptraceable") => Some(4),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lockdown_in_brackets_is_in_force() {
        assert_eq!(
            decode_lockdown(b"none [integrity] confidentiality\n").as_deref(),
            Some("integrity")
        );
        assert_eq!(decode_lockdown(b"none\n"), None);
    }

    #[test]
    fn hidepid_is_an_option_of_proc() {
        let of = |options: &str| {
            let mounts = format!(
                "20 1 8:1 / / rw - ext4 /dev/sda rw\n21 20 0:5 / /proc rw - proc proc {options}\n"
            );
            decode_hidepid(mounts.as_bytes())
        };
        assert_eq!(of("rw"), Some(0));
        assert_eq!(of("rw,gid=7,hidepid=2"), Some(2));
        assert_eq!(of("rw,hidepid=invisible"), Some(2));
        assert_eq!(of("rw,hidepid=ptraceable"), Some(4));
        assert_eq!(of("rw,hidepid=new"), None);
        assert_eq!(decode_hidepid(b""), None);
    }
}
