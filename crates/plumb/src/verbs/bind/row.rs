//! What `plumb bind` tells of one address and port: the JSON of docs/json-verbs.md, and the table.

use plumb_present::report::{Cell, Column, Tone};
use serde::Serialize;

/// One address and port.
#[derive(Debug, Serialize)]
pub struct Row {
    /// `ADDR:PORT`.
    pub endpoint: String,
    /// `tcp` or `udp`.
    pub protocol: &'static str,
    /// The answer: the kernel's where it was tried, else that of the rules; none where neither tells.
    pub can_bind: Option<bool>,
    /// The name of the error, where it is refused.
    pub errno: Option<String>,
    /// The rule that decides.
    pub rule: &'static str,
    /// The answer in a sentence.
    pub explanation: String,
    /// What the rules say; none where that hangs on what cannot be seen.
    pub predicted: Option<bool>,
    /// What the kernel said to a real bind.
    pub tried: Option<Tried>,
    /// Why there was none.
    pub not_tried: Option<String>,
    /// Who is in the way, at most [`super::MOST_SHOWN`].
    pub blockers: Vec<Holder>,
    /// How many are.
    pub blockers_total: usize,
    /// Of whom it cannot be told, likewise.
    pub undecided: Vec<Holder>,
    /// Who has the same port and lets us in, likewise.
    pub shared_with: Vec<Holder>,
    /// Options with which it would work, tried where that disturbs nobody.
    pub would_help: Vec<&'static str>,
    /// What else matters for this port.
    pub notes: Vec<Note>,
    /// What to do.
    pub hints: Vec<String>,
    /// Who has the port in other network namespaces, which is in nobody's way.
    pub elsewhere: Vec<Holder>,
}

/// A real bind.
#[derive(Debug, Serialize)]
pub struct Tried {
    /// Whether it was bound.
    pub bound: bool,
    /// The name of the error.
    pub errno: Option<String>,
    /// Whether the rules said the same; none where they did not say.
    pub agrees: Option<bool>,
}

/// Something that matters beside the answer.
#[derive(Debug, Serialize)]
pub struct Note {
    /// Its stable word.
    pub id: &'static str,
    /// It in words.
    pub text: String,
}

/// A socket on the port.
#[derive(Debug, Serialize)]
pub struct Holder {
    /// What it is: `listener`, `connection`, `time-wait`, `orphan`, `bound-not-listening`, `socket`.
    pub what: &'static str,
    /// How its address and ours meet; none in another namespace.
    pub overlap: Option<&'static str>,
    /// Its local end.
    pub local: String,
    /// Its other end, where it has one.
    pub peer: Option<String>,
    /// Its state, as netstat names it.
    pub state: Option<&'static str>,
    /// The user it belongs to.
    pub uid: Option<u32>,
    /// That user's name, where the user database has one.
    pub user: Option<String>,
    /// SO_REUSEADDR, where it can be seen.
    pub reuse_addr: Option<bool>,
    /// SO_REUSEPORT, where it can be seen.
    pub reuse_port: Option<bool>,
    /// Until it goes by itself.
    pub remaining_ms: Option<u32>,
    /// Index of the interface it is bound to.
    pub interface: Option<u32>,
    /// The network namespace, where it is not the one asked about.
    pub netns: Option<String>,
    /// Who holds it.
    pub processes: Vec<Held>,
    /// Why nobody is known to.
    pub owner_unknown: Option<&'static str>,
}

impl Holder {
    /// Names the user it belongs to: `root`, or `user 4242` of one without a name.
    pub fn owner(&self) -> Option<String> {
        self.user
            .clone()
            .or_else(|| self.uid.map(|uid| format!("user {uid}")))
    }
}

/// A process that holds a socket.
#[derive(Debug, Serialize)]
pub struct Held {
    /// Its id.
    pub pid: u32,
    /// Its name.
    pub name: String,
    /// Its descriptor.
    pub fd: Option<i32>,
    /// Its command line.
    pub command: Option<String>,
    /// When it started (RFC 3339).
    pub started: Option<String>,
    /// Its parent.
    pub parent_pid: Option<u32>,
    /// Its systemd unit.
    pub unit: Option<String>,
    /// Its container.
    pub container: Option<String>,
}

/// The columns of the table.
pub const COLUMNS: [Column<Row>; 6] = [
    Column::new("endpoint", "Endpoint", |row: &Row| {
        Cell::new(row.endpoint.as_str()).with(Tone::Strong)
    }),
    Column::new("protocol", "Proto", |row: &Row| Cell::new(row.protocol)).keep(20),
    Column::new("can-bind", "Bind", |row: &Row| match row.can_bind {
        Some(true) => Cell::new("yes").with(Tone::Good),
        Some(false) => Cell::new("no").with(Tone::Bad),
        None => Cell::new("unknown").with(Tone::Warning),
    }),
    Column::new("rule", "Rule", |row: &Row| Cell::new(row.rule)).keep(30),
    Column::new("errno", "Error", |row: &Row| {
        Cell::new(row.errno.as_deref().unwrap_or("-"))
    })
    .keep(10),
    Column::new("holder", "Holder", holder)
        .shrink_to(12)
        .keep(40),
];

fn holder(row: &Row) -> Cell<'_> {
    let Some(first) = row.blockers.first().or(row.undecided.first()) else {
        return Cell::new("-").with(Tone::Dim);
    };
    let who = match (first.processes.first(), first.owner_unknown) {
        (Some(held), _) => format!("{}[{}]", held.name, held.pid),
        (None, Some("permission-denied")) if first.uid.is_some() => {
            format!("(socket of {})", first.owner().unwrap_or_default())
        }
        (None, Some(reason)) => format!("({reason})"),
        (None, None) => first.what.to_owned(),
    };
    match row.blockers_total.saturating_sub(1) {
        0 => Cell::new(who),
        more => Cell::new(format!("{who} +{more}")),
    }
}
