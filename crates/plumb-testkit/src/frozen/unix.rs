//! Rows of `/proc/net/unix`.

/// One UNIX domain socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// References held on it.
    pub references: u32,
    /// `__SO_ACCEPTCON` (0x10000) and its neighbours.
    pub flags: u32,
    /// 1 stream, 2 datagram, 5 sequential packets.
    pub kind: u16,
    /// 1 unconnected, 2 connecting, 3 connected, 4 disconnecting.
    pub state: u8,
    /// The inode, 0 for a connection nobody accepted yet.
    pub inode: u32,
    /// The path, `@…` for an abstract name; empty if unbound.
    pub path: Vec<u8>,
}

/// The first line of the file.
pub const HEADER: &str = "Num       RefCount Protocol Flags    Type St Inode Path\n";

/// Gives a whole file.
pub fn text(sockets: &[Socket]) -> Vec<u8> {
    let mut text = HEADER.as_bytes().to_vec();
    for socket in sockets {
        text.extend(row(socket));
    }
    text
}

/// Gives one row with its newline.
pub fn row(socket: &Socket) -> Vec<u8> {
    let mut row = format!(
        "0000000000000000: {:08X} 00000000 {:08X} {:04X} {:02X} {:5}",
        socket.references, socket.flags, socket.kind, socket.state, socket.inode,
    )
    .into_bytes();
    if !socket.path.is_empty() {
        row.push(b' ');
        row.extend(&socket.path);
    }
    row.push(b'\n');
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    // From `cat /proc/net/unix` of Linux 6.18.
    #[test]
    fn a_row_reads_as_the_kernels() {
        let socket = Socket {
            references: 2,
            flags: 0x10000,
            kind: 1,
            state: 1,
            inode: 123,
            path: b"/run/x".to_vec(),
        };
        assert_eq!(
            row(&socket),
            b"0000000000000000: 00000002 00000000 00010000 0001 01   123 /run/x\n"
        );
    }
}
