//! `plumb ls`: every socket and who holds it, or why that is unknown.
//!
//! `plan` decides what is wanted, `gather` reads it, and rows (`row`) go to `report` as columns
//! (`columns`), as JSON (`json`) or as groups (`group`). Nothing is asked of the kernel or of `/proc` that no
//! column, test or sort key needs (`asks`).

pub mod asks;
pub mod columns;
mod creation;
mod endpoint;
pub mod facts;
mod gather;
mod group;
mod json;
pub mod plan;
pub mod row;
mod selection;
mod sort;
#[cfg(test)]
mod tests;
mod totals;

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use plumb_filter::Fact;
use plumb_model::snapshot::Socket;
use plumb_model::{Known, Reason};
use plumb_present::report::Column;

use self::columns::Id;
use self::gather::Gathered;
use self::group::By;
use self::plan::Plan;
use self::row::{Row, View};
use self::selection::Selection;
use self::totals::Totals;
use super::form::{Form, FormArguments};
use super::report::Report;
use super::{status, watch};
use crate::output::Output;

/// The examples below the help, and in the manual page.
const EXAMPLES: &str = "\
EXAMPLES
  plumb ls                                  every TCP, UDP and RAW socket of every namespace
  plumb ls -tl                              TCP listeners
  plumb ls :443                             whatever has port 443 at either end
  plumb ls 'process = nginx and recv-q > 0' what nginx has not read
  plumb ls state = close-wait --group-by process
                                            whose connections wait to be closed
  plumb ls owner = unknown                  sockets without a known holder, and why
  plumb ls -o json 'container = web*'       for programs
  plumb ls --sort -recv-q --watch 1s        the fullest queues first, every second
  plumb ls -c process,local,rtt,retrans     these columns (-c help lists all)
  plumb ls --stack state = close-wait       and the code that made them (trace --keep)
  plumb ls -q sport = :8080 || echo free    exit status 1 where nothing matches

The filter language is that of ss, with a test for every column; see docs/filter.md.";

/// What `plumb ls` may be given.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct Arguments {
    /// Which sockets, as for ss: `:443`, `process = nginx`, `dst 10.0.0.0/8 and not state = listen`.
    #[arg(value_name = "FILTER")]
    filter: Vec<OsString>,
    /// Shows these columns, in this order; `-c help` lists them.
    #[arg(short = 'c', long, value_delimiter = ',', value_name = "COLUMN")]
    columns: Vec<String>,
    /// Adds user id, inode, cookie, interface and cgroup.
    #[arg(short = 'e', long)]
    extended: bool,
    /// Adds memory and drops.
    #[arg(short = 'm', long)]
    memory: bool,
    /// Adds what TCP knows of a connection: round trip time, retransmissions, bytes.
    #[arg(short = 'i', long)]
    info: bool,
    /// Adds the code that made each TCP, UDP and raw socket, where plumb trace --keep runs.
    #[arg(long)]
    stack: bool,
    /// Sorts by these columns; `-` in front means the greatest first.
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "COLUMN",
        allow_hyphen_values = true
    )]
    sort: Vec<String>,
    /// Counts sockets that have this in common.
    #[arg(long, value_enum, value_name = "WHAT", conflicts_with = "columns")]
    group_by: Option<By>,
    /// Names of hosts and services in place of numbers.
    #[arg(short = 'r', long)]
    resolve: bool,
    /// Numbers, which is what is shown anyway; for the habit.
    #[arg(short = 'n', long, conflicts_with = "resolve")]
    numeric: bool,
    /// Processes, which are shown anyway; for the habit.
    #[arg(short = 'p', long)]
    processes: bool,
    /// The line of totals below the table, which a terminal gets anyway.
    #[arg(long)]
    totals: bool,
    /// Shows nothing; the exit status is 0 where something matches, 1 where nothing does, 3 where that
    /// cannot be told.
    #[arg(short = 'q', long)]
    quiet: bool,
    /// Again and again, so much time apart (500ms, 2s, 1m).
    #[arg(long, value_name = "INTERVAL", value_parser = watch::interval)]
    watch: Option<Duration>,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    form: FormArguments,
}

impl Arguments {
    /// Whether a column that only a wide table has was asked for by an option.
    fn adds(&self, id: Id) -> bool {
        match id {
            Id::Uid | Id::Inode | Id::Cookie | Id::Interface | Id::Cgroup => self.extended,
            Id::Memory | Id::Drops => self.memory,
            Id::MadeBy => self.stack,
            Id::Rtt | Id::Retrans | Id::Cwnd | Id::BytesSent | Id::BytesReceived | Id::Age => {
                self.info
            }
            _ => false,
        }
    }
}

/// Lists; gives the exit status.
pub fn run(arguments: &Arguments) -> u8 {
    let plan = match Plan::new(arguments) {
        Ok(plan) => plan,
        Err(status) => return status,
    };
    let mut out = Output::stdout();
    let Some(interval) = arguments.watch else {
        return list(arguments, &plan, &mut out);
    };
    let form = arguments.form.form();
    let draw = out.is_terminal() && matches!(form, Form::Table | Form::Wide);
    let mut last = status::FINE;
    watch::repeat(interval, draw, &mut out, |out| {
        last = list(arguments, &plan, out);
        last == status::FINE
    });
    last
}

/// Reads and shows once.
fn list(arguments: &Arguments, plan: &Plan, out: &mut Output) -> u8 {
    if arguments.columns.iter().any(|word| word == "help") {
        let specs = columns::all();
        let columns: Vec<Column<Row<'_>>> = specs.into_iter().map(|spec| spec.column).collect();
        return show(arguments, &columns, &[], Parts::default(), out);
    }
    let snapshot = plan.read(arguments);
    if snapshot.namespaces.is_empty() {
        return status::complain("ls", "no network namespace can be read", status::BLIND);
    }
    let mut view = View::new(&snapshot);
    plan.look_up(&mut view, arguments);
    let Gathered {
        mut rows,
        undecided,
    } = plan.rows(&view, arguments);
    let reasons = gather::reasons(&view, &rows, undecided);
    if arguments.quiet {
        return match (rows.is_empty(), reasons.is_empty()) {
            (false, _) => status::FINE,
            (true, true) => status::NO,
            (true, false) => status::BLIND,
        };
    }
    let totals = Totals::of(&rows);
    let parts = Parts {
        footer: if arguments.totals || out.is_terminal() {
            vec![totals.line()]
        } else {
            Vec::new()
        },
        members: vec![("totals", serde_json::json!(totals))],
        reasons,
    };
    if let Some(by) = arguments.group_by {
        let groups = group::group(&rows, by);
        return show(arguments, &group::columns(), &groups, parts, out);
    }
    let specs = columns::all();
    sort::sort(&mut rows, &plan.keys, &specs);
    let columns = plan.columns(specs, &rows, arguments);
    show(arguments, &columns, &rows, parts, out)
}

/// What accompanies the rows.
#[derive(Default)]
struct Parts {
    footer: Vec<String>,
    members: Vec<(&'static str, serde_json::Value)>,
    reasons: Vec<String>,
}

fn show<R: serde::Serialize>(
    arguments: &Arguments,
    columns: &[Column<R>],
    rows: &[R],
    parts: Parts,
    out: &mut Output,
) -> u8 {
    Report {
        verb: "ls",
        schema: "plumb.ls/1",
        array: if arguments.group_by.is_some() {
            "groups"
        } else {
            "sockets"
        },
        columns,
        chosen: &arguments.columns,
        rows,
        members: parts.members,
        footer: parts.footer,
        reasons: parts.reasons,
    }
    .write(&arguments.form, out)
}

/// Gives the words of the columns and what each is.
pub fn column_words() -> impl Iterator<Item = (&'static str, &'static str)> {
    let specs = columns::all();
    specs
        .into_iter()
        .map(|spec| (spec.column.key, spec.column.about))
}

/// Gives a number of a socket's counters.
fn number(socket: &Socket, fact: Fact) -> Known<u64> {
    let of_tcp = || crate::facts::tcp_number(socket.tcp.as_deref()?, socket.state.0, fact);
    let of_memory = || crate::facts::memory_number(socket.memory.as_ref()?, fact);
    of_tcp()
        .or_else(of_memory)
        .unwrap_or(Known::Unknown(Reason::NotInSource))
}
