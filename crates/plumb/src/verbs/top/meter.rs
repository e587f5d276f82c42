//! Readings of `plumb top`: all sockets, and what the recorder told between two readings of them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use plumb_analyze::flows::{Ended, Interval, Way};
use plumb_analyze::functions::Uses;
use plumb_bpf::recorder::{Layer, Plan};
use plumb_collect::processes::details::Wanted as Details;
use plumb_collect::snapshot::{self, Request, Scope};
use plumb_collect::sys::signal;
use plumb_model::event::Moved;
use plumb_model::id::{Cookie, Pid};
use plumb_model::snapshot::{Kind, Snapshot};

use super::heard::{self, Heard};
use super::{Arguments, Group};
use crate::verbs::recording::Failure;
use crate::verbs::recording::chosen::Lone;
use crate::verbs::recording::session::{Next, Session, gaps};
use crate::verbs::status;
use crate::verbs::wanted::Wanted;

/// Readings, one after the other.
pub(super) struct Meter {
    pub(super) session: Result<Session, Failure>,
    wanted: Wanted,
    /// What is needed of processes.
    details: Details,
    /// Decides connections that ended before a reading saw them.
    lone: Option<Lone>,
    pub(super) last: Snapshot,
    moved: HashMap<Cookie, Moved>,
    /// Who began connections that have not ended.
    ways: HashMap<Cookie, Way>,
    uses: Uses,
    at: Instant,
}

/// One interval.
pub(super) struct Measured {
    before: Snapshot,
    after: Snapshot,
    ended: HashMap<Cookie, Ended>,
    ways: HashMap<Cookie, Way>,
    moved_before: HashMap<Cookie, Moved>,
    moved_after: HashMap<Cookie, Moved>,
    names: HashMap<Pid, Vec<u8>>,
    pub(super) uses_before: Uses,
    pub(super) uses_after: Uses,
    wanted: Option<HashSet<Cookie>>,
    pub(super) length: Duration,
    pub(super) reasons: Vec<String>,
}

impl Measured {
    pub(super) fn interval(&self) -> Interval<'_> {
        Interval {
            before: &self.before,
            after: &self.after,
            ended: &self.ended,
            ways: &self.ways,
            moved_before: &self.moved_before,
            moved_after: &self.moved_after,
            names: &self.names,
            wanted: self.wanted.as_ref(),
        }
    }
}

impl Meter {
    pub(super) fn begin(arguments: &Arguments) -> Result<Self, Failure> {
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
    pub(super) fn command_status(&mut self) -> Option<u8> {
        self.session.as_mut().ok()?.command.as_mut()?.status()
    }

    /// Gives the command's process and what the kernel calls it: one that moved bytes and opened no connection is
    /// named by nothing else once it has ended.
    fn command_name(&self) -> Option<(Pid, Vec<u8>)> {
        let command = self.session.as_ref().ok()?.command.as_ref()?;
        Some((Pid(command.pid()), command.name().to_vec()))
    }

    /// Waits for the time and reads again.
    pub(super) fn measure(&mut self, every: Duration) -> Measured {
        let mut heard = Heard {
            ways: std::mem::take(&mut self.ways),
            names: self.command_name().into_iter().collect(),
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
            names,
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
            names,
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
        kinds: Kind::CARRYING.to_vec(),
        info: true,
        ..Request::default()
    }))
}
