//! Rows of `/proc/net/netlink` as ss takes them when it may not ask sock_diag.
//!
//! What a damaged row means was seen at the running original: a row always counts, and columns that
//! cannot be read are those of the row before.

use plumb_model::diag::netlink::{NetlinkDiag, NetlinkProc};

use crate::scan::{Scanner, low32};

/// Decodes the rows of one file, in order.
#[derive(Debug, Clone, Default)]
pub struct NetlinkRows {
    protocol: i32,
    port_id: i32,
    details: NetlinkProc,
}

impl NetlinkRows {
    /// Starts behind the header.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes one row; no row is refused.
    pub fn decode(&mut self, row: &[u8]) -> NetlinkDiag<'static> {
        // How far the columns go is in `self`.
        let _ = self.scan(&mut Scanner::new(row));
        NetlinkDiag {
            protocol: self.protocol,
            port_id: self.port_id,
            from_proc: Some(self.details),
            ..NetlinkDiag::default()
        }
    }

    fn scan(&mut self, scanner: &mut Scanner<'_>) -> Option<()> {
        self.details.pointer = scanner.hex()?;
        self.protocol = int(scanner)?;
        self.port_id = int(scanner)?;
        self.details.groups = low32(scanner.hex()?);
        self.details.recv_q = int(scanner)?;
        self.details.send_q = int(scanner)?;
        self.details.callback = scanner.hex()?;
        Some(())
    }
}

/// `%d`.
fn int(scanner: &mut Scanner<'_>) -> Option<i32> {
    Some(low32(scanner.signed()?.cast_unsigned()).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Rows written by hand in the kernel's format; the original read the same ones.

    #[test]
    fn a_row_in_the_kernels_format_decodes() {
        let mut rows = NetlinkRows::new();
        let row = rows.decode(
            b"ffff888004cb8001 16  4294966796 0000000f 7        8        1     2        0        5\n",
        );
        assert_eq!((row.protocol, row.port_id), (16, -500));
        let details = NetlinkProc {
            pointer: 0xffff_8880_04cb_8001,
            groups: 15,
            recv_q: 7,
            send_q: 8,
            callback: 1,
        };
        assert_eq!(row.from_proc, Some(details));
        assert_eq!((row.inode, row.peer, row.state), (None, None, None));
    }

    #[test]
    fn columns_that_are_missing_are_those_of_the_row_before() {
        let mut rows = NetlinkRows::new();
        rows.decode(b"5 77 -1 ffffffff 7 8 abc\n");
        let row = rows.decode(b"6 15 999999 1 9");
        assert_eq!((row.protocol, row.port_id), (15, 999_999));
        let details = row.from_proc.expect("the row is from /proc");
        assert_eq!((details.recv_q, details.send_q), (9, 8));
        assert_eq!(details.callback, 0xabc);
        assert_eq!(rows.decode(b"garbage\n"), row);
    }
}
