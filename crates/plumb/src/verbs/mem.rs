//! `plumb mem`: where the memory of sockets is, who has it, and how far the limits are.

mod functions;

use std::time::Duration;

use clap::Args;
use plumb_analyze::memory::{self, Held};
use plumb_collect::memory::read_protocol;
use plumb_collect::snapshot::{self, Request, Scope};
use plumb_model::memory::MemoryProtocol;
use plumb_model::snapshot::{Kind, Snapshot};
use plumb_model::socket::IpVersion;
use plumb_present::report::{Cell, Column, Tone, value};
use serde::Serialize;

use super::form::FormArguments;
use super::recording::session::gaps;
use super::recording::whom::Whose;
use super::report::Report;
use super::top::Group;
use super::wanted::Wanted;
use super::{status, watch};
use crate::output::Output;

/// The verb's name in complaints.
const VERB: &str = "mem";

/// What `plumb mem` may be given.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Arguments {
    /// What memory is added up by.
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    by: Group,
    #[command(flatten)]
    whose: Whose,
    /// With --by function: for how long calls are watched before the queues are looked at.
    #[arg(long = "for", value_name = "TIME", value_parser = watch::interval)]
    length: Option<Duration>,
    /// Also those that have none.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    form: FormArguments,
}

const EXAMPLES: &str = "\
COLUMNS
  Received  has arrived and was not read: its program is slow
  To send   was not sent or not acknowledged: the other end, or the way there, is slow
  Spare     is charged and not in use
  Full      sockets whose receive or send buffer is nine tenths full

EXAMPLES
  plumb mem                the processes whose sockets have most memory
  plumb mem --by socket
  plumb mem 'process = nginx and send-q > 0'
  plumb mem --by function -p 4242 --for 30s   which code wrote what waits to be sent
  plumb mem --json | jq '.groups[] | select(.full_receive > 0)'";

/// One group.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    total_bytes: u64,
    received_bytes: u64,
    send_bytes: u64,
    spare_bytes: u64,
    backlog_bytes: u64,
    option_bytes: u64,
    drops: u64,
    full_receive: u64,
    full_send: u64,
    sockets: u64,
}

const COLUMNS: [Column<Row>; 9] = [
    Column::new("name", "Who", |row: &Row| {
        Cell::new(row.name.as_str()).with(Tone::Strong)
    })
    .shrink_to(16),
    Column::new("total", "Total", |row: &Row| bytes(row.total_bytes)).right(),
    Column::new("received", "Received", |row: &Row| {
        bytes(row.received_bytes)
    })
    .right()
    .keep(90),
    Column::new("send", "To send", |row: &Row| bytes(row.send_bytes))
        .right()
        .keep(80),
    Column::new("full", "Full", |row: &Row| full(row))
        .right()
        .keep(70),
    Column::new("spare", "Spare", |row: &Row| bytes(row.spare_bytes))
        .right()
        .keep(30),
    Column::new("backlog", "Backlog", |row: &Row| bytes(row.backlog_bytes))
        .right()
        .wide_only(),
    Column::new("drops", "Drops", |row: &Row| {
        Cell::new(row.drops.to_string())
    })
    .right()
    .keep(50),
    Column::new("sockets", "Sockets", |row: &Row| {
        Cell::new(row.sockets.to_string())
    })
    .right()
    .keep(40),
];

fn bytes(count: u64) -> Cell<'static> {
    Cell::new(value::bytes(count))
}

fn full(row: &Row) -> Cell<'static> {
    match (row.full_receive, row.full_send) {
        (0, 0) => Cell::new("-").with(Tone::Dim),
        (receive, send) => Cell::new(format!("{receive} in, {send} out")).with(Tone::Warning),
    }
}

/// Shows; gives the exit status.
pub fn run(arguments: &Arguments) -> u8 {
    let wanted = match Wanted::new(&arguments.whose) {
        Ok(wanted) => wanted,
        Err(failure) => return status::complain(VERB, &failure.text, failure.status),
    };
    let Some(by) = arguments.by.by() else {
        return functions::run(arguments, &wanted);
    };
    let snapshot = read(&wanted, false);
    if snapshot.namespaces.is_empty() {
        return status::complain(VERB, "no network namespace can be read", status::BLIND);
    }
    let places = wanted.places(&snapshot, None);
    let mut groups = memory::held(&snapshot, by, |place| places.wants(place));
    if !arguments.all {
        groups.retain(|held| held.total_bytes() > 0);
    }
    let rows: Vec<Row> = groups.iter().map(row).collect();
    let (footer, members) = limits();
    Report {
        verb: VERB,
        schema: "plumb.mem/1",
        array: "groups",
        columns: &COLUMNS,
        chosen: &[],
        rows: &rows,
        members,
        footer,
        reasons: gaps(&snapshot).into_iter().chain(places.reason()).collect(),
    }
    .write(&arguments.form, &mut Output::stdout())
}

/// What all of TCP has and may have, as lines and as members.
fn limits() -> (Vec<String>, Vec<(&'static str, serde_json::Value)>) {
    let tcp = read_protocol(MemoryProtocol::Tcp, IpVersion::V4);
    let in_use = tcp.memory_bytes.ok();
    let limits = tcp.limits.ok();
    let mut footer = Vec::new();
    if let (Some(in_use), Some(limits)) = (in_use, limits) {
        footer.push(format!(
            "TCP has {} on this host; above {} it saves, above {} it gets no more (tcp_mem)",
            value::bytes(in_use),
            value::bytes(limits.pressure_bytes),
            value::bytes(limits.high_bytes),
        ));
    }
    let members = vec![
        ("tcp_bytes", serde_json::json!(in_use)),
        (
            "tcp_pressure_bytes",
            serde_json::json!(limits.map(|limits| limits.pressure_bytes)),
        ),
        (
            "tcp_high_bytes",
            serde_json::json!(limits.map(|limits| limits.high_bytes)),
        ),
    ];
    (footer, members)
}

fn read(wanted: &Wanted, info: bool) -> Snapshot {
    snapshot::read(&wanted.widen(Request {
        scope: Scope::All,
        kinds: vec![
            Kind::Tcp,
            Kind::Udp,
            Kind::Raw,
            Kind::UnixStream,
            Kind::UnixDgram,
            Kind::UnixSeqpacket,
        ],
        memory: true,
        info,
        ..Request::default()
    }))
}

fn row(held: &Held) -> Row {
    Row {
        name: held.name.clone(),
        total_bytes: held.total_bytes(),
        received_bytes: held.received_bytes,
        send_bytes: held.send_bytes,
        spare_bytes: held.spare_bytes,
        backlog_bytes: held.backlog_bytes,
        option_bytes: held.option_bytes,
        drops: held.drops,
        full_receive: held.full_receive,
        full_send: held.full_send,
        sockets: held.sockets,
    }
}
