//! What evaluation may ask about one socket.
//!
//! The facts the original's tests need are always there; those of the extended predicates are
//! [`Known`], because the kernel may not have told them and an unknown fact matches nothing.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use plumb_model::{Known, Reason};

use crate::{Attribute, Fact, Family, Side};

/// One end of a socket, in the terms the original compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End<'a> {
    /// The address in network order: 4 or 16 bytes for inet; the protocol as one native word for
    /// netlink and packet rows; the context id as one native word for vsock. Empty when there is none.
    pub address: &'a [u8],
    /// inet and vsock: the port; unix: the inode (peer: the peer's), 0 for rows of /proc/net/unix; netlink:
    /// the port id (peer: -1); packet: the interface index.
    pub port: i64,
    /// The name of a unix socket, `@` first for abstract ones; `None` for unnamed and other families.
    pub name: Option<&'a [u8]>,
}

/// A process that holds a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner<'a> {
    /// Its process id.
    pub pid: u32,
    /// Its `comm`.
    pub comm: &'a [u8],
    /// The descriptor it holds the socket by, where it is one.
    pub fd: Option<i32>,
}

/// The processes that hold a socket, as far as this user may know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owners<'a> {
    /// Those that were found.
    pub found: Vec<Owner<'a>>,
    /// Whether there can be no others.
    pub complete: bool,
}

/// The texts of one attribute: that of each holder, or the names one thing has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts<'a> {
    /// Those that were found.
    pub found: Vec<Cow<'a, [u8]>>,
    /// Whether there can be no others.
    pub complete: bool,
}

impl<'a> Texts<'a> {
    /// All there is.
    pub fn all(found: Vec<Cow<'a, [u8]>>) -> Self {
        Self {
            found,
            complete: true,
        }
    }
}

/// One socket, as far as a filter looks at it.
pub trait Row {
    /// The family of the row.
    fn family(&self) -> Family;
    /// One of its ends.
    fn end(&self, side: Side) -> End<'_>;
    /// The interface it is bound to (`idiag_if`; that of a packet socket), 0 when unbound.
    fn device(&self) -> u32;
    /// The mark (`INET_DIAG_MARK`), 0 when not told.
    fn mark(&self) -> u32;
    /// The cgroup id (`INET_DIAG_CGROUP_ID`), 0 when not told.
    fn cgroup(&self) -> u64;
    /// The ports the kernel hands out by itself (`net.ipv4.ip_local_port_range`).
    fn ephemeral_ports(&self) -> RangeInclusive<i64>;

    /// The state number (`TCP_*`).
    fn state(&self) -> Known<u8> {
        Known::Unknown(Reason::NotInSource)
    }
    /// A number about it.
    fn number(&self, _fact: Fact) -> Known<u64> {
        Known::Unknown(Reason::NotInSource)
    }
    /// A word or text about it or its holders.
    fn texts(&self, _attribute: Attribute) -> Texts<'_> {
        Texts::default()
    }
    /// The processes that hold it.
    fn owners(&self) -> Owners<'_> {
        Owners {
            found: Vec::new(),
            complete: false,
        }
    }
}
