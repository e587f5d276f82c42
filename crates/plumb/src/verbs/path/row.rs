//! What `plumb path` tells of one hop: the JSON of docs/json-verbs.md, and the table.

use plumb_present::report::{Cell, Column, Tone};
use serde::Serialize;

/// One hop.
#[derive(Debug, Serialize)]
pub struct Row {
    /// TTL of the probes.
    pub ttl: u8,
    /// Who answered, in the order they did.
    pub addresses: Vec<String>,
    /// The name of the first, where names were asked for and it has one.
    pub name: Option<String>,
    /// Probes sent.
    pub sent: u32,
    /// Probes answered.
    pub received: u32,
    /// Probes not answered, percent.
    pub loss_percent: f64,
    /// Smallest round trip time.
    pub rtt_min_ms: Option<f64>,
    /// Mean.
    pub rtt_avg_ms: Option<f64>,
    /// Largest.
    pub rtt_max_ms: Option<f64>,
    /// Mean difference between one and the next.
    pub jitter_ms: Option<f64>,
    /// What was said, as `ttl exceeded`, `reply`, `admin prohibited`.
    pub says: Option<&'static str>,
    /// TTL with which the answer came.
    pub reply_ttl: Option<u8>,
}

/// The columns of the table.
pub const COLUMNS: [Column<Row>; 9] = [
    Column::new("ttl", "Hop", |row: &Row| Cell::new(row.ttl.to_string())).right(),
    Column::new("address", "Address", |row: &Row| {
        if row.addresses.is_empty() {
            return Cell::new("*").with(Tone::Dim);
        }
        let address = row.addresses.join(" ");
        match &row.name {
            Some(name) => Cell::new(format!("{name} ({address})")).with(Tone::Strong),
            None => Cell::new(address).with(Tone::Strong),
        }
    })
    .shrink_to(16),
    Column::new("loss", "Loss", |row: &Row| {
        let tone = if row.loss_percent > 0.0 {
            Tone::Warning
        } else {
            Tone::Plain
        };
        Cell::new(format!("{:.0}%", row.loss_percent)).with(tone)
    })
    .right(),
    Column::new("sent", "Sent", |row: &Row| Cell::new(row.sent.to_string()))
        .right()
        .wide_only(),
    Column::new("min-ms", "Min ms", |row: &Row| time(row.rtt_min_ms))
        .right()
        .keep(20),
    Column::new("avg-ms", "Avg ms", |row: &Row| time(row.rtt_avg_ms)).right(),
    Column::new("max-ms", "Max ms", |row: &Row| time(row.rtt_max_ms))
        .right()
        .keep(15),
    Column::new("jitter-ms", "Jitter ms", |row: &Row| time(row.jitter_ms))
        .right()
        .keep(10),
    Column::new("says", "Says", |row: &Row| {
        Cell::new(row.says.unwrap_or("-"))
    })
    .keep(30),
];

fn time(ms: Option<f64>) -> Cell<'static> {
    match ms {
        Some(ms) => Cell::new(format!("{ms:.2}")),
        None => Cell::new("-").with(Tone::Dim),
    }
}
