//! The netstat command line as a typed request.
//!
//! `Request::parse` acts on the words strictly left to right, as the original does: whatever ends
//! the program does so before later words are looked at. No system call happens here; the two
//! facts of the machine that matter (`POSIXLY_CORRECT`, SELinux) are handed in.

mod family;
mod table;

use std::ffi::OsString;

pub use self::family::Family;
use self::table::{EXACT, Key, LONG, SHORT};
use crate::getopt::{Parser, Step, Table};

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
    /// Our --all-owners.
    pub all_owners: bool,
    /// Our --stack.
    pub stack: bool,
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
    all_owners: bool,
    stack: bool,
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
            Key::AllOwners => {
                self.all_owners = true;
                self.programs = true;
            }
            Key::Stack => self.stack = true,
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
            all_owners: self.all_owners,
            stack: self.stack,
            interface: self.interface,
        }))
    }
}

#[cfg(test)]
mod tests;
