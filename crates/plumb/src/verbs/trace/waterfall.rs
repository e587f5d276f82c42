//! Where the time of each connection went, as bars and as rows.

use plumb_analyze::waterfall::Connection;
use serde::Serialize;

use super::line::took;
use crate::output::Output;
use crate::verbs::recording::session::time_of;

/// Characters of the longest bar.
const BAR: u64 = 40;

/// One connection.
#[derive(Debug, Serialize)]
pub struct Row {
    time: String,
    local: Option<String>,
    peer: Option<String>,
    pid: Option<u32>,
    cookie: Option<u64>,
    total_ns: u64,
    tls_hello_after_ns: Option<u64>,
    sent_bytes: Option<u64>,
    received_bytes: Option<u64>,
    retransmits: u32,
    phases: Vec<PhaseRow>,
}

#[derive(Debug, Serialize)]
struct PhaseRow {
    phase: &'static str,
    after_ns: u64,
    duration_ns: u64,
}

/// Makes the row of a connection.
pub fn row(connection: &Connection) -> Row {
    let start = connection.start();
    let life = &connection.life;
    let phase = |phase: plumb_analyze::waterfall::Phase| PhaseRow {
        phase: phase.name,
        after_ns: phase.start.saturating_sub(start),
        duration_ns: phase.end.saturating_sub(phase.start),
    };
    Row {
        time: time_of(start),
        local: life.ends.map(|ends| ends.local.to_string()),
        peer: life.ends.map(|ends| ends.peer.to_string()),
        pid: life.owner.map(|pid| pid.0),
        cookie: life.cookie.map(|cookie| cookie.0),
        total_ns: connection.end().saturating_sub(start),
        tls_hello_after_ns: connection
            .moments
            .tls_hello
            .map(|at| at.saturating_sub(start)),
        sent_bytes: life.totals.map(|totals| totals.sent_bytes),
        received_bytes: life.totals.map(|totals| totals.received_bytes),
        retransmits: life.faults.retransmits,
        phases: connection.phases().into_iter().map(phase).collect(),
    }
}

/// Writes bars.
pub fn write(connections: &[Connection], out: &mut Output) {
    for connection in connections {
        let row = row(connection);
        let ends = |end: &Option<String>| end.clone().unwrap_or_else(|| String::from("?"));
        let bytes =
            |count: Option<u64>| count.map_or_else(|| String::from("?"), |count| count.to_string());
        let tls = row
            .tls_hello_after_ns
            .map(|after| format!(", TLS client hello after {}", took(after)))
            .unwrap_or_default();
        let head = format!(
            "\n{} > {}  {} in all, sent {} received {}{tls}\n",
            ends(&row.local),
            ends(&row.peer),
            took(row.total_ns),
            bytes(row.sent_bytes),
            bytes(row.received_bytes),
        );
        out.raw(|out| out.extend_from_slice(head.as_bytes()));
        for phase in &row.phases {
            let line = bar(phase, row.total_ns.max(1));
            out.raw(|out| out.extend_from_slice(line.as_bytes()));
        }
    }
}

fn bar(phase: &PhaseRow, total_ns: u64) -> String {
    let place = |ns: u64| usize::try_from(ns.saturating_mul(BAR) / total_ns).unwrap_or(0);
    let before = " ".repeat(place(phase.after_ns));
    let during = "#".repeat(place(phase.duration_ns).max(1));
    format!(
        "  {:<8} {:>8}  {before}{during}\n",
        phase.phase,
        took(phase.duration_ns)
    )
}
