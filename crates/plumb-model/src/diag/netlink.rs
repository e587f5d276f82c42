//! Netlink sockets: `struct netlink_diag_msg` and its attributes
//! (`include/uapi/linux/netlink_diag.h`), or a row of `/proc/net/netlink`.

use super::attribute::{RawAttribute, Trailing};
use super::inet::SkMemInfo;

/// One netlink socket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetlinkDiag<'a> {
    /// Socket type, raw; `None` from `/proc`.
    pub kind: Option<u8>,
    /// Netlink protocol (`NETLINK_*`); signed because a row of `/proc` is kept as read.
    pub protocol: i32,
    /// State, numbered as for TCP: 1 connected, 7 not; `None` from `/proc`.
    pub state: Option<u8>,
    /// Port id, 0 for the kernel's own sockets. The kernel prints ids above 2^31 as negative.
    pub port_id: i32,
    /// Port id and group of the peer; `None` from `/proc`.
    pub peer: Option<NetlinkPeer>,
    /// Inode; `None` from `/proc`.
    pub inode: Option<u32>,
    /// The kernel's name for the socket; `None` from `/proc`.
    pub cookie: Option<u64>,
    /// `NETLINK_DIAG_MEMINFO`.
    pub memory: Option<SkMemInfo>,
    /// `NETLINK_DIAG_GROUPS`: a bit set in host words, as long as the protocol has groups.
    pub groups: Option<&'a [u8]>,
    /// `NETLINK_DIAG_FLAGS`: `NDIAG_FLAG_*` bits.
    pub flags: Option<u32>,
    /// What only `/proc` tells; `None` when the row is from sock_diag.
    pub from_proc: Option<NetlinkProc>,
    /// Attributes of types this program does not know.
    pub unknown: Vec<RawAttribute<'a>>,
    /// Bytes behind the last attribute that are none.
    pub trailing: Option<Trailing>,
}

/// The other end of a connected socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetlinkPeer {
    /// Port id.
    pub port_id: u32,
    /// Group, 0 for none.
    pub group: u32,
}

/// What `/proc/net/netlink` says beside protocol and port id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NetlinkProc {
    /// Address of the socket, hidden from most users.
    pub pointer: u64,
    /// The first 32 groups.
    pub groups: u32,
    /// Received and not yet read, bytes.
    pub recv_q: i32,
    /// Sent and not yet received, bytes.
    pub send_q: i32,
    /// Address of a running dump's state, in newer kernels a flag.
    pub callback: u64,
}
