//! Plumb's own tests: what the original has no word for.
//!
//! A new one is a line in [`ENTRIES`], a reader of its operand and a variant of [`Predicate`]. They are
//! looked for only where a test may begin, and decided in user space.

use crate::{Compare, Resolve};

/// A number the kernel told about a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fact {
    /// `recv-q`, bytes (connections of a listener).
    RecvQ,
    /// `send-q`, bytes (the backlog of a listener).
    SendQ,
    /// `rtt`, microseconds.
    RttUs,
    /// `age`, microseconds: what is known at least.
    AgeUs,
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
    /// `pid`: one of the holders has it.
    Pid(u32),
    /// `process`: the name of one of the holders fits the glob.
    Process(Vec<u8>),
    /// `user`: the owner's uid.
    Uid(u32),
    /// `state`: one bit for each wanted state number.
    States(u32),
}

/// Reads an operand; the error says what was expected.
type Read = fn(Compare, &[u8], &mut dyn Resolve) -> Result<Predicate, &'static str>;

/// A test by its name.
pub(crate) struct Entry {
    name: &'static str,
    /// Whether `<`, `>`, `<=` and `>=` make sense.
    pub(crate) ordered: bool,
    read: Read,
}

const ENTRIES: [Entry; 8] = [
    Entry {
        name: "pid",
        ordered: false,
        read: pid,
    },
    Entry {
        name: "process",
        ordered: false,
        read: |_, text, _| Ok(Predicate::Process(text.to_vec())),
    },
    Entry {
        name: "user",
        ordered: false,
        read: user,
    },
    Entry {
        name: "state",
        ordered: false,
        read: state,
    },
    Entry {
        name: "recv-q",
        ordered: true,
        read: |compare, text, _| bytes(Fact::RecvQ, compare, text),
    },
    Entry {
        name: "send-q",
        ordered: true,
        read: |compare, text, _| bytes(Fact::SendQ, compare, text),
    },
    Entry {
        name: "rtt",
        ordered: true,
        read: |compare, text, _| time(Fact::RttUs, compare, text),
    },
    Entry {
        name: "age",
        ordered: true,
        read: |compare, text, _| time(Fact::AgeUs, compare, text),
    },
];

impl Entry {
    /// Finds a test by its name.
    pub(crate) fn find(name: &[u8]) -> Option<&'static Self> {
        ENTRIES.iter().find(|entry| entry.name.as_bytes() == name)
    }

    /// Reads its operand.
    pub(crate) fn read(
        &self,
        compare: Compare,
        text: &[u8],
        resolve: &mut dyn Resolve,
    ) -> Result<Predicate, &'static str> {
        (self.read)(compare, text, resolve)
    }
}

fn decimal(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}

fn pid(_: Compare, text: &[u8], _: &mut dyn Resolve) -> Result<Predicate, &'static str> {
    let pid = decimal(text).and_then(|pid| u32::try_from(pid).ok());
    pid.map(Predicate::Pid).ok_or("a process id")
}

fn user(_: Compare, text: &[u8], resolve: &mut dyn Resolve) -> Result<Predicate, &'static str> {
    let number = || decimal(text).and_then(|uid| u32::try_from(uid).ok());
    let uid = resolve.user(text).or_else(number);
    uid.map(Predicate::Uid).ok_or("a user of this machine")
}

/// Cuts a number from the unit behind it and gives its value in the unit's measure.
fn scaled(text: &[u8], units: &[(&[u8], u64)]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    decimal(number)?.checked_mul(*factor)
}

fn bytes(fact: Fact, compare: Compare, text: &[u8]) -> Result<Predicate, &'static str> {
    let units: [(&[u8], u64); 5] = [
        (b"", 1),
        (b"k", 1 << 10),
        (b"K", 1 << 10),
        (b"M", 1 << 20),
        (b"G", 1 << 30),
    ];
    let value = scaled(text, &units).ok_or("a number of bytes, as 100, 64k, 2M or 1G")?;
    Ok(Predicate::Number {
        fact,
        compare,
        value,
    })
}

fn time(fact: Fact, compare: Compare, text: &[u8]) -> Result<Predicate, &'static str> {
    const SECOND: u64 = 1_000_000;
    let units: [(&[u8], u64); 6] = [
        (b"us", 1),
        (b"ms", 1_000),
        (b"s", SECOND),
        (b"m", 60 * SECOND),
        (b"h", 3_600 * SECOND),
        (b"d", 86_400 * SECOND),
    ];
    let value = scaled(text, &units).ok_or("a time with its unit (us, ms, s, m, h, d), as 20ms")?;
    Ok(Predicate::Number {
        fact,
        compare,
        value,
    })
}

/// Names of states and of groups of them, with one bit for each state number (`TCP_*`).
const STATES: [(&str, u32); 25] = [
    ("estab", 1 << 1),
    ("established", 1 << 1),
    ("syn-sent", 1 << 2),
    ("syn-recv", 1 << 3),
    ("syn-rcv", 1 << 3),
    ("fin-wait-1", 1 << 4),
    ("fin-wait-2", 1 << 5),
    ("time-wait", 1 << 6),
    ("unconn", 1 << 7),
    ("unconnected", 1 << 7),
    ("close", 1 << 7),
    ("closed", 1 << 7),
    ("close-wait", 1 << 8),
    ("last-ack", 1 << 9),
    ("listen", 1 << 10),
    ("listening", 1 << 10),
    ("closing", 1 << 11),
    ("new-syn-recv", 1 << 12),
    ("bound-inactive", 1 << 13),
    ("unknown", 1),
    ("all", u32::MAX),
    ("connected", ALL & !(1 << 7 | 1 << 10)),
    ("synchronized", ALL & !(1 << 7 | 1 << 10 | 1 << 2)),
    ("bucket", 1 << 3 | 1 << 6),
    ("big", ALL & !(1 << 3 | 1 << 6)),
];

/// Every state number the original has a name for.
const ALL: u32 = 0x0fff;

/// Says whether a word names a state or a group of them.
pub(crate) fn is_state(word: &[u8]) -> bool {
    STATES
        .iter()
        .any(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word))
}

/// Gives one name for each state in a set.
pub(crate) fn state_names(states: u32) -> Vec<&'static str> {
    let one = |number| {
        STATES
            .iter()
            .find(move |(_, state)| *state == 1_u32 << number)
    };
    (0_u32..14)
        .filter(|number| states >> number & 1 != 0)
        .filter_map(one)
        .map(|(name, _)| *name)
        .collect()
}

fn state(_: Compare, text: &[u8], _: &mut dyn Resolve) -> Result<Predicate, &'static str> {
    let found = STATES
        .iter()
        .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(text));
    found
        .map(|(_, states)| Predicate::States(*states))
        .ok_or("a state, as listen, estab or time-wait")
}
