//! `plumb connects`: each attempt to connect, what came of it and why, and the code that made it.

mod rows;

use std::cell::RefCell;
use std::time::Duration;

use clap::Args;
use plumb_analyze::connects::{self, Outcome, Paths};
use plumb_analyze::lives::{Life, Lives};
use plumb_bpf::recorder::{Layer, Plan};
use plumb_present::json::document::Document;

use super::form::{Form, FormArguments};
use super::recording::command::Running;
use super::recording::session::{Next, Session};
use super::recording::whom::Whom;
use super::report::{Report, envelope};
use super::{status, watch};
use crate::output::Output;

/// The verb's name in complaints.
const VERB: &str = "connects";
/// The schema of its JSON.
const SCHEMA: &str = "plumb.connects/1";
/// Attempts that are listed at most; more are counted. `-o ndjson` has no limit.
const MAX_LISTED: usize = 100_000;

/// What `plumb connects` may be given.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    whom: Whom,
    /// Only attempts that failed. Ends with 1 when there are any.
    #[arg(long)]
    failed: bool,
    /// Counts for each code path instead of a line for each attempt.
    #[arg(long)]
    by_code: bool,
    /// Only attempts that took at least so long (200ms, 1s).
    #[arg(long, value_name = "TIME", value_parser = watch::interval)]
    slower_than: Option<Duration>,
    /// How long to watch. With a command: as long as it runs.
    #[arg(long = "for", value_name = "TIME", value_parser = watch::interval)]
    length: Option<Duration>,
    #[command(flatten)]
    form: FormArguments,
}

const EXAMPLES: &str = "\
OUTCOMES
  connected     a connection
  refused       nobody listens there: the host answered with a reset
  timed-out     nobody answered
  unreachable   something on the way said that the host cannot be reached
  no-route      this host has no route there
  no-port-left  no local port was free, or the local address is not ours
  firewall      a rule of this host dropped it, or an ICMP message refused it
  reset         broken off by a reset, in the handshake or behind it before any byte had arrived
  given-up      the program closed the socket before there was an answer
  destroyed     somebody with privileges ended it (ss -K)
  in-progress   not decided yet

EXIT STATUS
  0  fine
  1  with --failed: attempts failed
  2  the command line makes no sense
  3  nothing could be observed, or the answer could not be written
  With a command that fails, its own status (128 and the signal for one that a signal ended).

EXAMPLES
  plumb connects -- curl https://example.com  every attempt of a command and its children
  plumb connects --failed --for 1m            what fails on this host, and why
  plumb connects -p 4242 --by-code --for 10s  which code connects where, how often, how well";

/// How long is watched when nobody says.
const USUAL_LENGTH: Duration = Duration::from_secs(10);

/// Watches and tells; gives the exit status.
pub fn run(arguments: &Arguments) -> u8 {
    let begun = begin(arguments);
    let mut session = match begun {
        Ok(session) => session,
        Err(failure) => return status::complain(VERB, &failure.text, failure.status),
    };
    let mut out = Output::stdout();
    let found = record(arguments, &mut session, &mut out);
    let command = session.command.as_mut().and_then(Running::status);
    let mut reasons = session.reasons();
    if found.unlisted > 0 {
        reasons.push(format!(
            "{} attempts are counted and not listed: there are too many",
            found.unlisted
        ));
    }
    let mut members = vec![
        ("attempts", serde_json::json!(found.attempts)),
        ("failures", serde_json::json!(found.failures)),
    ];
    if let Some(command) = command {
        members.push(("command_status", serde_json::json!(command)));
    }
    let attempts = if found.attempts == 1 {
        "attempt"
    } else {
        "attempts"
    };
    let mut footer = vec![format!(
        "{} {attempts}, {} failed",
        found.attempts, found.failures
    )];
    let paths = rows::paths(&found.paths.finish(), &mut session.code);
    footer.extend(session.code.hints());
    let shown = if let Some(mut lines) = found.lines {
        for (name, member) in &members {
            lines.member(name, member);
        }
        for reason in reasons {
            lines.incomplete(reason);
        }
        found.out.raw(|out| lines.finish(out));
        status::told(VERB, found.out)
    } else if arguments.by_code {
        Report {
            verb: VERB,
            schema: SCHEMA,
            array: "paths",
            columns: &rows::PATH_COLUMNS,
            chosen: &[],
            rows: &paths,
            members,
            footer,
            reasons,
        }
        .write(&arguments.form, found.out)
    } else {
        if arguments.form.form() == Form::Json {
            members.push(("paths", serde_json::json!(paths)));
        }
        Report {
            verb: VERB,
            schema: SCHEMA,
            array: "connects",
            columns: &rows::COLUMNS,
            chosen: &[],
            rows: &found.rows,
            members,
            footer,
            reasons,
        }
        .write(&arguments.form, found.out)
    };
    match command {
        Some(failed) if failed != 0 => failed,
        _ if arguments.failed && found.failures > 0 => status::NO,
        _ => shown,
    }
}

fn begin(arguments: &Arguments) -> Result<Session, super::recording::Failure> {
    let plan = Plan {
        scope: arguments.whom.scope()?,
        layers: vec![Layer::Opening, Layer::Faults, Layer::Drops],
        ..Plan::default()
    };
    let has_command = !arguments.whom.command.is_empty();
    let length = arguments.length.or((!has_command).then_some(USUAL_LENGTH));
    Session::begin(&arguments.whom, &plan, length)
}

/// What was found.
struct Found<'a> {
    arguments: &'a Arguments,
    out: &'a mut Output,
    /// Attempts leave as they are decided.
    lines: Option<Document>,
    rows: Vec<rows::Row>,
    paths: Paths,
    attempts: u64,
    failures: u64,
    unlisted: u64,
}

fn record<'a>(arguments: &'a Arguments, session: &mut Session, out: &'a mut Output) -> Found<'a> {
    let names = session.names();
    let mut lives = Lives::default();
    let mut ended: Vec<Life> = Vec::new();
    let form = arguments.form.form();
    let leave_at_once = form == Form::Ndjson && !arguments.by_code;
    let found = Found {
        arguments,
        lines: leave_at_once.then(|| envelope(SCHEMA, form, out)),
        out,
        rows: Vec::new(),
        paths: Paths::default(),
        attempts: 0,
        failures: 0,
        unlisted: 0,
    };
    let drop_name = |reason: u32| names.drop_reason(reason).map(str::to_owned);
    let live = RefCell::new(found);
    session.run(
        |event, code| {
            ended.extend(lives.take(event));
            for life in ended.drain(..) {
                live.borrow_mut().add(&life, &drop_name, code);
            }
        },
        // Who reads from a pipe sees it as well.
        |_| {
            live.borrow_mut().out.flush();
            Next::GoOn
        },
    );
    let mut found = live.into_inner();
    let (waiting, open) = lives.finish();
    for life in waiting.iter().chain(&open) {
        found.add(life, &drop_name, &mut session.code);
    }
    found.rows.sort_by_key(rows::Row::begun);
    found
}

impl Found<'_> {
    fn add(
        &mut self,
        life: &Life,
        drop_name: connects::DropName<'_>,
        code: &mut super::recording::code::Code,
    ) {
        let Some(attempt) = connects::judge(life, drop_name) else {
            return;
        };
        let arguments = self.arguments;
        let slow = arguments.slower_than.is_none_or(|least| {
            attempt
                .latency_ns
                .is_none_or(|ns| u128::from(ns) >= least.as_nanos())
        });
        if !slow || (arguments.failed && !attempt.outcome.is_failure()) {
            return;
        }
        self.attempts += 1;
        self.failures += u64::from(attempt.outcome.is_failure());
        let path = life.made_by.map(|id| code.path(id));
        self.paths.count(path, attempt.outcome);
        if arguments.by_code {
            return;
        }
        if self.rows.len() >= MAX_LISTED {
            self.unlisted += 1;
            return;
        }
        let stack = path.and_then(|id| code.stack(id));
        let row = rows::row(life, &attempt, stack.as_deref());
        match &mut self.lines {
            Some(lines) => {
                self.out.raw(|out| lines.push(out, "connects", &row));
                self.out.end_batch();
            }
            None => self.rows.push(row),
        }
    }
}

/// Says which outcomes are bad, for the colour of a cell.
fn is_bad(outcome: Outcome) -> bool {
    outcome.is_failure()
}
