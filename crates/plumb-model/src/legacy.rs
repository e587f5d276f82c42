//! Sockets of the families that left the kernel or live on in amateur radio: IPX, AX.25, X.25,
//! NET/ROM and ROSE.
//!
//! Addresses and call signs stay the bytes the kernel printed. State numbers stay numbers; what
//! they are called differs by family and is the presenters' business.

/// An IPX address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpxAddress {
    /// Network number; 32 bits matter, wider damage is kept.
    pub network: u64,
    /// Node number.
    pub node: [u8; 6],
    /// Socket number ("port") in host order.
    pub port: u16,
}

impl IpxAddress {
    /// Gives the node as one number of 48 bits.
    pub fn node_number(&self) -> u64 {
        self.node
            .iter()
            .fold(0, |number, &byte| number << 8 | u64::from(byte))
    }
}

/// One row of `/proc/net/ipx/socket`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpxSocket {
    /// The local end.
    pub local: IpxAddress,
    /// The peer; `None` when not connected.
    pub peer: Option<IpxAddress>,
    /// Bytes in the send queue.
    pub send_q: i64,
    /// Bytes in the receive queue.
    pub recv_q: i64,
    /// State: 1 established, 7 closed.
    pub state: i32,
    /// Owning user.
    pub uid: i32,
}

/// The numbers that the packet radio families and X.25 share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkNumbers {
    /// State of the link.
    pub state: i32,
    /// Send sequence number, V(S).
    pub vs: i32,
    /// Receive sequence number, V(R).
    pub vr: i32,
    /// Bytes in the send queue.
    pub send_q: i32,
    /// Bytes in the receive queue.
    pub recv_q: i32,
}

/// One row of `/proc/net/ax25`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ax25Socket {
    /// Call sign of the peer, without digipeaters.
    pub destination: Vec<u8>,
    /// Our call sign, `*` behind it for a digipeater.
    pub source: Vec<u8>,
    /// Interface.
    pub device: Vec<u8>,
    /// State, sequence numbers and queues; both queues are 0 where no socket is attached.
    pub link: LinkNumbers,
}

/// One row of `/proc/net/x25`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct X25Socket {
    /// X.121 address of the peer, `*` for none.
    pub destination: Vec<u8>,
    /// Our X.121 address.
    pub source: Vec<u8>,
    /// Interface.
    pub device: Vec<u8>,
    /// Logical channel, 0 for a socket without a call.
    pub lci: i32,
    /// State, sequence numbers and queues.
    pub link: LinkNumbers,
}

/// One row of `/proc/net/nr`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetRomSocket {
    /// Call sign of the user.
    pub user: Vec<u8>,
    /// Call sign of the destination node.
    pub destination: Vec<u8>,
    /// Call sign of the source node.
    pub source: Vec<u8>,
    /// Interface.
    pub device: Vec<u8>,
    /// State, sequence numbers and queues.
    pub link: LinkNumbers,
}

/// One row of `/proc/net/rose`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoseSocket {
    /// ROSE address of the peer.
    pub destination: Vec<u8>,
    /// Call sign of the peer.
    pub destination_call: Vec<u8>,
    /// Our ROSE address.
    pub source: Vec<u8>,
    /// Our call sign.
    pub source_call: Vec<u8>,
    /// Interface.
    pub device: Vec<u8>,
    /// Logical channel, as the decimal digits the kernel printed in hexadecimal.
    pub lci: i32,
    /// Number of the neighbour.
    pub neighbour: i32,
    /// State of the call.
    pub state: i32,
}
