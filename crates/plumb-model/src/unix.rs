//! UNIX domain sockets, one row of `/proc/net/unix` each.

use crate::id::Inode;

/// One UNIX domain socket as `/proc/net/unix` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnixSocket {
    /// References held on the socket.
    pub ref_count: i64,
    /// Protocol number, 0 in practice.
    pub protocol: u64,
    /// `__SO_ACCEPTCON` (1 << 16) and its neighbours.
    pub flags: u32,
    /// Socket type: 1 stream, 2 datagram, 5 sequential packets.
    pub kind: u32,
    /// `enum socket_state` of the kernel: 1 unconnected, 2 connecting, 3 connected, 4 disconnecting.
    pub state: u32,
    /// Inode, 0 for a connection nobody accepted yet; `None` when the kernel prints no column.
    pub inode: Option<Inode>,
    /// The bound path up to its first white space, raw bytes; abstract names start with `@`.
    pub path: Vec<u8>,
}

impl UnixSocket {
    /// Flag bit: the socket listens.
    pub const ACCEPTING: u32 = 1 << 16;
    /// Flag bit: somebody waits for data.
    pub const WAITING: u32 = 1 << 17;
    /// Flag bit: no space to send.
    pub const NO_SPACE: u32 = 1 << 18;

    /// Says whether this is a listening socket (unconnected and accepting).
    pub fn is_listening(&self) -> bool {
        self.state == 1 && self.flags & Self::ACCEPTING != 0
    }
}
