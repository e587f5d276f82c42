//! Events as rows of JSON and CSV.

use plumb_bpf::recorder::Names;
use plumb_model::event::{Call, Event, What};
use plumb_model::socket::SocketState;
use plumb_present::json;
use plumb_present::json::stack::StackObject;
use plumb_present::report::{Cell, Column};
use serde::Serialize;

use super::call::{self, Behind};
use super::{error_names, kernel};
use crate::verbs::recording::code::Code;
use crate::verbs::recording::session::time_of;

/// One event.
#[derive(Debug, Serialize)]
pub struct Row {
    time: String,
    monotonic_ns: u64,
    event: &'static str,
    call: Option<String>,
    text: String,
    state: Option<&'static str>,
    result: Option<i64>,
    error: Option<String>,
    duration_ns: Option<u64>,
    pid: Option<u32>,
    tid: Option<u32>,
    process: Option<String>,
    local: Option<String>,
    peer: Option<String>,
    netns: Option<u64>,
    cookie: Option<u64>,
    sent_bytes: Option<u64>,
    received_bytes: Option<u64>,
    unread_bytes: Option<u32>,
    listener: Option<Listener>,
    made_by: Option<StackObject>,
}

impl Row {
    /// When it was over, for the order of rows.
    pub fn over_ns(&self) -> u64 {
        self.monotonic_ns
            .saturating_add(self.duration_ns.unwrap_or(0))
    }
}

/// The queues of a listener that was full.
#[derive(Debug, Serialize)]
pub struct Listener {
    full_queue: &'static str,
    dropped: u32,
    accept_queue: u32,
    syn_queue: u32,
    limit: u32,
}

impl Listener {
    fn of(event: &Event) -> Option<Self> {
        let What::ListenerFull(full) = &event.what else {
            return None;
        };
        Some(Self {
            full_queue: full.queue.word(),
            dropped: full.dropped,
            accept_queue: full.accept_queue,
            syn_queue: full.syn_queue,
            limit: full.limit,
        })
    }
}

/// Columns of CSV.
pub const COLUMNS: [Column<Row>; 9] = [
    Column::new("time", "Time", |row: &Row| Cell::new(row.time.as_str())),
    Column::new("event", "Event", |row: &Row| Cell::new(row.event)),
    Column::new("process", "Process", |row: &Row| {
        Cell::new(row.process.as_deref().unwrap_or("-"))
    }),
    Column::new("pid", "Pid", |row: &Row| number(row.pid.map(u64::from))).right(),
    Column::new("local", "Local", |row: &Row| {
        Cell::new(row.local.as_deref().unwrap_or("-"))
    }),
    Column::new("peer", "Peer", |row: &Row| {
        Cell::new(row.peer.as_deref().unwrap_or("-"))
    }),
    Column::new("text", "Text", |row: &Row| Cell::new(row.text.as_str())),
    Column::new("error", "Error", |row: &Row| {
        Cell::new(row.error.as_deref().unwrap_or("-"))
    }),
    Column::new("duration", "Duration", |row: &Row| number(row.duration_ns)).right(),
];

fn number(value: Option<u64>) -> Cell<'static> {
    Cell::new(value.map_or_else(|| String::from("-"), |value| value.to_string()))
}

/// Makes a row; `None` for what a call in the timeline tells better.
pub fn row(event: &Event, names: &Names, code: &mut Code, calls: bool) -> Option<Row> {
    let (word, text) = match &event.what {
        What::Call(made) => ("call", call::invocation(event, made, Behind::Nothing)),
        _ => kernel::words(event, names, calls)?,
    };
    let made: Option<&Call> = match &event.what {
        What::Call(made) => Some(made),
        _ => None,
    };
    let totals = match &event.what {
        What::State(change) => change.totals,
        What::EndOfFile(totals) => Some(*totals),
        _ => None,
    };
    let result = made
        .filter(|made| made.end_ns.is_some())
        .map(|made| made.result);
    let errno = match &event.what {
        What::State(change) if change.errno != 0 => Some(i64::from(change.errno)),
        What::Error { errno } => Some(i64::from(*errno)),
        _ => result
            .filter(|result| (-4095..0).contains(result))
            .map(i64::wrapping_neg),
    };
    let stack = event.stack.and_then(|id| code.stack(id));
    Some(Row {
        time: time_of(event.time_ns),
        monotonic_ns: event.time_ns,
        event: word,
        call: made.map(call::name),
        text,
        state: made
            .and_then(|made| made.state)
            .and_then(SocketState::tcp_name),
        result,
        error: errno.map(error_names::name),
        duration_ns: made
            .and_then(|made| made.end_ns)
            .map(|end| end.saturating_sub(event.time_ns)),
        pid: event.owner.map(|pid| pid.0),
        tid: event.task.as_ref().map(|task| task.tid),
        process: event.task.as_ref().map(|task| json::text(&task.comm)),
        local: event.ends.map(|ends| ends.local.to_string()),
        peer: event
            .ends
            .filter(|ends| ends.peer.port() != 0)
            .map(|ends| ends.peer.to_string()),
        netns: event.netns.map(|netns| netns.0),
        cookie: event.cookie.map(|cookie| cookie.0),
        sent_bytes: totals.map(|totals| totals.sent_bytes),
        received_bytes: totals.map(|totals| totals.received_bytes),
        unread_bytes: totals.map(|totals| totals.unread_bytes),
        listener: Listener::of(event),
        made_by: stack.as_deref().map(StackObject::from),
    })
}
