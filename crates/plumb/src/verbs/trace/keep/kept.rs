//! The sockets that a recorder in the background knows: those that are there, those that were there before it,
//! and, for as long as the kernel keeps their TIME_WAIT, connections that ended.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;

use plumb_analyze::lives::{Life, Lives};
use plumb_analyze::stateless::{self, Stateless};
use plumb_model::creation::{Absence, Answer, Key};
use plumb_model::event::{Ends, Event, StackId, StateChange, What};
use plumb_model::id::{Cookie, NetnsId};
use plumb_model::socket::SocketState;

use super::answers;
use super::unnamed::{Ambiguous, Unnamed, is_unnamed};

/// Sockets that are kept at once; the programs follow as many.
pub const MAX_SOCKETS: usize = 262_144;
/// Ended connections that are kept; the oldest go first.
const MAX_ENDED: usize = 65_536;
/// How long an ended connection may be seen: a minute in FIN_WAIT2 and one in TIME_WAIT.
const ENDED_NS: u64 = 125_000_000_000;
/// TCP over IP, in [`Ends::protocol`].
const IPPROTO_TCP: u8 = 6;
/// What has no states and is made by socket() alone: UDP, UDP-Lite, and, as those who list them say it, raw.
const STATELESS: [u8; 3] = [17, 136, 255];

/// What the kernel's remains of a connection are known by: they have a cookie of their own.
pub type Place = (NetnsId, SocketAddr, SocketAddr);

/// How much is recorded.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// All sockets of the host.
    pub host: bool,
    /// Sockets without states, too.
    pub stateless: bool,
}

/// What is kept.
pub struct Kept {
    lives: Lives,
    stateless: stateless::Sockets,
    /// Sockets that were there before.
    older: HashSet<Cookie>,
    unnamed: Unnamed,
    ended: HashMap<Place, Life>,
    /// The places of `ended` in the order of their ends.
    order: VecDeque<(u64, Place)>,
    extent: Extent,
    /// Sockets that were not kept, because there were too many.
    beyond: u64,
    /// Ended connections that went before their time.
    pushed_out: u64,
    lost: u64,
}

impl Kept {
    /// Begins with the sockets that are there.
    pub fn new(older: HashSet<Cookie>, extent: Extent) -> Self {
        Self {
            lives: Lives::default(),
            stateless: stateless::Sockets::default(),
            older,
            unnamed: Unnamed::default(),
            ended: HashMap::new(),
            order: VecDeque::new(),
            extent,
            beyond: 0,
            pushed_out: 0,
            lost: 0,
        }
    }

    /// Takes the next event in.
    pub fn take(&mut self, event: &Event) {
        if stateless::is_told_by(event) {
            return self.take_stateless(event);
        }
        let id = self.unnamed.settle(event);
        if id == event.cookie {
            self.take_settled(event);
        } else {
            self.take_settled(&Event {
                cookie: id,
                ..event.clone()
            });
        }
    }

    fn take_stateless(&mut self, event: &Event) {
        let Some(cookie) = event.cookie else {
            return;
        };
        if self.count() >= MAX_SOCKETS && self.stateless.get(cookie).is_none() {
            self.beyond += u64::from(matches!(event.what, What::Made { .. }));
            return;
        }
        if matches!(event.what, What::Closed { .. }) {
            self.older.remove(&cookie);
        }
        self.stateless.take(event);
    }

    fn take_settled(&mut self, event: &Event) {
        let change = match event.what {
            What::State(change) => Some(change),
            _ => None,
        };
        if let Some(cookie) = event.cookie {
            if self.count() >= MAX_SOCKETS && self.lives.get(cookie).is_none() {
                self.beyond += u64::from(change.is_some_and(|change| begins(&change)));
                return;
            }
            if change.is_some_and(|change| change.new == SocketState::CLOSE) {
                self.older.remove(&cookie);
            }
        }
        let remains = change.is_some_and(|change| remains(&change));
        for life in self.lives.take(event) {
            if remains && life.cookie == event.cookie {
                self.keep_ended(life, event.time_ns);
            }
        }
        self.let_go(event.time_ns);
    }

    /// Answers who asks about one socket.
    pub fn answer(&self, key: &Key) -> Answer<StackId> {
        let is_it = |netns: Option<NetnsId>| netns.is_none_or(|netns| netns == key.netns);
        let stateless = self.stateless.get(key.cookie);
        if let Some(socket) = stateless.filter(|socket| is_it(socket.netns)) {
            return answers::of_socket(socket);
        }
        if key.ends.protocol != IPPROTO_TCP {
            return Answer::unknown(self.absence(key));
        }
        let place = place(key.netns, &key.ends);
        let named = self.lives.get(key.cookie);
        let named = named.filter(|life| is_it(life.netns));
        let unnamed = match (named, self.unnamed.at(&place)) {
            (None, Err(Ambiguous)) => return Answer::unknown(Absence::NoCookie),
            (None, Ok(Some(id))) => self.lives.get(id),
            _ => None,
        };
        match named.or(unnamed).or_else(|| self.ended.get(&place)) {
            Some(life) => answers::of_life(life),
            None => Answer::unknown(self.absence(key)),
        }
    }

    /// Counts the sockets that are there.
    pub fn count(&self) -> usize {
        self.lives.count() + self.stateless.count()
    }

    /// Notes how many events were lost until now.
    pub fn note_losses(&mut self, events: u64) {
        self.lost = events;
    }

    /// Says in words what is not kept.
    pub fn reasons(&self) -> Vec<String> {
        let kinds = [
            (self.beyond, "sockets were not kept: there are too many"),
            (
                self.pushed_out,
                "connections in TIME_WAIT were forgotten: there are too many",
            ),
        ];
        let told = kinds.iter().filter(|(count, _)| *count > 0);
        told.map(|(count, text)| format!("{count} {text}"))
            .collect()
    }

    /// Gives all stacks that an answer could name.
    pub fn stacks(&self) -> HashSet<StackId> {
        let lives = self.lives.open().chain(self.ended.values());
        let of_lives = lives.flat_map(|life| [life.made_by, life.told_by]);
        let of_sockets = self.stateless.open().flat_map(|socket| {
            let moments = [socket.made, socket.bound];
            moments.map(|moment| moment.and_then(|moment| moment.code))
        });
        of_lives.chain(of_sockets).flatten().collect()
    }

    /// Lets go of sockets that are not there any more, and whose end was lost; `there` are those of TCP and UDP.
    pub fn keep_only(&mut self, there: &HashSet<Cookie>) {
        let is_there = |cookie| is_unnamed(cookie) || there.contains(&cookie);
        self.lives.retain(is_there);
        // Raw sockets and the like are few.
        let is_datagram = |ends: &Ends| ends.protocol == 17 || ends.protocol == 136;
        let is_read = |socket: &Stateless| socket.ends.as_ref().is_some_and(is_datagram);
        self.stateless
            .retain(|socket| !is_read(socket) || there.contains(&socket.cookie));
        self.older.retain(|cookie| there.contains(cookie));
    }

    fn absence(&self, key: &Key) -> Absence {
        if self.older.contains(&key.cookie) {
            return Absence::Older;
        }
        let protocol = key.ends.protocol;
        let is_stateless = self.extent.stateless && STATELESS.contains(&protocol);
        if protocol != IPPROTO_TCP && !is_stateless {
            return Absence::NotRecorded;
        }
        if !self.extent.host {
            return Absence::NotFollowed;
        }
        if self.lost + self.beyond + self.pushed_out > 0 {
            return Absence::Lost;
        }
        Absence::Older
    }

    fn keep_ended(&mut self, life: Life, now_ns: u64) {
        let (Some(netns), Some(ends)) = (life.netns, &life.ends) else {
            return;
        };
        let place = place(netns, ends);
        self.order.push_back((now_ns, place));
        self.ended.insert(place, life);
    }

    fn let_go(&mut self, now_ns: u64) {
        while let Some((ended_ns, place)) = self.order.front().copied() {
            let is_over = now_ns.saturating_sub(ended_ns) > ENDED_NS;
            if !is_over && self.order.len() <= MAX_ENDED {
                break;
            }
            self.order.pop_front();
            // Another connection may have had the same ends since.
            let is_it = |life: &Life| life.at.closed == Some(ended_ns);
            if self.ended.get(&place).is_some_and(is_it) {
                self.ended.remove(&place);
                self.pushed_out += u64::from(!is_over);
            }
        }
    }
}

/// Says whether a socket begins with this change.
fn begins(change: &StateChange) -> bool {
    change.old == SocketState::CLOSE || change.old == SocketState::SYN_RECV
}

/// Says whether the kernel keeps remains of a socket that ends so: it was the first to close.
fn remains(change: &StateChange) -> bool {
    let first = [
        SocketState::FIN_WAIT1,
        SocketState::FIN_WAIT2,
        SocketState::CLOSING,
    ];
    change.new == SocketState::CLOSE && first.contains(&change.old)
}

/// Gives what a socket with these ends is known by.
pub fn place(netns: NetnsId, ends: &Ends) -> Place {
    (netns, canonical(ends.local), canonical(ends.peer))
}

/// IPv4 in IPv6 clothes is IPv4, and scopes are none of an end's.
fn canonical(end: SocketAddr) -> SocketAddr {
    SocketAddr::new(end.ip().to_canonical(), end.port())
}

#[cfg(test)]
mod tests;
