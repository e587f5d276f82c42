//! `plumb trace`: one timeline of a program's network calls and of what the kernel did meanwhile.
//!
//! Lines come as they happen: an event of the kernel when it happens, a call when it returns, so that what
//! happened during a call stands before it.

mod address;
mod arguments;
mod call;
mod error_names;
#[cfg(test)]
mod headers;
mod keep;
mod kernel;
mod line;
mod names;
mod option_names;
mod rows;
mod waterfall;

use std::cell::RefCell;
use std::time::Duration;

use clap::Args;
use plumb_analyze::waterfall::Waterfalls;
use plumb_bpf::recorder::{Layer, Plan};
use plumb_present::json::document::Document;

use super::form::{Form, FormArguments};
use super::recording::Failure;
use super::recording::code::Code;
use super::recording::command::Running;
use super::recording::session::{self, Next, Session};
use super::recording::whom::Whom;
use super::report::{Report, envelope};
use super::{status, watch};
use crate::output::Output;

/// The verb's name in complaints.
const VERB: &str = "trace";
/// The schema of its JSON.
const SCHEMA: &str = "plumb.trace/1";
/// Rows of one document at most; `-o ndjson` has no limit.
const MAX_ROWS: usize = 1_000_000;

/// What `plumb trace` may be given.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    whom: Whom,
    /// Writes calls as strace does, and what the kernel did between `---`.
    #[arg(long)]
    strace_like: bool,
    /// The code behind each line.
    #[arg(long)]
    stacks: bool,
    /// At the end, where the time of each connection went.
    #[arg(long)]
    waterfall: bool,
    /// No calls, only what the kernel does: costs other programs nothing.
    #[arg(long, conflicts_with_all = ["strace_like", "waterfall"])]
    no_calls: bool,
    /// How long to watch. With a command: as long as it runs.
    #[arg(long = "for", value_name = "TIME", value_parser = watch::interval)]
    length: Option<Duration>,
    #[command(flatten)]
    keep: keep::KeepArguments,
    #[command(flatten)]
    form: FormArguments,
}

const EXAMPLES: &str = "\
EXIT STATUS
  0  fine
  2  the command line makes no sense
  3  nothing could be observed, or the answer could not be written
  With a command that fails, its own status (128 and the signal for one that a signal ended).

EXAMPLES
  plumb trace -- curl http://localhost/   calls, states, resets, drops in one timeline
  plumb trace --waterfall -- ./client     and where the time of each connection went
  plumb trace --strace-like -p 4242       as strace prints calls, until interrupted
  plumb trace --stacks -p 4242 --for 10s  with the code behind each
  plumb trace 'process = nginx and :443'  what becomes of these connections of the whole host
  plumb trace --keep --detach             records from now on; then: netstat -tpn --stack
  plumb trace -o ndjson -p 4242 | jq -c 'select(.call == \"connect\")'";

/// Traces; gives the exit status.
pub fn run(arguments: &Arguments) -> u8 {
    if arguments.keep.is_wanted() {
        return keep::run(&arguments.keep, &arguments.whom, arguments.length);
    }
    let mut session = match begin(arguments) {
        Ok(session) => session,
        Err(failure) => return status::complain(VERB, &failure.text, failure.status),
    };
    let mut out = Output::stdout();
    let shown = match arguments.form.form() {
        Form::Table | Form::Wide => text(arguments, &mut session, &mut out),
        Form::Ndjson => lines(arguments, &mut session, &mut out),
        Form::Json | Form::Csv => document(arguments, &mut session, &mut out),
    };
    match session.command.as_mut().and_then(Running::status) {
        Some(failed) if failed != 0 => failed,
        _ => shown,
    }
}

fn begin(arguments: &Arguments) -> Result<Session, Failure> {
    let mut layers = vec![
        Layer::Opening,
        Layer::Made,
        Layer::Reading,
        Layer::Faults,
        Layer::Drops,
        Layer::Queues,
    ];
    if !arguments.no_calls {
        layers.push(Layer::Calls);
    }
    let plan = Plan {
        scope: arguments.whom.scope()?,
        layers,
        every_state: true,
        call_stacks: arguments.stacks,
        ..Plan::default()
    };
    Session::begin(&arguments.whom, &plan, arguments.length)
}

/// Hands out what waits, so that who reads from a pipe sees it as well; nobody goes on for a reader that is gone.
fn go_on(out: &mut Output) -> Next {
    out.flush();
    if out.has_failed() {
        Next::Stop
    } else {
        Next::GoOn
    }
}

/// Writes a line for each event as it comes, and the waterfall at the end.
fn text(arguments: &Arguments, session: &mut Session, out: &mut Output) -> u8 {
    let names = session.names();
    let mut waterfalls = arguments.waterfall.then(Waterfalls::default);
    let mut writer = line::Writer {
        names: &names,
        strace_like: arguments.strace_like,
        stacks: arguments.stacks,
        calls: !arguments.no_calls,
        // What happened before a connection was wanted is told late, and is no beginning.
        begun: arguments.whom.has_filter().then(session::now_ns),
        terminal: out.is_terminal(),
        processes: names::ProcessNames::default(),
    };
    let live = RefCell::new(out);
    session.run(
        |event, code| {
            if let Some(waterfalls) = &mut waterfalls {
                waterfalls.take(event);
            }
            writer.write(event, code, &mut live.borrow_mut());
        },
        |_| go_on(&mut live.borrow_mut()),
    );
    let out = live.into_inner();
    for call in session.unfinished() {
        writer.write(&call, &mut session.code, out);
    }
    if let Some(waterfalls) = waterfalls {
        waterfall::write(&waterfalls.finish(), out);
    }
    out.flush();
    for reason in session.reasons() {
        out.complain(format!("plumb {VERB}: {reason}\n").as_bytes());
    }
    status::told(VERB, out)
}

/// Writes a JSON object for each event as it comes.
fn lines(arguments: &Arguments, session: &mut Session, out: &mut Output) -> u8 {
    let names = session.names();
    let mut waterfalls = arguments.waterfall.then(Waterfalls::default);
    let mut document: Document = envelope(SCHEMA, Form::Ndjson, out);
    let live = RefCell::new(out);
    session.run(
        |event, code| {
            if let Some(waterfalls) = &mut waterfalls {
                waterfalls.take(event);
            }
            let mut out = live.borrow_mut();
            if let Some(row) = rows::row(event, &names, code, !arguments.no_calls) {
                out.raw(|out| document.push(out, "events", &row));
            }
            out.end_batch();
        },
        |_| go_on(&mut live.borrow_mut()),
    );
    let out = live.into_inner();
    for call in session.unfinished() {
        if let Some(row) = rows::row(&call, &names, &mut session.code, true) {
            out.raw(|out| document.push(out, "events", &row));
        }
    }
    if let Some(waterfalls) = waterfalls {
        for connection in waterfalls.finish() {
            out.raw(|out| document.push(out, "connections", &waterfall::row(&connection)));
        }
    }
    for reason in session.reasons() {
        document.incomplete(reason);
    }
    out.raw(|out| document.finish(out));
    status::told(VERB, out)
}

/// Writes everything at the end, as one document or table.
fn document(arguments: &Arguments, session: &mut Session, out: &mut Output) -> u8 {
    let names = session.names();
    let mut waterfalls = Waterfalls::default();
    let mut found: Vec<rows::Row> = Vec::new();
    let mut left_out = 0_u64;
    let mut keep = |event: &plumb_model::event::Event, code: &mut Code| {
        waterfalls.take(event);
        match rows::row(event, &names, code, !arguments.no_calls) {
            Some(row) if found.len() < MAX_ROWS => found.push(row),
            Some(_) => left_out += 1,
            None => {}
        }
    };
    session.run(&mut keep, |_| Next::GoOn);
    for call in session.unfinished() {
        keep(&call, &mut session.code);
    }
    if arguments.whom.has_filter() {
        found.sort_by_key(rows::Row::over_ns);
    }
    let mut reasons = session.reasons();
    if left_out > 0 {
        reasons.push(format!(
            "{left_out} events were left out: a document holds {MAX_ROWS}"
        ));
    }
    let connections: Vec<_> = waterfalls.finish().iter().map(waterfall::row).collect();
    Report {
        verb: VERB,
        schema: SCHEMA,
        array: "events",
        columns: &rows::COLUMNS,
        chosen: &[],
        rows: &found,
        members: vec![("connections", serde_json::json!(connections))],
        footer: Vec::new(),
        reasons,
    }
    .write(&arguments.form, out)
}
