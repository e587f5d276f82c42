//! `plumb diagnose`: what is wrong, the evidence, what to do.
//!
//! Two samples some seconds apart of one network namespace or of several, every check of plumb-analyze between
//! them, findings ranked. Without privileges it finds what it can and says what it could not look at.

mod calls;
mod command;
mod heard;
mod look;
mod looks;
mod meanwhile;
mod no_room;
mod other_ends;
mod places;
mod probe;
mod target;
mod told;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use clap::Args;
use plumb_analyze::diagnose::{self, Found};
use plumb_collect::sys::signal;
use plumb_model::finding::Finding;
use plumb_model::id::Pid;

use self::calls::Calls;
use self::command::Command;
use self::look::{Looked, Refused};
use self::looks::Looks;
use self::meanwhile::Pace;
use self::places::Places;
use self::target::Target;
use self::told::Told;
use super::form::FormArguments;
use super::{place, status, watch};
use crate::output::Output;

/// The verb's name in complaints.
const VERB: &str = "diagnose";
/// The schema of its JSON.
const SCHEMA: &str = "plumb.diagnose/1";

/// What `plumb diagnose` may be given.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Arguments {
    /// What it is about: a port (`:443`, `:https`), a process id or name (with those that descend from it), a host (`HOST` or
    /// `HOST:PORT`); nothing for the whole host.
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
    /// Looks at another network namespace: its name, a pid in it, net:[INODE] or a path. Processes that are
    /// asked about are looked at where they are, also without this.
    #[arg(short = 'N', long, value_name = "NETNS")]
    netns: Option<String>,
    /// Looks at every network namespace of this host.
    #[arg(long, conflicts_with_all = ["netns", "probe"])]
    all_netns: bool,
    /// A command to run and to look at, with those it starts, while it runs.
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
  plumb diagnose --all-netns     what is wrong on this host and in its containers
  plumb diagnose --json | jq -r '.findings[].kind'";

/// Diagnoses; gives the exit status.
pub fn run(arguments: &Arguments) -> u8 {
    match diagnosed(arguments) {
        Ok(status) | Err(status) => status,
    }
}

/// Does; `Err` is the status of what was complained about.
fn diagnosed(arguments: &Arguments) -> Result<u8, u8> {
    let refuse = |text: String| status::complain(VERB, &text, status::USAGE);
    place::enter(VERB, arguments.netns.as_deref())?;
    let target = Target::read(arguments.target.as_deref()).map_err(refuse)?;
    let mut pids = target.processes();
    let command = Command::hold(&arguments.command);
    let mut command = command.map_err(|failure| refuse(failure.text))?;
    let probed = arguments
        .probe
        .then(|| target.focus(&pids, &Refused::default()));
    let probed = probed.transpose().map_err(refuse)?;
    let mut calls = Calls::start(command.as_ref().map(Command::pid));
    let mut looks = Looks::begin(places(arguments, &target, &pids), probed.as_ref());
    // Who names a namespace means that one; and what is tried is no trouble of the other end.
    if arguments.netns.is_none() && !arguments.probe {
        looks.join_other_ends(&pids, &target.ends());
    }
    if let Some(command) = &mut command {
        command.let_go();
    }
    let unseen = wait(
        arguments.span.max(looks.patience()),
        command.as_mut(),
        calls.as_mut().ok(),
        &mut looks,
    );
    let refused = heard(calls);
    pids.extend(target.processes());
    if let Some(command) = &command {
        pids.extend(&command.family);
        // Only its family was listened to; who came and went unseen is known by what it was refused.
        pids.extend(refused.calls.iter().map(|(_, call)| call.pid));
    }
    let mut focus = target.focus(&pids, &refused).map_err(refuse)?;
    focus.is_command = command.is_some();
    let (looked, mut gaps) = looks.end(&focus, &refused);
    if looked.iter().all(|looked| looked.is_blind) {
        let why = gaps
            .iter()
            .fold(String::new(), |why, gap| format!("{why}: {gap}"));
        let text = format!("no network namespace can be read{why}");
        return Err(status::complain(VERB, &text, status::BLIND));
    }
    gaps.extend(unseen.map(|unseen| {
        let ms = unseen.as_millis();
        format!("not seen: what the command's sockets did in its last {ms} ms; they ended with it")
    }));
    gaps.extend(unique_gaps(&looked));
    let is_quiet = looked.iter().all(|looked| looked.is_quiet);
    let found: Vec<Found> = looked.into_iter().map(|looked| looked.found).collect();
    let unchecked = diagnose::unchecked_anywhere(&found);
    gaps.extend(told::not_looked_for(&unchecked));
    let found = diagnose::merge(&found);
    if is_quiet && found.is_empty() {
        gaps.extend(told::nothing_to_see(arguments));
    }
    let told = Told {
        found: &found,
        unchecked: &unchecked,
        gaps,
    };
    let told = told.write(&arguments.form, &mut Output::stdout());
    let cannot_run = command.and_then(Command::wait);
    Ok(match (cannot_run, told) {
        (Some(status), _) => status,
        (None, status::FINE) => exit_status(arguments, &found),
        (None, lost) => lost,
    })
}

/// Chooses where to look.
fn places(arguments: &Arguments, target: &Target, pids: &BTreeSet<Pid>) -> Places {
    match (arguments.all_netns, &arguments.netns) {
        (true, _) => Places::Every,
        // Who names a namespace means that one, wherever the processes are.
        (false, Some(_)) => Places::Own,
        // Who has the name here may live only for moments, whatever lives elsewhere.
        (false, None) if matches!(target, Target::Name(_)) => Places::of(pids).and_own(),
        (false, None) => Places::of(pids),
    }
}

/// Gives what could not be seen, each once: much is hidden in every namespace alike.
fn unique_gaps(looked: &[Looked]) -> Vec<String> {
    let mut told = BTreeSet::new();
    let gaps = looked.iter().flat_map(|looked| &looked.gaps);
    gaps.filter(|gap| told.insert(*gap)).cloned().collect()
}

/// Waits for the time asked, or until the command has ended or somebody interrupts, and listens meanwhile. While a
/// command runs it is looked at where it goes, and now and then as a whole; gives the time at its end in which it
/// was not.
fn wait(
    span: Duration,
    mut command: Option<&mut Command>,
    mut calls: Option<&mut Calls>,
    looks: &mut Looks,
) -> Option<Duration> {
    const LOOK: Duration = Duration::from_millis(20);
    signal::catch_interrupts(1);
    let end = Instant::now() + span;
    let mut pace = Pace::begin();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let mut turn = left;
        if let Some(command) = &mut command {
            let ended = command.has_ended();
            looks.join(&command.namespaces);
            if ended {
                return Some(pace.unseen());
            }
            turn = turn.min(LOOK);
        }
        if left.is_zero() || signal::interrupted() {
            return None;
        }
        if let Some(command) = &mut command {
            pace.keep(|| {
                looks.again();
                !command.has_ended()
            });
        }
        match calls.as_mut() {
            Some(calls) => calls.listen_until(Instant::now() + turn),
            None => {
                signal::pause(turn);
            }
        }
    }
}

/// Ends listening; what could not be heard is a gap.
fn heard(calls: Result<Calls, String>) -> Refused {
    match calls {
        Ok(calls) => calls.finish(),
        Err(why) => calls::deaf(&why),
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
