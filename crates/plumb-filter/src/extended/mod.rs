//! Plumb's own tests: what the original has no word for.
//!
//! The words are in `entries.rs`, one line each; the columns of `plumb ls` have the same ones. They are
//! looked for only where a test may begin, and decided in user space, but for `port`.

mod entries;
mod operand;
mod states;

use crate::Compare;

pub use entries::{Entry, KINDS, Reading, Unit, entries};
pub(crate) use operand::read;
pub(crate) use states::{is_state, state_names};
pub use states::{state_word, state_words};

/// A number the kernel told about a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fact {
    /// `recv-q`, bytes (connections of a listener).
    RecvQ,
    /// `send-q`, bytes (the backlog of a listener).
    SendQ,
    /// `unread`, bytes the program has not read; a listener has none.
    Unread,
    /// `unsent`, bytes that were not sent yet.
    Unsent,
    /// `rtt`, microseconds.
    RttUs,
    /// `age`, microseconds: what is known at least.
    AgeUs,
    /// `retrans`, segments ever sent again.
    Retrans,
    /// `cwnd`, segments.
    Cwnd,
    /// `drops`, datagrams or segments that found no room.
    Drops,
    /// `memory`, bytes of both directions.
    Memory,
    /// `rmem`, bytes allocated for receiving.
    Rmem,
    /// `wmem`, bytes allocated for sending.
    Wmem,
    /// `bytes-sent`, those acknowledged.
    BytesSent,
    /// `bytes-received`.
    BytesReceived,
    /// `inode`.
    Inode,
    /// `cookie`.
    Cookie,
    /// `uid`, and `user` by its number.
    Uid,
    /// `netns`, the inode number of the namespace.
    Netns,
}

/// A word or text about a socket or its holders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Attribute {
    /// `kind`: what it is, and the groups that belongs to.
    Kind,
    /// `process`: the name of a holder. Rows tell it by [`crate::Row::owners`].
    Process,
    /// `exe`: the path of what a holder executes.
    Exe,
    /// `cmdline`: the arguments of a holder, with blanks between.
    Cmdline,
    /// `unit`: the systemd unit of a holder.
    Unit,
    /// `container`: its id, and its name where it has one.
    Container,
    /// `pod`: its uid, and its name where it has one.
    Pod,
    /// `netns`: the name of the network namespace.
    Netns,
    /// `peer-process`: the name of a holder of the other end.
    PeerProcess,
    /// `peer-pid`: the process id of one.
    PeerPid,
    /// `interface`: the name of the interface it is bound to.
    Interface,
    /// `owner-unknown`: why no holder is known.
    OwnerUnknown,
    /// `related`: the name of who its port belongs to, where it has no holder by its nature.
    Related,
    /// `timer`: the word of the pending timer.
    Timer,
}

/// One of plumb's own tests.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Predicate {
    /// A number compared with the operand.
    Number {
        /// Which number.
        fact: Fact,
        /// The comparison.
        compare: Compare,
        /// The operand in the fact's unit.
        value: u64,
    },
    /// One of the texts fits the glob.
    Text {
        /// Which text.
        attribute: Attribute,
        /// The glob.
        glob: Vec<u8>,
    },
    /// `pid`: one of the holders has it.
    Pid(u32),
    /// `fd`: one of the holders has it by that descriptor.
    Fd(i32),
    /// `owner`: whether a holder is known.
    Owner {
        /// `known`, else `unknown`.
        known: bool,
    },
    /// `state`: one bit for each wanted state number.
    States(u32),
}
