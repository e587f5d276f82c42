//! The tests of an expression, typed and resolved.

use crate::{Family, Predicate};

/// Which end of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// `src`, `sport`: the local end.
    Local,
    /// `dst`, `dport`: the other end.
    Peer,
}

/// How a port is compared; the other three operators are these, negated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compare {
    /// `=`
    Equal,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
}

/// What an address operand stands for: one of these for each address of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The family the operand was read in, `None` when it fits several (`any`, a bare port).
    pub family: Option<Family>,
    /// The address in network order, 4 or 16 bytes; the glob for unix; one native word for link,
    /// netlink and vsock.
    pub address: Vec<u8>,
    /// How many bits of the address count; 0 = all match.
    pub prefix: u16,
    /// The port that must be equal, `None` = any.
    pub port: Option<i64>,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Test {
    /// `src`, `dst`: any of the patterns fits.
    Host {
        /// Which end.
        side: Side,
        /// One for each address of the operand, never empty.
        patterns: Vec<Pattern>,
    },
    /// `sport`, `dport`.
    Port {
        /// Which end.
        side: Side,
        /// The comparison.
        compare: Compare,
        /// The operand; only its port counts here. Never empty.
        patterns: Vec<Pattern>,
    },
    /// `port`, and a bare `:PORT`: that of either end. Plumb's own, yet the kernel can decide it.
    EitherPort(Vec<Pattern>),
    /// `dev`: the interface index the socket is bound to.
    Device(u32),
    /// `fwmark`: `mark & mask == value`.
    Mark {
        /// The wanted bits.
        value: u32,
        /// The bits that count.
        mask: u32,
    },
    /// `cgroup`: the id.
    Cgroup(u64),
    /// `autobound`.
    Autobound,
    /// A test the original does not have.
    Extended(Predicate),
}
