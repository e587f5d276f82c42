//! `plumb leaks`: sockets that are held too long, why, and which code made them.
//!
//! With the recorder the code is known of every socket made while it runs. Without it, and for older sockets,
//! the kernel's own state still gives most verdicts.

mod growth;
mod held;
mod rows;
mod teardown;
mod waiting;

use std::time::Duration;

use clap::Args;
use plumb_analyze::leaks::{self, Makers, Question};
use plumb_analyze::lives::{Life, Lives, Origin};
use plumb_analyze::stateless::{self, Stateless};
use plumb_bpf::recorder::{Layer, Plan};
use plumb_model::event::Event;

use self::waiting::{Thread, Waiters};
use super::form::FormArguments;
use super::recording::Failure;
use super::recording::code::Code;
use super::recording::session::{self, Next, Session};
use super::recording::whom::Whom;
use super::report::Report;
use super::wanted::Wanted;
use super::{status, watch};
use crate::output::Output;

/// The verb's name in complaints.
const VERB: &str = "leaks";
/// Lives that ended with their process which are kept at most.
const MAX_ENDED: usize = 100_000;

/// What `plumb leaks` may be given.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    whom: Whom,
    /// Held for a shorter time, a socket is nobody's fault yet (30s, 5m). With a command: 0.
    #[arg(long, value_name = "TIME", value_parser = watch::interval)]
    older_than: Option<Duration>,
    /// How long to watch. With a command: as long as it runs.
    #[arg(long = "for", value_name = "TIME", value_parser = watch::interval)]
    length: Option<Duration>,
    /// Also connections that were used and are not any more. Pools hold such on purpose.
    #[arg(long)]
    idle: bool,
    /// Ends with 1 when more than so many sockets are held too long.
    #[arg(long, value_name = "N")]
    fail_over: Option<u64>,
    /// Shows every frame of the stacks.
    #[arg(long)]
    stacks: bool,
    #[command(flatten)]
    form: FormArguments,
}

const EXAMPLES: &str = "\
VERDICTS
  saw end-of-file, never closed   the peer is done, a recv() returned 0, and no close() followed;
                                  the column Told shows the code that got the 0
  peer is done, never read again  the peer is done, and the program never read so far as to be told
  never used                      nothing was ever sent or received
  idle                            with --idle: nothing is sent or received any more
  open until the process ended    with a command: never closed by the program. Of UDP and raw
                                  sockets the only verdict: nothing says that one in use is not
                                  needed any more

OLDER SOCKETS
  Which code made a socket is not known when it is older than the recorder. (likely) is what made
  others of its process to the same service. Threads that wait for a socket now are told below the
  table.

EXIT STATUS
  0  fine
  1  more sockets than --fail-over allows
  2  the command line makes no sense
  3  too little could be observed, or the answer could not be written
  With a command that fails, its own status (128 and the signal for one that a signal ended).

EXAMPLES
  plumb leaks -p 4242                        what is held too long now, and how it grows in 10 s
  plumb leaks -p 4242 --for 10m              with the code that made what is made meanwhile
  plumb leaks --older-than 5m --fail-over 0  on the whole host, for monitoring
  plumb leaks --fail-over 0 -- cargo test    fails when a test leaves a socket open";

/// How long a running process is watched when nobody says: enough to see a number grow.
const USUAL_LENGTH: Duration = Duration::from_secs(10);
/// What is held for less is nobody's fault yet, when nobody says.
const USUAL_AGE: Duration = Duration::from_secs(30);

/// Watches and judges; gives the exit status.
pub fn run(arguments: &Arguments) -> u8 {
    let mut watched = match watch(arguments) {
        Ok(watched) => watched,
        Err(failure) => return status::complain(VERB, &failure.text, failure.status),
    };
    let question = question(arguments);
    let held = watched.held(&question);
    let groups = leaks::groups(&held, &question);
    let count: u64 = groups.iter().map(|group| group.count).sum();
    let rows = rows::rows(
        &groups,
        &watched.threads,
        watched.session.as_mut().map(|session| &mut session.code),
    );
    let mut members = vec![("older_than_s", question.older_than_ns / 1_000_000_000)]
        .into_iter()
        .map(|(key, value)| (key, serde_json::json!(value)))
        .collect::<Vec<_>>();
    members.push(("sockets", serde_json::json!(held.len())));
    members.push(("held_too_long", serde_json::json!(count)));
    members.push(("growth", serde_json::json!(watched.growth.rows())));
    let command = watched.command_status();
    if let Some(command) = command {
        members.push(("command_status", serde_json::json!(command)));
    }
    let kind = match command {
        Some(_) => "sockets",
        None => "TCP sockets",
    };
    let mut footer = vec![summary(count, held.len(), kind, &question)];
    footer.extend(watched.growth.lines());
    footer.extend(rows.iter().flat_map(rows::waits));
    if arguments.stacks {
        footer.extend(rows.iter().flat_map(rows::long));
    } else if let Some(session) = &watched.session {
        footer.extend(session.code.hints());
    }
    let mut out = Output::stdout();
    let shown = Report {
        verb: VERB,
        schema: "plumb.leaks/1",
        array: "groups",
        columns: &rows::COLUMNS,
        chosen: &[],
        rows: &rows,
        members,
        footer,
        reasons: watched.reasons,
    }
    .write(&arguments.form, &mut out);
    let over = arguments.fail_over.is_some_and(|most| count > most);
    match command {
        Some(failed) if failed != 0 => failed,
        _ if over => status::NO,
        _ => shown,
    }
}

fn question(arguments: &Arguments) -> Question {
    let usual = if arguments.whom.command.is_empty() {
        USUAL_AGE
    } else {
        Duration::ZERO
    };
    let older_than = arguments.older_than.unwrap_or(usual);
    Question {
        older_than_ns: u64::try_from(older_than.as_nanos()).unwrap_or(u64::MAX),
        idle: arguments.idle,
    }
}

fn summary(count: u64, sockets: usize, kind: &str, question: &Question) -> String {
    let seconds = question.older_than_ns / 1_000_000_000;
    let than = if seconds > 0 {
        format!(" for {seconds} s or longer")
    } else {
        String::new()
    };
    format!("{count} of {sockets} {kind} are held too long{than}")
}

/// What was watched.
struct Watched {
    session: Option<Session>,
    lives: Lives,
    /// Lives that the end of their process ended.
    by_exit: Vec<Life>,
    /// Sockets without states, of a command.
    stateless: stateless::Sockets,
    /// Those that the end of their process closed.
    stateless_by_exit: Vec<Stateless>,
    growth: growth::Growths,
    wanted: Wanted,
    /// The code that makes sockets, for older ones like them.
    makers: Makers,
    /// The threads that waited when it began.
    waiters: Waiters,
    /// Those that wait now.
    threads: Vec<Thread>,
    reasons: Vec<String>,
}

/// Watches with the recorder where it can be had, else by looking again and again.
fn watch(arguments: &Arguments) -> Result<Watched, Failure> {
    arguments.whom.wanted()?;
    let wanted = Wanted::new(&arguments.whom.whose)?;
    let has_command = !arguments.whom.command.is_empty();
    let mut layers = vec![Layer::Opening, Layer::Reading];
    // The end of their process is all that judges these.
    layers.extend(has_command.then_some(Layer::Datagrams));
    let plan = Plan {
        scope: arguments.whom.scope()?,
        layers,
        ..Plan::default()
    };
    let length = arguments.length.or((!has_command).then_some(USUAL_LENGTH));
    let mut watched = Watched {
        session: None,
        lives: Lives::default(),
        by_exit: Vec::new(),
        stateless: stateless::Sockets::default(),
        stateless_by_exit: Vec::new(),
        growth: growth::Growths::default(),
        wanted,
        makers: Makers::default(),
        waiters: Waiters::default(),
        threads: Vec::new(),
        reasons: Vec::new(),
    };
    let whom = if has_command {
        arguments.whom.clone()
    } else {
        // What is held now is judged, and a reading of it answers more than events do.
        arguments.whom.unfiltered()
    };
    let needs_recorder = has_command || whom.whose.is_a_group();
    match Session::begin(&whom, &plan, length) {
        Ok(session) => watched.record(session),
        // A cgroup is the recorder's word, and a command is only worth it with the code.
        Err(failure) if needs_recorder => return Err(failure),
        Err(failure) if failure.status != status::BLIND => return Err(failure),
        Err(failure) => {
            let what = "no code is known and only what is held now is judged";
            watched.reasons.push(format!("{what}: {}", failure.text));
        }
    }
    Ok(watched)
}

/// Counts the code that made a socket while the recorder ran.
fn note_maker(makers: &mut Makers, life: &Life) {
    let incoming = match life.origin {
        Origin::Connected => false,
        Origin::Accepted => true,
        _ => return,
    };
    if let (Some(pid), Some(ends), Some(made_by)) = (life.owner, &life.ends, life.made_by) {
        makers.note(pid, ends, incoming, made_by);
    }
}

impl Watched {
    fn record(&mut self, mut session: Session) {
        let (lives, by_exit, growth) = (&mut self.lives, &mut self.by_exit, &mut self.growth);
        let makers = &mut self.makers;
        let (stateless, stateless_by_exit) = (&mut self.stateless, &mut self.stateless_by_exit);
        if session.command.is_none() {
            let pids = session.followed().unwrap_or_default();
            self.waiters.begin(&pids, &mut session.code);
        }
        session.run(
            |event: &Event, code| {
                let event = &teardown::judged(event, code);
                let room = MAX_ENDED.saturating_sub(by_exit.len() + stateless_by_exit.len());
                let closed = stateless.take(event).filter(|socket| socket.by_exit);
                stateless_by_exit.extend(closed.filter(|_| room > 0));
                let ended = lives.take(event);
                for life in &ended {
                    note_maker(makers, life);
                }
                by_exit.extend(ended.into_iter().filter(|life| life.by_exit).take(room));
            },
            |session| {
                let pids = session.followed();
                growth.sample(&pids.unwrap_or_default());
                Next::GoOn
            },
        );
        self.reasons.extend(session.reasons());
        self.session = Some(session);
    }

    /// Puts together what the kernel says now and what was told before.
    fn held(&mut self, question: &Question) -> Vec<leaks::Held> {
        if let Some(session) = self.session.as_mut().filter(|it| it.command.is_some()) {
            let lives = std::mem::take(&mut self.lives);
            let by_exit = std::mem::take(&mut self.by_exit);
            let mut held = held::at_exit(lives, by_exit, &mut session.code);
            let stateless = self.stateless_by_exit.iter().chain(self.stateless.open());
            // Made before our eyes: a command's sockets are all its own.
            let made = stateless.filter(|socket| socket.made.is_some());
            held.extend(made.map(|socket| held::of_stateless(socket, &mut session.code)));
            return held;
        }
        let now = session::read_sockets(|request| self.wanted.widen(request));
        self.reasons.extend(session::gaps(&now));
        let followed = self.session.as_mut().and_then(Session::followed);
        let places = self.wanted.places(&now, followed.as_deref());
        self.reasons.extend(places.reason());
        for life in self.lives.open() {
            note_maker(&mut self.makers, life);
        }
        let reading = held::Reading {
            now: &now,
            wanted: &places,
            lives: self.session.is_some().then_some(&self.lives),
            makers: &self.makers,
        };
        let mut unrecorded = Code::default();
        let (mut held, code) = match &mut self.session {
            Some(session) => {
                let held = reading.held(|id| session.code.path(id));
                (held, &mut session.code)
            }
            None => (reading.held(held::no_code), &mut unrecorded),
        };
        let (threads, reasons) = self.waiters.find(&now, &mut held, question, code);
        self.threads = threads;
        self.reasons.extend(reasons);
        held
    }

    fn command_status(&mut self) -> Option<u8> {
        self.session.as_mut()?.command.as_mut()?.status()
    }
}
