//! `plumb top`: who moves how many bytes, between two readings of all sockets.
//!
//! The recorder, where it can be had, tells the last totals of connections that ended in between, and counts
//! what sockets other than TCP's move. Without it both are missing, and said to be.

mod functions;
mod rows;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use plumb_analyze::flows::{self, By, Ended, Interval};
use plumb_analyze::functions::Uses;
use plumb_bpf::recorder::{Layer, Plan};
use plumb_collect::snapshot::{self, Request, Scope};
use plumb_model::event::{Event, Moved, StateChange, What};
use plumb_model::id::Cookie;
use plumb_model::snapshot::{Kind, Snapshot};
use plumb_model::socket::SocketState;
use plumb_present::report::Column;

use super::form::{Form, FormArguments};
use super::recording::Failure;
use super::recording::chosen::Lone;
use super::recording::code::Code;
use super::recording::command::shell_status;
use super::recording::session::{Next, Session, gaps};
use super::recording::whom::Whom;
use super::report::Report;
use super::wanted::Wanted;
use super::{status, watch};
use crate::output::Output;

/// The verb's name in complaints.
const VERB: &str = "top";
/// Connections that end in one interval and are kept at most; more are counted as lost.
const MAX_ENDED: usize = 1_000_000;

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
    /// How many rows; on a terminal as many as fit.
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
  bytes of payload, each once: what was sent again is in Again. TCP tells its own; of UDP, UNIX and other
  sockets they are counted from the first answer on, with CAP_BPF and CAP_PERFMON.

EXIT STATUS
  0  fine
  2  the command line makes no sense
  3  nothing could be observed
  With a command that fails, its own status (128 and the signal for one that a signal ended).

EXAMPLES
  plumb top                          every second, by process, until interrupted
  plumb top 'process = nginx'        what nginx moves
  plumb top --by peer -- ./client    what a command moved, and with whom
  plumb top --by port --every 5s -n 1
  plumb top --by function -p 4242    which code of it moves how much
  plumb top --by peer --json | jq '.flows[0]'";

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
    let mut answers = 0;
    let mut exit = status::FINE;
    while count.is_none_or(|count| answers < count) && !out.has_failed() {
        let measured = meter.measure(every);
        if plumb_collect::sys::signal::interrupted() && answers > 0 {
            break;
        }
        if forever {
            out.raw(|out| out.extend_from_slice(b"\x1b[H\x1b[2J"));
        }
        exit = match (arguments.by.by(), &mut meter.session) {
            (Some(by), _) => show(arguments, by, &measured, &mut out),
            (None, Ok(session)) => {
                show_functions(arguments, &measured, &mut session.code, &mut out)
            }
            (None, Err(failure)) => return status::complain(VERB, &failure.text, failure.status),
        };
        answers += 1;
        let over = plumb_collect::sys::signal::interrupted() || meter.command_status().is_some();
        if exit != status::FINE || over {
            break;
        }
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
    let rows = flows.iter().map(|flow| rows::row(flow, seconds)).collect();
    report(arguments, measured, &rows::COLUMNS, rows, out)
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
    report(arguments, measured, &functions::COLUMNS, rows, out)
}

/// Writes as many rows as were asked for or fit.
fn report<R: serde::Serialize>(
    arguments: &Arguments,
    measured: &Measured,
    columns: &[Column<R>],
    mut rows: Vec<R>,
    out: &mut Output,
) -> u8 {
    let fit = out.is_terminal().then(super::screen::lines);
    let most = arguments.rows.or(fit.map(|lines| lines.saturating_sub(3)));
    let left_out = rows.len().saturating_sub(most.unwrap_or(usize::MAX));
    rows.truncate(most.unwrap_or(usize::MAX));
    let seconds = measured.length.as_secs_f64();
    let footer = (left_out > 0).then(|| format!("and {left_out} more"));
    Report {
        verb: VERB,
        schema: "plumb.top/1",
        array: "flows",
        columns,
        chosen: &[],
        rows: &rows,
        members: vec![("interval_s", serde_json::json!(seconds))],
        footer: footer.into_iter().collect(),
        reasons: measured.reasons.clone(),
    }
    .write(&arguments.form, out)
}

/// Readings, one after the other.
struct Meter {
    session: Result<Session, Failure>,
    wanted: Wanted,
    /// Decides connections that ended before a reading saw them.
    lone: Option<Lone>,
    last: Snapshot,
    moved: HashMap<Cookie, Moved>,
    uses: Uses,
    at: Instant,
}

/// One interval.
struct Measured {
    before: Snapshot,
    after: Snapshot,
    ended: HashMap<Cookie, Ended>,
    moved_before: HashMap<Cookie, Moved>,
    moved_after: HashMap<Cookie, Moved>,
    uses_before: Uses,
    uses_after: Uses,
    wanted: Option<HashSet<Cookie>>,
    length: Duration,
    reasons: Vec<String>,
}

impl Measured {
    fn interval(&self) -> Interval<'_> {
        Interval {
            before: &self.before,
            after: &self.after,
            ended: &self.ended,
            moved_before: &self.moved_before,
            moved_after: &self.moved_after,
            wanted: self.wanted.as_ref(),
        }
    }
}

impl Meter {
    fn begin(arguments: &Arguments) -> Result<Self, Failure> {
        let whom = &arguments.whom;
        let wanted = Wanted::new(&whom.whose)?;
        let by_function = arguments.by == Group::Function;
        let plan = Plan {
            scope: whom.scope()?,
            layers: if by_function {
                vec![Layer::Traffic, Layer::Functions]
            } else {
                vec![Layer::Traffic]
            },
            no_stacks: !by_function,
            ..Plan::default()
        };
        // Of a command nothing may be missed, and of others nothing may be counted that was before.
        let before = (!whom.command.is_empty()).then(|| read(&wanted));
        let session = Session::begin(&whom.unfiltered(), &plan, None);
        let session = match session {
            Err(failure) if failure.status == status::USAGE || before.is_some() || by_function => {
                return Err(failure);
            }
            other => other,
        };
        let last = before.unwrap_or_else(|| read(&wanted));
        // Of a command everything counts.
        let counted = session.as_ref().ok().filter(|it| it.command.is_none());
        Ok(Self {
            uses: counted.map(Session::uses).unwrap_or_default(),
            last,
            session,
            lone: Lone::new(wanted.filter().clone()),
            wanted,
            moved: HashMap::new(),
            at: Instant::now(),
        })
    }

    /// Gives the exit status of the command once it has ended.
    fn command_status(&mut self) -> Option<u8> {
        let command = self.session.as_mut().ok()?.command.as_mut()?;
        command.ended().map(shell_status)
    }

    /// Waits for the time and reads again.
    fn measure(&mut self, every: Duration) -> Measured {
        let mut heard = Heard::default();
        let mut reasons = Vec::new();
        let lone = &mut self.lone;
        match &mut self.session {
            Ok(session) => {
                session.until(self.at + every);
                session.run(|event, _| heard.take(event, lone.as_mut()), |_| Next::GoOn);
            }
            Err(failure) => {
                std::thread::sleep((self.at + every).saturating_duration_since(Instant::now()));
                reasons.push(format!(
                    "bytes of UDP and UNIX sockets, and of connections that ended meanwhile, are not known: {}",
                    failure.text
                ));
            }
        }
        let now = Instant::now();
        let after = read(&self.wanted);
        if let Ok(session) = &mut self.session {
            // Who ended while it was read, is in neither else.
            session.rest(|event, _| heard.take(event, lone.as_mut()));
            reasons.extend(session.reasons());
        }
        let Heard {
            ended,
            unseen,
            lost,
        } = heard;
        if lost > 0 {
            reasons.push(format!(
                "{lost} connections that ended are not counted: there are too many"
            ));
        }
        reasons.extend(gaps(&after));
        let wanted = self.wanted_of(&after, unseen, &mut reasons);
        let moved_after: HashMap<Cookie, Moved> = self
            .session
            .as_ref()
            .map(|session| session.traffic().into_iter().collect())
            .unwrap_or_default();
        let uses = self.session.as_ref().map(Session::uses);
        let uses_after = uses.unwrap_or_default();
        Measured {
            uses_before: std::mem::replace(&mut self.uses, uses_after.clone()),
            uses_after,
            before: std::mem::replace(&mut self.last, after.clone()),
            after,
            ended,
            moved_before: std::mem::replace(&mut self.moved, moved_after.clone()),
            moved_after,
            wanted,
            length: now - std::mem::replace(&mut self.at, now),
            reasons,
        }
    }
}

impl Meter {
    /// Gives the sockets that count, of this reading and the last, and `unseen` that were told between them; every
    /// one counts where nobody chose.
    fn wanted_of(
        &mut self,
        after: &Snapshot,
        unseen: HashSet<Cookie>,
        reasons: &mut Vec<String>,
    ) -> Option<HashSet<Cookie>> {
        let session = self.session.as_mut().ok();
        let followed = session.and_then(Session::followed);
        let mut wanted = unseen;
        for snapshot in [&self.last, after] {
            let places = self.wanted.places(snapshot, followed.as_deref());
            if places.are_all() {
                return None;
            }
            let cookies = snapshot
                .sockets
                .iter()
                .enumerate()
                .filter_map(|(place, socket)| {
                    let cookie = socket.cookie.ok()?;
                    places.wants(place).then_some(cookie)
                });
            wanted.extend(cookies);
            reasons.extend(places.reason().filter(|_| std::ptr::eq(snapshot, after)));
        }
        Some(wanted)
    }
}

/// What was told in an interval.
#[derive(Default)]
struct Heard {
    ended: HashMap<Cookie, Ended>,
    /// Sockets that did something.
    unseen: HashSet<Cookie>,
    /// Connections that ended and found no room.
    lost: u64,
}

impl Heard {
    fn take(&mut self, event: &Event, lone: Option<&mut Lone>) {
        let (What::State(change), Some(cookie)) = (&event.what, event.cookie) else {
            return;
        };
        self.keep(event, *change, cookie);
        // Who has ended holds no socket, but some go on until the peer is done, too.
        if self.unseen.len() < MAX_ENDED && lone.is_none_or(|lone| lone.wants(event)) {
            self.unseen.insert(cookie);
        }
    }

    /// Keeps the last totals of a connection that ended.
    fn keep(&mut self, event: &Event, change: StateChange, cookie: Cookie) {
        let Some(totals) = change.totals.filter(|_| change.new == SocketState::CLOSE) else {
            return;
        };
        if change.old == SocketState::LISTEN {
            return;
        }
        if self.ended.len() >= MAX_ENDED {
            self.lost += 1;
            return;
        }
        self.ended.insert(
            cookie,
            Ended {
                ends: event.ends,
                owner: event.owner,
                totals,
            },
        );
    }
}

fn read(wanted: &Wanted) -> Snapshot {
    snapshot::read(&wanted.widen(Request {
        scope: Scope::All,
        kinds: vec![
            Kind::Tcp,
            Kind::Udp,
            Kind::Raw,
            Kind::UnixStream,
            Kind::UnixDgram,
            Kind::UnixSeqpacket,
        ],
        info: true,
        ..Request::default()
    }))
}
