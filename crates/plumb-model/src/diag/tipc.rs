//! TIPC sockets: the nested attributes of `TIPC_NLA_SOCK` (`include/uapi/linux/tipc_netlink.h`).
//!
//! The message has no fixed part, so whatever the kernel left out is `None`.

use super::attribute::{RawAttribute, Trailing};

/// One TIPC socket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TipcDiag<'a> {
    /// `TIPC_NLA_SOCK_TYPE`: socket type, raw: 1 stream, 2 datagram, 4 reliable, 5 sequential packets.
    pub kind: Option<u32>,
    /// `TIPC_NLA_SOCK_TIPC_STATE`: numbered as for TCP; kept raw.
    pub state: Option<u32>,
    /// `TIPC_NLA_SOCK_ADDR`: own node.
    pub node: Option<u32>,
    /// `TIPC_NLA_SOCK_REF`: number of the socket on its node.
    pub reference: Option<u32>,
    /// `TIPC_NLA_SOCK_INO`.
    pub inode: Option<u32>,
    /// `TIPC_NLA_SOCK_UID`.
    pub uid: Option<u32>,
    /// `TIPC_NLA_SOCK_COOKIE`.
    pub cookie: Option<u64>,
    /// `TIPC_NLA_SOCK_HAS_PUBL`: a service is published.
    pub published: bool,
    /// `TIPC_NLA_SOCK_CON`: the peer, if there is one.
    pub connection: Option<TipcConnection>,
    /// `TIPC_NLA_SOCK_STAT`.
    pub statistics: Option<TipcStatistics>,
    /// `TIPC_NLA_SOCK_GROUP`, undecoded.
    pub group: Option<&'a [u8]>,
    /// Attributes of types this program does not know.
    pub unknown: Vec<RawAttribute<'a>>,
    /// Bytes behind the last attribute that are none.
    pub trailing: Option<Trailing>,
}

/// `TIPC_NLA_CON_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TipcConnection {
    /// The peer's node.
    pub node: Option<u32>,
    /// Number of its socket there.
    pub reference: Option<u32>,
    /// The service that was connected to: `TIPC_NLA_CON_FLAG` with type and instance.
    pub service: Option<TipcService>,
}

/// A service address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TipcService {
    /// `TIPC_NLA_CON_TYPE`.
    pub kind: Option<u32>,
    /// `TIPC_NLA_CON_INST`.
    pub instance: Option<u32>,
}

/// `TIPC_NLA_SOCK_STAT_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TipcStatistics {
    /// Messages to read.
    pub recv_q: Option<u32>,
    /// Messages to send.
    pub send_q: Option<u32>,
    /// The link is congested.
    pub link_congested: bool,
    /// The connection is congested.
    pub connection_congested: bool,
    /// Messages dropped.
    pub drops: Option<u32>,
}
