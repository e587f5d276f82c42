//! One moment of a host: the sockets of its network namespaces, and what goes with them.
//!
//! The table every verb starts from. A socket is a row and knows nothing of its owners: those are a side
//! table by the row's place ([`crate::attribution::Attribution`]), and so are peers. The personalities
//! do not use this: they print rows as they come, in the kernel's order.

use std::net::SocketAddr;

use crate::attribution::Attribution;
use crate::buffers::BufferSettings;
use crate::diag::inet::{DiagTimer, SkMemInfo};
use crate::diag::tcp_info::TcpInfo;
use crate::finding::Gap;
use crate::id::{Cookie, Inode, NetnsId, Uid};
use crate::known::Known;
use crate::socket::SocketState;

/// Everything one reading found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// When the reading began: microseconds since 1970 (UTC).
    pub time_us: u64,
    /// The namespaces that were read, our own first.
    pub namespaces: Vec<Namespace>,
    /// The sockets: namespace by namespace, kind by kind, in the kernel's order.
    pub sockets: Vec<Socket>,
    /// Who holds them, by the place in `sockets`; empty when nobody asked.
    pub owners: Attribution,
    /// For each socket its other end on this host, by place in `sockets`; empty when nobody asked.
    pub peers: Vec<Option<usize>>,
    /// How many at the end of `sockets` nobody asked for: they are other ends of those before.
    pub companions: usize,
    /// What could not be observed.
    pub gaps: Vec<Gap>,
}

impl Snapshot {
    /// Gives the sockets that were asked for. Their places are those in `sockets`.
    pub fn asked(&self) -> &[Socket] {
        let asked = self.sockets.len().saturating_sub(self.companions);
        self.sockets.get(..asked).unwrap_or_default()
    }

    /// Gives the place of a socket's other end, if it is on this host and was looked for.
    pub fn peer(&self, socket: usize) -> Option<usize> {
        self.peers.get(socket).copied().flatten()
    }
}

/// A network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Its identity.
    pub id: NetnsId,
    /// Its name under `/run/netns`, if it has one.
    pub name: Option<Vec<u8>>,
    /// Whether it is that of this process.
    pub is_own: bool,
    /// Index and name of the interfaces that its sockets are bound to.
    pub interfaces: Vec<(u32, Vec<u8>)>,
    /// How large buffers of its sockets may become, where memory was asked for.
    pub buffers: Option<BufferSettings>,
}

/// One socket.
#[derive(Debug, Clone, PartialEq)]
pub struct Socket {
    /// The namespace; with the cookie, the socket's identity.
    pub netns: NetnsId,
    /// The kernel's name for it, never used twice before a reboot.
    pub cookie: Known<Cookie>,
    /// Inode in sockfs: a way to find its holders, never an identity.
    pub inode: Known<Inode>,
    /// What it is.
    pub kind: Kind,
    /// Its state, numbered as for TCP.
    pub state: SocketState,
    /// The local end.
    pub local: End,
    /// The other end.
    pub peer: End,
    /// Index of the interface it is bound to, 0 for none.
    pub interface: u32,
    /// Bytes to read; of a listener the connections that wait to be accepted.
    pub recv_q: Known<u64>,
    /// Bytes not acknowledged or not sent; of a listener the limit of those that wait.
    pub send_q: Known<u64>,
    /// The user it belongs to.
    pub uid: Known<Uid>,
    /// Id of its cgroup (cgroup v2).
    pub cgroup: Known<u64>,
    /// The mark, which only CAP_NET_ADMIN sees.
    pub mark: Known<u32>,
    /// The pending timer.
    pub timer: DiagTimer,
    /// `INET_DIAG_SKV6ONLY`: an IPv6 socket that takes no IPv4.
    pub v6only: bool,
    /// Half-closed: 1 receive side, 2 send side.
    pub shutdown: Known<u8>,
    /// The memory counters, where they were asked for and told.
    pub memory: Option<SkMemInfo>,
    /// `struct tcp_info`, where it was asked for and told.
    pub tcp: Option<Box<TcpInfo>>,
}

impl Socket {
    /// Says whether it waits for connections.
    pub fn is_listener(&self) -> bool {
        self.state == SocketState::LISTEN
    }
}

/// What a socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// UDP-Lite.
    UdpLite,
    /// Raw IP.
    Raw,
    /// SCTP.
    Sctp,
    /// DCCP.
    Dccp,
    /// MPTCP, the socket the program sees.
    Mptcp,
    /// UNIX stream.
    UnixStream,
    /// UNIX datagram.
    UnixDgram,
    /// UNIX sequential packets.
    UnixSeqpacket,
    /// Packet socket with link layer header.
    PacketRaw,
    /// Packet socket without.
    PacketDgram,
    /// Netlink.
    Netlink,
    /// vsock stream.
    VsockStream,
    /// vsock datagram.
    VsockDgram,
}

impl Kind {
    /// Those that carry what programs send each other, and are counted, added up and judged.
    pub const CARRYING: [Self; 6] = [
        Self::Tcp,
        Self::Udp,
        Self::Raw,
        Self::UnixStream,
        Self::UnixDgram,
        Self::UnixSeqpacket,
    ];

    /// Gives the word that ss has for it (`Netid`), used in tables and JSON alike.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::UdpLite => "udplite",
            Self::Raw => "raw",
            Self::Sctp => "sctp",
            Self::Dccp => "dccp",
            Self::Mptcp => "mptcp",
            Self::UnixStream => "u_str",
            Self::UnixDgram => "u_dgr",
            Self::UnixSeqpacket => "u_seq",
            Self::PacketRaw => "p_raw",
            Self::PacketDgram => "p_dgr",
            Self::Netlink => "nl",
            Self::VsockStream => "v_str",
            Self::VsockDgram => "v_dgr",
        }
    }

    /// All kinds.
    pub const ALL: [Self; 15] = [
        Self::Tcp,
        Self::Udp,
        Self::UdpLite,
        Self::Raw,
        Self::Sctp,
        Self::Dccp,
        Self::Mptcp,
        Self::UnixStream,
        Self::UnixDgram,
        Self::UnixSeqpacket,
        Self::PacketRaw,
        Self::PacketDgram,
        Self::Netlink,
        Self::VsockStream,
        Self::VsockDgram,
    ];

    /// Says whether it has the states of a connection, so that one without is closed and not merely
    /// unconnected.
    pub fn has_states(self) -> bool {
        matches!(self, Self::Tcp | Self::Sctp | Self::Dccp | Self::Mptcp)
    }

    /// Says whether its ends are IP addresses and ports.
    pub fn is_inet(self) -> bool {
        matches!(
            self,
            Self::Tcp
                | Self::Udp
                | Self::UdpLite
                | Self::Raw
                | Self::Sctp
                | Self::Dccp
                | Self::Mptcp
        )
    }

    /// Says whether it is a UNIX domain socket.
    pub fn is_unix(self) -> bool {
        matches!(
            self,
            Self::UnixStream | Self::UnixDgram | Self::UnixSeqpacket
        )
    }
}

/// One end of a socket.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum End {
    /// None that was told.
    #[default]
    None,
    /// Address and port; of raw sockets the "port" is the IP protocol. An IPv4-mapped address stays
    /// one: it tells that the socket is an IPv6 one.
    Inet(SocketAddr),
    /// A UNIX socket: its name (an abstract one begins with NUL), and its inode.
    Unix {
        /// The name it is bound to.
        name: Option<Vec<u8>>,
        /// Inode in sockfs; 0 for none.
        inode: Inode,
    },
    /// A packet socket: Ethernet protocol (`ETH_P_*`).
    Packet {
        /// 3 for all, 0 for none.
        protocol: u16,
    },
    /// A netlink socket: protocol (`NETLINK_*`) and port id.
    Netlink {
        /// The protocol.
        protocol: i32,
        /// The port id; 0 is the kernel.
        port_id: i64,
    },
    /// A vsock end.
    Vsock {
        /// Context id.
        cid: u32,
        /// Port.
        port: u32,
    },
}

impl End {
    /// Gives address and port of an Internet end.
    pub fn inet(&self) -> Option<SocketAddr> {
        match self {
            Self::Inet(end) => Some(*end),
            _ => None,
        }
    }

    /// Gives the name of a UNIX socket: a path without the NUL it may have been given with, or an abstract name, which
    /// begins with one.
    pub fn unix_name(&self) -> Option<&[u8]> {
        let Self::Unix {
            name: Some(name), ..
        } = self
        else {
            return None;
        };
        if name.first() == Some(&0) {
            return Some(name);
        }
        Some(name.strip_suffix(b"\0").unwrap_or(name))
    }

    /// Gives the port of an Internet end; `None` when unbound or unconnected.
    pub fn port(&self) -> Option<u16> {
        self.inet().map(|end| end.port()).filter(|&port| port != 0)
    }
}
