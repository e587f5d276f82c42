//! What passed on the wire and tells of trouble: attempts, refusals, resets, errors of routers.
//!
//! Seen from this host: the local end is ours, whoever sent the packet. Data is never looked at.

use std::net::{IpAddr, SocketAddr};

use crate::id::Pid;

/// One kind of packet between two ends, and how often it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it was.
    pub what: What,
    /// Who sent it.
    pub direction: Direction,
    /// The transport: 6 TCP, 17 UDP, or another protocol number.
    pub protocol: u8,
    /// Our end of the flow it concerns; of an ICMP error that of the packet inside it.
    pub local: SocketAddr,
    /// The other end of the flow.
    pub peer: SocketAddr,
    /// Index of the interface.
    pub interface: u32,
    /// How often.
    pub count: u64,
    /// How long ago the first came when the watch ended, microseconds.
    pub age_us: u64,
    /// How long ago the last came when the watch ended, microseconds.
    pub last_age_us: u64,
}

/// Who sent a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// It came to us.
    Received,
    /// We sent it.
    Sent,
}

/// What a packet says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// TCP SYN: an attempt.
    Syn,
    /// TCP SYN and ACK: it is answered.
    SynAck,
    /// TCP RST with ACK and sequence number 0: the answer to an attempt that nobody waits for (RFC 9293
    /// 3.10.7.1).
    Refusal,
    /// Any other TCP RST.
    Reset,
    /// TCP RST of who opened the connection during the watch, on which neither side had sent a byte that arrived: its
    /// sequence and acknowledgement numbers are those behind the two SYNs.
    ResetUnused,
    /// ICMP destination unreachable: the code, and who said so.
    Unreachable {
        /// The ICMP or ICMPv6 code.
        code: u8,
        /// Who said so.
        by: IpAddr,
    },
    /// ICMP fragmentation needed, ICMPv6 packet too big.
    TooBig {
        /// The MTU that fits.
        mtu_bytes: u32,
        /// Who said so.
        by: IpAddr,
    },
    /// A datagram for a multicast group, which is its local end; announcements of the link itself
    /// (224.0.0.0/24, SSDP, what is assigned in ff02::/16) are none.
    Multicast,
    /// ICMP time exceeded: the hop limit was used up (code 0), or fragments did not all come (code 1).
    TimeExceeded {
        /// The code.
        code: u8,
        /// Who said so.
        by: IpAddr,
    },
}

impl What {
    /// Says whether it ends a connection that there was.
    pub fn is_reset(self) -> bool {
        matches!(self, Self::Reset | Self::ResetUnused)
    }
}

/// What was noticed in a while.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notices {
    /// Each flow and kind once.
    pub all: Vec<Notice>,
    /// The name servers that this host asked.
    pub name_servers: Vec<NameServer>,
    /// Calls that the kernel refused.
    pub refused_calls: Vec<RefusedCall>,
    /// The processes that turned to name servers, as far as they called `connect()` for it.
    pub resolving: Vec<Resolving>,
    /// Who found no room at a UNIX listener.
    pub unix_clients: Vec<UnixClient>,
    /// Gaps in what came, as our own selective acknowledgements tell of them.
    pub gaps: Vec<Gaps>,
    /// Packets of sockets that the firewall threw away, where drops could be heard.
    pub filtered: Vec<Filtered>,
    /// Packets that the firewall threw away before any socket had them, where drops could be heard: `local` is who they were
    /// for, `peer` who sent them. Those whose network namespace is not known are among them.
    pub strays: Vec<Filtered>,
    /// Packets whose sender cannot be where they came in, where the kernel says so (Linux 6.13).
    pub martians: Vec<Martian>,
    /// What attempts of ours came to.
    pub probed: Probed,
    /// The wire could not be watched: that nothing was seen says nothing.
    pub is_blind: bool,
    /// Calls that fail could not be heard.
    pub hears_no_calls: bool,
    /// Packets that the firewall throws away could not be heard.
    pub hears_no_drops: bool,
    /// Packets whose sender cannot be where they came in could be heard, so that there were no others than `martians`.
    pub hears_martians: bool,
    /// Packets that came faster than they were read, or flows beyond what is kept.
    pub lost: u64,
}

impl Notices {
    /// Gives those of a kind.
    pub fn of(
        &self,
        direction: Direction,
        is: impl Fn(What) -> bool,
    ) -> impl Iterator<Item = &Notice> {
        self.all
            .iter()
            .filter(move |notice| notice.direction == direction && is(notice.what))
    }

    /// The same in a fixed order.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.all.sort_by(|a, b| {
            let key = |notice: &Notice| {
                (
                    notice.what,
                    notice.direction,
                    notice.protocol,
                    notice.local,
                    notice.peer,
                    notice.interface,
                )
            };
            key(a).cmp(&key(b))
        });
        self
    }
}

/// What one name server answered, over UDP (RFC 1035).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameServer {
    /// The server.
    pub server: SocketAddr,
    /// Questions that left this host.
    pub questions: u64,
    /// Answers that came.
    pub answers: u64,
    /// Of them, those that say that the server could not (SERVFAIL, REFUSED, NOTIMP, FORMERR).
    pub failures: u64,
    /// Questions without an answer for more than a second.
    pub unanswered: u64,
    /// Questions that were asked again although their answer had come: nobody heard it.
    pub unheard: u64,
    /// Time that all answers took together, microseconds.
    pub total_us: u64,
    /// Time that the slowest took, microseconds.
    pub slowest_us: u64,
}

/// The gaps in what came on one connection (RFC 2018), each from the first acknowledgement that told of what came behind
/// it to the last before it was filled; a gap that only one told of is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gaps {
    /// Our end.
    pub local: SocketAddr,
    /// The other end.
    pub peer: SocketAddr,
    /// How long each was open at least, microseconds.
    pub open_us: Vec<u32>,
}

/// A `bind()`, `listen()` or `connect()` that failed, or a datagram that was refused, and how often the same happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedCall {
    /// `bind`, `listen`, `connect`, or one that sends.
    pub call: &'static str,
    /// The process.
    pub pid: Pid,
    /// Its name (`comm`).
    pub comm: Vec<u8>,
    /// `IPPROTO_*` of the socket.
    pub protocol: u8,
    /// The address it asked for; of `listen` the one it is bound to, of a send on a connected socket its peer.
    pub address: SocketAddr,
    /// The source of a datagram, where its socket has one.
    pub source: Option<IpAddr>,
    /// Index of the interface that the socket is bound to, if it is.
    pub interface: Option<u32>,
    /// Why not: an errno, positive. Of a `connect()` that was not waited for it is the error that the socket was left
    /// with in the end.
    pub errno: i32,
    /// How often.
    pub count: u64,
    /// What the same process has for it: an end with another port and of the same protocol that it bound by name, or
    /// listens at, since the last time; the same end, if it has that now; or one of the same port that is itself in
    /// the way.
    pub instead: Option<SocketAddr>,
}

impl RefusedCall {
    /// Says whether it is a datagram that was refused.
    pub fn is_send(&self) -> bool {
        !matches!(self.call, "bind" | "listen" | "connect")
    }
}

/// A process that connected a UDP socket to port 53 of somebody, as resolvers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resolving {
    /// The process.
    pub pid: Pid,
    /// The name server.
    pub server: SocketAddr,
}

/// A process that found no room at a UNIX listener: its `connect()` was refused, or still waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnixClient {
    /// The process.
    pub pid: Pid,
    /// Its name (`comm`).
    pub comm: Vec<u8>,
    /// The name of the listener, as it is bound; an abstract one begins with NUL.
    pub listener: Vec<u8>,
    /// How often `connect()` returned EAGAIN.
    pub refused: u64,
    /// How long a `connect()` has waited at least, microseconds; `None` where none does.
    pub waited_us: Option<u64>,
}

/// Packets of one socket that the local firewall threw away (`SKB_DROP_REASON_NETFILTER_DROP`, Linux 5.17), on
/// their way out or in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filtered {
    /// The transport: 6 TCP, 17 UDP, or another protocol number.
    pub protocol: u8,
    /// The socket's own end.
    pub local: SocketAddr,
    /// The other end.
    pub peer: SocketAddr,
    /// How many.
    pub count: u64,
}

/// Packets that the kernel refused for their sender (`SKB_DROP_REASON_IP_LOCAL_SOURCE`, `IP_INVALID_SOURCE`,
/// `IP_LOCALNET`), before any filter of the reverse path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Martian {
    /// Index of the interface they came in by.
    pub interface: u32,
    /// The sender that they name.
    pub source: IpAddr,
    /// Who they were for.
    pub destination: IpAddr,
    /// How many.
    pub count: u64,
}

/// What attempts of ours came to, where they were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Probed {
    /// Paths that were measured.
    pub paths: Vec<ProbedPath>,
    /// Addresses that were tried.
    pub binds: Vec<ProbedBind>,
    /// Ends that were connected to, each as often as it was tried.
    pub connects: Vec<SocketAddr>,
    /// Those that were refused (ECONNREFUSED).
    pub refused: Vec<SocketAddr>,
    /// Of them, those that somebody on the way refuses in the destination's name.
    pub impostors: Vec<ProbedImpostor>,
}

impl Probed {
    /// Says how often an end was connected to.
    pub fn connects_to(&self, end: SocketAddr) -> u64 {
        let there = self.connects.iter().filter(|connect| **connect == end);
        u64::try_from(there.count()).unwrap_or(u64::MAX)
    }
}

/// Somebody on the way who refuses in a destination's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbedImpostor {
    /// The end that seems to refuse.
    pub end: SocketAddr,
    /// The first hop at which he may be, and the last.
    pub hops: (u8, u8),
    /// His own address, where it is known.
    pub from: Option<IpAddr>,
    /// Who gets other packets.
    pub goes_on_to: IpAddr,
}

impl ProbedImpostor {
    /// Says where he is, for people.
    pub fn place(&self) -> String {
        let (first, last) = self.hops;
        let hop = if first == last {
            format!("hop {first}")
        } else {
            format!("hop {first} or {last}")
        };
        match self.from {
            Some(from) => format!("{from} at {hop}"),
            None => hop,
        }
    }
}

/// How large packets may be on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbedPath {
    /// Whereto.
    pub destination: IpAddr,
    /// What this host thinks that the path takes, bytes of a whole packet.
    pub thought_bytes: u32,
    /// What arrived whole and was answered.
    pub passes_bytes: u32,
    /// Larger ones vanish, and nobody says so.
    pub is_black_hole: bool,
}

/// Whether an address could be bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbedBind {
    /// The address, tried with SO_REUSEADDR.
    pub address: SocketAddr,
    /// Why not: an errno, positive.
    pub errno: Option<i32>,
}
