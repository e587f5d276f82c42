//! What `/proc/PID` says of a process: descriptor links and the command line.

use plumb_model::Inode;

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
}
