//! What each code path moved, as rows of `plumb top --by function`.

use plumb_analyze::flows::{self, By, Flow, Interval};
use plumb_analyze::functions::{Share, Uses, Writer, shares, unattributed};
use plumb_present::json::stack::StackObject;
use plumb_present::report::{Cell, Column, Tone, stack};
use serde::Serialize;

use super::rows::rate;
use crate::verbs::recording::code::Code;

/// What is said of bytes that no call was seen for.
const UNSEEN: &str = "(no call seen)";
/// What is said of calls whose stack could not be taken.
const NO_STACK: &str = "(no stack)";

/// One code path.
#[derive(Debug, Serialize)]
pub struct Row {
    name: String,
    received_bytes: u64,
    sent_bytes: u64,
    received_bytes_per_s: f64,
    sent_bytes_per_s: f64,
    receives: u64,
    sends: u64,
    calls_per_s: f64,
    sockets: u64,
    code: Option<StackObject>,
}

/// Columns of the table.
pub const COLUMNS: [Column<Row>; 5] = [
    Column::new("received", "In/s", |row: &Row| {
        rate(row.received_bytes_per_s)
    })
    .right(),
    Column::new("sent", "Out/s", |row: &Row| rate(row.sent_bytes_per_s)).right(),
    Column::new("calls", "Calls/s", |row: &Row| {
        Cell::new(format!("{:.0}", row.calls_per_s))
    })
    .right(),
    Column::new("sockets", "Sockets", |row: &Row| {
        Cell::new(row.sockets.to_string())
    })
    .right()
    .keep(40),
    Column::new("code", "Code", |row: &Row| {
        Cell::new(row.name.as_str()).with(Tone::Strong)
    })
    .shrink_to(24),
];

/// Gives what all rows together received and sent.
pub fn moved(rows: &[Row]) -> (u64, u64) {
    let sum = |of: fn(&Row) -> u64| rows.iter().map(of).sum();
    (sum(|row| row.received_bytes), sum(|row| row.sent_bytes))
}

/// Gives a row for each code path, and one for what no call was seen for, so that they add up to what the kernel
/// counted.
pub fn rows(
    interval: &Interval<'_>,
    (before, after): (&Uses, &Uses),
    seconds: f64,
    code: &mut Code,
) -> Vec<Row> {
    let wants = |cookie| {
        interval
            .wanted
            .is_none_or(|wanted| wanted.contains(&cookie))
    };
    let mut found = shares(before, after, wants, |id| code.path(id));
    let flows = flows::flows(interval, By::Process);
    let sum = |of: fn(&Flow) -> u64| flows.iter().map(of).sum::<u64>();
    let (received, sent) = (sum(|flow| flow.received_bytes), sum(|flow| flow.sent_bytes));
    found.extend(unattributed(&found, received, sent));
    found
        .iter()
        .map(|share| row(share, seconds, code))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "rates are for people")]
fn row(share: &Share, seconds: f64, code: &mut Code) -> Row {
    let per_s = |count: u64| (count as f64 / seconds.max(1e-6) * 10.0).round() / 10.0;
    let stack = match share.writer {
        Writer::Code(id) => code.stack(id),
        Writer::NoStack | Writer::Unseen | Writer::Before => None,
    };
    let name = match (&stack, share.writer) {
        (Some(stack), _) => stack::short(stack),
        (None, Writer::Unseen | Writer::Before) => UNSEEN.to_owned(),
        (None, _) => NO_STACK.to_owned(),
    };
    let moved = share.moved;
    Row {
        name,
        received_bytes: moved.received_bytes,
        sent_bytes: moved.sent_bytes,
        received_bytes_per_s: per_s(moved.received_bytes),
        sent_bytes_per_s: per_s(moved.sent_bytes),
        receives: moved.receives,
        sends: moved.sends,
        calls_per_s: per_s(moved.sends + moved.receives),
        sockets: share.sockets,
        code: stack.as_deref().map(StackObject::from),
    }
}
