//! UNIX domain sockets with everything sock_diag tells of them: `struct unix_diag_msg` and its
//! attributes (`include/uapi/linux/unix_diag.h`).
//!
//! The same row may come from `/proc/net/unix`, which tells of no queue, peer or cookie.

use super::attribute::{RawAttribute, Trailing};
use super::inet::SkMemInfo;

/// One UNIX domain socket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnixDiag<'a> {
    /// Socket type, raw: 1 stream, 2 datagram, 5 sequential packets.
    pub kind: u32,
    /// State, numbered as for TCP (1 connected, 7 not, 10 listening); kept raw.
    pub state: u32,
    /// Inode, 0 for a connection that nobody accepted yet.
    pub inode: u32,
    /// The kernel's name for the socket; `None` from `/proc`.
    pub cookie: Option<u64>,
    /// `UNIX_DIAG_NAME`: the bound name; an abstract one begins with NUL (from `/proc`: with `@`).
    pub name: Option<&'a [u8]>,
    /// `UNIX_DIAG_VFS`: where the name is in the file system.
    pub file: Option<UnixFile>,
    /// `UNIX_DIAG_PEER`: inode of the peer.
    pub peer: Option<u32>,
    /// `UNIX_DIAG_ICONS`: inodes of connections waiting to be accepted.
    pub incoming: Option<Vec<u32>>,
    /// `UNIX_DIAG_RQLEN`.
    pub queues: Option<UnixQueues>,
    /// `UNIX_DIAG_MEMINFO`.
    pub memory: Option<SkMemInfo>,
    /// `UNIX_DIAG_SHUTDOWN`: 1 receive side, 2 send side.
    pub shutdown: Option<u8>,
    /// `UNIX_DIAG_UID`.
    pub uid: Option<u32>,
    /// Attributes of types this program does not know.
    pub unknown: Vec<RawAttribute<'a>>,
    /// Bytes behind the last attribute that are none.
    pub trailing: Option<Trailing>,
}

impl UnixDiag<'_> {
    /// `SOCK_STREAM`.
    pub const STREAM: u32 = 1;
    /// `SOCK_DGRAM`.
    pub const DGRAM: u32 = 2;
    /// `SOCK_SEQPACKET`.
    pub const SEQPACKET: u32 = 5;
}

/// `struct unix_diag_vfs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnixFile {
    /// Inode in the file system.
    pub inode: u32,
    /// The kernel's own device number: 12 bits major, 20 bits minor.
    pub device: u32,
}

/// `struct unix_diag_rqlen`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnixQueues {
    /// Bytes to read; a listener's pending connections.
    pub recv: u32,
    /// Bytes sent and not read by the peer; a listener's backlog limit.
    pub send: u32,
}
