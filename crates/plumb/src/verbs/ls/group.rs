//! `--group-by`: rows counted by what they have in common.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use clap::ValueEnum;
use plumb_model::snapshot::End;
use plumb_present::json;
use plumb_present::report::value::bytes;
use plumb_present::report::{Cell, Column, Tone};
use serde::Serialize;

use super::asks::Asks;
use super::columns::named;
use super::row::Row;

/// What rows are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// The first holder.
    Process,
    /// Its container.
    Container,
    /// Its systemd unit.
    Unit,
    /// The port of the service: that of the end which listens, as far as one can tell.
    Port,
    /// The address of the other end.
    Peer,
    /// The state.
    State,
    /// The user of the socket.
    User,
    /// The network namespace.
    Netns,
    /// The kind of socket.
    Kind,
}

/// Rows that have something in common.
#[derive(Debug, Serialize)]
pub struct Group {
    /// What they were grouped by.
    by: &'static str,
    /// What they have in common; `null` where that is not known or is nothing.
    value: Option<String>,
    /// The process id, of a group of a process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    sockets: u64,
    /// How many are in which state.
    states: BTreeMap<String, u64>,
    /// Sums over what are no listeners.
    recv_q_bytes: u64,
    send_q_bytes: u64,
    /// Connections that wait to be accepted.
    accept_queue: u64,
    /// Sockets without a known holder.
    owner_unknown: u64,
}

impl By {
    /// Gives what has to be collected for it.
    pub fn asks(self) -> Asks {
        match self {
            Self::Process => Asks::OWNERS,
            Self::Container | Self::Unit => Asks::OWNERS | Asks::CGROUP,
            Self::User => Asks::USERS,
            Self::Port | Self::Peer | Self::State | Self::Netns | Self::Kind => Asks::default(),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Container => "container",
            Self::Unit => "unit",
            Self::Port => "port",
            Self::Peer => "peer",
            Self::State => "state",
            Self::User => "user",
            Self::Netns => "netns",
            Self::Kind => "kind",
        }
    }

    fn value<'s>(self, row: &Row<'s>) -> Option<Cow<'s, str>> {
        match self {
            Self::Process => Some(named(row.owner()?.1).into()),
            Self::Container => row.container_text(),
            Self::Unit => row.unit().map(String::from_utf8_lossy),
            Self::Port => service_port(row).map(|port| port.to_string().into()),
            Self::Peer => match &row.socket.peer {
                End::Inet(end) if !end.ip().is_unspecified() => {
                    Some(end.ip().to_canonical().to_string().into())
                }
                _ => None,
            },
            Self::State => Some(row.state_word()),
            Self::User => row.user().ok().map(Into::into),
            Self::Netns => Some(row.netns_text()),
            Self::Kind => Some(row.socket.kind.word().into()),
        }
    }
}

/// The lower port is the service's, because those the kernel chooses are high; a listener is one anyway.
fn service_port(row: &Row<'_>) -> Option<u16> {
    let (local, peer) = (row.socket.local.port(), row.socket.peer.port());
    match (local, peer) {
        (Some(local), Some(peer)) => Some(local.min(peer)),
        (local, peer) => local.or(peer),
    }
}

/// Groups rows, the largest group first.
pub fn group(rows: &[Row<'_>], by: By) -> Vec<Group> {
    let mut places: HashMap<Option<Cow<'_, str>>, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for row in rows {
        let value = by.value(row);
        let place = *places.entry(value).or_insert_with_key(|value| {
            groups.push(Group::new(by, row, value.as_deref()));
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(place) {
            group.add(row);
        }
    }
    groups.sort_by(|a, b| {
        b.sockets
            .cmp(&a.sockets)
            .then_with(|| a.value.cmp(&b.value))
    });
    groups
}

impl Group {
    fn new(by: By, row: &Row<'_>, value: Option<&str>) -> Self {
        let owner = row.owner().filter(|_| by == By::Process);
        let name = owner.map(|(_, process)| json::text(&process.comm));
        Self {
            by: by.word(),
            value: name.or_else(|| value.map(str::to_owned)),
            pid: owner.map(|(_, process)| process.pid.0),
            sockets: 0,
            states: BTreeMap::new(),
            recv_q_bytes: 0,
            send_q_bytes: 0,
            accept_queue: 0,
            owner_unknown: 0,
        }
    }

    fn add(&mut self, row: &Row<'_>) {
        self.sockets += 1;
        self.owner_unknown += u64::from(row.owner_unknown().is_some());
        let word = row.state_word();
        match self.states.get_mut(&*word) {
            Some(count) => *count += 1,
            None => {
                self.states.insert(word.into_owned(), 1);
            }
        }
        let (recv, send) = (row.socket.recv_q.ok(), row.socket.send_q.ok());
        if row.socket.is_listener() {
            self.accept_queue += recv.unwrap_or(0);
        } else {
            self.recv_q_bytes += recv.unwrap_or(0);
            self.send_q_bytes += send.unwrap_or(0);
        }
    }

    fn name(&self) -> Cell<'_> {
        match (&self.value, self.pid) {
            (Some(name), Some(pid)) => Cell::new(format!("{name}[{pid}]")),
            (Some(value), None) => Cell::new(value.as_str()),
            (None, _) => Cell::new("-").with(Tone::Dim),
        }
    }

    fn in_state(&self, state: &str) -> u64 {
        self.states.get(state).copied().unwrap_or(0)
    }

    /// Sockets in states that have no column.
    fn in_others(&self) -> u64 {
        let named = [LISTEN, ESTABLISHED, CLOSE_WAIT, TIME_WAIT, UNCONN];
        let named: u64 = named.iter().map(|state| self.in_state(state)).sum();
        self.sockets - named
    }
}

const LISTEN: &str = "LISTEN";
const ESTABLISHED: &str = "ESTABLISHED";
const CLOSE_WAIT: &str = "CLOSE_WAIT";
const TIME_WAIT: &str = "TIME_WAIT";
const UNCONN: &str = "UNCONN";

/// Gives the columns of a table of groups.
pub fn columns() -> Vec<Column<Group>> {
    vec![
        column("group", "Group", Group::name)
            .shrink_to(12)
            .about("what the sockets have in common"),
        column("sockets", "Sockets", |group| count(group.sockets))
            .right()
            .keep(100)
            .about("how many they are")
            .plain("sockets", |group| Some(group.sockets)),
        column("listen", "Listen", |group| count(group.in_state(LISTEN)))
            .right()
            .keep(60)
            .about("of them in LISTEN")
            .plain("listen", |group| Some(group.in_state(LISTEN))),
        column("established", "Estab", |group| {
            count(group.in_state(ESTABLISHED))
        })
        .right()
        .keep(80)
        .about("in ESTABLISHED")
        .plain("established", |group| Some(group.in_state(ESTABLISHED))),
        column("close-wait", "Close-Wait", |group| {
            match group.in_state(CLOSE_WAIT) {
                0 => count(0),
                waiting => count(waiting).with(Tone::Warning),
            }
        })
        .right()
        .keep(70)
        .about("in CLOSE_WAIT: closed by the peer, not by the program")
        .plain("close-wait", |group| Some(group.in_state(CLOSE_WAIT))),
        column("time-wait", "Time-Wait", |group| {
            count(group.in_state(TIME_WAIT))
        })
        .right()
        .keep(50)
        .about("in TIME_WAIT")
        .plain("time-wait", |group| Some(group.in_state(TIME_WAIT))),
        column("unconn", "Unconn", |group| count(group.in_state(UNCONN)))
            .right()
            .keep(30)
            .about("without a connection")
            .plain("unconn", |group| Some(group.in_state(UNCONN))),
        column("others", "Others", |group| count(group.in_others()))
            .right()
            .keep(20)
            .about("in other states")
            .plain("others", |group| Some(group.in_others())),
        column("recv-q", "Recv-Q", |group| scaled(group.recv_q_bytes))
            .right()
            .keep(45)
            .about("bytes that programs have not read")
            .plain("recv_q_bytes", |group| Some(group.recv_q_bytes)),
        column("send-q", "Send-Q", |group| scaled(group.send_q_bytes))
            .right()
            .keep(44)
            .about("bytes not acknowledged")
            .plain("send_q_bytes", |group| Some(group.send_q_bytes)),
        column("accept-q", "Accept-Q", |group| count(group.accept_queue))
            .right()
            .keep(40)
            .about("connections that wait to be accepted")
            .plain("accept-q", |group| Some(group.accept_queue)),
    ]
}

fn column(
    key: &'static str,
    head: &'static str,
    cell: for<'r> fn(&'r Group) -> Cell<'r>,
) -> Column<Group> {
    Column::new(key, head, cell)
}

fn count(count: u64) -> Cell<'static> {
    match count {
        0 => Cell::new("-").with(Tone::Dim),
        count => Cell::new(count.to_string()),
    }
}

fn scaled(count: u64) -> Cell<'static> {
    match count {
        0 => Cell::new("-").with(Tone::Dim),
        count => Cell::new(bytes(count)),
    }
}
