//! The option tables: every spelling of the original, and ours.

use super::{Family, Mode};
use crate::getopt::{Argument, Long, Short};

/// What an option means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Family(Family),
    FamilyList,
    Mode(Mode),
    Interface,
    Tcp,
    Sctp,
    Udp,
    UdpLite,
    Raw,
    Bluetooth,
    Groups,
    Listening,
    All,
    Numeric,
    NumericHosts,
    NumericPorts,
    NumericUsers,
    Symbolic,
    Extend,
    Timers,
    Programs,
    Verbose,
    Wide,
    Continuous,
    Cache,
    Fib,
    Context,
    Nothing,
    Help,
    Usage,
    Version,
    Json,
    AllNetns,
}

const fn short(letter: u8, key: Key) -> Short<Key> {
    Short {
        letter,
        argument: Argument::No,
        key,
    }
}

/// The code that the family words share: an abbreviation of several of them means the first.
const FAMILY: u8 = 0;

const fn long(name: &'static str, code: u8, key: Key) -> Long<Key> {
    Long {
        name,
        argument: Argument::No,
        code,
        key,
    }
}

pub const SHORT: &[Short<Key>] = &[
    Short {
        letter: b'A',
        argument: Argument::Required,
        key: Key::FamilyList,
    },
    Short {
        letter: b'I',
        argument: Argument::Required,
        key: Key::Interface,
    },
    short(b'C', Key::Cache),
    short(b'F', Key::Fib),
    short(b'M', Key::Mode(Mode::Masquerade)),
    short(b'N', Key::Symbolic),
    short(b'S', Key::Sctp),
    short(b'U', Key::UdpLite),
    short(b'V', Key::Version),
    short(b'W', Key::Wide),
    short(b'Z', Key::Context),
    short(b'a', Key::All),
    short(b'c', Key::Continuous),
    short(b'd', Key::Nothing),
    short(b'e', Key::Extend),
    short(b'f', Key::Bluetooth),
    short(b'g', Key::Groups),
    short(b'h', Key::Help),
    short(b'i', Key::Mode(Mode::Interfaces)),
    short(b'l', Key::Listening),
    short(b'm', Key::Mode(Mode::Memory)),
    short(b'n', Key::Numeric),
    short(b'o', Key::Timers),
    short(b'p', Key::Programs),
    short(b'r', Key::Mode(Mode::Routes)),
    short(b's', Key::Mode(Mode::Statistics)),
    short(b't', Key::Tcp),
    short(b'u', Key::Udp),
    short(b'v', Key::Verbose),
    short(b'w', Key::Raw),
    short(b'x', Key::Family(Family::Unix)),
    short(b'2', Key::Bluetooth),
    short(b'4', Key::Family(Family::Inet)),
    short(b'6', Key::Family(Family::Inet6)),
    short(b'?', Key::Usage),
];

// The order is the original's: it decides what abbreviations pick and how lists of possibilities
// read. `unix` really stands in it twice.
pub const LONG: &[Long<Key>] = &[
    long("ax25", FAMILY, Key::Family(Family::Ax25)),
    long("x25", FAMILY, Key::Family(Family::X25)),
    long("ip", FAMILY, Key::Family(Family::Inet)),
    long("ipx", FAMILY, Key::Family(Family::Ipx)),
    long("appletalk", FAMILY, Key::Family(Family::Ddp)),
    long("netrom", FAMILY, Key::Family(Family::Netrom)),
    long("inet", FAMILY, Key::Family(Family::Inet)),
    long("inet6", FAMILY, Key::Family(Family::Inet6)),
    long("ddp", FAMILY, Key::Family(Family::Ddp)),
    long("rose", FAMILY, Key::Family(Family::Rose)),
    long("unix", FAMILY, Key::Family(Family::Unix)),
    long("bluetooth", FAMILY, Key::Family(Family::Bluetooth)),
    long("tcpip", FAMILY, Key::Family(Family::Inet)),
    long("version", b'V', Key::Version),
    long("interfaces", b'i', Key::Mode(Mode::Interfaces)),
    long("help", b'h', Key::Help),
    long("route", b'r', Key::Mode(Mode::Routes)),
    long("masquerade", b'M', Key::Mode(Mode::Masquerade)),
    Long {
        name: "protocol",
        argument: Argument::Required,
        code: b'A',
        key: Key::FamilyList,
    },
    long("tcp", b't', Key::Tcp),
    long("sctp", b'S', Key::Sctp),
    long("udp", b'u', Key::Udp),
    long("udplite", b'U', Key::UdpLite),
    long("raw", b'w', Key::Raw),
    long("unix", b'x', Key::Family(Family::Unix)),
    long("l2cap", b'2', Key::Bluetooth),
    long("rfcomm", b'f', Key::Bluetooth),
    long("listening", b'l', Key::Listening),
    long("all", b'a', Key::All),
    long("timers", b'o', Key::Timers),
    long("continuous", b'c', Key::Continuous),
    long("extend", b'e', Key::Extend),
    long("programs", b'p', Key::Programs),
    long("verbose", b'v', Key::Verbose),
    long("statistics", b's', Key::Mode(Mode::Statistics)),
    long("wide", b'W', Key::Wide),
    long("numeric", b'n', Key::Numeric),
    long("numeric-hosts", b'1', Key::NumericHosts),
    long("numeric-ports", b'3', Key::NumericPorts),
    long("numeric-users", b'5', Key::NumericUsers),
    long("symbolic", b'N', Key::Symbolic),
    long("cache", b'C', Key::Cache),
    long("fib", b'F', Key::Fib),
    long("groups", b'g', Key::Groups),
    long("context", b'Z', Key::Context),
];

pub const EXACT: &[Long<Key>] = &[
    long("json", b'j', Key::Json),
    long("all-netns", b'J', Key::AllNetns),
];
