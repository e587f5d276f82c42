//! `plumb mem --by socket`: the buffers of each socket beside their limits, and who decides about these.

use plumb_analyze::flows::{By, Serving, name};
use plumb_analyze::memory::{Buffer, Room, SetBy, held_by};
use plumb_model::snapshot::Snapshot;
use plumb_present::report::{Cell, Column, Tone, value};
use serde::Serialize;

use super::near::Sized;
use super::{Row, row};
use crate::verbs::wanted::Places;

/// One socket.
#[derive(Debug, Serialize)]
pub struct SocketRow {
    #[serde(flatten)]
    sums: Row,
    process: Option<String>,
    pid: Option<u64>,
    netns: u64,
    receive_limit_bytes: Option<u64>,
    receive_set_by: Option<&'static str>,
    receive_most_bytes: Option<u64>,
    send_limit_bytes: Option<u64>,
    send_set_by: Option<&'static str>,
    send_most_bytes: Option<u64>,
    option_limit_bytes: Option<u64>,
    near: Vec<&'static str>,
}

/// Columns of the table.
pub const COLUMNS: [Column<SocketRow>; 10] = [
    Column::new("name", "Socket", |row: &SocketRow| {
        Cell::new(row.sums.name.as_str()).with(Tone::Strong)
    })
    .shrink_to(20),
    Column::new("received", "Received", |row: &SocketRow| {
        bytes(row.sums.received_bytes)
    })
    .right()
    .keep(90),
    Column::new("receive-limit", "Of", |row: &SocketRow| {
        limit(row.receive_limit_bytes, row.receive_set_by)
    })
    .right()
    .keep(80),
    Column::new("send", "To send", |row: &SocketRow| {
        bytes(row.sums.send_bytes)
    })
    .right()
    .keep(90),
    Column::new("send-limit", "Of", |row: &SocketRow| {
        limit(row.send_limit_bytes, row.send_set_by)
    })
    .right()
    .keep(80),
    Column::new("near", "Near", near).keep(85),
    Column::new("process", "Process", |row: &SocketRow| match &row.process {
        Some(process) => Cell::new(process.as_str()),
        None => Cell::new("-").with(Tone::Dim),
    })
    .shrink_to(8)
    .keep(70),
    Column::new("drops", "Drops", |row: &SocketRow| {
        Cell::new(row.sums.drops.to_string())
    })
    .right()
    .keep(50),
    Column::new("spare", "Spare", |row: &SocketRow| {
        bytes(row.sums.spare_bytes)
    })
    .right()
    .wide_only(),
    Column::new("backlog", "Backlog", |row: &SocketRow| {
        bytes(row.sums.backlog_bytes)
    })
    .right()
    .wide_only(),
];

fn bytes(count: u64) -> Cell<'static> {
    Cell::new(value::bytes(count))
}

/// A limit, and in a word who decides about it.
fn limit(bytes: Option<u64>, set_by: Option<&'static str>) -> Cell<'static> {
    let Some(bytes) = bytes else {
        return Cell::new("-").with(Tone::Dim);
    };
    let bytes = value::bytes(bytes);
    Cell::new(match set_by {
        Some(word) if word == SetBy::Program.word() => format!("{bytes} set"),
        Some(word) if word == SetBy::Kernel.word() => format!("{bytes} auto"),
        Some(_) => bytes,
        None => format!("{bytes} ?"),
    })
}

fn near(row: &SocketRow) -> Cell<'_> {
    if row.near.is_empty() {
        return Cell::new("-").with(Tone::Dim);
    }
    Cell::new(row.near.join(" ")).with(Tone::Warning)
}

/// Gives a row for each socket, the one that has most first.
pub fn rows(snapshot: &Snapshot, places: &Places, sized: &[Sized]) -> Vec<SocketRow> {
    let serving = Serving::of(snapshot);
    let mut rows: Vec<SocketRow> = sized
        .iter()
        .filter_map(|one| {
            let socket = snapshot.sockets.get(one.place)?;
            let name = name(snapshot, one.place, By::Socket, &serving);
            let owner = places.owner(snapshot, one.place);
            let comm = |comm: &[u8]| String::from_utf8_lossy(comm).into_owned();
            let of = |buffer| one.room(buffer);
            let limit = |buffer| of(buffer)?.limit_bytes.ok();
            let set_by = |buffer| of(buffer)?.set_by.ok().map(SetBy::word);
            let most = |buffer| of(buffer).and_then(|room: &Room| room.most_bytes.ok());
            Some(SocketRow {
                sums: row(&held_by(name, socket.memory.as_ref()?)),
                process: owner.map(|owner| format!("{} {}", comm(&owner.comm), owner.pid.0)),
                pid: owner.map(|owner| u64::from(owner.pid.0)),
                netns: socket.netns.0,
                receive_limit_bytes: limit(Buffer::Receive),
                receive_set_by: set_by(Buffer::Receive),
                receive_most_bytes: most(Buffer::Receive),
                send_limit_bytes: limit(Buffer::Send),
                send_set_by: set_by(Buffer::Send),
                send_most_bytes: most(Buffer::Send),
                option_limit_bytes: limit(Buffer::Options),
                near: one.near().map(|(buffer, _)| buffer.word()).collect(),
            })
        })
        .collect();
    rows.sort_by(|a, b| {
        let total = |row: &SocketRow| row.sums.total_bytes;
        total(b).cmp(&total(a)).then(a.sums.name.cmp(&b.sums.name))
    });
    rows
}

/// Says whether a row has something to show.
pub fn has_memory(row: &SocketRow) -> bool {
    row.sums.total_bytes > 0
}
