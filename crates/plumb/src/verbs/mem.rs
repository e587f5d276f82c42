//! `plumb mem`: where the memory of sockets is, who has it, and how far the limits are.

mod functions;
mod limits;
mod near;
mod sockets;

use std::time::Duration;

use clap::Args;
use plumb_analyze::flows::By;
use plumb_analyze::memory::{self, Held};
use plumb_collect::processes::details::Wanted as Details;
use plumb_collect::snapshot::{self, Request, Scope};
use plumb_model::snapshot::{Kind, Snapshot};
use plumb_present::report::{Cell, Column, Tone, value};
use serde::Serialize;
use serde_json::json;

use self::limits::Members;
use self::near::Sized;
use super::form::FormArguments;
use super::recording::session::gaps;
use super::recording::whom::{Whose, wrong};
use super::recording::{Failure, program};
use super::report::Report;
use super::top::Group;
use super::wanted::{Places, Wanted};
use super::{screen, status, watch};
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
    /// How many rows.
    #[arg(long, value_name = "N")]
    rows: Option<usize>,
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
  Full      sockets whose receive or send buffer is near its limit: nine tenths of it
  Of        with --by socket: the limit. set by the program (SO_RCVBUF, SO_SNDBUF); auto: the kernel
            changes it as the connection goes; ?: it is not known who decides
  Near      with --by socket: receive, send, options. Below the table: why it matters, and what to
            do

  What a UNIX socket has not read counts for the socket that sent it.

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
    let wanted =
        match Wanted::new(&arguments.whose).map_err(|failure| unlike_top(arguments, failure)) {
            Ok(wanted) => wanted,
            Err(failure) => return status::complain(VERB, &failure.text, failure.status),
        };
    let Some(by) = arguments.by.by() else {
        return functions::run(arguments, &wanted);
    };
    let details = Details {
        cgroup: by == By::Container,
        ..Details::default()
    };
    let snapshot = read(&wanted, false, details);
    if snapshot.namespaces.is_empty() {
        return status::complain(VERB, "no network namespace can be read", status::BLIND);
    }
    let places = wanted.places(&snapshot, None);
    let (sized, not_asked) = near::look(&snapshot, &places, by == By::Socket);
    if by == By::Socket {
        let mut rows = sockets::rows(&snapshot, &places, &sized);
        rows.retain(|row| arguments.all || sockets::has_memory(row));
        let reading = Reading::new(&snapshot, &places, &sized, not_asked);
        return report(arguments, &sockets::COLUMNS, &rows, reading);
    }
    let mut groups = memory::held(&snapshot, by, |place| places.wants(place));
    groups.retain(|held| arguments.all || held.total_bytes() > 0);
    let rows: Vec<Row> = groups.iter().map(row).collect();
    let reading = Reading::new(&snapshot, &places, &sized, not_asked);
    report(arguments, &COLUMNS, &rows, reading)
}

/// Says of the words of a command, which other verbs run, what is to be done here.
fn unlike_top(arguments: &Arguments, failure: Failure) -> Failure {
    let words = &arguments.whose.filter;
    match words.first().filter(|word| program::is_there(word)) {
        None => failure,
        Some(_) => wrong(format!(
            "{}\n  mem looks at what is there and runs no command; while one runs, ask for its process: mem -p PID; \
             what it moves tells plumb top -- {}",
            failure.text,
            words.join(" ".as_ref()).display()
        )),
    }
}

/// What accompanies the rows.
struct Reading {
    footer: Vec<String>,
    members: Members,
    reasons: Vec<String>,
}

impl Reading {
    fn new(snapshot: &Snapshot, places: &Places, sized: &[Sized], not_asked: usize) -> Self {
        let sorts = near::sorts(snapshot, sized);
        let (lines, mut members) = limits::read(snapshot);
        members.push(("near", json!(sorts)));
        let mut footer = near::lines(&sorts);
        footer.extend(lines);
        let mut reasons = gaps(snapshot);
        reasons.extend(places.reason());
        reasons.extend((not_asked > 0).then(|| {
            format!(
                "who set their buffers was not asked of {not_asked} sockets: there are too many"
            )
        }));
        Self {
            footer,
            members,
            reasons,
        }
    }
}

/// Writes it; gives the exit status.
fn report<R: Serialize>(
    arguments: &Arguments,
    columns: &[Column<R>],
    rows: &[R],
    reading: Reading,
) -> u8 {
    let form = &arguments.form;
    let shown = rows
        .get(..arguments.rows.unwrap_or(rows.len()))
        .unwrap_or(rows);
    let left_out = rows.len() - shown.len();
    let more = (left_out > 0).then(|| format!("... and {left_out} more"));
    let footer = more.into_iter().chain(reading.footer).collect();
    Report {
        verb: VERB,
        schema: "plumb.mem/1",
        array: "groups",
        columns,
        chosen: &[],
        rows: shown,
        members: reading.members,
        footer: screen::wrapped(footer, form.form(), form.color),
        reasons: reading.reasons,
    }
    .write(form, &mut Output::stdout())
}

fn read(wanted: &Wanted, info: bool, details: Details) -> Snapshot {
    snapshot::read(&wanted.widen(Request {
        details,
        scope: Scope::All,
        kinds: Kind::CARRYING.to_vec(),
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
