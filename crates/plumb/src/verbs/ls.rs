//! `plumb ls`: every socket and who holds it, or why that is unknown.

use std::time::Duration;

use clap::Args;
use plumb_collect::snapshot::{self, Request, Scope};
use plumb_model::Known;
use plumb_model::attribution::Holding;
use plumb_model::snapshot::{End, Kind, Snapshot, Socket};
use plumb_present::json;
use plumb_present::report::{Cell, Column};
use serde::Serialize;

use super::form::FormArguments;
use super::report::Report;
use super::{status, watch};
use crate::output::Output;

/// What `plumb ls` may be given.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Only the network namespace of this process.
    #[arg(long)]
    here: bool,
    /// Shows these columns, in this order.
    #[arg(short = 'c', long, value_delimiter = ',', value_name = "COLUMN")]
    columns: Vec<String>,
    /// Again and again, so much time apart (500ms, 2s, 1m).
    #[arg(long, value_name = "INTERVAL", value_parser = watch::interval)]
    watch: Option<Duration>,
    #[command(flatten)]
    form: FormArguments,
}

/// Lists; gives the exit status.
pub fn run(arguments: &Arguments) -> u8 {
    let mut out = Output::stdout();
    let Some(interval) = arguments.watch else {
        return list(arguments, &mut out);
    };
    let mut last = status::FINE;
    let draw = out.is_terminal();
    watch::repeat(interval, draw, &mut out, |out| {
        last = list(arguments, out);
        last == status::FINE
    });
    last
}

fn list(arguments: &Arguments, out: &mut Output) -> u8 {
    let snapshot = snapshot::read(&Request {
        scope: if arguments.here {
            Scope::Own
        } else {
            Scope::All
        },
        kinds: vec![Kind::Tcp, Kind::Udp, Kind::Raw],
        ..Request::default()
    });
    if snapshot.namespaces.is_empty() {
        return status::complain("ls", "no network namespace can be read", status::BLIND);
    }
    let rows = rows(&snapshot);
    Report {
        verb: "ls",
        schema: "plumb.ls/1",
        array: "sockets",
        columns: &COLUMNS,
        chosen: &arguments.columns,
        rows: &rows,
        members: Vec::new(),
        footer: Vec::new(),
        reasons: snapshot.gaps.iter().map(|gap| gap.what.clone()).collect(),
    }
    .write(&arguments.form, out)
}

/// One row.
#[derive(Debug, Serialize)]
struct Row {
    kind: &'static str,
    state: Option<&'static str>,
    local: String,
    peer: String,
    recv_q: Option<u64>,
    send_q: Option<u64>,
    process: Option<String>,
    pid: Option<u32>,
    fd: Option<i32>,
    owner_unknown: Option<&'static str>,
}

const COLUMNS: [Column<Row>; 7] = [
    Column::new("kind", "Kind", |row: &Row| Cell::new(row.kind)),
    Column::new("state", "State", |row: &Row| {
        Cell::new(row.state.unwrap_or("-"))
    }),
    Column::new("recv-q", "Recv-Q", |row: &Row| number(row.recv_q))
        .right()
        .keep(10),
    Column::new("send-q", "Send-Q", |row: &Row| number(row.send_q))
        .right()
        .keep(10),
    Column::new("local", "Local", |row: &Row| Cell::new(row.local.as_str())),
    Column::new("peer", "Peer", |row: &Row| Cell::new(row.peer.as_str())),
    Column::new("process", "Process", |row: &Row| {
        match (&row.process, row.owner_unknown) {
            (Some(process), _) => Cell::new(process.as_str()),
            (None, reason) => Cell::new(format!("({})", reason.unwrap_or("-"))),
        }
    }),
];

fn number(value: Option<u64>) -> Cell<'static> {
    Cell::new(value.map_or_else(|| "-".to_owned(), |value| value.to_string()))
}

fn rows(snapshot: &Snapshot) -> Vec<Row> {
    let row = |(place, socket): (usize, &Socket)| {
        let holdings = snapshot.owners.of(place);
        let first: Option<Holding> = match holdings {
            Known::Known(holdings) => holdings.first().copied(),
            Known::Unknown(_) => None,
        };
        let process = first.and_then(|first| snapshot.owners.process(first));
        Row {
            kind: socket.kind.word(),
            state: socket.state.tcp_name(),
            local: text(&socket.local),
            peer: text(&socket.peer),
            recv_q: socket.recv_q.ok(),
            send_q: socket.send_q.ok(),
            process: process.map(|process| json::text(&process.comm)),
            pid: process.map(|process| process.pid.0),
            fd: first.and_then(|first| first.how.fd()),
            owner_unknown: holdings.reason().map(plumb_model::Reason::word),
        }
    };
    snapshot.sockets.iter().enumerate().map(row).collect()
}

fn text(end: &End) -> String {
    match end {
        End::Inet(end) => end.to_string(),
        _ => String::new(),
    }
}
