//! Rows of `/proc/net/unix` as ss takes them when it may not ask sock_diag.
//!
//! netstat's reading of the same file is in [`super::unix`]. What a damaged row means was seen at the
//! running original: a row always counts, fields that are missing are 0, and missing flags are those
//! of the row before.

use plumb_model::diag::unix::UnixDiag;

use crate::scan::{Scanner, low32};

/// Longest name, in bytes; rows are shorter.
const NAME_BYTES: usize = 255;
/// `__SO_ACCEPTCON`.
const ACCEPTING: u32 = 1 << 16;
const ESTABLISHED: u32 = 1;
const SYN_SENT: u32 = 2;
const CLOSE: u32 = 7;
const LISTEN: u32 = 10;
const CLOSING: u32 = 11;

/// Decodes the rows of one file, in order.
#[derive(Debug, Clone, Default)]
pub struct UnixDiagRows {
    flags: u32,
}

/// The columns of a row.
#[derive(Default)]
struct Columns<'a> {
    number: u32,
    kind: u32,
    state: u32,
    inode: u32,
    name: Option<&'a [u8]>,
}

impl UnixDiagRows {
    /// Starts behind the header.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes one row; no row is refused.
    pub fn decode<'a>(&mut self, row: &'a [u8]) -> UnixDiag<'a> {
        let mut columns = Columns::default();
        // How far the columns go is in `columns`.
        let _ = self.scan(&mut Scanner::new(row), &mut columns);
        UnixDiag {
            kind: columns.kind,
            state: self.state(&columns),
            inode: columns.inode,
            name: columns.name,
            ..UnixDiag::default()
        }
    }

    fn scan<'a>(&mut self, scanner: &mut Scanner<'a>, columns: &mut Columns<'a>) -> Option<()> {
        columns.number = low32(scanner.hex()?);
        scanner.literal(b':')?;
        // References and protocol.
        scanner.hex()?;
        scanner.hex()?;
        self.flags = low32(scanner.hex()?);
        columns.kind = low32(scanner.hex()?);
        columns.state = low32(scanner.hex()?);
        columns.inode = low32(scanner.signed()?.cast_unsigned());
        columns.name = Some(scanner.word(NAME_BYTES)?);
        Some(())
    }

    /// Gives the state numbered as for TCP. A datagram socket with a number that is not 0 is
    /// connected; kernels that hide addresses print 0.
    fn state(&self, columns: &Columns<'_>) -> u32 {
        if self.flags & ACCEPTING != 0 {
            return LISTEN;
        }
        match columns.state {
            1 if columns.kind == UnixDiag::DGRAM && columns.number != 0 => ESTABLISHED,
            1 => CLOSE,
            2 => SYN_SENT,
            3 => ESTABLISHED,
            4 => CLOSING,
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Rows written by hand in the kernel's format; the original read the same ones.

    #[test]
    fn states_are_numbered_as_for_tcp() {
        let mut rows = UnixDiagRows::new();
        let mut state = |row: &[u8]| rows.decode(row).state;
        assert_eq!(state(b"0: 2 0 00010000 0001 01 7 /a\n"), LISTEN);
        assert_eq!(state(b"0: 2 0 00000000 0001 02 0 /a\n"), SYN_SENT);
        assert_eq!(state(b"0: 2 0 00000000 0001 03 8\n"), ESTABLISHED);
        assert_eq!(state(b"0: 2 0 00000000 0002 01 9\n"), CLOSE);
        assert_eq!(state(b"1: 2 0 00000000 0002 01 9\n"), ESTABLISHED);
        assert_eq!(state(b"1: 2 0 00000000 0001 09 9\n"), 9);
    }

    #[test]
    fn a_row_ends_where_it_cannot_be_read() {
        let mut rows = UnixDiagRows::new();
        let row = rows.decode(b"0: 2 0 00010000 0001 01 4294967290 /with blank\n");
        assert_eq!(row.inode, 4_294_967_290);
        assert_eq!(row.name, Some(&b"/with"[..]));
        let row = rows.decode(b"garbage\n");
        assert_eq!((row.kind, row.state, row.inode), (0, LISTEN, 0));
        let row = rows.decode(b"0: 2 0 00000000 0001\n");
        assert_eq!((row.kind, row.state, row.name), (1, 0, None));
    }
}
