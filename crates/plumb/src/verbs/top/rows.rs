//! Flows as rows of `plumb top`.

use plumb_analyze::flows::Flow;
use plumb_present::report::{Cell, Column, Tone, value};
use serde::Serialize;

/// One group.
#[derive(Debug, Serialize)]
pub struct Row {
    name: String,
    received_bytes: u64,
    sent_bytes: u64,
    received_bytes_per_s: f64,
    sent_bytes_per_s: f64,
    retransmits: u64,
    sockets: u64,
    opened: u64,
    closed: u64,
}

/// Columns of the table.
pub const COLUMNS: [Column<Row>; 7] = [
    Column::new("name", "Who", |row: &Row| {
        Cell::new(row.name.as_str()).with(Tone::Strong)
    })
    .shrink_to(16),
    Column::new("received", "In/s", |row: &Row| {
        rate(row.received_bytes_per_s)
    })
    .right(),
    Column::new("sent", "Out/s", |row: &Row| rate(row.sent_bytes_per_s)).right(),
    Column::new("sockets", "Sockets", |row: &Row| {
        Cell::new(row.sockets.to_string())
    })
    .right()
    .keep(40),
    Column::new("opened", "New", |row: &Row| {
        Cell::new(row.opened.to_string())
    })
    .right()
    .keep(60),
    Column::new("closed", "Ended", |row: &Row| {
        Cell::new(row.closed.to_string())
    })
    .right()
    .keep(50),
    Column::new("retransmits", "Again", |row: &Row| {
        let tone = if row.retransmits > 0 {
            Tone::Warning
        } else {
            Tone::Plain
        };
        Cell::new(row.retransmits.to_string()).with(tone)
    })
    .right()
    .keep(70),
];

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bytes in a second fit, and are not negative"
)]
pub fn rate(per_s: f64) -> Cell<'static> {
    Cell::new(value::bytes(per_s as u64))
}

/// Gives how many there were in a second, for people.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "bytes in a second fit, are not negative, and are for people"
)]
pub fn per_s(count: u64, seconds: f64) -> u64 {
    (count as f64 / seconds.max(1e-6)) as u64
}

/// Makes a row of a flow that was measured for so long.
#[expect(clippy::cast_precision_loss, reason = "rates are for people")]
pub fn row(flow: &Flow, seconds: f64) -> Row {
    let per_s = |count: u64| (count as f64 / seconds.max(1e-6) * 10.0).round() / 10.0;
    Row {
        name: flow.name.clone(),
        received_bytes: flow.received_bytes,
        sent_bytes: flow.sent_bytes,
        received_bytes_per_s: per_s(flow.received_bytes),
        sent_bytes_per_s: per_s(flow.sent_bytes),
        retransmits: flow.retransmits,
        sockets: flow.sockets,
        opened: flow.opened,
        closed: flow.closed,
    }
}
