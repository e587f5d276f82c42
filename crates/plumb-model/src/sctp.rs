//! SCTP endpoints and associations, as `/proc/net/sctp/{eps,assocs}` shows them.

use std::net::IpAddr;

use crate::id::{Inode, Port, Uid};
use crate::socket::SocketState;

/// What a row of the SCTP tables stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SctpKind {
    /// A socket with its bound addresses (`eps`).
    Endpoint,
    /// A connection between two sets of addresses (`assocs`).
    Association,
}

/// One SCTP endpoint or association.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SctpSocket {
    /// Which of the two.
    pub kind: SctpKind,
    /// Local addresses, in the kernel's order.
    pub local: Vec<IpAddr>,
    /// Addresses of the peer; empty for an endpoint.
    pub peer: Vec<IpAddr>,
    /// The local port.
    pub local_port: Port,
    /// The peer's port; 0 for an endpoint.
    pub peer_port: Port,
    /// State of the socket (`sk_state`), numbered as for TCP.
    pub state: SocketState,
    /// Bytes waiting to be read; 0 for an endpoint.
    pub recv_q: u32,
    /// Bytes not yet acknowledged; 0 for an endpoint.
    pub send_q: u32,
    /// Owning user.
    pub raw_uid: Uid,
    /// Inode of the socket.
    pub raw_inode: Inode,
}
