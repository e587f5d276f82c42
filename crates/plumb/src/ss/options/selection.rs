//! Which tables, families and states are shown: three sets, and how options fill them.
//!
//! A table brings its families and a family its tables, defaults are united, and a filter on states
//! replaces them; the surprises that follow from that are the original's.

mod states;

use plumb_present::ss::view::Release;

pub use self::states::States;
use self::states::{CLOSE, ESTABLISHED, LISTEN};

/// A socket table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Table {
    /// TCP.
    Tcp,
    /// MPTCP.
    Mptcp,
    /// DCCP.
    Dccp,
    /// UDP.
    Udp,
    /// RAW.
    Raw,
    /// UNIX datagram sockets.
    UnixDgram,
    /// UNIX stream sockets.
    UnixStream,
    /// UNIX sequential packet sockets.
    UnixSeqpacket,
    /// Packet sockets without link layer headers.
    PacketDgram,
    /// Packet sockets with link layer headers.
    PacketRaw,
    /// Netlink.
    Netlink,
    /// SCTP.
    Sctp,
    /// VSOCK stream sockets.
    VsockStream,
    /// VSOCK datagram sockets.
    VsockDgram,
    /// TIPC.
    Tipc,
    /// AF_XDP.
    Xdp,
}

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Family {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
    /// UNIX domain sockets.
    Unix,
    /// Packet sockets.
    Link,
    /// Netlink.
    Netlink,
    /// VSOCK.
    Vsock,
    /// TIPC.
    Tipc,
    /// AF_XDP.
    Xdp,
}

/// A set of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tables(u32);

/// A set of families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Families(u32);

/// What a table or family shows when no states were asked for.
#[derive(Debug, Clone, Copy)]
enum DefaultStates {
    Connections,
    Only(u32),
}

impl DefaultStates {
    fn states(self, release: Release) -> u32 {
        match self {
            Self::Connections => States::connections(release).0,
            Self::Only(states) => states,
        }
    }
}

const INET: u32 = 1 << Family::Inet as u32 | 1 << Family::Inet6 as u32;

impl Table {
    /// All tables in the order of their numbers.
    pub const ALL: [Self; 16] = [
        Self::Tcp,
        Self::Mptcp,
        Self::Dccp,
        Self::Udp,
        Self::Raw,
        Self::UnixDgram,
        Self::UnixStream,
        Self::UnixSeqpacket,
        Self::PacketDgram,
        Self::PacketRaw,
        Self::Netlink,
        Self::Sctp,
        Self::VsockStream,
        Self::VsockDgram,
        Self::Tipc,
        Self::Xdp,
    ];

    fn families(self) -> u32 {
        match self {
            Self::Tcp | Self::Mptcp | Self::Dccp | Self::Udp | Self::Raw | Self::Sctp => INET,
            Self::UnixDgram | Self::UnixStream | Self::UnixSeqpacket => 1 << Family::Unix as u32,
            Self::PacketDgram | Self::PacketRaw => 1 << Family::Link as u32,
            Self::Netlink => 1 << Family::Netlink as u32,
            Self::VsockStream | Self::VsockDgram => 1 << Family::Vsock as u32,
            Self::Tipc => 1 << Family::Tipc as u32,
            Self::Xdp => 1 << Family::Xdp as u32,
        }
    }

    fn default_states(self) -> DefaultStates {
        match self {
            Self::Udp | Self::Raw => DefaultStates::Only(ESTABLISHED),
            Self::UnixDgram | Self::PacketDgram | Self::PacketRaw | Self::Netlink | Self::Xdp => {
                DefaultStates::Only(CLOSE)
            }
            Self::Tipc => DefaultStates::Only(ESTABLISHED | LISTEN | CLOSE),
            _ => DefaultStates::Connections,
        }
    }
}

impl Family {
    /// All families in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Inet,
        Self::Inet6,
        Self::Unix,
        Self::Link,
        Self::Netlink,
        Self::Vsock,
        Self::Tipc,
        Self::Xdp,
    ];

    /// Reads the argument of -f; `None` for what is no family.
    pub fn parse(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"inet" => Self::Inet,
            b"inet6" => Self::Inet6,
            b"link" => Self::Link,
            b"unix" => Self::Unix,
            b"netlink" => Self::Netlink,
            b"vsock" => Self::Vsock,
            b"tipc" => Self::Tipc,
            b"xdp" => Self::Xdp,
            _ => return None,
        })
    }

    fn tables(self) -> u32 {
        let bit = 1 << self as u32;
        let tables = Table::ALL
            .iter()
            .filter(|table| table.families() & bit != 0);
        tables.fold(0, |set, table| set | 1 << *table as u32)
    }

    fn default_states(self) -> DefaultStates {
        match self {
            Self::Link | Self::Netlink | Self::Xdp => DefaultStates::Only(CLOSE),
            Self::Tipc => DefaultStates::Only(ESTABLISHED | LISTEN | CLOSE),
            _ => DefaultStates::Connections,
        }
    }
}

impl Tables {
    /// Every table but TIPC.
    pub const MOST: Self = Self(0xffff & !(1 << Table::Tipc as u32));

    /// Says whether a table is in the set.
    pub fn contains(self, table: Table) -> bool {
        self.0 & 1 << table as u32 != 0
    }

    /// Says whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Says whether exactly one table is in the set.
    pub fn is_single(self) -> bool {
        self.0.is_power_of_two()
    }

    /// Reads one item of an -A list, without its `!`.
    pub fn parse(name: &[u8]) -> Option<Self> {
        use Table as T;
        let set = |tables: &[T]| Self(tables.iter().fold(0, |all, table| all | 1 << *table as u32));
        Some(match name {
            b"all" => Self::MOST,
            b"inet" => set(&[T::Udp, T::Dccp, T::Tcp, T::Mptcp, T::Sctp, T::Raw]),
            b"udp" => set(&[T::Udp]),
            b"dccp" => set(&[T::Dccp]),
            b"tcp" => set(&[T::Tcp]),
            b"mptcp" => set(&[T::Mptcp]),
            b"sctp" => set(&[T::Sctp]),
            b"raw" => set(&[T::Raw]),
            b"unix" => set(&[T::UnixDgram, T::UnixStream, T::UnixSeqpacket]),
            b"unix_stream" | b"u_str" => set(&[T::UnixStream]),
            b"unix_dgram" | b"u_dgr" => set(&[T::UnixDgram]),
            b"unix_seqpacket" | b"u_seq" => set(&[T::UnixSeqpacket]),
            b"packet" => set(&[T::PacketDgram, T::PacketRaw]),
            b"packet_raw" | b"p_raw" => set(&[T::PacketRaw]),
            b"packet_dgram" | b"p_dgr" => set(&[T::PacketDgram]),
            b"netlink" => set(&[T::Netlink]),
            b"tipc" => set(&[T::Tipc]),
            b"vsock" => set(&[T::VsockStream, T::VsockDgram]),
            b"vsock_stream" | b"v_str" => set(&[T::VsockStream]),
            b"vsock_dgram" | b"v_dgr" => set(&[T::VsockDgram]),
            b"xdp" => set(&[T::Xdp]),
            _ => return None,
        })
    }
}

impl Families {
    /// Says whether a family is in the set.
    pub fn contains(self, family: Family) -> bool {
        self.0 & 1 << family as u32 != 0
    }

    /// Says whether IPv4 or IPv6 is in the set.
    pub fn any_inet(self) -> bool {
        self.0 & INET != 0
    }

    /// Says whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set of one family.
    pub fn only(family: Family) -> Self {
        Self(1 << family as u32)
    }
}

/// The three sets, and the family that comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    /// The release whose defaults apply.
    pub release: Release,
    /// Tables.
    pub tables: Tables,
    /// Families.
    pub families: Families,
    /// States.
    pub states: States,
    /// The family named last: only it is requested, and operands of filters are read in it.
    pub preferred: Option<Family>,
}

impl Selection {
    /// Starts with nothing selected.
    pub fn new(release: Release) -> Self {
        Self {
            release,
            tables: Tables::default(),
            families: Families::default(),
            states: States::default(),
            preferred: None,
        }
    }

    /// Adds a table with its default states.
    pub fn add_table(&mut self, table: Table) {
        self.tables.0 |= 1 << table as u32;
        self.states.0 |= table.default_states().states(self.release);
    }

    /// Adds tables of an -A list, or takes them away.
    pub fn change_tables(&mut self, tables: Tables, remove: bool) {
        for table in Table::ALL
            .into_iter()
            .filter(|&table| tables.contains(table))
        {
            if remove {
                self.tables.0 &= !(1 << table as u32);
            } else {
                self.add_table(table);
            }
        }
    }

    /// Adds a family with its default states, and prefers it.
    pub fn add_family(&mut self, family: Family) {
        self.families.0 |= 1 << family as u32;
        self.states.0 |= family.default_states().states(self.release);
        self.preferred = Some(family);
    }

    /// Fills the gaps: tables without a family get theirs, families without a table theirs.
    pub fn complete(&mut self) {
        for table in Table::ALL {
            if self.tables.contains(table) && self.families.0 & table.families() == 0 {
                self.families.0 |= table.families();
            }
        }
        for family in Family::ALL {
            if self.families.contains(family) && self.tables.0 & family.tables() == 0 {
                self.tables.0 |= family.tables();
            }
        }
    }

    /// The IP versions to request, in order: (IPv4, IPv6).
    pub fn versions(&self) -> (bool, bool) {
        (
            self.preferred != Some(Family::Inet6),
            self.preferred != Some(Family::Inet),
        )
    }
}
