//! `plumb top`: who moves how many bytes, between two readings of all sockets.
//!
//! The recorder, where it can be had, tells the last totals of connections that ended in between, and counts
//! what sockets other than TCP's move. Without it both are missing, and said to be.

mod functions;
mod heard;
mod meter;
mod rows;

use std::time::Duration;

use clap::{Args, ValueEnum};
use plumb_analyze::flows::{self, By, Flow};
use plumb_collect::sys::signal;
use plumb_present::report::{Column, value};

use self::meter::{Measured, Meter};
use super::form::{Form, FormArguments};
use super::recording::code::Code;
use super::recording::whom::Whom;
use super::report::Report;
use super::{status, watch};
use crate::output::Output;

/// The verb's name in complaints.
const VERB: &str = "top";

/// What `plumb top` may be given.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Arguments {
    /// What bytes are added up by.
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    by: Group,
    #[command(flatten)]
    whom: Whom,
    /// The time between two readings (500ms, 2s); a second when nobody says. Of a command that is shown
    /// elsewhere than on a terminal: all of its run.
    #[arg(long, value_name = "TIME", value_parser = watch::interval)]
    every: Option<Duration>,
    /// How many answers; on a terminal as many as nobody interrupts, elsewhere one. With a command, until it
    /// ends.
    #[arg(short = 'n', long, value_name = "N")]
    count: Option<u64>,
    /// How many rows; where answers are drawn over each other, as many as fit.
    #[arg(long, value_name = "N")]
    rows: Option<usize>,
    /// Also those that moved nothing.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    form: FormArguments,
}

/// The groups, as words of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Group {
    /// Each socket.
    Socket,
    /// The process.
    #[default]
    Process,
    /// The port of the service.
    Port,
    /// The address of the other end.
    Peer,
    /// The container, else the systemd unit.
    Container,
    /// The code: the path of functions that called. Every call that sends or receives is slower meanwhile.
    Function,
}

impl Group {
    /// Gives what sockets are grouped by; `None` where it is not sockets.
    pub fn by(self) -> Option<By> {
        Some(match self {
            Self::Socket => By::Socket,
            Self::Process => By::Process,
            Self::Port => By::Port,
            Self::Peer => By::Peer,
            Self::Container => By::Container,
            Self::Function => return None,
        })
    }
}

const EXAMPLES: &str = "\
COUNTED ARE
  bytes of payload, each once: what was sent again is in Again. TCP tells its own; of UDP, UNIX and
  other sockets they are counted from the first answer on, with CAP_BPF and CAP_PERFMON.

EXIT STATUS
  0  fine
  2  the command line makes no sense
  3  nothing could be observed, or the answer could not be written
  With a command that fails, its own status (128 and the signal for one that a signal ended).

EXAMPLES
  plumb top                          every second, by process, until interrupted
  plumb top 'process = nginx'        what nginx moves
  plumb top --by peer -- ./client    what a command moved, and with whom
  plumb top --by port --every 5s -n 1
  plumb top --by function -p 4242    which code of it moves how much
  plumb top --by peer --json | jq '.flows[0]'";

/// Clears the screen.
const CLEAR: &[u8] = b"\x1b[2J";
/// How long is measured when nobody says.
const USUAL_INTERVAL: Duration = Duration::from_secs(1);
/// Longer than any command runs.
const WHOLE_RUN: Duration = Duration::from_hours(24 * 365);

/// Shows; gives the exit status.
pub fn run(arguments: &Arguments) -> u8 {
    let mut out = Output::stdout();
    let forever = out.is_terminal() && arguments.form.form() == Form::Table;
    let has_command = !arguments.whom.command.is_empty();
    let whole_run = has_command && !forever && arguments.every.is_none();
    let usual = if whole_run { WHOLE_RUN } else { USUAL_INTERVAL };
    let every = arguments.every.unwrap_or(usual);
    let count = arguments.count.or((!forever && !has_command).then_some(1));
    let mut meter = match Meter::begin(arguments) {
        Ok(meter) => meter,
        Err(failure) => return status::complain(VERB, &failure.text, failure.status),
    };
    if meter.last.namespaces.is_empty() {
        return status::complain(VERB, "no network namespace can be read", status::BLIND);
    }
    // One answer alone stands where it was asked for.
    let draw = forever && count != Some(1);
    if draw {
        out.raw(|out| out.extend_from_slice(CLEAR));
    }
    let mut answers = 0;
    let mut exit = status::FINE;
    while count.is_none_or(|count| answers < count) && !out.has_failed() {
        let measured = meter.measure(every);
        if signal::interrupted() && answers > 0 {
            break;
        }
        if draw {
            out.begin_screen(super::screen::lines());
        }
        exit = match (arguments.by.by(), &mut meter.session) {
            (Some(by), _) => show(arguments, by, &measured, &mut out),
            (None, Ok(session)) => {
                show_functions(arguments, &measured, &mut session.code, &mut out)
            }
            (None, Err(failure)) => return status::complain(VERB, &failure.text, failure.status),
        };
        out.end_screen();
        answers += 1;
        let over = signal::interrupted() || meter.command_status().is_some();
        if exit != status::FINE || over {
            break;
        }
    }
    if draw {
        out.raw(|out| out.push(b'\n'));
    }
    match meter.command_status() {
        Some(failed) if failed != 0 => failed,
        _ => exit,
    }
}

fn show(arguments: &Arguments, by: By, measured: &Measured, out: &mut Output) -> u8 {
    let mut flows = flows::flows(&measured.interval(), by);
    if !arguments.all {
        flows.retain(|flow| flow.received_bytes + flow.sent_bytes + flow.opened + flow.closed > 0);
    }
    let seconds = measured.length.as_secs_f64();
    let sum = |of: fn(&Flow) -> u64| flows.iter().map(of).sum();
    let moved = (sum(|flow| flow.received_bytes), sum(|flow| flow.sent_bytes));
    let answer = Answer {
        rows: flows.iter().map(|flow| rows::row(flow, seconds)).collect(),
        moved,
        hints: Vec::new(),
    };
    report(arguments, measured, &rows::COLUMNS, answer, out)
}

fn show_functions(
    arguments: &Arguments,
    measured: &Measured,
    code: &mut Code,
    out: &mut Output,
) -> u8 {
    let uses = (&measured.uses_before, &measured.uses_after);
    let seconds = measured.length.as_secs_f64();
    let rows = functions::rows(&measured.interval(), uses, seconds, code);
    let answer = Answer {
        moved: functions::moved(&rows),
        rows,
        hints: code.hints(),
    };
    report(arguments, measured, &functions::COLUMNS, answer, out)
}

/// What is shown.
struct Answer<R> {
    rows: Vec<R>,
    /// What all of them received and sent.
    moved: (u64, u64),
    /// What to do for names that are missing.
    hints: Vec<String>,
}

/// Writes as many rows as were asked for or fit, and what all of them moved.
fn report<R: serde::Serialize>(
    arguments: &Arguments,
    measured: &Measured,
    columns: &[Column<R>],
    mut answer: Answer<R>,
    out: &mut Output,
) -> u8 {
    let rows = &mut answer.rows;
    let most = arguments.rows.unwrap_or(usize::MAX);
    let left_out = rows.len().saturating_sub(most);
    rows.truncate(most);
    let seconds = measured.length.as_secs_f64();
    let more = (left_out > 0).then(|| format!("... and {left_out} more"));
    let footer = more.into_iter().chain([in_all(answer.moved, seconds)]);
    Report {
        verb: VERB,
        schema: "plumb.top/1",
        array: "flows",
        columns,
        chosen: &[],
        rows,
        members: vec![("interval_s", serde_json::json!(seconds))],
        footer: footer.chain(answer.hints).collect(),
        reasons: measured.reasons.clone(),
    }
    .write(&arguments.form, out)
}

/// Says what everything together moved.
fn in_all((received, sent): (u64, u64), seconds: f64) -> String {
    if received + sent == 0 {
        return format!("nothing was moved in {seconds:.1} s");
    }
    let bytes = |count: u64| value::bytes(rows::per_s(count, seconds));
    format!("in all {}/s in, {}/s out", bytes(received), bytes(sent))
}
