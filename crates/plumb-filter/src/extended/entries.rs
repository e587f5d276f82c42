//! The words of plumb's own tests, and how their operands are read. A new test is a line here, and a
//! fact or an attribute that rows tell.

use super::{Attribute, Fact};
use crate::token::Keyword;

/// A test by its names.
#[derive(Debug)]
pub struct Entry {
    /// Its name first, then other spellings of it.
    pub names: &'static [&'static str],
    /// What it asks, in a few words.
    pub meaning: &'static str,
    /// An operand, for the help.
    pub example: &'static str,
    /// How the operand is read.
    pub reading: Reading,
}

/// How an operand is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reading {
    /// A number with a unit, which can be ordered.
    Number(Fact, Unit),
    /// A glob over a text.
    Text(Attribute),
    /// A kind of socket ([`KINDS`]).
    Kind,
    /// A process id.
    Pid,
    /// A descriptor.
    Fd,
    /// A user, by name or number.
    User,
    /// A namespace: its name, its inode number, or a process in it.
    Netns,
    /// `known` or `unknown`.
    Owner,
    /// A state or a group of them.
    State,
    /// A port of either end.
    EitherPort,
    /// Another spelling of the original's `src`.
    Local,
    /// Another spelling of the original's `dst`.
    Peer,
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Bytes, with k, M, G.
    Bytes,
    /// Microseconds, written with a unit.
    Time,
}

/// What `kind` may be, groups last; `netid` is another name of the test.
pub const KINDS: [&str; 23] = [
    "tcp", "udp", "udplite", "raw", "sctp", "dccp", "mptcp", "u_str", "u_dgr", "u_seq", "p_raw",
    "p_dgr", "nl", "v_str", "v_dgr", "icmp6", "tipc", "xdp", "inet", "unix", "packet", "netlink",
    "vsock",
];

const fn number(
    names: &'static [&'static str],
    fact: Fact,
    unit: Unit,
    example: &'static str,
    meaning: &'static str,
) -> Entry {
    Entry {
        names,
        meaning,
        example,
        reading: Reading::Number(fact, unit),
    }
}

const fn text(
    names: &'static [&'static str],
    attribute: Attribute,
    example: &'static str,
    meaning: &'static str,
) -> Entry {
    Entry {
        names,
        meaning,
        example,
        reading: Reading::Text(attribute),
    }
}

const fn other(
    names: &'static [&'static str],
    reading: Reading,
    example: &'static str,
    meaning: &'static str,
) -> Entry {
    Entry {
        names,
        meaning,
        example,
        reading,
    }
}

#[rustfmt::skip]
const ENTRIES: [Entry; 39] = [
    other(&["kind", "netid"], Reading::Kind, "udp", "kind of socket"),
    other(&["state"], Reading::State, "listen", "state, or a group of them"),
    number(&["recv-q"], Fact::RecvQ, Unit::Bytes, "0", "bytes to read; of a listener, waiting connections"),
    number(&["send-q"], Fact::SendQ, Unit::Bytes, "64k", "bytes not acknowledged; of a listener, its backlog"),
    number(&["unread"], Fact::Unread, Unit::Bytes, "0", "bytes the program has not read"),
    number(&["unsent"], Fact::Unsent, Unit::Bytes, "0", "bytes that were not sent yet"),
    other(&["local"], Reading::Local, "127.0.0.1:22", "local address, prefix or name, and port"),
    other(&["peer"], Reading::Peer, "10.0.0.0/8", "address, prefix or name of the other end, and port"),
    other(&["port"], Reading::EitherPort, "443", "port of either end"),
    other(&["pid"], Reading::Pid, "42", "process id of a holder"),
    text(&["process"], Attribute::Process, "nginx", "name of a holder"),
    other(&["fd"], Reading::Fd, "3", "descriptor of a holder"),
    text(&["exe"], Attribute::Exe, "/usr/sbin/*", "executable of a holder"),
    text(&["cmdline"], Attribute::Cmdline, "*--port*", "command line of a holder"),
    other(&["user"], Reading::User, "www-data", "user of the socket"),
    number(&["uid"], Fact::Uid, Unit::Count, "33", "user id of the socket"),
    other(&["netns"], Reading::Netns, "blue", "network namespace by name, number, or a process in it"),
    text(&["container"], Attribute::Container, "web*", "container of a holder, by name or id"),
    text(&["unit"], Attribute::Unit, "nginx", "systemd unit of a holder"),
    text(&["pod"], Attribute::Pod, "web-*", "pod of a holder, by name or uid"),
    text(&["peer-process"], Attribute::PeerProcess, "postgres", "name of a holder of the other end"),
    text(&["peer-pid"], Attribute::PeerPid, "42", "process id of a holder of the other end"),
    other(&["owner"], Reading::Owner, "unknown", "whether a holder is known"),
    text(&["owner-unknown"], Attribute::OwnerUnknown, "time-wait", "why no holder is known"),
    text(&["related"], Attribute::Related, "nginx", "name of who the port belongs to, in TIME_WAIT and SYN_RECV"),
    number(&["rtt"], Fact::RttUs, Unit::Time, "20ms", "round trip time"),
    number(&["age"], Fact::AgeUs, Unit::Time, "5m", "time the connection has existed at least"),
    number(&["retrans"], Fact::Retrans, Unit::Count, "0", "segments sent again"),
    number(&["cwnd"], Fact::Cwnd, Unit::Count, "10", "congestion window, segments"),
    number(&["drops", "rcv-drops"], Fact::Drops, Unit::Count, "0", "packets that found no room"),
    number(&["memory"], Fact::Memory, Unit::Bytes, "1M", "bytes of memory in both directions"),
    number(&["rmem"], Fact::Rmem, Unit::Bytes, "1M", "bytes of memory for receiving"),
    number(&["wmem"], Fact::Wmem, Unit::Bytes, "1M", "bytes of memory for sending"),
    number(&["bytes-sent", "tx"], Fact::BytesSent, Unit::Bytes, "1G", "bytes sent and acknowledged by TCP"),
    number(&["bytes-received", "rx"], Fact::BytesReceived, Unit::Bytes, "1G", "bytes received by TCP"),
    text(&["timer"], Attribute::Timer, "keepalive", "pending timer"),
    text(&["interface"], Attribute::Interface, "eth*", "interface it is bound to"),
    number(&["inode"], Fact::Inode, Unit::Count, "4711", "inode of the socket"),
    number(&["cookie"], Fact::Cookie, Unit::Count, "4097", "cookie of the socket"),
];

/// Gives plumb's own tests, in the order in which they are told.
pub fn entries() -> &'static [Entry] {
    &ENTRIES
}

impl Entry {
    /// Gives its name.
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }

    /// Says whether `<`, `>`, `<=` and `>=` make sense.
    pub fn is_ordered(&self) -> bool {
        matches!(self.reading, Reading::Number(..))
    }

    /// Gives the original's keyword that it is another spelling of.
    pub(crate) fn keyword(&self) -> Option<Keyword> {
        match self.reading {
            Reading::Local => Some(Keyword::Src),
            Reading::Peer => Some(Keyword::Dst),
            _ => None,
        }
    }

    /// Finds a test by one of its names.
    pub(crate) fn find(name: &[u8]) -> Option<&'static Self> {
        ENTRIES
            .iter()
            .find(|entry| entry.names.iter().any(|known| known.as_bytes() == name))
    }
}
