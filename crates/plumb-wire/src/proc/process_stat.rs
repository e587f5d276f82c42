//! `/proc/PID/stat` and `/proc/PID/status`: who a process is, exactly.
//!
//! The name is whatever the process likes, brackets and newlines included: it ends at the last `)` of
//! `stat`. What netstat and ss make of such names is [`super::process`].

/// What `stat` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessStat<'a> {
    /// Its id (field 1).
    pub pid: u32,
    /// Its name, raw bytes (field 2).
    pub comm: &'a [u8],
    /// The state's letter (field 3): `Z` is a process that has ended and holds nothing.
    pub state: u8,
    /// Its parent (field 4).
    pub parent: u32,
    /// When it started, clock ticks since boot (field 22).
    pub start_ticks: u64,
}

/// Decodes `/proc/PID/stat`; `None` when it is not whole.
///
/// ```
/// use plumb_wire::proc::process_stat::decode_stat;
///
/// let line = b"7 (a) b) S 3 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 9\n";
/// let stat = decode_stat(line).unwrap();
/// assert_eq!((stat.comm, stat.state, stat.parent), (&b"a) b"[..], b'S', 3));
/// assert_eq!(stat.start_ticks, 4711);
/// ```
pub fn decode_stat(stat: &[u8]) -> Option<ProcessStat<'_>> {
    let open = stat.iter().position(|&b| b == b'(')?;
    let close = stat.iter().rposition(|&b| b == b')')?;
    let pid = stat.get(..open)?.trim_ascii();
    let comm = stat.get(open + 1..close)?;
    let mut words = stat
        .get(close + 1..)?
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let state = *words.next()?.first()?;
    let parent = number(words.next()?)?;
    // Fields 5 to 21 lie between.
    let start_ticks = number(words.nth(17)?)?;
    Some(ProcessStat {
        pid: u32::try_from(number(pid)?).ok()?,
        comm,
        state,
        parent: u32::try_from(parent).ok()?,
        start_ticks,
    })
}

/// Decodes the effective user out of `/proc/PID/status` (`Uid:` real, effective, saved, file system).
pub fn decode_effective_uid(status: &[u8]) -> Option<u32> {
    u32::try_from(number(field(status, b"Uid:")?.nth(1)?)?).ok()
}

/// Decodes the pid by which a process knows itself out of `/proc/PID/status`: the last of `NSpid`, which lists
/// its pid in every pid namespace from ours to its own. `None` on kernels without the line (before 4.1).
///
/// ```
/// use plumb_wire::proc::process_stat::decode_own_pid;
///
/// assert_eq!(decode_own_pid(b"Name:\tx\nNSpid:\t4242\t17\t1\n"), Some(1));
/// assert_eq!(decode_own_pid(b"Name:\tx\n"), None);
/// ```
pub fn decode_own_pid(status: &[u8]) -> Option<u32> {
    u32::try_from(number(field(status, b"NSpid:")?.last()?)?).ok()
}

/// Gives the words behind a key of `status`. The name, which may hold anything, has its newlines
/// escaped there.
pub fn field<'a>(status: &'a [u8], key: &[u8]) -> Option<impl Iterator<Item = &'a [u8]>> {
    let line = status
        .split(|&b| b == b'\n')
        .find_map(|line| line.strip_prefix(key))?;
    Some(
        line.split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty()),
    )
}

fn number(word: &[u8]) -> Option<u64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linux 6.18, `cat /proc/self/stat`, its name replaced.
    const REST: &[u8] = b" R 1052 1053 1052 0 -1 4194304 90 0 0 0 0 0 0 0 20 0 1 0 139873 2600960 \
        374 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

    #[test]
    fn names_may_hold_anything() {
        for name in [
            &b"cat"[..],
            b"a) S 1 (b",
            b"two\nlines",
            b"",
            b"\xff\xfe\x1b[31m",
        ] {
            let line = [b"1053 (", name, b")", REST].concat();
            let stat = decode_stat(&line).expect("it is whole");
            assert_eq!(stat.comm, name);
            assert_eq!(
                (stat.pid, stat.parent, stat.start_ticks),
                (1053, 1052, 139_873)
            );
        }
    }

    #[test]
    fn half_a_line_is_nothing() {
        let line = [b"1053 (cat)", REST].concat();
        let whole = line.windows(6).position(|six| six == b"139873");
        for end in 0..whole.expect("it is in there") {
            assert_eq!(decode_stat(&line[..end]), None);
        }
    }

    #[test]
    fn the_effective_user_is_the_second() {
        let status = b"Name:\tUid:\\n\nUmask:\t0022\nUid:\t1000\t33\t0\t33\nGid:\t1\t1\t1\t1\n";
        assert_eq!(decode_effective_uid(status), Some(33));
        assert_eq!(decode_effective_uid(b"Uid:\t7\n"), None);
        assert_eq!(decode_effective_uid(b""), None);
    }
}
