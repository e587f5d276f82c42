//! What `plumb ports` tells: the JSON of docs/json-verbs.md, and the table.

use plumb_present::report::{Cell, Column, Tone};
use serde::Serialize;

/// The ports used for one target.
#[derive(Debug, Serialize)]
pub struct Row {
    /// `tcp` or `udp`.
    pub protocol: &'static str,
    /// The local address; none where all share.
    pub source: Option<String>,
    /// The other end; none where all share.
    pub destination: Option<String>,
    /// Ports in use, TIME_WAIT included.
    pub in_use: u32,
    /// Ports that cannot be taken now: without TIME_WAIT where that can be taken again.
    pub blocked: u32,
    /// Ports there are for it.
    pub capacity: u32,
    /// The range its sockets have of their own (`IP_LOCAL_PORT_RANGE`), as far as it lies in the common one.
    pub own_range: Option<Span>,
    /// `blocked` of `capacity`.
    pub percent: f64,
    /// Connections that were opened and not closed.
    pub established: u32,
    /// Connections that are being opened.
    pub connecting: u32,
    /// Connections that are being closed.
    pub closing: u32,
    /// Connections in TIME_WAIT.
    pub time_wait: u32,
    /// Whether these can be taken again (`tcp_tw_reuse`).
    pub time_wait_reusable: bool,
    /// Ports newly taken per second; none with one look alone.
    pub new_per_s: Option<f64>,
    /// Ports given back per second.
    pub freed_per_s: Option<f64>,
    /// At this pace, seconds until none is left.
    pub exhausted_in_s: Option<f64>,
    /// New connections per second that TIME_WAIT lets go on for ever.
    pub sustainable_per_s: Option<f64>,
    /// Who holds the sockets, most first.
    pub processes: Vec<Holder>,
}

/// A first and a last port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

/// A process and how many of the sockets it holds.
#[derive(Debug, Serialize)]
pub struct Holder {
    /// Its id.
    pub pid: u32,
    /// Its name.
    pub name: String,
    /// How many.
    pub sockets: u32,
}

/// Something to worry about.
#[derive(Debug, Serialize)]
pub struct Warning {
    /// Its stable word.
    pub id: &'static str,
    /// It in words.
    pub text: String,
}

/// From here on a share is worth a warning, percent.
pub const NEAR_PERCENT: f64 = 80.0;
/// From here on connections fail, percent.
pub const FULL_PERCENT: f64 = 97.0;

/// The columns of the table.
pub const COLUMNS: [Column<Row>; 11] = [
    Column::new("protocol", "Proto", |row: &Row| Cell::new(row.protocol)).keep(20),
    Column::new("source", "Source", |row: &Row| {
        Cell::new(row.source.as_deref().unwrap_or("*"))
    })
    .keep(40)
    .shrink_to(9),
    Column::new("destination", "Destination", |row: &Row| {
        Cell::new(row.destination.as_deref().unwrap_or("*")).with(Tone::Strong)
    })
    .shrink_to(14),
    Column::new("in-use", "Used", |row: &Row| {
        Cell::new(row.in_use.to_string())
    })
    .right(),
    Column::new("capacity", "Of", |row: &Row| {
        Cell::new(row.capacity.to_string())
    })
    .right()
    .keep(50),
    Column::new("percent", "Use", |row: &Row| {
        let tone = if row.percent >= FULL_PERCENT {
            Tone::Bad
        } else if row.percent >= NEAR_PERCENT {
            Tone::Warning
        } else {
            Tone::Plain
        };
        Cell::new(format!("{:.1}%", row.percent)).with(tone)
    })
    .right(),
    Column::new("time-wait", "TimeWait", |row: &Row| {
        Cell::new(row.time_wait.to_string())
    })
    .right()
    .keep(35),
    Column::new("new-per-s", "New/s", |row: &Row| per_second(row.new_per_s))
        .right()
        .keep(30),
    Column::new("freed-per-s", "Freed/s", |row: &Row| {
        per_second(row.freed_per_s)
    })
    .right()
    .wide_only(),
    Column::new("exhausted-in", "Full in", |row: &Row| {
        match row.exhausted_in_s {
            _ if row.percent >= 100.0 => Cell::new("now").with(Tone::Bad),
            Some(seconds) => Cell::new(span(seconds)).with(Tone::Warning),
            None => Cell::new("-").with(Tone::Dim),
        }
    })
    .right()
    .keep(45),
    Column::new("process", "Process", |row: &Row| {
        match row.processes.first() {
            Some(first) if row.processes.len() > 1 => Cell::new(format!(
                "{}[{}] +{}",
                first.name,
                first.pid,
                row.processes.len() - 1
            )),
            Some(first) => Cell::new(format!("{}[{}]", first.name, first.pid)),
            None => Cell::new("-").with(Tone::Dim),
        }
    })
    .shrink_to(10)
    .keep(25),
];

fn per_second(value: Option<f64>) -> Cell<'static> {
    match value {
        Some(value) => Cell::new(format!("{value:.1}")),
        None => Cell::new("-").with(Tone::Dim),
    }
}

/// Writes a span of time in its largest unit.
pub fn span(seconds: f64) -> String {
    match seconds {
        s if s < 60.0 => format!("{s:.0}s"),
        s if s < 3600.0 => format!("{:.0}m", s / 60.0),
        s if s < 86_400.0 => format!("{:.1}h", s / 3600.0),
        s => format!("{:.0}d", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_the_unit_that_fits() {
        let all = [0.4, 59.0, 90.0, 7200.0, 864_000.0].map(span);
        assert_eq!(all, ["0s", "59s", "2m", "2.0h", "10d"]);
    }
}
