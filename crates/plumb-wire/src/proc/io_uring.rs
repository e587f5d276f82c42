//! What `/proc/PID/fdinfo` says of an io_uring.

use crate::scan::Scanner;

/// Where the link of a descriptor that is an io_uring points.
pub const RING_LINK: &[u8] = b"anon_inode:[io_uring]";

/// Decodes the sockets among the registered files of a ring: (slot, low 32 bits of the inode).
///
/// ```
/// use plumb_wire::proc::io_uring::decode_user_files;
///
/// let info = b"UserFiles:\t3\n    0: socket:[4711]\n    1: <none>\n    2: /tmp/x\nUserBufs:\t0\n";
/// assert_eq!(decode_user_files(info), [(0, 4711)]);
/// ```
pub fn decode_user_files(info: &[u8]) -> Vec<(u32, u32)> {
    let mut lines = info.split(|&b| b == b'\n');
    if !lines.any(|line| line.starts_with(b"UserFiles:")) {
        return Vec::new();
    }
    lines
        .map_while(|line| {
            let colon = line.iter().position(|&b| b == b':')?;
            let (slot, target) = line.split_at(colon);
            let slot = Scanner::new(slot.trim_ascii()).decimal()?;
            Some((u32::try_from(slot).ok()?, target))
        })
        .filter_map(|(slot, target)| {
            let target = target.strip_prefix(b": ")?.strip_prefix(b"socket:[")?;
            let inode = target.strip_suffix(b"]")?;
            let inode = std::str::from_utf8(inode).ok()?.parse().ok()?;
            Some((slot, inode))
        })
        .collect()
}
