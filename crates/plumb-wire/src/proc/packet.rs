//! Rows of `/proc/net/packet` as ss takes them when it may not ask sock_diag.
//!
//! What a damaged row means was seen at the running original: columns that cannot be read are those
//! of the row before, and a line that does not end within 255 bytes ends the table.

use plumb_model::diag::packet::PacketDiag;

use crate::scan::{Scanner, low32};

/// Decodes the rows of one file, in order.
#[derive(Debug, Clone, Default)]
pub struct PacketRows {
    kind: u32,
    protocol: u32,
    interface: u32,
    recv_q: u32,
    uid: u32,
    inode: u32,
}

impl PacketRows {
    /// Starts behind the header.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes one row; `None` ends the table.
    pub fn decode(&mut self, row: &[u8]) -> Option<PacketDiag<'static>> {
        if !is_whole_line(row) {
            return None;
        }
        // How far the columns go is in `self`.
        let _ = self.scan(&mut Scanner::new(row));
        Some(PacketDiag {
            kind: self.kind,
            // The original stores 16 bits.
            protocol: u16::try_from(self.protocol & 0xffff).unwrap_or(0),
            interface: Some(self.interface),
            recv_q: Some(self.recv_q),
            uid: Some(self.uid),
            inode: self.inode,
            ..PacketDiag::default()
        })
    }

    fn scan(&mut self, scanner: &mut Scanner<'_>) -> Option<()> {
        // Address and references.
        scanner.hex()?;
        scanner.signed()?;
        self.kind = low32(scanner.signed()?.cast_unsigned());
        self.protocol = low32(scanner.hex()?);
        self.interface = low32(scanner.signed()?.cast_unsigned());
        // Whether it is running.
        scanner.signed()?;
        self.recv_q = low32(scanner.decimal()?);
        self.uid = low32(scanner.decimal()?);
        self.inode = low32(scanner.decimal()?);
        Some(())
    }
}

/// Says whether a row is a whole line to C: its text ends in a line end, with no NUL before.
fn is_whole_line(row: &[u8]) -> bool {
    row.ends_with(b"\n") && !row.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Rows written by hand in the kernel's format; the original read the same ones.

    #[test]
    fn a_row_in_the_kernels_format_decodes() {
        let mut rows = PacketRows::new();
        let row = rows
            .decode(b"ffff8880053f1000 3      3    0003   1     1 512      1000      4242  \n")
            .expect("a whole line");
        assert_eq!((row.kind, row.protocol, row.inode), (3, 3, 4242));
        assert_eq!((row.interface, row.recv_q), (Some(1), Some(512)));
        assert_eq!((row.uid, row.cookie), (Some(1000), None));
    }

    #[test]
    fn columns_that_are_missing_are_those_of_the_row_before() {
        let mut rows = PacketRows::new();
        rows.decode(b"2 3 3 0000 1 1 5 0 17\n");
        let row = rows.decode(b"2 3 2 10003 -1 1 -5\n").expect("a whole line");
        assert_eq!((row.kind, row.protocol), (2, 3));
        assert_eq!((row.interface, row.inode), (Some(u32::MAX), 17));
        assert_eq!(row.recv_q, Some(u32::MAX - 4));
        assert_eq!(rows.decode(b"garbage\n"), Some(row));
        assert_eq!(rows.decode(b"2 3 3 0000 1 1 5 0 17"), None);
        assert_eq!(rows.decode(b"2 3 3 0000 1 1 5\0 0 17\n"), None);
    }
}
