//! Internet sockets with everything sock_diag tells of them: `struct inet_diag_msg` and its
//! attributes (`include/uapi/linux/inet_diag.h`).
//!
//! The same row may come from `/proc/net`, which knows less and a few things more (`from_proc`).
//! Numbers are kept as the source gave them; what did not come is `None`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use super::attribute::RawAttribute;
use super::attribute::Trailing;
use super::congestion::Congestion;
use super::mptcp_info::MptcpInfo;
use super::sctp_info::SctpInfo;
use super::tcp_info::TcpInfo;
use super::ulp::Ulp;

/// An IP protocol number of a socket table (`IPPROTO_*`); those above 255 are the kernel's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Protocol(pub u32);

impl Protocol {
    /// `IPPROTO_IP`: raw sockets of `/proc`.
    pub const RAW: Self = Self(0);
    /// `IPPROTO_TCP`.
    pub const TCP: Self = Self(6);
    /// `IPPROTO_UDP`.
    pub const UDP: Self = Self(17);
    /// `IPPROTO_DCCP`.
    pub const DCCP: Self = Self(33);
    /// `IPPROTO_ICMPV6`.
    pub const ICMPV6: Self = Self(58);
    /// `IPPROTO_SCTP`.
    pub const SCTP: Self = Self(132);
    /// `IPPROTO_UDPLITE`.
    pub const UDPLITE: Self = Self(136);
    /// `IPPROTO_RAW`.
    pub const IPPROTO_RAW: Self = Self(255);
    /// `IPPROTO_MPTCP`.
    pub const MPTCP: Self = Self(262);
}

/// `AF_INET`.
pub const AF_INET: u8 = 2;
/// `AF_INET6`.
pub const AF_INET6: u8 = 10;

/// One end: the raw bytes of an address and a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DiagEndpoint {
    /// Address bytes in network order; of IPv4 only the first four count.
    pub octets: [u8; 16],
    /// Port, or for raw sockets the IP protocol.
    pub port: u32,
}

impl DiagEndpoint {
    /// Gives the address as one of `family`; anything but `AF_INET6` is read as IPv4.
    pub fn ip(&self, family: u8) -> IpAddr {
        if family == AF_INET6 {
            return IpAddr::V6(Ipv6Addr::from(self.octets));
        }
        let [a, b, c, d, ..] = self.octets;
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    }
}

/// The pending timer of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiagTimer {
    /// 0 none, 1 retransmit, 2 keepalive, 3 TIME_WAIT, 4 zero-window probe, 5 delayed ACK.
    pub code: u32,
    /// Retransmissions or probes, whichever the timer counts.
    pub retransmits: u32,
    /// Time left.
    pub expires_ms: u32,
}

/// One Internet socket.
#[derive(Debug, Clone, PartialEq)]
pub struct InetDiag<'a> {
    /// The table it came from, or the protocol the kernel named in the row (`INET_DIAG_PROTOCOL`).
    pub protocol: Protocol,
    /// Address family, raw: `AF_INET` or `AF_INET6` unless the source is damaged.
    pub family: u8,
    /// State, numbered as for TCP; kept raw.
    pub state: u32,
    /// The pending timer.
    pub timer: DiagTimer,
    /// The local end.
    pub local: DiagEndpoint,
    /// The peer.
    pub peer: DiagEndpoint,
    /// Index of the device the socket is bound to, 0 for none.
    pub interface: u32,
    /// The kernel's name for the socket, never used twice before a reboot; 0 from `/proc`.
    pub cookie: u64,
    /// Bytes to read; a listener's accept backlog.
    pub recv_q: u32,
    /// Bytes not acknowledged; a listener's backlog limit (0 from `/proc`).
    pub send_q: u32,
    /// Owning user.
    pub uid: u32,
    /// Inode, 0 when there is no socket any more or not yet.
    pub inode: u64,
    /// What the kernel told beside the fixed part.
    pub extensions: Extensions<'a>,
    /// Bytes behind the attributes that are none; no kernel sends them.
    pub trailing: Option<Trailing>,
    /// What only `/proc` tells; `None` when the row is from sock_diag.
    pub from_proc: Option<ProcDetails<'a>>,
}

/// The attributes of a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Extensions<'a> {
    /// `INET_DIAG_MEMINFO`.
    pub meminfo: Option<MemInfo>,
    /// `INET_DIAG_SKMEMINFO`.
    pub skmeminfo: Option<SkMemInfo>,
    /// `INET_DIAG_INFO`, by protocol.
    pub info: Option<Info>,
    /// Congestion control.
    pub congestion: Congestion<'a>,
    /// `INET_DIAG_TOS`.
    pub tos: Option<u8>,
    /// `INET_DIAG_TCLASS`.
    pub tclass: Option<u8>,
    /// `INET_DIAG_CLASS_ID`.
    pub class_id: Option<u32>,
    /// `INET_DIAG_SHUTDOWN`: 1 receive side, 2 send side.
    pub shutdown: Option<u8>,
    /// `INET_DIAG_SKV6ONLY`.
    pub v6only: Option<u8>,
    /// `INET_DIAG_MARK`, which only CAP_NET_ADMIN sees.
    pub mark: Option<u32>,
    /// `INET_DIAG_CGROUP_ID`.
    pub cgroup_id: Option<u64>,
    /// `INET_DIAG_SOCKOPT`: bits of `struct inet_diag_sockopt`, the first byte is the low one.
    pub sockopt: Option<u16>,
    /// `INET_DIAG_MD5SIG`, which only CAP_NET_ADMIN sees.
    pub md5_keys: Option<Vec<Md5Key<'a>>>,
    /// `INET_DIAG_ULP_INFO`.
    pub ulp: Option<Ulp<'a>>,
    /// `INET_DIAG_LOCALS`: all local addresses of an SCTP socket.
    pub locals: Option<Vec<SctpAddress>>,
    /// `INET_DIAG_PEERS`: all addresses of an SCTP peer.
    pub peers: Option<Vec<SctpAddress>>,
    /// `INET_DIAG_SK_BPF_STORAGES`.
    pub bpf_storages: Option<Vec<BpfStorage<'a>>>,
    /// Attributes of types this program does not know.
    pub unknown: Vec<RawAttribute<'a>>,
}

/// `struct inet_diag_meminfo`, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemInfo {
    /// Allocated for receiving.
    pub rmem: u32,
    /// Queued for sending.
    pub wmem: u32,
    /// Allocated ahead.
    pub fmem: u32,
    /// Allocated for sending.
    pub tmem: u32,
}

/// The `SK_MEMINFO_*` counters, as many as came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SkMemInfo {
    /// rmem_alloc, rcvbuf, wmem_alloc, sndbuf, fwd_alloc, wmem_queued, optmem, backlog, drops.
    pub words: [u32; 9],
    /// Bytes the kernel sent.
    pub sent_bytes: usize,
}

/// Protocol internals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Info {
    /// Of TCP, and of whatever else sends this struct.
    Tcp(TcpInfo),
    /// Of MPTCP.
    Mptcp(MptcpInfo),
    /// Of SCTP.
    Sctp(SctpInfo),
}

/// `struct tcp_diag_md5sig`: one key of RFC 2385.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Md5Key<'a> {
    /// Address family of the peer.
    pub family: u8,
    /// Bits of its address that count.
    pub prefix_len: u8,
    /// Its address.
    pub address: [u8; 16],
    /// The key.
    pub key: &'a [u8],
}

/// What a BPF program stored beside a socket, which only CAP_BPF sees; kernels since 5.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BpfStorage<'a> {
    /// `SK_DIAG_BPF_STORAGE_MAP_ID`.
    pub map_id: u32,
    /// `SK_DIAG_BPF_STORAGE_MAP_VALUE`.
    pub value: &'a [u8],
}

/// One `struct sockaddr_storage` of an SCTP list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SctpAddress {
    /// Address family, raw.
    pub family: u16,
    /// The address, when the family is an IP family.
    pub ip: Option<IpAddr>,
}

/// What only `/proc/net/{tcp,udp,raw}` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProcDetails<'a> {
    /// References to the socket.
    pub refcount: i32,
    /// Address of the socket, hidden from most users.
    pub pointer: u64,
    /// Protocol internals; `None` when the line ends before them.
    pub tcp: Option<ProcTcp>,
    /// The rest of the line.
    pub rest: &'a [u8],
}

/// The protocol internals at the end of a line of `/proc/net/tcp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProcTcp {
    /// Retransmission timeout, clock ticks.
    pub rto_ticks: i32,
    /// Delayed ACK timeout, clock ticks.
    pub ato_ticks: i32,
    /// Quick ACKs left, twice, plus one in interactive mode.
    pub quick: i32,
    /// Congestion window, segments.
    pub cwnd: u32,
    /// Send slow start threshold, segments; -1 for none.
    pub ssthresh: i32,
}
