//! A recording from beginning to end: programs attached, older sockets told to them, the command let go, and
//! everything that happens handed on until the end.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use plumb_analyze::functions::Uses;
use plumb_bpf::recorder::{Gap, Layer, Names, Older, Plan, Recorder, Scope, Told, limits};
use plumb_collect::cgroups::{Cgroups, is_in};
use plumb_collect::snapshot::{self, Request};
use plumb_collect::sys::signal;
use plumb_filter::{Expr, Parsed};
use plumb_model::Reason;
use plumb_model::event::{Ends, Event, Losses, Moved, StackId};
use plumb_model::id::{Cookie, Pid};
use plumb_model::snapshot::{Kind, Snapshot};
use plumb_model::usage::Queue;
use rustix::event::PollFd;

use super::Failure;
use super::chosen::Chosen;
use super::code::Code;
use super::command::Running;
use super::whom::{Whom, exist, wrong};
use crate::verbs::{status, unseen};

/// How often older sockets, limits and the like may be looked at again.
pub const TICK: Duration = Duration::from_secs(1);
/// TCP over IP, in [`Ends::protocol`].
const IPPROTO_TCP: u8 = 6;

/// A recording.
pub struct Session {
    recorder: Recorder,
    /// The code behind what is told.
    pub code: Code,
    /// The command, if there is one.
    pub command: Option<Running>,
    /// Chooses what is handed on, with a filter.
    chosen: Option<Chosen>,
    scope: Scope,
    /// The sockets that were there before; empty with a command, whose sockets are all its own.
    pub older: HashSet<Cookie>,
    deadline: Option<Instant>,
    /// Until when the command is young: what it is must be known before its first connection.
    soon_until: Instant,
}

/// Why the telling goes on or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It goes on.
    GoOn,
    /// Enough has been seen.
    Stop,
}

impl Session {
    /// Attaches and begins. The command is let go only then.
    pub fn begin(whom: &Whom, plan: &Plan, length: Option<Duration>) -> Result<Self, Failure> {
        let filter = whom.wanted()?;
        let (whom, plan) = &narrowed(whom, plan, &filter)?;
        let chosen = Chosen::new(filter).map_err(wrong)?;
        // A command that is interrupted with us is watched to its end, unless somebody insists.
        signal::catch_interrupts(if whom.command.is_empty() { 1 } else { 2 });
        let mut command = if whom.command.is_empty() {
            None
        } else {
            Some(Running::hold(&whom.command)?)
        };
        let mut recorder = Recorder::start(plan).map_err(|unavailable| Failure {
            text: match unavailable.allow {
                Some(allow) => format!("{}; as root it may, or once: {allow}", unavailable.why),
                None => unavailable.why,
            },
            status: status::BLIND,
        })?;
        let mut code = Code::default();
        let commanded = command.as_ref().map(|command| Pid(command.pid()));
        let family = || {
            let roots = whom.whose.pids.iter().copied().map(Pid);
            let family = roots.flat_map(plumb_collect::processes::descendants);
            family.chain(commanded)
        };
        family().for_each(|pid| code.see(pid));
        code.see_command(&whom.command);
        // Before anybody is followed: the first functions of a script are told, too.
        code.tell_interpreters(&mut recorder);
        for pid in family() {
            recorder.follow(pid).map_err(|error| Failure {
                text: error.to_string(),
                status: status::BLIND,
            })?;
        }
        let began = Instant::now();
        let older = match &mut command {
            Some(command) => {
                command.let_go();
                HashSet::new()
            }
            // After attaching: what is made in between is known by then, and stays as it is.
            None => seed(&mut recorder, plan.scope, &before(plan)),
        };
        Ok(Self {
            recorder,
            code,
            command,
            chosen,
            scope: plan.scope,
            older,
            deadline: length.map(|length| Instant::now() + length),
            soon_until: began + limits::YOUNG,
        })
    }

    /// Hands on what happens until the time is over, the command has ended, or somebody interrupts. `tick` is
    /// called about once a second.
    pub fn run(
        &mut self,
        mut each: impl FnMut(&Event, &mut Code),
        mut tick: impl FnMut(&mut Self) -> Next,
    ) {
        let mut next_tick = Instant::now();
        loop {
            if Instant::now() >= next_tick {
                next_tick += TICK;
                if tick(self) == Next::Stop {
                    break;
                }
            }
            // Asked before the rings are read: what the command did last is in them then.
            if self.is_over() {
                break;
            }
            if !self.poll(&mut each) {
                self.wait();
            }
        }
        self.rest(&mut each);
    }

    /// Hands on everything that has happened until now.
    pub fn rest(&mut self, mut each: impl FnMut(&Event, &mut Code)) {
        let (code, chosen) = (&mut self.code, &mut self.chosen);
        self.recorder
            .poll_rest(|told| hand_on(told, code, chosen.as_mut(), &mut each));
    }

    fn wait(&mut self) {
        self.recorder.wait(if Instant::now() < self.soon_until {
            limits::LOOK_SOON
        } else {
            limits::LOOK
        });
    }

    /// Says whether the time is over, the command has ended, or somebody interrupted.
    pub fn is_over(&mut self) -> bool {
        let ended = self.command.as_mut().and_then(Running::ended).is_some();
        let late = self
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline);
        let given_up = match &mut self.command {
            Some(command) => command.is_given_up(),
            None => signal::interrupted(),
        };
        ended || late || given_up
    }

    /// Hands on what there is; says whether more waits.
    pub fn look(&mut self, mut each: impl FnMut(&Event, &mut Code)) -> bool {
        self.poll(&mut each)
    }

    /// Waits until something was told, something happens to one of the descriptors, or the time is over.
    pub fn wait_also<'f>(
        &'f self,
        others: impl IntoIterator<Item = PollFd<'f>>,
        longest: Duration,
    ) {
        self.recorder.wait_also(others, longest);
    }

    /// Lets the kernel take this stack anew should it come again; see [`Code::forget`] for ours.
    pub fn forget_stack(&mut self, id: StackId) {
        // One that is not there any more needs no forgetting.
        let _ = self.recorder.forget_stack(id);
    }

    fn poll(&mut self, each: &mut impl FnMut(&Event, &mut Code)) -> bool {
        let (code, chosen) = (&mut self.code, &mut self.chosen);
        let more = self
            .recorder
            .poll(|told| hand_on(told, code, chosen.as_mut(), each));
        code.tell_interpreters(&mut self.recorder);
        more
    }

    /// Lets the next run last until then.
    pub fn until(&mut self, then: Instant) {
        self.deadline = Some(then);
    }

    /// Says which processes are followed now; `None` where that is not what the scope is.
    pub fn followed(&mut self) -> Option<Vec<Pid>> {
        (self.scope == Scope::Processes).then(|| self.recorder.followed().unwrap_or_default())
    }

    /// Gives this kernel's names of reasons.
    pub fn names(&self) -> Names {
        self.recorder.names().clone()
    }

    /// Says whether any program of a layer is at work.
    pub fn sees(&self, layer: Layer) -> bool {
        self.recorder.used().iter().any(|used| used.layer == layer)
    }

    /// Says what was lost.
    pub fn losses(&self) -> Losses {
        self.recorder.losses()
    }

    /// Gives the bytes that sockets other than TCP's have moved.
    pub fn traffic(&self) -> Vec<(Cookie, Moved)> {
        self.recorder.traffic()
    }

    /// Makes room where bytes of sockets that are gone are counted.
    pub fn forget_traffic(&mut self, cookies: impl Iterator<Item = Cookie>) {
        self.recorder.forget_traffic(cookies);
    }

    /// Gives what each code has moved through each socket.
    pub fn uses(&self) -> Uses {
        let uses = self.recorder.uses().into_iter();
        uses.map(|(cookie, code, usage)| ((cookie, code), usage))
            .collect()
    }

    /// Gives who wrote what may wait in the queues of sockets.
    pub fn queues(&self) -> HashMap<Cookie, Queue> {
        self.recorder.queues().into_iter().collect()
    }

    /// Gives the calls that have not returned.
    pub fn unfinished(&mut self) -> Vec<Event> {
        let mut calls = self.recorder.unfinished();
        if let Some(chosen) = &mut self.chosen {
            calls.retain(|call| chosen.wants(call));
        }
        calls
    }

    /// Says in words what could not be seen: programs that did not attach, and losses.
    pub fn reasons(&self) -> Vec<String> {
        let gap = |gap: &Gap| format!("not seen: {} ({})", gap.sees, gap.why);
        let mut reasons: Vec<String> = self.recorder.gaps().iter().map(gap).collect();
        reasons.extend(self.losses().reasons());
        reasons.extend(self.chosen.iter().flat_map(Chosen::reasons));
        reasons
    }
}

fn hand_on(
    told: Told<'_>,
    code: &mut Code,
    chosen: Option<&mut Chosen>,
    each: &mut impl FnMut(&Event, &mut Code),
) {
    match told {
        Told::Stack(copy) => code.add(&copy),
        Told::Mapping(mapping) => code.note(&mapping),
        Told::Event(event) => match chosen {
            Some(chosen) => chosen.take(event, &mut |event| each(event, code)),
            None => each(&event, code),
        },
    }
}

/// Gives whom and what to record where a filter says for certain whose sockets it wants: the programs leave
/// out all others then.
fn narrowed(whom: &Whom, plan: &Plan, filter: &Parsed) -> Result<(Whom, Plan), Failure> {
    let (mut whom, mut plan) = (whom.clone(), plan.clone());
    let holders = filter.expr.as_ref().and_then(Expr::holders);
    if let Some(pids) = holders.filter(|_| plan.scope == Scope::Host) {
        exist(&pids)?;
        whom.whose.pids = pids;
        plan.scope = Scope::Processes;
    }
    Ok((whom, plan))
}

/// Gives this moment on the clock of events.
pub fn now_ns() -> u64 {
    plumb_collect::sample::monotonic_us().saturating_mul(1000)
}

/// Gives the time of day (RFC 3339, UTC, with microseconds) of a moment of the monotonic clock.
pub fn time_of(monotonic_ns: u64) -> String {
    let ago_us = plumb_collect::sample::monotonic_us().saturating_sub(monotonic_ns / 1000);
    let ago = jiff::SignedDuration::from_micros(i64::try_from(ago_us).unwrap_or(0));
    let then = jiff::Timestamp::now()
        .checked_sub(ago)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{then:.6}")
}

/// Reads the TCP sockets of the host with what is needed to judge them, and what `more` asks for.
pub fn read_sockets(more: impl Fn(Request) -> Request) -> Snapshot {
    snapshot::read(&more(Request {
        scope: snapshot::Scope::All,
        kinds: vec![Kind::Tcp],
        info: true,
        ..Request::default()
    }))
}

/// Reads the sockets that were there before, of every kind the plan is about.
fn before(plan: &Plan) -> Snapshot {
    let of_made = [Layer::Made, Layer::Datagrams];
    let without_states: &[Kind] = if of_made.iter().any(|layer| plan.layers.contains(layer)) {
        &[Kind::Udp, Kind::UdpLite]
    } else {
        &[]
    };
    read_sockets(|mut request| {
        request.kinds.extend(without_states);
        request
    })
}

/// Gives the protocol (`IPPROTO_*`) of sockets of a kind.
fn protocol(kind: Kind) -> u8 {
    match kind {
        Kind::Udp => 17,
        Kind::UdpLite => 136,
        _ => IPPROTO_TCP,
    }
}

/// Says in words what a reading of sockets did not see, holders that may not be looked at included.
pub fn gaps(snapshot: &Snapshot) -> Vec<String> {
    let mut gaps = unseen::gaps(snapshot);
    for reason in [Reason::PermissionDenied, Reason::Hidepid] {
        let places = 0..snapshot.owners.len();
        let hidden = places.filter(|place| snapshot.owners.of(*place).reason() == Some(reason));
        let count = hidden.count();
        if count > 0 {
            gaps.push(unseen::holders(count, reason));
        }
    }
    gaps
}

/// Tells the programs of sockets that were there before them; gives the names of all of these.
fn seed(recorder: &mut Recorder, scope: Scope, before: &Snapshot) -> HashSet<Cookie> {
    let cookies = before.sockets.iter();
    let cookies = cookies.filter_map(|socket| socket.cookie.ok()).collect();
    let Some(asked) = asked(recorder, scope, before) else {
        return cookies;
    };
    for (place, socket) in before.sockets.iter().enumerate() {
        let owners = before.owners.processes_of(place);
        let owner = match &asked {
            Asked::Everybody => owners.first(),
            Asked::These(pids) => owners.iter().find(|owner| pids.contains(&owner.pid)),
        };
        if owner.is_none() && matches!(asked, Asked::These(_)) {
            continue;
        }
        let (Some(cookie), Some(local)) = (socket.cookie.ok(), socket.local.inet()) else {
            continue;
        };
        let nowhere = std::net::SocketAddr::new(local.ip(), 0);
        let older = Older {
            cookie,
            netns: socket.netns,
            owner: owner.map(|owner| owner.pid),
            ends: Ends {
                protocol: protocol(socket.kind),
                local,
                peer: socket.peer.inet().unwrap_or(nowhere),
            },
            listens: socket.is_listener(),
        };
        // A full table is counted by the programs themselves, with the next socket.
        let _ = recorder.seed(&older);
    }
    recorder.find_older_listeners();
    cookies
}

/// The processes whose older sockets are in the scope.
enum Asked {
    Everybody,
    These(HashSet<Pid>),
}

/// Says whose they are; `None` for a cgroup that is gone.
fn asked(recorder: &mut Recorder, scope: Scope, before: &Snapshot) -> Option<Asked> {
    Some(match scope {
        Scope::Host => Asked::Everybody,
        Scope::Processes => Asked::These(
            recorder
                .followed()
                .unwrap_or_default()
                .into_iter()
                .collect(),
        ),
        Scope::Cgroup { id, .. } => {
            let mut cgroups = Cgroups::new();
            let cgroup = cgroups.path(id).ok()?;
            let pids = before.owners.processes.iter().map(|process| process.pid);
            Asked::These(pids.filter(|pid| is_in(*pid, cgroup)).collect())
        }
    })
}
