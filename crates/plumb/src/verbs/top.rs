//! `plumb top`: who moves how many bytes, between two readings of all sockets.
//!
//! The recorder, where it can be had, tells the last totals of connections that ended in between, and counts
//! what sockets other than TCP's move. Without it both are missing, and said to be.

mod functions;
mod heard;
mod rows;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use plumb_analyze::flows::{self, By, Ended, Flow, Interval, Way};
use plumb_analyze::functions::Uses;
use plumb_bpf::recorder::{Layer, Plan};
use plumb_collect::processes::details::Wanted as Details;
use plumb_collect::snapshot::{self, Request, Scope};
use plumb_collect::sys::signal;
use plumb_model::event::Moved;
use plumb_model::id::{Cookie, Pid};
use plumb_model::snapshot::{Kind, Snapshot};
use plumb_present::report::{Column, value};

use self::heard::Heard;
use super::form::{Form, FormArguments};
use super::recording::Failure;
use super::recording::chosen::Lone;
use super::recording::code::Code;
use super::recording::session::{Next, Session, gaps};
use super::recording::whom::Whom;
use super::report::Report;
use super::wanted::Wanted;
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

/// Readings, one after the other.
struct Meter {
    session: Result<Session, Failure>,
    wanted: Wanted,
    /// What is needed of processes.
    details: Details,
    /// Decides connections that ended before a reading saw them.
    lone: Option<Lone>,
    last: Snapshot,
    moved: HashMap<Cookie, Moved>,
    /// Who began connections that have not ended.
    ways: HashMap<Cookie, Way>,
    uses: Uses,
    at: Instant,
}

/// One interval.
struct Measured {
    before: Snapshot,
    after: Snapshot,
    ended: HashMap<Cookie, Ended>,
    ways: HashMap<Cookie, Way>,
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
            ways: &self.ways,
            moved_before: &self.moved_before,
            moved_after: &self.moved_after,
            wanted: self.wanted.as_ref(),
        }
    }
}

impl Meter {
    fn begin(arguments: &Arguments) -> Result<Self, Failure> {
        let whom = &arguments.whom;
        whom.wanted()?;
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
        let details = Details {
            cgroup: arguments.by == Group::Container,
            ..Details::default()
        };
        let before = (!whom.command.is_empty()).then(|| read(&wanted, details));
        let session = Session::begin(&whom.unfiltered(), &plan, None);
        let session = match session {
            Err(failure) if failure.status == status::USAGE || before.is_some() || by_function => {
                return Err(failure);
            }
            other => other,
        };
        let last = before.unwrap_or_else(|| read(&wanted, details));
        // Of a command everything counts.
        let counted = session.as_ref().ok().filter(|it| it.command.is_none());
        Ok(Self {
            uses: counted.map(Session::uses).unwrap_or_default(),
            last,
            session,
            lone: Lone::new(wanted.filter().clone()),
            wanted,
            details,
            moved: HashMap::new(),
            ways: HashMap::new(),
            at: Instant::now(),
        })
    }

    /// Gives the exit status of the command once it has ended.
    fn command_status(&mut self) -> Option<u8> {
        self.session.as_mut().ok()?.command.as_mut()?.status()
    }

    /// Waits for the time and reads again.
    fn measure(&mut self, every: Duration) -> Measured {
        let mut heard = Heard {
            ways: std::mem::take(&mut self.ways),
            ..Heard::default()
        };
        let mut reasons = Vec::new();
        let lone = &mut self.lone;
        match &mut self.session {
            Ok(session) => {
                session.until(self.at + every);
                session.run(|event, _| heard.take(event, lone.as_mut()), |_| Next::GoOn);
            }
            Err(failure) => {
                signal::pause((self.at + every).saturating_duration_since(Instant::now()));
                reasons.push(format!(
                    "bytes of UDP and UNIX sockets, and of connections that ended meanwhile, are not known: {}",
                    failure.text
                ));
            }
        }
        let now = Instant::now();
        let mut after = read(&self.wanted, self.details);
        if let Ok(session) = &mut self.session {
            // Who ended while it was read, is in neither else.
            session.rest(|event, _| heard.take(event, lone.as_mut()));
            reasons.extend(session.reasons());
        }
        let Heard {
            ended,
            ways,
            unseen,
            lost,
        } = heard;
        if lost > 0 {
            reasons.push(format!(
                "{lost} connections that ended are not counted: there are too many"
            ));
        }
        reasons.extend(gaps(&after));
        let moved_after: HashMap<Cookie, Moved> = self
            .session
            .as_ref()
            .map(|session| session.traffic().into_iter().collect())
            .unwrap_or_default();
        let owners = ended.values().filter_map(|ended| ended.owner);
        let owners = owners.chain(moved_after.values().filter_map(|moved| moved.owner));
        let owners: BTreeSet<Pid> = owners.collect();
        let owners: Vec<Pid> = owners.into_iter().collect();
        snapshot::add_processes(&mut after, &owners, self.details);
        let wanted = self.wanted_of(&after, unseen, &moved_after, &mut reasons);
        let goes_on = |(cookie, _): &(&Cookie, &Way)| !ended.contains_key(cookie);
        let on = ways.iter().filter(goes_on);
        self.ways = on.map(|(cookie, way)| (*cookie, *way)).collect();
        let uses = self.session.as_ref().map(Session::uses);
        let uses_after = uses.unwrap_or_default();
        let kept = self.forget(&after, &moved_after);
        Measured {
            uses_before: std::mem::replace(&mut self.uses, uses_after.clone()),
            uses_after,
            before: std::mem::replace(&mut self.last, after.clone()),
            after,
            ended,
            ways,
            moved_before: std::mem::replace(&mut self.moved, kept),
            moved_after,
            wanted,
            length: now - std::mem::replace(&mut self.at, now),
            reasons,
        }
    }
}

impl Meter {
    /// Makes room where bytes are counted of sockets that are gone and moved nothing since the last time; gives the
    /// counts of the others.
    fn forget(
        &mut self,
        after: &Snapshot,
        moved: &HashMap<Cookie, Moved>,
    ) -> HashMap<Cookie, Moved> {
        let sockets = after.sockets.iter();
        let there: HashSet<Cookie> = sockets.filter_map(|socket| socket.cookie.ok()).collect();
        let is_over = |(cookie, now): &(&Cookie, &Moved)| {
            !there.contains(cookie) && self.moved.get(cookie) == Some(now)
        };
        let over: HashSet<Cookie> = moved
            .iter()
            .filter(is_over)
            .map(|(cookie, _)| *cookie)
            .collect();
        if let Ok(session) = &mut self.session {
            session.forget_traffic(over.iter().copied());
        }
        let others = moved.iter().filter(|(cookie, _)| !over.contains(cookie));
        others.map(|(cookie, moved)| (*cookie, *moved)).collect()
    }

    /// Gives the sockets that count, of this reading and the last, and `unseen` that were told between them, or moved
    /// bytes and are gone; every one counts where nobody chose.
    fn wanted_of(
        &mut self,
        after: &Snapshot,
        unseen: HashSet<Cookie>,
        moved: &HashMap<Cookie, Moved>,
        reasons: &mut Vec<String>,
    ) -> Option<HashSet<Cookie>> {
        let session = self.session.as_mut().ok();
        let followed = session.and_then(Session::followed);
        let mut wanted = unseen;
        let mut seen = HashSet::new();
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
                    seen.insert(cookie);
                    places.wants(place).then_some(cookie)
                });
            wanted.extend(cookies);
            reasons.extend(places.reason().filter(|_| std::ptr::eq(snapshot, after)));
        }
        for (cookie, moved) in moved.iter().filter(|(cookie, _)| !seen.contains(cookie)) {
            if heard::is_wanted(*cookie, moved, self.lone.as_mut()) {
                wanted.insert(*cookie);
            }
        }
        Some(wanted)
    }
}

fn read(wanted: &Wanted, details: Details) -> Snapshot {
    snapshot::read(&wanted.widen(Request {
        details,
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
