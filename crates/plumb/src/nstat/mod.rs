//! The nstat personality: what the kernel's network counters grew by since the last run.
//!
//! `options` reads the command line, `sources` the counters, `history` is the file that remembers,
//! `increments` decides what is shown and what is remembered, `sampler` is the daemon of `-d` and
//! the way to ask it. The bytes are written by `plumb-present`.

mod history;
mod increments;
mod options;
mod sampler;
mod sources;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use plumb_model::counter::RatedCounter;
use plumb_present::{nstat as present, sanitize};
use plumb_wire::proc::nstat::{Damage, SourceName};

use self::history::History;
use self::options::{Options, Request};
use crate::errno;
use crate::output::Output;

/// Exit status of usage errors and of a history file that cannot be used.
const FAILED: u8 = 255;
/// Exit status when counters cannot be read.
const DAMAGED: u8 = 254;
/// What counters are said to come from when no sampler answers.
const KERNEL: &[u8] = b"kernel";

/// Runs the personality; gives the exit status.
///
/// `argv0` is the name that complaints about the command line begin with.
pub fn main(argv0: &OsStr, words: Vec<OsString>) -> u8 {
    let posixly_correct = std::env::var_os("POSIXLY_CORRECT").is_some();
    let mut out = Output::stdout();
    let status = match Request::parse(words, posixly_correct) {
        Request::Show(options) => show(&options, &mut out),
        Request::Sample(plan) => sampler::server::run(&plan, &mut out),
        Request::Version => {
            out.raw(present::write_version);
            0
        }
        Request::Usage(complaint) => {
            if let Some(complaint) = complaint {
                out.complain(&[argv0.as_bytes(), b": ", &complaint, b"\n"].concat());
            }
            let mut help = Vec::new();
            present::write_help(&mut help);
            out.complain(&help);
            FAILED
        }
        Request::BadInterval => {
            out.complain(b"nstat: invalid time constant divisor\n");
            FAILED
        }
    };
    close(&mut out, status)
}

/// Hands out what is left; output that cannot be written makes the run a failure.
fn close(out: &mut Output, status: u8) -> u8 {
    match out.finish() {
        Ok(()) => status,
        Err(error) => {
            let cause = errno::words(error);
            out.complain(format!("nstat: write standard output: {cause}\n").as_bytes());
            status.max(1)
        }
    }
}

/// Why nothing is shown: what to say on standard error, and the exit status.
struct Refusal {
    text: String,
    status: u8,
}

impl From<Damage> for Refusal {
    fn from(damage: Damage) -> Self {
        let line = damage.line();
        Self {
            text: format!("nstat.c:{line}: error parsing history file\n"),
            status: DAMAGED,
        }
    }
}

fn show(options: &Options, out: &mut Output) -> u8 {
    match try_show(options, out) {
        Ok(()) => 0,
        Err(refusal) => {
            out.complain(refusal.text.as_bytes());
            refusal.status
        }
    }
}

fn try_show(options: &Options, out: &mut Output) -> Result<(), Refusal> {
    let mut source = SourceName::default();
    let mut remembered = Vec::new();
    if options.reset {
        history::forget();
    }
    let file = if options.ignore_history && options.no_update {
        None
    } else {
        let file = History::open()?;
        if !options.ignore_history {
            file.reset_if_aged(out);
        }
        remembered = file.read(&mut source)?;
        // A file that remembers nothing else is as good as empty: no source makes it stale.
        remembered.retain(|counter| !increments::is_hidden(counter));
        Some(file)
    };
    let now = counters(&mut source, &mut remembered, out)?;
    if !options.no_output {
        write_output(options, &source.name, (&now, &remembered), out);
    }
    match file {
        Some(file) if !options.no_update => {
            let kept = increments::to_remember(&now, &remembered, options);
            let rows: Vec<_> = kept.iter().map(present::Row::absolute).collect();
            let mut text = Vec::new();
            present::write_text(&mut text, &source.name, &rows);
            file.replace(&text, out)
        }
        _ => Ok(()),
    }
}

/// Gives the counters as they are now, from a sampler or else from the kernel. What is remembered
/// of another source is dropped.
fn counters(
    source: &mut SourceName,
    remembered: &mut Vec<RatedCounter>,
    out: &mut Output,
) -> Result<Vec<RatedCounter>, Refusal> {
    const STALE: &[u8] = b"nstat: history is stale, ignoring it.\n";
    if let Some(answer) = sampler::client::ask() {
        let now = sources::decode_answer(&answer, source)?;
        if !remembered.is_empty() && source.has_changed {
            out.complain(STALE);
            remembered.clear();
        }
        return Ok(now);
    }
    let is_other = !source.name.is_empty() && source.name != KERNEL;
    if !remembered.is_empty() && is_other {
        out.complain(STALE);
        remembered.clear();
        *source = SourceName::default();
    }
    let now = sources::read_kernel(source)?;
    if source.name.is_empty() {
        source.name = KERNEL.to_vec();
    }
    Ok(now)
}

fn write_output(
    options: &Options,
    source: &[u8],
    (now, remembered): (&[RatedCounter], &[RatedCounter]),
    out: &mut Output,
) {
    let rows = increments::to_show(now, remembered, options);
    let mut text = Vec::new();
    if options.json {
        let style = present::JsonStyle {
            is_pretty: options.pretty,
            is_wide: options.wide,
        };
        present::write_json(&mut text, source, &rows, style);
    } else {
        present::write_text(&mut text, source, &rows);
    }
    if !out.is_terminal() {
        out.raw(|buffer| buffer.extend_from_slice(&text));
        return;
    }
    for line in text.split_inclusive(|&b| b == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        out.raw(|buffer| {
            buffer.extend_from_slice(&sanitize::for_terminal(line));
            buffer.push(b'\n');
        });
    }
}
