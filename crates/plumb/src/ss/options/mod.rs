//! The command line of ss: words in, a typed request out.
//!
//! Some options act where they stand (-N switches the namespace, -F opens its file, -Z asks for
//! SELinux), so that their failures come in the original's order; what they need from the machine is
//! asked of [`Edge`].

mod release;
pub mod selection;
mod state_words;
mod table;

use std::ffi::OsString;

use plumb_present::ss::users::Contexts;
use plumb_present::ss::view::{Release, View};

pub use self::release::release;
use self::selection::{Family, Selection, States, Table, Tables};
use self::table::{Key, OURS, Words};
use crate::getopt;

/// What options ask of the machine while they are read.
pub trait Edge {
    /// Switches to a named network namespace (-N); a failure is its whole text.
    fn switch_netns(&mut self, name: &[u8]) -> Result<(), Vec<u8>>;
    /// Opens a file of filter lines (-F); a failure is its whole text.
    fn open_filter(&mut self, name: &[u8]) -> Result<(), Vec<u8>>;
    /// Says whether SELinux is enabled (-Z, -z).
    fn has_selinux(&mut self) -> bool;
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// The original's table.
    #[default]
    Table,
    /// Cells with single blanks between them, each row at once.
    Stream,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Ndjson,
}

impl Form {
    /// Says whether rows are written as text.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Table | Self::Stream)
    }
}

/// Storage of BPF programs to show beside each socket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BpfMaps {
    /// None.
    #[default]
    None,
    /// That of all maps.
    All,
    /// That of these maps.
    Ids(Vec<u32>),
}

impl BpfMaps {
    /// Most maps that can be named.
    const MOST: usize = 32;
}

/// A request.
#[derive(Debug)]
pub struct Options {
    /// What rows show.
    pub view: View,
    /// Which rows there are.
    pub selection: Selection,
    /// States asked for by -a, -l, -B, `state` and `exclude`; none if empty.
    states: States,
    /// Neither tables nor families were named.
    pub is_default: bool,
    tables_named: bool,
    /// A header line is printed.
    pub header: bool,
    /// The queue columns are shown.
    pub queues: bool,
    /// -T.
    pub threads: bool,
    /// -Z, -z.
    pub contexts: Contexts,
    /// -s.
    pub summary: bool,
    /// -K.
    pub kill: bool,
    /// -E.
    pub events: bool,
    /// -D.
    pub diag_file: Option<Vec<u8>>,
    /// -F was given.
    pub filter_file: bool,
    /// --bpf-maps, --bpf-map-id.
    pub bpf_maps: BpfMaps,
    /// --json and its like.
    pub form: Form,
    /// --all-netns.
    pub all_netns: bool,
    /// --all-owners.
    pub all_owners: bool,
    /// --stack.
    pub stack: bool,
    /// --explain-filter.
    pub explain_filter: bool,
    /// The words that are no options: states, then the expression.
    pub operands: Vec<Vec<u8>>,
}

/// Why nothing is listed, or no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The help text was asked for.
    Help,
    /// The version was asked for.
    Version,
    /// A complaint and an exit status.
    Complaint(Vec<u8>, u8),
    /// A complaint, followed by the help text on standard error.
    Usage(Vec<u8>),
}

/// Exit status of usage errors.
pub const USAGE: u8 = 255;

impl Options {
    /// Reads the options; `argv0` is what complaints of the parser begin with.
    pub fn parse(
        argv0: &[u8],
        words: Vec<OsString>,
        release: Release,
        edge: &mut dyn Edge,
    ) -> Result<Self, Stop> {
        let mut options = Self::new(release);
        let known = Words::of(release);
        let table = getopt::Table {
            short: &known.short,
            long: &known.long,
            exact: OURS,
        };
        let posix = std::env::var_os("POSIXLY_CORRECT").is_some();
        for step in getopt::Parser::new(table, words, posix) {
            match step {
                getopt::Step::Operand(word) => options.operands.push(word),
                getopt::Step::Error(text) => {
                    return Err(Stop::Usage([argv0, b": ", &text, b"\n"].concat()));
                }
                getopt::Step::Option(key, value) => {
                    options.apply(key, &value.unwrap_or_default(), edge)?;
                }
            }
        }
        options.settle();
        Ok(options)
    }

    fn new(release: Release) -> Self {
        Self {
            view: View {
                release,
                ..View::default()
            },
            selection: Selection::new(release),
            states: States::default(),
            is_default: true,
            tables_named: false,
            header: true,
            queues: true,
            threads: false,
            contexts: Contexts::None,
            summary: false,
            kill: false,
            events: false,
            diag_file: None,
            filter_file: false,
            bpf_maps: BpfMaps::None,
            form: Form::Table,
            all_netns: false,
            all_owners: false,
            stack: false,
            explain_filter: false,
            operands: Vec::new(),
        }
    }

    fn apply(&mut self, key: Key, value: &[u8], edge: &mut dyn Edge) -> Result<(), Stop> {
        match key {
            Key::Help => return Err(Stop::Help),
            Key::Version => return Err(Stop::Version),
            Key::All => self.states = States::all(self.view.release),
            Key::Listening => self.states = States::LISTENING,
            Key::BoundInactive => self.states = States::BOUND_INACTIVE,
            Key::Context => self.show_contexts(edge, Contexts::Processes)?,
            Key::Contexts => self.show_contexts(edge, Contexts::ProcessesAndSockets)?,
            Key::Net => edge
                .switch_netns(value)
                .map_err(|text| Stop::Complaint(text, 1))?,
            Key::Filter => self.read_filter_from(value, edge)?,
            Key::Diag => self.diag_file = Some(value.to_vec()),
            Key::Family => self.add_family_named(value)?,
            Key::Query => self.change_tables(value)?,
            Key::BpfMaps | Key::BpfMapId => self.show_bpf_maps(key, value)?,
            Key::Json => self.form = Form::Json,
            Key::Ndjson => self.form = Form::Ndjson,
            Key::Stream => self.form = Form::Stream,
            Key::AllNetns => self.all_netns = true,
            Key::AllOwners => {
                self.all_owners = true;
                self.view.owners = true;
            }
            Key::Stack => self.stack = true,
            Key::ExplainFilter => self.explain_filter = true,
            // Read before everything else, because it decides which words there are.
            Key::Compat => {}
            _ => self.set(key),
        }
        Ok(())
    }

    fn set(&mut self, key: Key) {
        let view = &mut self.view;
        match key {
            Key::Numeric => view.numeric = true,
            Key::Resolve => view.resolve = true,
            Key::Options => view.options = true,
            Key::Extended => (view.options, view.details) = (true, true),
            Key::Bpf => (view.options, view.bpf) = (true, true),
            Key::Memory => view.memory = true,
            Key::Processes => view.owners = true,
            Key::Threads => {
                self.threads = true;
                view.owners |= !view.release.since(6, 8);
            }
            Key::Info => view.info = true,
            Key::Oneline => view.oneline = true,
            Key::Tos => view.tos = true,
            Key::Cgroup => view.cgroup = true,
            Key::InetSockopt => view.inet_sockopt = true,
            Key::TipcInfo => view.tipcinfo = true,
            Key::NoHeader => self.header = false,
            Key::NoQueues => self.queues = false,
            Key::Summary => self.summary = true,
            Key::Kill => self.kill = true,
            Key::Events => self.events = true,
            _ => self.select(key),
        }
    }

    fn select(&mut self, key: Key) {
        self.is_default = false;
        match key {
            Key::Tcp => self.selection.add_table(Table::Tcp),
            Key::Udp => self.selection.add_table(Table::Udp),
            Key::Raw => self.selection.add_table(Table::Raw),
            Key::Dccp => self.selection.add_table(Table::Dccp),
            Key::Sctp => self.selection.add_table(Table::Sctp),
            Key::Mptcp => self.selection.add_table(Table::Mptcp),
            Key::Ipv4 => self.selection.add_family(Family::Inet),
            Key::Ipv6 => self.selection.add_family(Family::Inet6),
            Key::Packet => self.selection.add_family(Family::Link),
            Key::Unix => self.selection.add_family(Family::Unix),
            Key::Tipc => self.selection.add_family(Family::Tipc),
            Key::Vsock => self.selection.add_family(Family::Vsock),
            _ => self.selection.add_family(Family::Xdp),
        }
    }

    fn show_contexts(&mut self, edge: &mut dyn Edge, more: Contexts) -> Result<(), Stop> {
        if !edge.has_selinux() {
            let text = b"ss: SELinux is not enabled.\n".to_vec();
            return Err(Stop::Complaint(text, 1));
        }
        self.view.contexts = true;
        // Both together are -Z alone.
        self.contexts = match (self.contexts, more) {
            (Contexts::None | Contexts::ProcessesAndSockets, Contexts::ProcessesAndSockets) => {
                Contexts::ProcessesAndSockets
            }
            _ => Contexts::Processes,
        };
        Ok(())
    }

    fn read_filter_from(&mut self, name: &[u8], edge: &mut dyn Edge) -> Result<(), Stop> {
        if std::mem::replace(&mut self.filter_file, true) {
            return Err(Stop::Complaint(
                b"More than one filter file\n".to_vec(),
                USAGE,
            ));
        }
        edge.open_filter(name)
            .map_err(|text| Stop::Complaint(text, USAGE))
    }

    fn add_family_named(&mut self, name: &[u8]) -> Result<(), Stop> {
        if name == b"help" {
            return Err(Stop::Help);
        }
        let family = Family::parse(name).ok_or_else(|| {
            Stop::Usage([&b"ss: \""[..], name, b"\" is invalid family\n"].concat())
        })?;
        self.is_default = false;
        self.selection.add_family(family);
        Ok(())
    }

    fn change_tables(&mut self, list: &[u8]) -> Result<(), Stop> {
        self.is_default = false;
        if !std::mem::replace(&mut self.tables_named, true) {
            self.selection.tables = Tables::default();
            if self.states == States::default() {
                self.states = States::connections(self.view.release);
            }
        }
        for item in list.split(|&b| b == b',') {
            let (name, remove) = match item.strip_prefix(b"!") {
                Some(name) => (name, true),
                None => (item, false),
            };
            let tables = Tables::parse(name).ok_or_else(|| {
                Stop::Usage([&b"ss: \""[..], item, b"\" is illegal socket table id\n"].concat())
            })?;
            self.selection.change_tables(tables, remove);
        }
        Ok(())
    }

    fn show_bpf_maps(&mut self, key: Key, value: &[u8]) -> Result<(), Stop> {
        let together = b"ss: --bpf-maps and --bpf-map-id cannot be used together\n".to_vec();
        match (&mut self.bpf_maps, key) {
            (BpfMaps::Ids(_), Key::BpfMaps) | (BpfMaps::All, Key::BpfMapId) => {
                return Err(Stop::Complaint(together, 1));
            }
            (maps, Key::BpfMaps) => *maps = BpfMaps::All,
            (maps, _) => {
                let id = std::str::from_utf8(value)
                    .ok()
                    .and_then(|id| id.parse().ok());
                let id = id.ok_or_else(|| {
                    let text = [&b"ss: invalid BPF map ID "[..], value, b"\n"].concat();
                    Stop::Complaint(text, 1)
                })?;
                match maps {
                    BpfMaps::Ids(ids) if ids.len() == BpfMaps::MOST => {
                        let text = b"ss: cannot ask for more than 32 BPF maps\n".to_vec();
                        return Err(Stop::Complaint(text, 1));
                    }
                    BpfMaps::Ids(ids) => ids.push(id),
                    other => *other = BpfMaps::Ids(vec![id]),
                }
            }
        }
        Ok(())
    }

    /// Fills in what nobody asked for.
    fn settle(&mut self) {
        if self.is_default {
            self.selection.change_tables(Tables::MOST, false);
            // Not the states of all these tables: they are what is left when the state words of the
            // command line leave none.
            self.selection.states = States::connections(self.view.release);
            if self.states == States::default() {
                self.states = self.selection.states;
            }
        }
    }
}
