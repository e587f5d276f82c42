//! The groups of `plumb leaks` as rows.

use plumb_analyze::leaks::{Group, Verdict};
use plumb_model::event::StackId;
use plumb_model::stack::Stack;
use plumb_present::json::stack::StackObject;
use plumb_present::report::{Cell, Column, Tone, stack};
use serde::Serialize;

use super::waiting::Thread;
use crate::verbs::recording::code::Code;

/// Peers named of one group; there may be thousands.
const MAX_PEERS: usize = 10;
/// Threads named of one group.
const MAX_WAITERS: usize = 16;

/// One group.
#[derive(Debug, Serialize)]
pub struct Row {
    count: u64,
    verdict: &'static str,
    process: String,
    pids: Vec<u32>,
    older_than_recorder: u64,
    oldest_ns: Option<u64>,
    median_ns: Option<u64>,
    unread_bytes: Option<u64>,
    peers: Vec<Peer>,
    made_by: Option<StackObject>,
    told_by: Option<StackObject>,
    likely_made_by: Option<StackObject>,
    waiting: Vec<Waiter>,
    waiting_left_out: usize,
    #[serde(skip)]
    words: &'static str,
    #[serde(skip)]
    made: Option<Text>,
    #[serde(skip)]
    told: Option<Text>,
    #[serde(skip)]
    likely: Option<Text>,
    #[serde(skip)]
    bad: bool,
}

/// A thread that waits for a socket of the group.
#[derive(Debug, Serialize)]
struct Waiter {
    pid: u32,
    tid: u32,
    call: &'static str,
    descriptors: usize,
    at_least_ns: Option<u64>,
    stack: StackObject,
    #[serde(skip)]
    text: Text,
}

/// A stack in one line and in many.
#[derive(Debug)]
struct Text {
    short: String,
    lines: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Peer {
    peer: String,
    count: u64,
}

/// Columns of the table.
pub const COLUMNS: [Column<Row>; 10] = [
    Column::new("count", "Count", |row: &Row| {
        Cell::new(row.count.to_string())
    })
    .right(),
    Column::new("verdict", "Verdict", |row: &Row| {
        Cell::new(row.words).with(if row.bad { Tone::Bad } else { Tone::Warning })
    })
    .shrink_to(16),
    Column::new("process", "Process", |row: &Row| Cell::new(who(row))).keep(60),
    Column::new("oldest", "Oldest", |row: &Row| time(row.oldest_ns))
        .right()
        .keep(50),
    Column::new("median", "Median", |row: &Row| time(row.median_ns))
        .right()
        .keep(20),
    Column::new("unread", "Unread", |row: &Row| match row.unread_bytes {
        Some(bytes) => Cell::new(bytes.to_string()),
        None => Cell::new("-").with(Tone::Dim),
    })
    .right()
    .keep(30),
    Column::new("peers", "Peers", |row: &Row| Cell::new(peers(row)))
        .keep(40)
        .shrink_to(20),
    Column::new("made-by", "Made by", |row: &Row| {
        match (&row.made, &row.likely) {
            (None, Some(likely)) => Cell::new(format!("(likely) {}", likely.short)),
            (made, _) => code(made.as_ref(), row),
        }
    })
    .keep(80)
    .shrink_to(24),
    Column::new("told", "Told", |row: &Row| code(row.told.as_ref(), row))
        .keep(70)
        .shrink_to(24),
    Column::new("older", "Older", |row: &Row| {
        Cell::new(row.older_than_recorder.to_string())
    })
    .right()
    .wide_only(),
];

fn who(row: &Row) -> String {
    match row.pids.as_slice() {
        [] => row.process.clone(),
        [pid] => format!("{} {pid}", row.process),
        [pid, rest @ ..] => format!("{} {pid} and {} more", row.process, rest.len()),
    }
}

fn time(ns: Option<u64>) -> Cell<'static> {
    match ns {
        Some(ns) => Cell::new(seconds(ns)),
        None => Cell::new("-").with(Tone::Dim),
    }
}

/// Says a time as people do.
fn seconds(ns: u64) -> String {
    let s = ns / 1_000_000_000;
    match s {
        0 => format!("{}ms", ns / 1_000_000),
        1..=119 => format!("{s}s"),
        120..=7199 => format!("{}m", s / 60),
        _ => format!("{}h", s / 3600),
    }
}

fn peers(row: &Row) -> String {
    match row.peers.as_slice() {
        [] => String::from("-"),
        [only] => only.peer.clone(),
        [most, rest @ ..] => format!("{} and {} more", most.peer, rest.len()),
    }
}

fn code<'r>(text: Option<&'r Text>, row: &Row) -> Cell<'r> {
    match text {
        Some(text) => Cell::new(text.short.as_str()).with(Tone::Strong),
        None if row.older_than_recorder == row.count => Cell::new("(older)").with(Tone::Dim),
        None => Cell::new("-").with(Tone::Dim),
    }
}

/// Makes the rows.
pub fn rows(groups: &[Group], threads: &[Thread], mut code: Option<&mut Code>) -> Vec<Row> {
    let mut stack_of = |id: Option<StackId>| code.as_mut().and_then(|code| code.stack(id?));
    groups
        .iter()
        .map(|group| {
            let made = stack_of(group.made_by);
            let told = stack_of(group.told_by);
            let likely = stack_of(group.likely_made_by);
            let mut row = row(group, made.as_deref(), told.as_deref());
            row.likely_made_by = likely.as_deref().map(StackObject::from);
            row.likely = likely.as_deref().map(text);
            let waiting = group.waited_by.iter().filter_map(|at| threads.get(*at));
            row.waiting = waiting.take(MAX_WAITERS).map(waiter).collect();
            row.waiting_left_out = group.waited_by.len().saturating_sub(MAX_WAITERS);
            row
        })
        .collect()
}

fn text(of: &Stack) -> Text {
    Text {
        short: stack::short(of),
        lines: stack::lines(of),
    }
}

fn waiter(thread: &Thread) -> Waiter {
    Waiter {
        pid: thread.pid.0,
        tid: thread.tid,
        call: thread.call,
        descriptors: thread.descriptors,
        at_least_ns: thread.at_least_ns,
        stack: StackObject::from(&thread.stack),
        text: text(&thread.stack),
    }
}

fn row(group: &Group, made: Option<&Stack>, told: Option<&Stack>) -> Row {
    let peers = group.peers.iter().take(MAX_PEERS);
    Row {
        count: group.count,
        verdict: group.verdict.word(),
        process: plumb_present::json::text(&group.process),
        pids: group.pids.iter().map(|pid| pid.0).collect(),
        older_than_recorder: group.older,
        oldest_ns: group.oldest_ns,
        median_ns: group.median_ns,
        unread_bytes: group.unread_bytes,
        peers: peers
            .map(|(peer, count)| Peer {
                peer: peer.clone(),
                count: *count,
            })
            .collect(),
        made_by: made.map(StackObject::from),
        told_by: told.map(StackObject::from),
        likely_made_by: None,
        waiting: Vec::new(),
        waiting_left_out: 0,
        words: group.verdict.words(),
        likely: None,
        made: made.map(text),
        told: told.map(text),
        bad: matches!(
            group.verdict,
            Verdict::ToldNotClosed | Verdict::NeverReadAgain
        ),
    }
}

/// Says the stacks of a group, a line for each frame.
pub fn long(row: &Row) -> Vec<String> {
    let mut lines = vec![String::new(), format!("{} x {}", row.count, row.words)];
    let stacks = [
        ("made by", &row.made),
        ("likely made by (others like them are)", &row.likely),
        ("told at", &row.told),
    ];
    for (what, text) in stacks {
        if let Some(text) = text {
            lines.push(format!("  {what}"));
            lines.extend(text.lines.iter().map(|line| format!("    {line}")));
        }
    }
    for waiter in &row.waiting {
        lines.push(format!(
            "  thread {} waits in {}()",
            waiter.tid, waiter.call
        ));
        lines.extend(waiter.text.lines.iter().map(|line| format!("    {line}")));
    }
    lines
}

/// Says which threads wait for sockets of a group, a line for each.
pub fn waits(row: &Row) -> Vec<String> {
    let line = |waiter: &Waiter| {
        let among = match waiter.descriptors {
            0 | 1 => String::new(),
            more => format!(", for any of {more} descriptors"),
        };
        let long = waiter
            .at_least_ns
            .map(|ns| format!(" for {} at least", seconds(ns)));
        format!(
            "{}: thread {} of process {} waits in {}(){among}{}: {}",
            row.words,
            waiter.tid,
            waiter.pid,
            waiter.call,
            long.unwrap_or_default(),
            waiter.text.short
        )
    };
    let mut lines: Vec<String> = row.waiting.iter().map(line).collect();
    if row.waiting_left_out > 0 {
        lines.push(format!("and {} threads more", row.waiting_left_out));
    }
    lines
}
