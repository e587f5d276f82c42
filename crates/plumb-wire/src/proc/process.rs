//! What `/proc/PID` says of a process: descriptor links, the command line, the name.

use plumb_model::Inode;

use crate::scan::{Scanner, low32};

/// Decodes the target of a `/proc/PID/fd/N` link: `socket:[INODE]`, or `[0000]:INODE` of old
/// kernels. `None` when it is no socket, or an inode of a single digit, which netstat overlooks and
/// no kernel gives to a socket.
pub fn decode_socket_link(target: &[u8]) -> Option<Inode> {
    let digits = match target.strip_prefix(b"socket:[") {
        Some(rest) => rest.strip_suffix(b"]").filter(|digits| digits.len() >= 2)?,
        None => target
            .strip_prefix(b"[0000]:")
            .filter(|digits| !digits.is_empty())?,
    };
    let mut inode: u64 = 0;
    for &digit in digits {
        let value = u64::from(digit.wrapping_sub(b'0'));
        if value > 9 {
            return None;
        }
        inode = inode.checked_mul(10)?.checked_add(value)?;
    }
    Some(Inode(inode))
}

/// Decodes the target of a `/proc/PID/fd/N` link as ss does: `socket:[` and a number of which the low
/// 32 bits count (the kernel gives sockets no more), whatever follows. `None` when it is no socket.
#[inline]
pub fn decode_socket_link_start(target: &[u8]) -> Option<u32> {
    let digits = target.strip_prefix(b"socket:[")?;
    Scanner::new(digits).decimal().map(low32)
}

/// Decodes the name of a process out of `/proc/PID/stat` as ss does: what stands between the first
/// `(` and the first `)`, which cuts a name with a parenthesis short. `None` when there is none.
///
/// ```
/// use plumb_wire::proc::process::decode_comm;
///
/// assert_eq!(decode_comm(b"7 (a)b) S 1"), Some(&b"a"[..]));
/// assert_eq!(decode_comm(b"7 () S 1"), None);
/// ```
pub fn decode_comm(stat: &[u8]) -> Option<&[u8]> {
    let mut scanner = Scanner::new(stat);
    scanner.signed()?;
    scanner.skip_space();
    scanner.literal(b'(')?;
    scanner.take_while(usize::MAX, |byte| byte != b')')
}

/// Decodes a name in `/proc` or `/proc/PID/fd`: all digits, or not of interest.
pub fn decode_number_name(name: &[u8]) -> Option<u32> {
    if name.is_empty() {
        return None;
    }
    name.iter().try_fold(0_u32, |number, &digit| {
        let value = u32::from(digit.wrapping_sub(b'0'));
        if value > 9 {
            return None;
        }
        number.checked_mul(10)?.checked_add(value)
    })
}

/// Decodes a name in `/proc` or `/proc/PID/fd` as ss does: an `int` and nothing behind it. Its usual
/// spelling is looked at then, which need not be `name`: `03` stands for 3.
#[inline]
pub fn decode_int_name(name: &[u8]) -> Option<i32> {
    let mut scanner = Scanner::new(name);
    let number = scanner.decimal()?;
    scanner
        .rest()
        .is_empty()
        .then(|| low32(number).cast_signed())
}

/// Decodes how many nanoseconds the time since boot is moved by a time namespace, out of
/// `/proc/PID/timens_offsets`; 0 where nothing is told.
///
/// ```
/// use plumb_wire::proc::process::decode_boottime_offset;
///
/// let offsets = b"monotonic           0         0\nboottime           -3 500000000\n";
/// assert_eq!(decode_boottime_offset(offsets), -2_500_000_000);
/// ```
pub fn decode_boottime_offset(offsets: &[u8]) -> i128 {
    let line = offsets
        .split(|&b| b == b'\n')
        .find_map(|line| line.strip_prefix(b"boottime"));
    let mut scanner = Scanner::new(line.unwrap_or_default());
    let mut number = || scanner.signed().map_or(0, i128::from);
    let seconds = number();
    seconds * 1_000_000_000 + number()
}

/// Decodes the descriptors an epoll watches out of its `/proc/PID/fdinfo/N`: lines `tfd: FD events: …`.
///
/// ```
/// use plumb_wire::proc::process::decode_epoll_targets;
///
/// let info = b"pos:\t0\ntfd:        5 events:       19 data: 5\ntfd:        9 events: 1b\n";
/// assert_eq!(decode_epoll_targets(info).collect::<Vec<_>>(), [5, 9]);
/// ```
pub fn decode_epoll_targets(fdinfo: &[u8]) -> impl Iterator<Item = i32> {
    let lines = fdinfo.split(|byte| *byte == b'\n');
    lines.filter_map(|line| {
        let fd = Scanner::new(line.strip_prefix(b"tfd:")?).decimal()?;
        i32::try_from(fd).ok()
    })
}

/// Gives the first NUL-terminated string of `/proc/PID/cmdline`.
pub fn decode_argv0(cmdline: &[u8]) -> &[u8] {
    cmdline.split(|&b| b == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_links_of_both_spellings() {
        assert_eq!(decode_socket_link(b"socket:[4242]"), Some(Inode(4242)));
        assert_eq!(decode_socket_link(b"[0000]:17"), Some(Inode(17)));
        for other in [
            &b"socket:[]"[..],
            b"socket:[7]",
            b"socket:[12",
            b"pipe:[12]",
            b"/dev/null",
            b"socket:[1x]",
            b"socket:[99999999999999999999999]",
        ] {
            assert_eq!(decode_socket_link(other), None);
        }
    }

    #[test]
    fn only_whole_numbers_are_process_names() {
        assert_eq!(decode_number_name(b"42"), Some(42));
        for other in [&b""[..], b"self", b"4x", b"99999999999"] {
            assert_eq!(decode_number_name(other), None);
        }
    }

    #[test]
    fn the_start_of_a_link_decides_for_ss() {
        // Seen of iproute2 6.1 in trees made for it.
        for (target, inode) in [
            (&b"socket:[77]"[..], Some(77)),
            (b"socket:[7", Some(7)),
            (b"socket:[77x", Some(77)),
            (b"socket:[ +077]", Some(77)),
            (b"socket:[4294967373]", Some(77)),
            (b"socket:[18446744073709551616]", Some(u32::MAX)),
            (b"socket:[0x4d]", Some(0)),
            (b"socket:[x]", None),
            (b"socket:77", None),
            (b"[0000]:77", None),
        ] {
            assert_eq!(decode_socket_link_start(target), inode);
        }
    }

    #[test]
    fn names_of_ss_are_ints() {
        for (name, number) in [
            (&b"42"[..], Some(42)),
            (b"03", Some(3)),
            (b" +3", Some(3)),
            (b"-1", Some(-1)),
            (b"4294967297", Some(1)),
            (b"3 ", None),
            (b"3x", None),
            (b"self", None),
            (b"", None),
        ] {
            assert_eq!(decode_int_name(name), number);
        }
    }

    #[test]
    fn names_end_at_the_first_closing_parenthesis() {
        for (stat, name) in [
            (&b"1 (abc) S"[..], Some(&b"abc"[..])),
            (b" 1(glued", Some(b"glued")),
            (b"-1\n((x)) S", Some(b"(x")),
            (b"1 (a\nb\xff) S", Some(b"a\nb\xff")),
            (b"1 (a\0b) S", Some(b"a")),
            (b"1 (", None),
            (b"1 )x( S", None),
            (b"(nopid) S", None),
            (b"12 34 (x) S", None),
            (b"", None),
        ] {
            assert_eq!(decode_comm(stat), name);
        }
    }
}
