//! Rows of `/proc/net/unix`.
//!
//! The running original decides what a damaged row means: an inode that is missing is the one of
//! the row before. Kernels print all fields, so this matters to files that are no kernel's.

use plumb_model::Inode;
use plumb_model::unix::UnixSocket;

use crate::scan::{Scanner, low32};

/// Longest path taken, in bytes.
const PATH_BYTES: usize = 4096;

/// Decodes the rows of one file, in order.
#[derive(Debug, Clone)]
pub struct UnixRows {
    with_inode: bool,
    inode: u64,
}

impl UnixRows {
    /// Starts with the file's first line, which says whether there is an inode column.
    pub fn new(header: &[u8]) -> Self {
        Self {
            with_inode: header.windows(5).any(|word| word == b"Inode"),
            inode: 0,
        }
    }

    /// Decodes one row; `None` when it has fewer than the five fields before the inode.
    ///
    /// Without an inode column the number in its place is taken for the path.
    pub fn decode(&mut self, line: &[u8]) -> Option<UnixSocket> {
        let mut scanner = Scanner::new(line);
        scan_pointer(&mut scanner)?;
        scanner.literal(b':')?;
        let ref_count = scanner.hex()?.cast_signed();
        let protocol = scanner.hex()?;
        let flags = low32(scanner.hex()?);
        let kind = low32(scanner.hex()?);
        let state = low32(scanner.hex()?);
        let mut path = Vec::new();
        if let Some(inode) = scanner.decimal() {
            self.inode = inode;
            path = scanner.word(PATH_BYTES).unwrap_or_default().to_vec();
        }
        if !self.with_inode {
            path = self.inode.to_string().into_bytes();
        }
        Some(UnixSocket {
            ref_count,
            protocol,
            flags,
            kind,
            state,
            inode: self.with_inode.then_some(Inode(self.inode)),
            path,
        })
    }
}

/// `%p`: a hexadecimal number, or `(nil)`.
fn scan_pointer(scanner: &mut Scanner<'_>) -> Option<()> {
    scanner.skip_space();
    if let Some(rest) = scanner.rest().strip_prefix(b"(nil)") {
        *scanner = Scanner::new(rest);
        return Some(());
    }
    scanner.hex().map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"Num       RefCount Protocol Flags    Type St Inode Path\n";

    #[test]
    fn rows_in_the_kernels_format_decode() {
        let mut rows = UnixRows::new(HEADER);
        // Written by hand in the kernel's format; a capture is in tests/golden.
        let listener = rows
            .decode(
                b"0000000000000000: 00000002 00000000 00010000 0005 01  2103 /run/udev/control\n",
            )
            .expect("a kernel row decodes");
        assert!(listener.is_listening());
        assert_eq!((listener.kind, listener.inode), (5, Some(Inode(2103))));
        assert_eq!(listener.path, b"/run/udev/control");
        let pair = rows
            .decode(b"0000000000000000: 00000003 00000000 00000000 0001 03  2104\n")
            .expect("a kernel row decodes");
        assert_eq!((pair.path.as_slice(), pair.state), (&b""[..], 3));
    }

    #[test]
    fn a_path_ends_at_its_first_white_space() {
        let mut rows = UnixRows::new(HEADER);
        let row = rows.decode(b"0: 2 0 0 1 1 77 /run/with space.sock\n");
        assert_eq!(row.map(|row| row.path), Some(b"/run/with".to_vec()));
    }

    #[test]
    fn damaged_rows_are_refused_or_completed_by_the_row_before() {
        let mut rows = UnixRows::new(HEADER);
        for bogus in [
            &b"\n"[..],
            b"zz: 2 0 0 1 1 7\n",
            b"10 : 2 0 0 1 1 7\n",
            b"1: 2 0 0 1\n",
        ] {
            assert_eq!(rows.decode(bogus), None);
        }
        assert!(rows.decode(b"(nil):2 0 0 1 1 4242 /a\n").is_some());
        let short = rows
            .decode(b"1: 2 0 0 1 3 x /b\n")
            .expect("five fields are a row");
        assert_eq!(
            (short.inode, short.path.as_slice()),
            (Some(Inode(4242)), &b""[..])
        );
    }

    #[test]
    fn without_an_inode_column_the_number_is_the_path() {
        let mut rows = UnixRows::new(b"Num RefCount Protocol Flags Type St Path\n");
        let row = rows.decode(b"1: 2 0 0 1 3 4242 /a\n").expect("a row");
        assert_eq!((row.inode, row.path.as_slice()), (None, &b"4242"[..]));
    }
}
