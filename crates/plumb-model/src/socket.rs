//! Internet sockets: one kernel row each, exactly as the kernel gave it.
//!
//! The fields keep what was read (a TIME_WAIT row says uid 0 and inode 0). The methods say what
//! those numbers mean; use them wherever there is room for an honest "unknown".

use std::net::IpAddr;

use crate::id::{Cookie, Inode, Port, Uid};
use crate::known::{Known, Reason};

/// The IP version of a socket table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IpVersion {
    /// AF_INET.
    V4,
    /// AF_INET6, including sockets that talk to IPv4-mapped addresses.
    V6,
}

/// The transport protocols whose sockets share one row shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InetProtocol {
    /// TCP, and the subflows of MPTCP.
    Tcp,
    /// UDP.
    Udp,
    /// UDP-Lite (RFC 3828).
    UdpLite,
    /// RAW sockets; the "port" is the IP protocol number.
    Raw,
}

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The address; all zero when unbound or unconnected.
    pub addr: IpAddr,
    /// The port; 0 when unbound or unconnected.
    pub port: Port,
}

/// A socket state by the kernel's number (`include/net/tcp_states.h`); kept raw when unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SocketState(pub u32);

impl SocketState {
    /// TCP ESTABLISHED; a connected UDP or RAW socket.
    pub const ESTABLISHED: Self = Self(1);
    /// TCP SYN_SENT.
    pub const SYN_SENT: Self = Self(2);
    /// TCP SYN_RECV; rows of connection requests carry it.
    pub const SYN_RECV: Self = Self(3);
    /// TCP FIN_WAIT1.
    pub const FIN_WAIT1: Self = Self(4);
    /// TCP FIN_WAIT2.
    pub const FIN_WAIT2: Self = Self(5);
    /// TCP TIME_WAIT.
    pub const TIME_WAIT: Self = Self(6);
    /// TCP CLOSE; an unconnected UDP or RAW socket.
    pub const CLOSE: Self = Self(7);
    /// TCP CLOSE_WAIT.
    pub const CLOSE_WAIT: Self = Self(8);
    /// TCP LAST_ACK.
    pub const LAST_ACK: Self = Self(9);
    /// TCP LISTEN.
    pub const LISTEN: Self = Self(10);
    /// TCP CLOSING.
    pub const CLOSING: Self = Self(11);

    /// Gives the RFC 9293 name in the kernel's spelling, `None` for a number TCP does not have.
    pub fn tcp_name(self) -> Option<&'static str> {
        const NAMES: [&str; 11] = [
            "ESTABLISHED",
            "SYN_SENT",
            "SYN_RECV",
            "FIN_WAIT1",
            "FIN_WAIT2",
            "TIME_WAIT",
            "CLOSE",
            "CLOSE_WAIT",
            "LAST_ACK",
            "LISTEN",
            "CLOSING",
        ];
        let index = usize::try_from(self.0).ok()?.checked_sub(1)?;
        NAMES.get(index).copied()
    }

    /// Says why a TCP row in this state can have no owner, if its inode is missing.
    pub fn ownerless_reason(self) -> Reason {
        match self {
            Self::TIME_WAIT | Self::FIN_WAIT2 => Reason::TimeWait,
            // Orphans have sent their FIN; these two are still waiting to be accepted.
            Self::SYN_RECV | Self::ESTABLISHED | Self::CLOSE_WAIT => Reason::ConnectionRequest,
            _ => Reason::NoHolder,
        }
    }
}

/// The pending timer of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timer {
    /// Kernel code: 0 none, 1 retransmit, 2 keepalive, 3 TIME_WAIT, 4 zero-window probe.
    pub code: u32,
    /// Time left in clock ticks of 10 ms (USER_HZ = 100).
    pub expires_ticks: u64,
    /// Retransmissions without progress (`icsk_retransmits`).
    pub retransmits: u64,
    /// Unanswered zero-window or keepalive probes (`icsk_probes_out`).
    pub probes: i64,
}

/// One Internet socket as its kernel table shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InetSocket {
    /// The local end.
    pub local: Endpoint,
    /// The peer.
    pub peer: Endpoint,
    /// The state number.
    pub state: SocketState,
    /// Receive queue: unread bytes; for a listener the current accept backlog.
    pub recv_q: u64,
    /// Send queue: bytes not yet acknowledged (TCP) or not yet sent; 0 for a listener.
    pub send_q: u64,
    /// The pending timer.
    pub timer: Timer,
    /// Owning user as printed by the kernel (0 in rows that have no owner).
    pub raw_uid: Uid,
    /// Socket inode as printed by the kernel (0 in rows that have no socket).
    pub raw_inode: Inode,
    /// The cookie, where the source carries it.
    pub cookie: Known<Cookie>,
}

impl InetSocket {
    /// Gives the socket inode, or why there is none.
    pub fn inode(&self) -> Known<Inode> {
        match self.raw_inode {
            Inode(0) => Known::Unknown(self.state.ownerless_reason()),
            inode => Known::Known(inode),
        }
    }

    /// Gives the owning user, or why the kernel no longer knows it.
    pub fn uid(&self) -> Known<Uid> {
        match (self.raw_inode, self.state.ownerless_reason()) {
            (Inode(0), Reason::TimeWait) => Known::Unknown(Reason::TimeWait),
            _ => Known::Known(self.raw_uid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tcp_states_are_named_by_number_and_nothing_else_is() {
        assert_eq!(SocketState::ESTABLISHED.tcp_name(), Some("ESTABLISHED"));
        assert_eq!(SocketState::CLOSING.tcp_name(), Some("CLOSING"));
        assert_eq!(SocketState(0).tcp_name(), None);
        assert_eq!(SocketState(12).tcp_name(), None);
        assert_eq!(SocketState(u32::MAX).tcp_name(), None);
    }
}
