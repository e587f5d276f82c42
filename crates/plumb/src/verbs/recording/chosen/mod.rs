//! The events of those connections that a filter wants, of all that the recorder tells.
//!
//! What a filter asks is often not known at the first event: whose an incoming connection is, tells accept();
//! how many bytes it carried, its end. So events wait, and once a connection is wanted, all it had and all to
//! come are handed on. What is certainly not wanted keeps nothing.

mod asks;
mod lone;
mod people;
mod seen;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};

use plumb_filter::{Parsed, Verdict};
use plumb_model::event::{Event, What};
use plumb_model::id::Cookie;
use plumb_model::socket::SocketState;

pub use lone::Lone;
use seen::Seen;

/// Sockets that are told apart at once.
const MAX_SOCKETS: usize = 131_072;
/// Events that wait at once.
const MAX_WAITING: usize = 200_000;
/// How long a closed socket is remembered: what connect() returned, and errors, are told after its end.
const AFTER_END_NS: u64 = 1_000_000_000;
/// How long a socket may be silent before it gives way to others: of most kinds no end is told.
const SILENT_NS: u64 = 60_000_000_000;

/// Chooses events.
pub struct Chosen {
    lone: Lone,
    /// What it asks does not change any more once a connection has its ends and its holder.
    lasting: bool,
    sockets: HashMap<Cookie, Tracked>,
    ended: VecDeque<(u64, Cookie)>,
    waiting: usize,
    undecided: u64,
    left_out: u64,
}

/// A socket.
struct Tracked {
    seen: Seen,
    fate: Fate,
}

/// What becomes of its events.
enum Fate {
    /// It may be wanted yet.
    Waits(Vec<Event>, Verdict),
    /// It is wanted.
    Wanted,
    /// It is not, for certain.
    Refused,
}

impl Chosen {
    /// Chooses by a filter; `None` for one without tests. `Err` says which test no event can answer.
    pub fn new(filter: Parsed) -> Result<Option<Self>, String> {
        let Some(expr) = &filter.expr else {
            return Ok(None);
        };
        asks::refuse(expr)?;
        let lasting = asks::is_lasting(expr);
        Ok(Lone::new(filter).map(|lone| Self {
            lone,
            lasting,
            sockets: HashMap::new(),
            ended: VecDeque::new(),
            waiting: 0,
            undecided: 0,
            left_out: 0,
        }))
    }

    /// Takes an event, and hands on what is wanted for certain by now: it, and those of its connection before.
    pub fn take(&mut self, event: Event, each: &mut dyn FnMut(&Event)) {
        self.forget(event.time_ns);
        let Some(cookie) = event.cookie.filter(|cookie| self.has_room(*cookie, &event)) else {
            if self.lone.wants(&event) {
                each(&event);
            }
            return;
        };
        let begins = matches!(&event.what, What::State(change)
            if change.old == SocketState::CLOSE && change.new != SocketState::CLOSE);
        // That it was made and bound is part of its first life.
        if begins && self.is_over(cookie) {
            self.drop_socket(cookie);
        }
        let tracked = self.sockets.entry(cookie).or_insert_with(|| Tracked {
            seen: Seen::default(),
            fate: Fate::Waits(Vec::new(), Verdict::Unknown),
        });
        tracked.seen.note(&event);
        if tracked.seen.closed_ns == Some(event.time_ns) {
            self.ended.push_back((event.time_ns, cookie));
        }
        let Fate::Waits(before, last) = &mut tracked.fate else {
            if matches!(tracked.fate, Fate::Wanted) {
                each(&event);
            }
            return;
        };
        let verdict = self.lone.decide(&tracked.seen, &event);
        let fate = match verdict {
            Verdict::Match => {
                before.iter().for_each(&mut *each);
                each(&event);
                Fate::Wanted
            }
            Verdict::Miss if self.lasting && tracked.seen.is_settled() => Fate::Refused,
            Verdict::Miss | Verdict::Unknown => {
                *last = verdict;
                if self.waiting < MAX_WAITING {
                    before.push(event);
                    self.waiting += 1;
                } else {
                    self.left_out += 1;
                }
                return;
            }
        };
        self.waiting -= before.len();
        tracked.fate = fate;
    }

    /// Says whether an event is wanted that will not be followed by others, as a call that has not returned.
    pub fn wants(&mut self, event: &Event) -> bool {
        match event.cookie.and_then(|cookie| self.sockets.get(&cookie)) {
            Some(tracked) => matches!(tracked.fate, Fate::Wanted) || self.lone.wants(event),
            None => self.lone.wants(event),
        }
    }

    /// Says in words what could not be chosen.
    pub fn reasons(&self) -> Vec<String> {
        let open = self
            .sockets
            .values()
            .filter(|tracked| tracked.is_undecided());
        let undecided = self.undecided + u64::try_from(open.count()).unwrap_or(u64::MAX);
        let mut reasons = Vec::new();
        if undecided > 0 {
            reasons.push(format!(
                "{undecided} connections were left out: what the filter asks of them is not known (yet)"
            ));
        }
        if self.left_out > 0 {
            reasons.push(format!(
                "{} events from before their connections were wanted are not told: too many waited",
                self.left_out
            ));
        }
        reasons
    }

    /// Whether a socket is known, or can be; where there is no room, those that are silent go.
    fn has_room(&mut self, cookie: Cookie, event: &Event) -> bool {
        if self.sockets.len() < MAX_SOCKETS || self.sockets.contains_key(&cookie) {
            return true;
        }
        let now = event.time_ns;
        let silent = |tracked: &Tracked| now.saturating_sub(tracked.seen.last_ns) > SILENT_NS;
        let gone: Vec<Cookie> = self
            .sockets
            .iter()
            .filter(|(_, tracked)| silent(tracked))
            .map(|(cookie, _)| *cookie)
            .collect();
        for cookie in gone {
            self.drop_socket(cookie);
        }
        self.sockets.len() < MAX_SOCKETS
    }

    /// Forgets what ended a while ago.
    fn forget(&mut self, now_ns: u64) {
        while let Some((then, cookie)) = self.ended.front().copied() {
            if now_ns.saturating_sub(then) <= AFTER_END_NS {
                return;
            }
            self.ended.pop_front();
            let tracked = self.sockets.get(&cookie);
            if tracked.is_some_and(|tracked| tracked.seen.closed_ns == Some(then)) {
                self.drop_socket(cookie);
            }
        }
    }

    fn is_over(&self, cookie: Cookie) -> bool {
        let tracked = self.sockets.get(&cookie);
        tracked.is_some_and(|tracked| tracked.seen.closed_ns.is_some())
    }

    fn drop_socket(&mut self, cookie: Cookie) {
        let Some(tracked) = self.sockets.remove(&cookie) else {
            return;
        };
        self.undecided += u64::from(tracked.is_undecided());
        if let Fate::Waits(before, _) = tracked.fate {
            self.waiting -= before.len();
        }
    }
}

impl Tracked {
    fn is_undecided(&self) -> bool {
        matches!(&self.fate, Fate::Waits(_, Verdict::Unknown))
    }
}
