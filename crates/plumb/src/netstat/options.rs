//! The netstat command line as a typed request.
//!
//! `Request::parse` acts on the words strictly left to right, as the original does: whatever ends
//! the program does so before later words are looked at. No system call happens here; the two
//! facts of the machine that matter (`POSIXLY_CORRECT`, SELinux) are handed in.

use std::ffi::OsString;

use crate::getopt::{Argument, Long, Parser, Short, Step, Table};

/// An address family a user can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
    /// UNIX domain.
    Unix,
    /// Novell IPX.
    Ipx,
    /// AMPR AX.25.
    Ax25,
    /// CCITT X.25.
    X25,
    /// AMPR NET/ROM.
    Netrom,
    /// AMPR ROSE.
    Rose,
    /// AppleTalk DDP; selects no socket table.
    Ddp,
    /// Econet; selects no socket table.
    Econet,
    /// Ash; selects no socket table.
    Ash,
    /// Bluetooth, which the original is built without.
    Bluetooth,
}

impl Family {
    /// Finds the family a word means; the match is exact and case-sensitive.
    fn from_word(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"inet" | b"ip" | b"tcpip" => Self::Inet,
            b"inet6" | b"ip6" => Self::Inet6,
            b"unix" => Self::Unix,
            b"ipx" => Self::Ipx,
            b"ax25" => Self::Ax25,
            b"x25" => Self::X25,
            b"netrom" => Self::Netrom,
            b"rose" => Self::Rose,
            b"ddp" | b"appletalk" => Self::Ddp,
            b"econet" => Self::Econet,
            b"ash" => Self::Ash,
            b"bluetooth" => Self::Bluetooth,
            _ => return None,
        })
    }

    /// Gives the canonical name, as messages print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inet => "inet",
            Self::Inet6 => "inet6",
            Self::Unix => "unix",
            Self::Ipx => "ipx",
            Self::Ax25 => "ax25",
            Self::X25 => "x25",
            Self::Netrom => "netrom",
            Self::Rose => "rose",
            Self::Ddp => "ddp",
            Self::Econet => "ec",
            Self::Ash => "ash",
            Self::Bluetooth => "bluetooth",
        }
    }
}

/// What the program prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Socket tables, and group memberships with -g.
    Sockets,
    /// -r.
    Routes,
    /// -i, and our -I=NAME.
    Interfaces,
    /// -s.
    Statistics,
    /// -M.
    Masquerade,
    /// Our -m.
    Memory,
}

/// Which sockets of a table are rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketFilter {
    /// Sockets with a peer.
    Connected,
    /// -l: sockets without a peer.
    Listening,
    /// -a: all of them.
    All,
}

/// The protocol switches -t -S -u -U -w.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Protocols {
    /// -t.
    pub tcp: bool,
    /// -S.
    pub sctp: bool,
    /// -u.
    pub udp: bool,
    /// -U.
    pub udplite: bool,
    /// -w.
    pub raw: bool,
}

impl Protocols {
    /// All five.
    pub const ALL: Self = Self {
        tcp: true,
        sctp: true,
        udp: true,
        udplite: true,
        raw: true,
    };

    /// Says whether any switch is on.
    pub fn any(self) -> bool {
        self.tcp || self.sctp || self.udp || self.udplite || self.raw
    }
}

/// -n and its three parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Numeric {
    /// Hosts are numbers.
    pub hosts: bool,
    /// Ports are numbers.
    pub ports: bool,
    /// Users are numbers.
    pub users: bool,
}

/// One parsed netstat command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What to print.
    pub mode: Mode,
    /// -4 -6 -A … in the order given, repetitions kept; -r and -s go by it.
    pub families: Vec<Family>,
    /// -t -S -u -U -w as given.
    pub protocols: Protocols,
    /// -2 or -f.
    pub bluetooth: bool,
    /// -g.
    pub groups: bool,
    /// -a or -l.
    pub filter: SocketFilter,
    /// -n and parts.
    pub numeric: Numeric,
    /// -N.
    pub symbolic: bool,
    /// -W.
    pub wide: bool,
    /// How often -e was given.
    pub extend: u32,
    /// -o.
    pub timers: bool,
    /// -p (also set by -Z).
    pub programs: bool,
    /// -Z on a machine with SELinux.
    pub contexts: bool,
    /// -v.
    pub verbose: bool,
    /// -c.
    pub continuous: bool,
    /// -C.
    pub route_cache: bool,
    /// -F.
    pub route_fib: bool,
    /// Our --json.
    pub json: bool,
    /// Our --all-netns.
    pub all_netns: bool,
    /// Our -I=NAME: the only interface to show.
    pub interface: Option<Vec<u8>>,
}

impl Options {
    /// Says whether `family` was chosen by name.
    pub fn has_family(&self, family: Family) -> bool {
        self.families.contains(&family)
    }
}

/// What a command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Print tables.
    Run(Box<Options>),
    /// -h: help on standard output, exit 0.
    Help,
    /// -V: version on standard output, exit 0.
    Version,
    /// A usage error: this complaint (without `ARGV0: `), then the help, on standard error; exit 3.
    Usage(Option<Vec<u8>>),
    /// Refused with this text on standard error; exit 1.
    Refused(Vec<u8>),
}

/// Facts of the machine that the parser needs.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings {
    /// The environment has `POSIXLY_CORRECT`.
    pub posixly_correct: bool,
    /// SELinux is enabled, so -Z means something.
    pub selinux: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
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

const SHORT: &[Short<Key>] = &[
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
const LONG: &[Long<Key>] = &[
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

const EXACT: &[Long<Key>] = &[
    long("json", b'j', Key::Json),
    long("all-netns", b'J', Key::AllNetns),
];

impl Request {
    /// Parses the words after argv[0].
    pub fn parse(words: Vec<OsString>, surroundings: Surroundings) -> Self {
        let table = Table {
            short: SHORT,
            long: LONG,
            exact: EXACT,
        };
        let mut draft = Draft::default();
        for step in Parser::new(table, words, surroundings.posixly_correct) {
            let stop = match step {
                // Operands are ignored, as the original ignores them: `netstat -i eth0`, `netstat 5`.
                Step::Operand(_) => None,
                Step::Error(complaint) => Some(Self::Usage(Some(complaint))),
                Step::Option(key, argument) => draft.apply(key, argument, surroundings),
            };
            if let Some(stop) = stop {
                return stop;
            }
        }
        draft.finish()
    }
}

/// The options gathered so far.
#[derive(Default)]
struct Draft {
    modes: Vec<Mode>,
    families: Vec<Family>,
    protocols: Protocols,
    bluetooth: bool,
    groups: bool,
    all: bool,
    listening: bool,
    numeric: Numeric,
    symbolic: bool,
    wide: bool,
    extend: u32,
    timers: bool,
    programs: bool,
    contexts: bool,
    verbose: bool,
    continuous: bool,
    route_cache: bool,
    route_fib: bool,
    json: bool,
    all_netns: bool,
    interface: Option<Vec<u8>>,
}

impl Draft {
    fn apply(
        &mut self,
        key: Key,
        argument: Option<Vec<u8>>,
        surroundings: Surroundings,
    ) -> Option<Request> {
        match key {
            Key::Family(family) => self.families.push(family),
            Key::FamilyList => return self.add_families(&argument.unwrap_or_default()),
            Key::Mode(mode) => self.modes.push(mode),
            Key::Interface => {
                let name = argument.unwrap_or_default();
                self.interface = Some(name.strip_prefix(b"=").map_or(name.clone(), <[u8]>::to_vec));
            }
            Key::Tcp => self.protocols.tcp = true,
            Key::Sctp => self.protocols.sctp = true,
            Key::Udp => self.protocols.udp = true,
            Key::UdpLite => self.protocols.udplite = true,
            Key::Raw => self.protocols.raw = true,
            Key::Bluetooth => self.bluetooth = true,
            Key::Groups => self.groups = true,
            Key::Listening => self.listening = true,
            Key::All => self.all = true,
            Key::Numeric => {
                self.numeric = Numeric {
                    hosts: true,
                    ports: true,
                    users: true,
                }
            }
            Key::NumericHosts => self.numeric.hosts = true,
            Key::NumericPorts => self.numeric.ports = true,
            Key::NumericUsers => self.numeric.users = true,
            Key::Symbolic => self.symbolic = true,
            Key::Extend => self.extend = self.extend.saturating_add(1),
            Key::Timers => self.timers = true,
            Key::Programs => self.programs = true,
            Key::Verbose => self.verbose = true,
            Key::Wide => self.wide = true,
            Key::Continuous => self.continuous = true,
            Key::Cache => self.route_cache = true,
            Key::Fib => self.route_fib = true,
            Key::Context if surroundings.selinux => {
                self.programs = true;
                self.contexts = true;
            }
            Key::Context => {
                return Some(Request::Refused(
                    b"SELinux is not enabled on this machine.\n".to_vec(),
                ));
            }
            Key::Nothing => {}
            Key::Help => return Some(Request::Help),
            Key::Usage => return Some(Request::Usage(None)),
            Key::Version => return Some(Request::Version),
            Key::Json => self.json = true,
            Key::AllNetns => self.all_netns = true,
        }
        None
    }

    fn add_families(&mut self, list: &[u8]) -> Option<Request> {
        for word in list.split(|&b| b == b',') {
            match Family::from_word(word) {
                Some(family) => self.families.push(family),
                None => {
                    return Some(Request::Refused(
                        [&b"Unknown address family `"[..], word, b"'.\n"].concat(),
                    ));
                }
            }
        }
        None
    }

    fn finish(self) -> Request {
        // -I=NAME asks for the interface table itself; -i beside it says the same thing.
        let mut modes = self.modes;
        if self.interface.is_some() && modes != [Mode::Interfaces] {
            modes.push(Mode::Interfaces);
        }
        let mode = match modes[..] {
            [] => Mode::Sockets,
            [mode] => mode,
            _ => return Request::Usage(None),
        };
        let filter = match (self.all, self.listening) {
            (true, _) => SocketFilter::All,
            (false, true) => SocketFilter::Listening,
            (false, false) => SocketFilter::Connected,
        };
        let bluetooth = self.bluetooth || self.families.contains(&Family::Bluetooth);
        Request::Run(Box::new(Options {
            mode,
            families: self.families,
            protocols: self.protocols,
            bluetooth,
            groups: self.groups,
            filter,
            numeric: self.numeric,
            symbolic: self.symbolic,
            wide: self.wide,
            extend: self.extend,
            timers: self.timers,
            programs: self.programs,
            contexts: self.contexts,
            verbose: self.verbose,
            continuous: self.continuous,
            route_cache: self.route_cache,
            route_fib: self.route_fib,
            json: self.json,
            all_netns: self.all_netns,
            interface: self.interface,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Surroundings = Surroundings {
        posixly_correct: false,
        selinux: false,
    };

    fn parse(line: &str) -> Request {
        Request::parse(line.split_whitespace().map(OsString::from).collect(), PLAIN)
    }

    fn options(line: &str) -> Options {
        match parse(line) {
            Request::Run(options) => *options,
            other => panic!("`{line}` did not parse: {other:?}"),
        }
    }

    #[test]
    fn the_tutorials_cluster_means_what_it_spells() {
        let o = options("-plantu");
        assert!(o.programs && o.protocols.tcp && o.protocols.udp && o.numeric.users);
        assert_eq!(o.filter, SocketFilter::All);
        assert_eq!(o.mode, Mode::Sockets);
    }

    #[test]
    fn the_same_mode_twice_is_a_conflict() {
        for line in ["-ii", "-rr", "-ir", "-sM", "-rm", "-r -I=eth0"] {
            assert_eq!(parse(line), Request::Usage(None), "{line}");
        }
    }

    #[test]
    fn one_interface_can_be_named_in_three_spellings() {
        for line in ["-I=eth0", "-Ieth0", "-I eth0", "-i -I=eth0"] {
            let o = options(line);
            assert_eq!(o.mode, Mode::Interfaces, "{line}");
            assert_eq!(o.interface.as_deref(), Some(&b"eth0"[..]), "{line}");
        }
    }

    #[test]
    fn the_first_word_that_ends_the_program_wins() {
        assert_eq!(parse("-VQ"), Request::Version);
        assert_eq!(
            parse("-Q -h"),
            Request::Usage(Some(b"invalid option -- 'Q'".to_vec()))
        );
        assert_eq!(
            parse("-A inet,bogus -V"),
            Request::Refused(b"Unknown address family `bogus'.\n".to_vec())
        );
    }

    #[test]
    fn abbreviated_families_pick_the_first_and_quarrel_with_the_rest() {
        assert_eq!(options("--ine").families, [Family::Inet]);
        assert_eq!(options("--ip").families, [Family::Inet]);
        for (word, possibilities) in [
            ("--i", " '--ip' '--interfaces'"),
            ("--u", " '--unix' '--udp' '--udplite' '--unix'"),
            ("--p=ip6", " '--protocol' '--programs'"),
        ] {
            let complaint = format!("option '{word}' is ambiguous; possibilities:{possibilities}");
            assert_eq!(parse(word), Request::Usage(Some(complaint.into_bytes())));
        }
    }

    #[test]
    fn families_keep_order_and_repetition() {
        assert_eq!(
            options("-4 -A inet6,ip -x").families,
            [Family::Inet, Family::Inet6, Family::Inet, Family::Unix]
        );
    }
}
