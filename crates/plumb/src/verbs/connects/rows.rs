//! Attempts and code paths as rows of `plumb connects`.

use std::collections::BTreeMap;

use plumb_analyze::connects::{Attempt, Path};
use plumb_analyze::lives::Life;
use plumb_model::stack::Stack;
use plumb_present::json::stack::StackObject;
use plumb_present::report::{Cell, Column, Tone, stack};
use serde::Serialize;

use super::is_bad;
use crate::verbs::recording::code::Code;
use crate::verbs::recording::session::time_of;

/// One attempt.
#[derive(Debug, Serialize)]
pub struct Row {
    time: String,
    process: String,
    pid: Option<u32>,
    local: Option<String>,
    peer: Option<String>,
    outcome: &'static str,
    errno: Option<i32>,
    error: Option<String>,
    latency_ns: Option<u64>,
    syn_retransmits: u32,
    detail: String,
    netns: Option<u64>,
    cookie: Option<u64>,
    made_by: Option<StackObject>,
    #[serde(skip)]
    made: Option<String>,
    #[serde(skip)]
    bad: bool,
    #[serde(skip)]
    begun: u64,
}

impl Row {
    /// When it began, for the order of rows.
    pub fn begun(&self) -> u64 {
        self.begun
    }
}

/// Columns of attempts.
pub const COLUMNS: [Column<Row>; 9] = [
    Column::new("time", "Time", |row: &Row| {
        Cell::new(row.time.get(11..23).unwrap_or(&row.time))
    })
    .keep(30),
    Column::new("process", "Process", |row: &Row| {
        Cell::new(row.process.as_str())
    })
    .keep(60),
    Column::new("pid", "Pid", |row: &Row| number(row.pid))
        .right()
        .keep(50),
    Column::new("peer", "Peer", |row: &Row| {
        Cell::new(row.peer.as_deref().unwrap_or("-"))
    }),
    Column::new("outcome", "Outcome", |row: &Row| {
        Cell::new(row.outcome).with(if row.bad { Tone::Bad } else { Tone::Good })
    }),
    Column::new("latency", "Latency", |row: &Row| latency(row.latency_ns))
        .right()
        .keep(70),
    Column::new("code", "Code", |row: &Row| {
        Cell::new(row.made.as_deref().unwrap_or("-"))
    })
    .keep(80)
    .shrink_to(24),
    Column::new("detail", "Detail", |row: &Row| {
        Cell::new(row.detail.as_str())
    })
    .keep(40)
    .shrink_to(16),
    Column::new("local", "Local", |row: &Row| {
        Cell::new(row.local.as_deref().unwrap_or("-"))
    })
    .wide_only(),
];

fn number(value: Option<u32>) -> Cell<'static> {
    match value {
        Some(value) => Cell::new(value.to_string()),
        None => Cell::new("-").with(Tone::Dim),
    }
}

/// Says a latency as people do.
fn latency(ns: Option<u64>) -> Cell<'static> {
    let Some(ns) = ns else {
        return Cell::new("-").with(Tone::Dim);
    };
    let us = ns / 1000;
    Cell::new(match us {
        0..=999 => format!("{us}us"),
        1_000..=9_999 => format!("{}.{}ms", us / 1000, us % 1000 / 100),
        10_000..=9_999_999 => format!("{}ms", us / 1000),
        _ => format!("{}s", us / 1_000_000),
    })
}

/// Makes the row of an attempt.
pub fn row(life: &Life, attempt: &Attempt, code: Option<&Stack>) -> Row {
    let errno = (attempt.errno != 0).then_some(attempt.errno);
    Row {
        time: time_of(life.at.begun),
        process: plumb_present::json::text(&life.comm),
        pid: life.owner.map(|pid| pid.0),
        local: life.ends.map(|ends| ends.local.to_string()),
        peer: life.ends.map(|ends| ends.peer.to_string()),
        outcome: attempt.outcome.word(),
        errno,
        error: errno.map(|errno| crate::errno::words(rustix::io::Errno::from_raw_os_error(errno))),
        latency_ns: attempt.latency_ns,
        syn_retransmits: life.faults.syn_retransmits,
        detail: attempt.detail.clone(),
        netns: life.netns.map(|netns| netns.0),
        cookie: life.cookie.map(|cookie| cookie.0),
        made_by: code.map(StackObject::from),
        made: code.map(stack::short),
        bad: is_bad(attempt.outcome),
        begun: life.at.begun,
    }
}

/// One code path.
#[derive(Debug, Serialize)]
pub struct PathRow {
    attempts: u64,
    failed: u64,
    outcomes: BTreeMap<&'static str, u64>,
    code: Option<StackObject>,
    #[serde(skip)]
    text: Option<String>,
}

/// Columns of code paths.
pub const PATH_COLUMNS: [Column<PathRow>; 4] = [
    Column::new("attempts", "Attempts", |row: &PathRow| {
        Cell::new(row.attempts.to_string())
    })
    .right(),
    Column::new("failed", "Failed", |row: &PathRow| {
        let tone = if row.failed > 0 {
            Tone::Bad
        } else {
            Tone::Plain
        };
        Cell::new(row.failed.to_string()).with(tone)
    })
    .right(),
    Column::new("outcomes", "Outcomes", |row: &PathRow| {
        Cell::new(outcomes(row))
    })
    .keep(60)
    .shrink_to(16),
    Column::new("code", "Code", |row: &PathRow| {
        Cell::new(row.text.as_deref().unwrap_or("-"))
    }),
];

fn outcomes(row: &PathRow) -> String {
    let parts: Vec<String> = row
        .outcomes
        .iter()
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    parts.join(", ")
}

/// Makes the rows of code paths.
pub fn paths(paths: &[Path], code: &mut Code) -> Vec<PathRow> {
    let row = |path: &Path| {
        let stack = path.code.and_then(|id| code.stack(id));
        PathRow {
            attempts: path.attempts,
            failed: path.failed,
            outcomes: path
                .outcomes
                .iter()
                .map(|(outcome, count)| (outcome.word(), *count))
                .collect(),
            code: stack.as_deref().map(StackObject::from),
            text: stack.as_deref().map(stack::short),
        }
    };
    paths.iter().map(row).collect()
}
