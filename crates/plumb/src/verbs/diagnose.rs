//! `plumb diagnose`: what is wrong, the evidence, what to do.
//!
//! Two samples some seconds apart, every check of plumb-analyze between them, findings ranked. Without
//! privileges it finds what it can and says what it could not look at.

mod calls;
mod probe;
mod target;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use plumb_analyze::diagnose::{self, Case};
use plumb_collect::sample;
use plumb_collect::wire_watch::Watch;
use plumb_model::Reason;
use plumb_model::finding::{Finding, Gap};
use plumb_model::notice::Notices;
use plumb_model::sample::{Sample, Span};
use plumb_present::json::findings::FindingRow;
use plumb_present::report::findings;
use rustix::io::Errno;

use self::calls::Calls;
use self::probe::Probes;
use super::form::{Form, FormArguments};
use super::recording::session::gaps;
use super::report::envelope;
use super::{screen, status, watch};
use crate::output::Output;

/// The verb's name in complaints.
const VERB: &str = "diagnose";
/// The schema of its JSON.
const SCHEMA: &str = "plumb.diagnose/1";

/// What `plumb diagnose` may be given.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Arguments {
    /// What it is about: a port (`:443`), a process id or name, a host (`HOST` or `HOST:PORT`); nothing for
    /// the whole host.
    #[arg(value_name = "TARGET")]
    target: Option<String>,
    /// Time between the two samples (500ms, 2s, 1m).
    #[arg(long = "for", value_name = "TIME", default_value = "2s", value_parser = watch::interval)]
    span: Duration,
    /// Also tries what was asked about: a few connections to the port or the host and port, on which nothing
    /// is sent; how large packets to the host may be; whether a port that nobody serves could be bound.
    #[arg(long, requires = "target")]
    probe: bool,
    /// Ends with 1 when there is a finding of this severity or worse.
    #[arg(long, value_name = "SEVERITY", value_parser = ["info", "warning", "critical"])]
    fail_on: Option<String>,
    /// A command to run and to look at while it runs.
    #[arg(last = true, value_name = "CMD")]
    command: Vec<std::ffi::OsString>,
    #[command(flatten)]
    form: FormArguments,
}

const EXAMPLES: &str = "\
EXAMPLES
  plumb diagnose                 what is wrong on this host
  plumb diagnose :443            with whoever serves or uses port 443
  plumb diagnose nginx           with the processes of this name
  plumb diagnose db.example:5432 with the connections to it
  plumb diagnose db.example:5432 --probe   and try to connect
  plumb diagnose --for 10s -- ./client
  plumb diagnose --json | jq -r '.findings[].kind'";

/// Diagnoses; gives the exit status.
pub fn run(arguments: &Arguments) -> u8 {
    let mut child = match start(&arguments.command) {
        Ok(child) => child,
        Err(error) => {
            let text = format!("cannot start the command: {error}");
            return status::complain(VERB, &text, status::USAGE);
        }
    };
    let watch = Watch::start();
    let mut calls = Calls::start();
    let mut before = sample::read();
    let mut probes = match probes(arguments, &mut before) {
        Ok(probes) => probes,
        Err(text) => return status::complain(VERB, &text, status::USAGE),
    };
    wait(arguments.span, child.as_mut(), calls.as_mut().ok());
    let probed = probes.finish();
    let mut after = sample::read();
    drop(probes);
    let mut notices = noticed(watch, &mut after);
    notices.probed = probed;
    heard(calls, &mut notices, &mut after);
    if after.snapshot.namespaces.is_empty() {
        return status::complain(VERB, "no network namespace can be read", status::BLIND);
    }
    let pid = child.as_ref().map(Child::id);
    let focus = match target::focus(arguments.target.as_deref(), pid, &after) {
        Ok(focus) => focus,
        Err(text) => return status::complain(VERB, &text, status::USAGE),
    };
    sample::ask_destinations(&mut after, &focus.hosts);
    let span = Span {
        before: &before,
        after: &after,
    };
    let found = diagnose::diagnose(&Case {
        span,
        notices: &notices,
        focus: &focus,
    });
    let mut out = Output::stdout();
    write(arguments, &found, &after, &mut out);
    if let Some(mut child) = child {
        // The command was started to be looked at, not to be ended.
        let _ = child.wait();
    }
    exit_status(arguments, &found)
}

/// Begins the attempts that were asked for.
fn probes(arguments: &Arguments, before: &mut Sample) -> Result<Probes, String> {
    if !arguments.probe {
        return Ok(Probes::default());
    }
    let focus = target::focus(arguments.target.as_deref(), None, before)?;
    Ok(Probes::begin(&focus, before))
}

/// Ends the watch of the wire; what it could not see is a gap of the sample.
fn noticed(watch: Result<Watch, Errno>, sample: &mut Sample) -> Notices {
    let (notices, what, reason) = match watch {
        Ok(watch) => {
            let notices = watch.finish();
            if notices.lost == 0 {
                return notices;
            }
            let what = format!("{} of the packets watched", notices.lost);
            (notices, what, Reason::NotInSource)
        }
        Err(error) => {
            let what = format!("refusals, resets and ICMP errors on the wire: {error}");
            (Notices::default(), what, Reason::PermissionDenied)
        }
    };
    sample.snapshot.gaps.push(Gap { what, reason });
    notices
}

fn start(command: &[std::ffi::OsString]) -> std::io::Result<Option<Child>> {
    let Some((program, arguments)) = command.split_first() else {
        return Ok(None);
    };
    // Standard output is the answer's.
    let child = Command::new(program)
        .args(arguments)
        .stdout(Stdio::from(std::io::stderr()))
        .spawn()?;
    Ok(Some(child))
}

/// Waits for the time asked, or until the command has ended, and listens meanwhile.
fn wait(span: Duration, mut child: Option<&mut Child>, mut calls: Option<&mut Calls>) {
    const LOOK: Duration = Duration::from_millis(20);
    let end = Instant::now() + span;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let ended = child
            .as_mut()
            .is_some_and(|child| !matches!(child.try_wait(), Ok(None)));
        if left.is_zero() || ended {
            return;
        }
        let turn = if child.is_some() {
            left.min(LOOK)
        } else {
            left
        };
        match calls.as_mut() {
            Some(calls) => calls.listen_until(Instant::now() + turn),
            None => std::thread::sleep(turn),
        }
    }
}

/// Adds the calls that were refused; what could not be heard is a gap of the sample.
fn heard(calls: Result<Calls, String>, notices: &mut Notices, sample: &mut Sample) {
    let (what, reason) = match calls {
        Ok(calls) => {
            let (refused, lost) = calls.finish();
            notices.refused_calls = refused;
            if lost == 0 {
                return;
            }
            (
                format!("{lost} of the calls that failed"),
                Reason::NotInSource,
            )
        }
        Err(why) => (format!("calls that fail: {why}"), Reason::PermissionDenied),
    };
    sample.snapshot.gaps.push(Gap { what, reason });
}

fn write(arguments: &Arguments, found: &[Finding], sample: &Sample, out: &mut Output) {
    let form = arguments.form.form();
    let gaps = gaps(&sample.snapshot);
    if matches!(form, Form::Json | Form::Ndjson) {
        let mut document = envelope(SCHEMA, form, out);
        out.raw(|out| document.declare(out, "findings"));
        for finding in found {
            out.raw(|out| document.push(out, "findings", &FindingRow(finding)));
        }
        let checked: Vec<&str> = diagnose::ids().collect();
        document.member("checked", &checked);
        for gap in gaps {
            document.incomplete(gap);
        }
        out.raw(|out| document.finish(out));
        return out.flush();
    }
    let style = screen::style(form, arguments.form.color);
    out.raw(|out| findings::write(out, found, style));
    if found.is_empty() {
        let checked = diagnose::ids().count();
        out.raw(|out| {
            out.extend_from_slice(
                format!("nothing found; looked for {checked} causes\n").as_bytes(),
            );
        });
    }
    out.flush();
    for gap in gaps {
        out.complain(format!("plumb {VERB}: not seen: {gap}\n").as_bytes());
    }
}

fn exit_status(arguments: &Arguments, found: &[Finding]) -> u8 {
    let worst = found.iter().map(|finding| finding.severity).max();
    let fails = match (arguments.fail_on.as_deref(), worst) {
        (Some(limit), Some(worst)) => {
            let words = ["info", "warning", "critical"];
            let place = |word: &str| words.iter().position(|known| *known == word);
            place(worst.word()) >= place(limit)
        }
        _ => false,
    };
    if fails { status::NO } else { status::FINE }
}
