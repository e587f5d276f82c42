//! Rows of `/proc/net/unix`.

use plumb_model::Inode;
use plumb_model::unix::UnixSocket;

use crate::scan::{Scanner, low32};

/// Longest path taken, in bytes.
const PATH_BYTES: usize = 4096;

/// Decodes one row; `None` when it has fewer than its six leading fields.
///
/// `with_inode` says whether the file's header names an inode column (every kernel since 2.1).
pub fn decode_unix_row(line: &[u8], with_inode: bool) -> Option<UnixSocket> {
    let mut scanner = Scanner::new(line);
    // The first field is the kernel address, hidden as zeros from most readers.
    scanner.word(usize::MAX)?;
    let _ = scanner.rest();
    let ref_count = low_signed(scanner.hex()?);
    let protocol = low32(scanner.hex()?);
    let flags = low32(scanner.hex()?);
    let kind = low32(scanner.hex()?);
    let state = low32(scanner.hex()?);
    let inode = if with_inode {
        Some(Inode(scanner.decimal().unwrap_or(0)))
    } else {
        None
    };
    let path = scanner.word(PATH_BYTES).unwrap_or_default().to_vec();
    Some(UnixSocket {
        ref_count,
        protocol,
        flags,
        kind,
        state,
        inode,
        path,
    })
}

fn low_signed(value: u64) -> i64 {
    value.cast_signed()
}
