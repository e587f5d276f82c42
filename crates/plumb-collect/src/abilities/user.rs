//! Who asks: capabilities, user namespace, and whether this program's file could have capabilities.

use std::os::unix::ffi::OsStrExt as _;

use plumb_model::Uid;
use plumb_model::ability::{Capabilities, User};
use plumb_wire::proc::process_stat::field;
use plumb_wire::proc::uid_map::is_first_user_namespace;
use rustix::fs::{StatVfsMountFlags, statvfs};

use crate::proc::read_file;

pub(super) fn read() -> User {
    let status = read_file("/proc/self/status").unwrap_or_default();
    let program = std::env::current_exe().ok();
    let nosuid = program
        .as_ref()
        .and_then(|program| statvfs(program).ok())
        .is_some_and(|fs| fs.f_flag.contains(StatVfsMountFlags::NOSUID));
    User {
        uid: Uid(rustix::process::geteuid().as_raw()),
        effective: capabilities(&status, b"CapEff:"),
        bounding: capabilities(&status, b"CapBnd:"),
        no_new_privs: word(&status, b"NoNewPrivs:") == Some(b"1"),
        is_first_namespace: is_first_user_namespace(
            &read_file("/proc/self/uid_map").unwrap_or_default(),
        ),
        program: program.map_or_else(
            || b"plumb".to_vec(),
            |program| program.as_os_str().as_bytes().to_vec(),
        ),
        program_may_have_capabilities: !nosuid,
    }
}

fn word<'a>(status: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    field(status, key)?.next()
}

fn capabilities(status: &[u8], key: &[u8]) -> Capabilities {
    let digits = word(status, key).and_then(|digits| std::str::from_utf8(digits).ok());
    let bits = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    Capabilities(bits.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read_from_the_status() {
        let status = b"Name:\tx\nCapEff:\t000000c000000004\nNoNewPrivs:\t1\n";
        let expected = Capabilities::BPF
            .and(Capabilities::PERFMON)
            .and(Capabilities::DAC_READ_SEARCH);
        assert_eq!(capabilities(status, b"CapEff:"), expected);
        assert_eq!(capabilities(status, b"CapBnd:"), Capabilities(0));
        assert_eq!(word(status, b"NoNewPrivs:"), Some(&b"1"[..]));
    }
}
