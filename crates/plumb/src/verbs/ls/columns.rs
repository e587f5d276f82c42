//! The columns of `plumb ls`: what each is called, what it shows, what it asks for, how it sorts.
//!
//! A column's word is also that of the filter's test, where there is one. Of what only wide or unusual
//! columns show nothing is asked unless one of them is wanted.

use std::borrow::Cow;

use plumb_filter::Fact;
use plumb_model::Known;
use plumb_model::attribution::Process;
use plumb_model::snapshot::Namespace;
use plumb_present::report::value::{bytes, duration_us};
use plumb_present::report::{Cell, Column, Tone};

use super::asks::Asks;
use super::facts::spaced;
use super::row::Row;
use crate::facts;

/// What the namespace of this process is called.
pub const OWN: &str = "own";

/// A column.
pub struct Spec<'s> {
    /// Which one.
    pub id: Id,
    /// How it looks.
    pub column: Column<Row<'s>>,
    /// What has to be collected for it.
    pub asks: Asks,
    /// Left out of a table of usual columns in which it would be empty.
    pub may_be_empty: bool,
    /// By what it sorts.
    pub order: fn(&Row<'s>) -> Order<'s>,
}

/// What a row is sorted by; what is not known stands last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order<'s> {
    /// A number.
    Number(u64),
    /// A text.
    Text(Cow<'s, str>),
    /// Nothing is known.
    Unknown,
}

/// Names the columns, for what JSON tells in place of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Id {
    Kind,
    State,
    RecvQ,
    SendQ,
    Local,
    Peer,
    Process,
    Pid,
    Fd,
    User,
    Netns,
    Container,
    Unit,
    PeerProcess,
    Owners,
    Related,
    OwnerUnknown,
    Exe,
    Cmdline,
    Uid,
    Cgroup,
    Pod,
    Interface,
    Timer,
    Age,
    Rtt,
    Retrans,
    Cwnd,
    Unsent,
    BytesSent,
    BytesReceived,
    Memory,
    Rmem,
    Wmem,
    Drops,
    Inode,
    Cookie,
    MadeBy,
}

/// Gives all columns, in the order of a wide table.
#[rustfmt::skip]
pub fn all<'s>() -> Vec<Spec<'s>> {
    let none = Asks::default();
    let owners = Asks::OWNERS;
    let cgroup = Asks::OWNERS | Asks::CGROUP;
    vec![
        spec(Id::Kind, none, shown("kind", "Kind", |row| Cell::new(row.socket.kind.word()))
            .keep(60).about("kind of socket: tcp, udp, raw, u_str, nl ..."), |row| text(row.socket.kind.word())),
        spec(Id::State, none, shown("state", "State", |row| Cell::new(row.state_word()))
            .keep(100).about("state, by the kernel's names"), |row| Order::Text(row.state_word())),
        spec(Id::RecvQ, none, shown("recv-q", "Recv-Q", |row| queue(row, row.socket.recv_q))
            .right().keep(50).about("bytes to read; of a listener, connections that wait").plain("recv_q", |row| row.socket.recv_q.ok()), |row| number(row.socket.recv_q)),
        spec(Id::SendQ, none, shown("send-q", "Send-Q", |row| queue(row, row.socket.send_q))
            .right().keep(45).about("bytes not acknowledged; of a listener, its backlog").plain("send_q", |row| row.socket.send_q.ok()), |row| number(row.socket.send_q)),
        spec(Id::Local, none, shown("local", "Local", |row| Cell::new(row.local_text()))
            .shrink_to(21).cut_at_start().about("local address and port, or name"), |row| Order::Text(row.local_text().into())),
        spec(Id::Peer, none, shown("peer", "Peer", |row| Cell::new(row.peer_text()))
            .keep(110).shrink_to(21).cut_at_start().about("the other end's address and port"), |row| Order::Text(row.peer_text().into())),
        spec(Id::Process, owners, shown("process", "Process", |row| process(row))
            .shrink_to(12).about("first holder, as NAME[PID], and how many more; else why none is known, and whose the port is"), |row| known(row.owner().map(|(_, process)| lossy(&process.comm)))),
        spec(Id::Pid, owners, wide("pid", "PID", |row| of_number(row.owner().map(|(_, process)| process.pid.0.into())))
            .right().keep(15).about("its process id"), |row| order(row.owner().map(|(_, process)| process.pid.0.into()))),
        spec(Id::Fd, owners, shown("fd", "FD", |row| of_number(row.fd()))
            .right().keep(20).about("descriptor by which it holds the socket"), |row| order(row.fd())),
        spec(Id::User, Asks::USERS, shown("user", "User", user)
            .keep(30).about("user of the socket"), |row| known_text(row.user())),
        optional(Id::Netns, none, shown("netns", "Netns", |row| Cell::new(row.netns_text()))
            .keep(42).shrink_to(8).about("network namespace, by name or number"), |row| Order::Text(row.netns_text())),
        optional(Id::Container, cgroup, shown("container", "Container", |row| of_text(row.container_text()))
            .keep(40).shrink_to(12).about("container of the holder"), |row| known(row.container_text())),
        optional(Id::Unit, cgroup, shown("unit", "Unit", |row| of_text(row.unit().map(lossy)))
            .keep(25).shrink_to(12).about("systemd unit of the holder"), |row| known(row.unit().map(lossy))),
        optional(Id::PeerProcess, Asks::OWNERS | Asks::PEERS, shown("peer-process", "Other end", |row| of_text(row.peer().map(|peer| process(&peer).text)))
            .keep(38).shrink_to(12).about("who holds the other end, where that is on this host"), |row| known(row.peer().map(|peer| process(&peer).text))),
        spec(Id::Owners, owners, wide("owners", "All owners", |row| of_text(row.owners_text()))
            .keep(5).shrink_to(14).about("every holder, as NAME[PID]:FD"), |row| known(row.owners_text())),
        spec(Id::Related, owners, wide("related", "Related", |row| of_text(row.related_text()))
            .keep(6).shrink_to(12).about("who the port belongs to, where a socket in TIME_WAIT or SYN_RECV has no holder"), |row| known(row.related_text())),
        spec(Id::OwnerUnknown, owners, wide("owner-unknown", "Unknown because", |row| of_text(row.owner_unknown().map(|reason| reason.word().into())))
            .keep(6).about("why no holder is known"), |row| known(row.owner_unknown().map(|reason| reason.word().into()))),
        spec(Id::Exe, owners | Asks::EXE, wide("exe", "Executable", |row| of_text(row.exe_text()))
            .keep(12).shrink_to(12).about("what the holder executes"), |row| known(row.exe_text())),
        spec(Id::Cmdline, owners | Asks::CMDLINE, wide("cmdline", "Command line", |row| of_text(row.cmdline_text()))
            .keep(3).shrink_to(20).about("command line of the holder"), |row| known(row.cmdline_text())),
        spec(Id::Uid, none, wide("uid", "UID", |row| known_number(row.socket.uid.map(|uid| uid.0.into())))
            .right().keep(7).about("user id of the socket"), |row| number(row.socket.uid.map(|uid| uid.0.into()))),
        spec(Id::Cgroup, cgroup | Asks::CGROUP_PATHS, wide("cgroup", "Cgroup", |row| of_text(row.cgroup().map(lossy)))
            .keep(4).shrink_to(14).about("cgroup the socket was made in"), |row| known(row.cgroup().map(lossy))),
        spec(Id::Pod, cgroup, wide("pod", "Pod", |row| of_text(row.pod_text()))
            .keep(16).shrink_to(12).about("pod of the holder"), |row| known(row.pod_text())),
        spec(Id::MadeBy, Asks::CREATIONS, wide("made-by", "Made by", made_by)
            .keep(35).shrink_to(20).about("the code that made a TCP, UDP or raw socket, as plumb trace --keep saw it; else why it is not known"), |row| known(row.code_text())),
        spec(Id::Interface, none, wide("interface", "Interface", |row| of_text(row.interface().map(lossy)))
            .keep(8).about("interface it is bound to"), |row| known(row.interface().map(lossy))),
        spec(Id::Timer, none, wide("timer", "Timer", |row| of_text(row.timer_text()))
            .keep(9).about("pending timer and the time it has left"), |row| order(row.timer_ms())),
        spec(Id::Age, Asks::INFO, wide("age", "Age >=", |row| scaled(row, Fact::AgeUs, duration_us))
            .right().keep(17).about("time the connection has existed at least").plain("age_at_least_us", |row| row.number(Fact::AgeUs).ok()), |row| number(row.number(Fact::AgeUs))),
        spec(Id::Rtt, Asks::INFO, wide("rtt", "RTT", |row| scaled(row, Fact::RttUs, duration_us))
            .right().keep(18).about("round trip time").plain("rtt_us", |row| row.number(Fact::RttUs).ok()), |row| number(row.number(Fact::RttUs))),
        spec(Id::Retrans, Asks::INFO, wide("retrans", "Retrans", |row| alarming(row.number(Fact::Retrans)))
            .right().keep(19).about("segments sent again"), |row| number(row.number(Fact::Retrans))),
        spec(Id::Cwnd, Asks::INFO, wide("cwnd", "Cwnd", |row| known_number(row.number(Fact::Cwnd)))
            .right().keep(10).about("congestion window, segments"), |row| number(row.number(Fact::Cwnd))),
        spec(Id::Unsent, Asks::INFO, wide("unsent", "Unsent", |row| known_number(row.number(Fact::Unsent)))
            .right().keep(10).about("bytes that were not sent yet").plain("unsent_bytes", |row| row.number(Fact::Unsent).ok()), |row| number(row.number(Fact::Unsent))),
        spec(Id::BytesSent, Asks::INFO, wide("bytes-sent", "Sent", |row| scaled(row, Fact::BytesSent, bytes))
            .right().keep(14).about("bytes sent, with those sent again; TCP, the kernel keeps no totals of others").plain("sent_bytes", |row| row.number(Fact::BytesSent).ok()), |row| number(row.number(Fact::BytesSent))),
        spec(Id::BytesReceived, Asks::INFO, wide("bytes-received", "Received", |row| scaled(row, Fact::BytesReceived, bytes))
            .right().keep(14).about("bytes received; TCP, the kernel keeps no totals of others").plain("received_bytes", |row| row.number(Fact::BytesReceived).ok()), |row| number(row.number(Fact::BytesReceived))),
        spec(Id::Memory, Asks::MEMORY, wide("memory", "Memory", |row| scaled(row, Fact::Memory, bytes))
            .right().keep(13).about("memory in both directions").plain("memory_bytes", |row| row.number(Fact::Memory).ok()), |row| number(row.number(Fact::Memory))),
        spec(Id::Rmem, Asks::MEMORY, wide("rmem", "Rmem", |row| scaled(row, Fact::Rmem, bytes))
            .right().keep(7).about("memory for receiving").plain("rmem_bytes", |row| row.number(Fact::Rmem).ok()), |row| number(row.number(Fact::Rmem))),
        spec(Id::Wmem, Asks::MEMORY, wide("wmem", "Wmem", |row| scaled(row, Fact::Wmem, bytes))
            .right().keep(7).about("memory for sending").plain("wmem_bytes", |row| row.number(Fact::Wmem).ok()), |row| number(row.number(Fact::Wmem))),
        spec(Id::Drops, Asks::MEMORY, wide("drops", "Drops", |row| alarming(row.number(Fact::Drops)))
            .right().keep(16).about("packets that found no room"), |row| number(row.number(Fact::Drops))),
        spec(Id::Inode, none, wide("inode", "Inode", |row| known_number(row.socket.inode.map(|inode| inode.0)))
            .right().keep(2).about("inode in sockfs"), |row| number(row.socket.inode.map(|inode| inode.0))),
        spec(Id::Cookie, none, wide("cookie", "Cookie", |row| known_number(row.socket.cookie.map(|cookie| cookie.0)))
            .right().keep(1).about("the kernel's name for it, never used twice"), |row| number(row.socket.cookie.map(|cookie| cookie.0))),
    ]
}

fn spec<'s>(
    id: Id,
    asks: Asks,
    column: Column<Row<'s>>,
    order: fn(&Row<'s>) -> Order<'s>,
) -> Spec<'s> {
    Spec {
        id,
        column,
        asks,
        may_be_empty: false,
        order,
    }
}

fn optional<'s>(
    id: Id,
    asks: Asks,
    column: Column<Row<'s>>,
    order: fn(&Row<'s>) -> Order<'s>,
) -> Spec<'s> {
    Spec {
        may_be_empty: true,
        ..spec(id, asks, column, order)
    }
}

fn shown<'s>(
    key: &'static str,
    head: &'static str,
    cell: for<'r> fn(&'r Row<'s>) -> Cell<'r>,
) -> Column<Row<'s>> {
    Column::new(key, head, cell)
}

fn wide<'s>(
    key: &'static str,
    head: &'static str,
    cell: for<'r> fn(&'r Row<'s>) -> Cell<'r>,
) -> Column<Row<'s>> {
    Column::new(key, head, cell).wide_only()
}

fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn absent() -> Cell<'static> {
    Cell::new("-").with(Tone::Dim)
}

fn of_text(text: Option<Cow<'_, str>>) -> Cell<'_> {
    match text {
        Some(text) => Cell::new(text),
        None => absent(),
    }
}

fn of_number(number: Option<u64>) -> Cell<'static> {
    number.map_or_else(absent, |number| Cell::new(number.to_string()))
}

fn known_number(number: Known<u64>) -> Cell<'static> {
    of_number(number.ok())
}

/// A number that should be 0.
fn alarming(number: Known<u64>) -> Cell<'static> {
    match number {
        Known::Known(count @ 1..) => Cell::new(count.to_string()).with(Tone::Warning),
        other => known_number(other),
    }
}

fn scaled(row: &Row<'_>, fact: Fact, scale: fn(u64) -> String) -> Cell<'static> {
    let number = row.number(fact).ok();
    number.map_or_else(absent, |number| Cell::new(scale(number)))
}

/// A queue; a full accept queue is a failure.
fn queue(row: &Row<'_>, value: Known<u64>) -> Cell<'static> {
    let socket = row.socket;
    let is_full = socket.is_listener()
        && socket.kind.is_inet()
        && matches!((socket.recv_q, socket.send_q), (Known::Known(waiting), Known::Known(limit)) if waiting > limit);
    let cell = known_number(value);
    if is_full { cell.with(Tone::Bad) } else { cell }
}

/// The first holder and how many more there are, or why none is known.
fn process<'s>(row: &Row<'s>) -> Cell<'s> {
    let Some((_, first)) = row.owner() else {
        let Some(reason) = row.owner_unknown() else {
            return absent();
        };
        return match row.related() {
            Some(related) => {
                let text = format!("({}) {}", reason.word(), named(related));
                Cell::new(text).with(Tone::Dim)
            }
            None => Cell::unknown(reason),
        };
    };
    let name = named(first);
    let cell = match row.processes().len() {
        0 | 1 => Cell::new(name),
        holders => Cell::new(format!("{name} +{}", holders - 1)),
    };
    cell.with(Tone::Strong)
}

/// The code that made it, or why it is not known.
fn made_by<'r>(row: &'r Row<'_>) -> Cell<'r> {
    match (row.code_text(), row.creation_unknown()) {
        (Some(text), _) => Cell::new(text),
        (None, Some(why)) => Cell::new(format!("({why})")).with(Tone::Dim),
        (None, None) => absent(),
    }
}

/// A process as `NAME[PID]`.
pub fn named(process: &Process) -> String {
    format!("{}[{}]", lossy(&process.comm), process.pid.0)
}

fn user<'r>(row: &'r Row<'_>) -> Cell<'r> {
    match row.user() {
        Known::Known(name) => Cell::new(name),
        Known::Unknown(_) => absent(),
    }
}

fn text(text: &str) -> Order<'_> {
    Order::Text(text.into())
}

fn order<'s>(number: Option<u64>) -> Order<'s> {
    number.map_or(Order::Unknown, Order::Number)
}

fn number<'s>(number: Known<u64>) -> Order<'s> {
    order(number.ok())
}

fn known(text: Option<Cow<'_, str>>) -> Order<'_> {
    text.map_or(Order::Unknown, Order::Text)
}

fn known_text<'s>(text: Known<String>) -> Order<'s> {
    known(text.ok().map(Cow::Owned))
}

impl<'s> Row<'s> {
    /// Gives the state's name: what has no states and is not connected is `UNCONN`, as for ss.
    pub fn state_word(&self) -> Cow<'static, str> {
        let state = self.socket.state;
        let kind = self.socket.kind;
        match state.tcp_name() {
            Some("CLOSE") if !kind.has_states() => "UNCONN".into(),
            Some(name) => name.into(),
            None => format!("state-{}", state.0).into(),
        }
    }

    /// Gives a number of the counters of TCP or of memory.
    pub fn number(&self, fact: Fact) -> Known<u64> {
        super::number(self.socket, fact)
    }

    /// Gives the descriptor of the first holding.
    pub fn fd(&self) -> Option<u64> {
        let (holding, _) = self.owner()?;
        u64::try_from(holding.how.fd()?).ok()
    }

    /// Gives the namespace's name: `own` for that of this process, and without one its number as the
    /// kernel's links show it.
    pub fn netns_text(&self) -> Cow<'s, str> {
        match self.namespace() {
            Some(namespace) if namespace.is_own => OWN.into(),
            Some(Namespace {
                name: Some(name), ..
            }) => lossy(name),
            _ => format!("net:[{}]", self.socket.netns.0).into(),
        }
    }

    /// Gives the container's name, else the beginning of its id.
    pub fn container_text(&self) -> Option<Cow<'s, str>> {
        const SHORT: usize = 12;
        let container = self.container()?;
        let id = || container.id.get(..SHORT).unwrap_or(&container.id);
        Some(lossy(container.name.as_deref().unwrap_or_else(id)))
    }

    fn pod_text(&self) -> Option<Cow<'s, str>> {
        let pod = self.pod()?;
        let name = lossy(pod.name.as_deref().unwrap_or(&pod.uid));
        Some(match &pod.namespace {
            Some(namespace) => format!("{}/{name}", lossy(namespace)).into(),
            None => name,
        })
    }

    fn owners_text(&self) -> Option<Cow<'s, str>> {
        let holdings = self.holdings().ok()?;
        let one = |holding: &plumb_model::attribution::Holding| {
            let process = named(self.process(*holding)?);
            Some(match holding.how.fd() {
                Some(fd) => format!("{process}:{fd}"),
                None => process,
            })
        };
        let all: Vec<String> = holdings.iter().filter_map(one).collect();
        Some(all.join(",").into())
    }

    fn related_text(&self) -> Option<Cow<'s, str>> {
        Some(named(self.related()?).into())
    }

    fn exe_text(&self) -> Option<Cow<'s, str>> {
        match &self.owner()?.1.exe {
            Known::Known(exe) if exe.deleted => {
                Some(format!("{} (deleted)", lossy(&exe.path)).into())
            }
            Known::Known(exe) => Some(lossy(&exe.path)),
            Known::Unknown(_) => None,
        }
    }

    fn cmdline_text(&self) -> Option<Cow<'s, str>> {
        match &self.owner()?.1.cmdline {
            Known::Known(line) => Some(lossy(&spaced(line)).into_owned().into()),
            Known::Unknown(_) => None,
        }
    }

    fn timer_ms(&self) -> Option<u64> {
        let timer = self.socket.timer;
        (timer.code != 0).then_some(timer.expires_ms.into())
    }

    fn timer_text(&self) -> Option<Cow<'s, str>> {
        let left = duration_us(self.timer_ms()?.saturating_mul(1000));
        Some(format!("{} {left}", facts::timer_word(self.socket.timer)).into())
    }
}
