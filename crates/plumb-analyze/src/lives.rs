//! The lives of sockets, told from the events of the recorder: begun, established, told of the end, closed.
//!
//! A socket that connects again begins another life. A life that ended while its connect() had not
//! returned yet waits a moment for what that returns, because some errors are told there alone.

use std::collections::{HashMap, VecDeque};

use plumb_model::event::{Ends, Event, StackId, StateChange, Totals, What};
use plumb_model::id::{Cookie, NetnsId, Pid};
use plumb_model::socket::SocketState;

/// How long an ended attempt waits for what connect() returns.
const RETURN_NS: u64 = 200_000_000;
/// Reasons of drops kept for one life; more of other reasons are counted as lost.
const MAX_DROP_REASONS: usize = 8;

/// What is known of one life of a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// The socket; `None` for an attempt that ended before the kernel had to name it.
    pub cookie: Option<Cookie>,
    /// Its namespace.
    pub netns: Option<NetnsId>,
    /// Its ends.
    pub ends: Option<Ends>,
    /// How it came to be.
    pub origin: Origin,
    /// The process it belongs to.
    pub owner: Option<Pid>,
    /// The name of the thread that made it, raw bytes.
    pub comm: Vec<u8>,
    /// The thread that made it; `None` where no call did.
    pub tid: Option<u32>,
    /// The code that made it: called connect(), accept() or listen().
    pub made_by: Option<StackId>,
    /// The code that was told that the peer is done.
    pub told_by: Option<StackId>,
    /// When what happened, nanoseconds of the monotonic clock.
    pub at: Moments,
    /// What connect() returned: 0, or a negative errno.
    pub returned: Option<i32>,
    /// The error it died of: an errno, positive; 0 for none.
    pub errno: i32,
    /// What went wrong with it.
    pub faults: Faults,
    /// What it had carried when last told.
    pub totals: Option<Totals>,
    /// It ended before a byte of either side is known to have reached the other.
    pub untouched: bool,
    /// The kernel closed it, because its process ended.
    pub by_exit: bool,
    /// Its state when last told.
    pub state: SocketState,
}

/// How a socket came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// By connect().
    Connected,
    /// It came in, and accept() returned it.
    Accepted,
    /// It came in, and no accept() returned it so far.
    Incoming,
    /// By listen().
    Listening,
    /// It was there before the recorder.
    Older,
}

/// When what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moments {
    /// It began: connect() was called, the connection came in, or it was first heard of.
    pub begun: u64,
    /// The connection was established.
    pub established: Option<u64>,
    /// accept() returned it.
    pub accepted: Option<u64>,
    /// The peer said that it is done (CLOSE_WAIT).
    pub peer_done: Option<u64>,
    /// A recv() of the program returned 0.
    pub told: Option<u64>,
    /// The program let go: close() or shutdown().
    pub let_go: Option<u64>,
    /// The end.
    pub closed: Option<u64>,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Faults {
    /// Segments sent again.
    pub retransmits: u32,
    /// Segments sent again before anybody had answered.
    pub syn_retransmits: u32,
    /// The peer sent a reset.
    pub reset_received: bool,
    /// We sent a reset, and the kernel's reason where it has one.
    pub reset_sent: Option<Option<u32>>,
    /// Packets dropped, by the kernel's reason.
    pub drops: Vec<(u32, u32)>,
    /// Packets that found the receive queue full.
    pub queue_full: u32,
}

/// All lives that are not over.
#[derive(Debug, Default)]
pub struct Lives {
    open: HashMap<Cookie, Life>,
    /// Ended attempts that wait for what connect() returns, oldest first.
    waiting: VecDeque<Life>,
}

impl Lives {
    /// Takes the next event in. Gives the lives that ended with it.
    pub fn take(&mut self, event: &Event) -> Vec<Life> {
        let mut ended = self.overdue(event.time_ns);
        match (&event.what, event.cookie) {
            (What::State(change), Some(cookie)) => {
                self.change(event, *change, cookie, &mut ended);
            }
            (What::ConnectReturned { result, .. }, _) => self.returned(event, *result, &mut ended),
            (_, Some(cookie)) => self.happened(event, cookie),
            (_, None) => {}
        }
        ended
    }

    /// Puts in a socket that was there before the recorder.
    pub fn seed(&mut self, life: Life) {
        if let Some(cookie) = life.cookie {
            self.open.entry(cookie).or_insert(life);
        }
    }

    /// Gives a life that is not over.
    pub fn get(&self, cookie: Cookie) -> Option<&Life> {
        self.open.get(&cookie)
    }

    /// Gives all lives that are not over, in no order.
    pub fn open(&self) -> impl Iterator<Item = &Life> {
        self.open.values()
    }

    /// Counts the lives that are not over.
    pub fn count(&self) -> usize {
        self.open.len()
    }

    /// Lets go of lives whose end was not told.
    pub fn retain(&mut self, is_alive: impl Fn(Cookie) -> bool) {
        self.open.retain(|cookie, _| is_alive(*cookie));
    }

    /// Ends the telling: gives what still waited, and the lives that go on, the oldest first.
    pub fn finish(mut self) -> (Vec<Life>, Vec<Life>) {
        let ended = self.waiting.drain(..).collect();
        let mut open: Vec<Life> = self.open.into_values().collect();
        open.sort_by_key(|life| (life.at.begun, life.cookie));
        (ended, open)
    }

    fn overdue(&mut self, now_ns: u64) -> Vec<Life> {
        let is_due = |life: &Life| {
            let since = life.at.closed.unwrap_or(life.at.begun);
            now_ns.saturating_sub(since) > RETURN_NS
        };
        let due = self.waiting.iter().take_while(|life| is_due(life)).count();
        self.waiting.drain(..due).collect()
    }

    fn change(
        &mut self,
        event: &Event,
        change: StateChange,
        cookie: Cookie,
        ended: &mut Vec<Life>,
    ) {
        let begins = change.old == SocketState::CLOSE;
        if begins && let Some(before) = self.take_waiting(cookie) {
            ended.push(before);
        }
        let incoming = change.old == SocketState::SYN_RECV;
        let life = self.open.entry(cookie).or_insert_with(|| {
            let origin = match change.new {
                SocketState::SYN_SENT if begins => Origin::Connected,
                SocketState::LISTEN => Origin::Listening,
                _ if incoming => Origin::Incoming,
                _ => Origin::Older,
            };
            Life::new(event, origin)
        });
        life.changed(event, change);
        if change.new == SocketState::CLOSE
            && let Some(life) = self.open.remove(&cookie)
        {
            // Also from SYN_RECV, where the other's SYN had met ours.
            let unanswered = life.origin == Origin::Connected
                && life.at.established.is_none()
                && life.returned.is_none();
            if unanswered {
                self.waiting.push_back(life);
            } else {
                ended.push(life);
            }
        }
    }

    fn take_waiting(&mut self, cookie: Cookie) -> Option<Life> {
        let is_it = |life: &Life| life.cookie == Some(cookie);
        let at = self.waiting.iter().position(is_it)?;
        self.waiting.remove(at)
    }

    fn returned(&mut self, event: &Event, result: i32, ended: &mut Vec<Life>) {
        let waiting = event.cookie.and_then(|cookie| self.take_waiting(cookie));
        if let Some(mut life) = waiting {
            life.returned = Some(result);
            return ended.push(life);
        }
        let open = event.cookie.and_then(|cookie| self.open.get_mut(&cookie));
        if let Some(life) = open {
            // A second connect() on a socket under way only asks how it goes.
            life.returned.get_or_insert(result);
            return;
        }
        // It failed before it began: no state was ever left.
        if result < 0 {
            let mut life = Life::new(event, Origin::Connected);
            life.returned = Some(result);
            life.at.closed = Some(event.time_ns);
            life.state = SocketState::CLOSE;
            ended.push(life);
        }
    }

    fn happened(&mut self, event: &Event, cookie: Cookie) {
        if let Some(life) = self
            .waiting
            .iter_mut()
            .find(|life| life.cookie == Some(cookie))
        {
            return life.happened(event);
        }
        let tells_of_life = matches!(event.what, What::Accepted { .. } | What::EndOfFile(_));
        if tells_of_life {
            self.open
                .entry(cookie)
                .or_insert_with(|| Life::new(event, Origin::Older));
        }
        if let Some(life) = self.open.get_mut(&cookie) {
            life.happened(event);
        }
    }
}

impl Life {
    /// Begins one with what an event tells.
    pub fn new(event: &Event, origin: Origin) -> Self {
        Self {
            cookie: event.cookie,
            netns: event.netns,
            ends: event.ends,
            origin,
            owner: event.owner,
            comm: event
                .task
                .as_ref()
                .map(|task| task.comm.clone())
                .unwrap_or_default(),
            tid: event.task.as_ref().map(|task| task.tid),
            made_by: event.stack.filter(|_| origin != Origin::Older),
            told_by: None,
            at: Moments {
                begun: event.time_ns,
                ..Moments::default()
            },
            returned: None,
            errno: 0,
            faults: Faults::default(),
            totals: None,
            untouched: false,
            by_exit: false,
            state: SocketState::CLOSE,
        }
    }

    fn changed(&mut self, event: &Event, change: StateChange) {
        self.state = change.new;
        let now = Some(event.time_ns);
        // What the program had let go of before, its end did not close.
        self.by_exit |= change.by_exit && self.at.let_go.is_none();
        match change.new {
            SocketState::ESTABLISHED => self.at.established = now,
            SocketState::CLOSE_WAIT => self.at.peer_done = now,
            SocketState::FIN_WAIT1 | SocketState::LAST_ACK => {
                self.at.let_go = self.at.let_go.or(now);
            }
            SocketState::CLOSE => {
                self.at.closed = now;
                self.errno = change.errno;
                self.untouched = change.untouched;
            }
            _ => {}
        }
        self.totals = change.totals.or(self.totals);
        self.owner = self.owner.or(event.owner);
        self.keep_ends(event);
    }

    /// Keeps the fuller of two tellings: a socket may lose its port while it ends.
    fn keep_ends(&mut self, event: &Event) {
        let whole = |ends: &Ends| ends.local.port() != 0 && ends.peer.port() != 0;
        match (&self.ends, event.ends) {
            (Some(known), Some(told)) if whole(known) && !whole(&told) => {}
            (_, Some(told)) => self.ends = Some(told),
            (_, None) => {}
        }
    }

    fn happened(&mut self, event: &Event) {
        match &event.what {
            What::Accepted { .. } => {
                if self.origin != Origin::Older || self.at.established.is_none() {
                    self.origin = Origin::Accepted;
                }
                self.at.accepted = Some(event.time_ns);
                self.made_by = event.stack;
                self.owner = event.owner;
                if let Some(task) = &event.task {
                    self.comm.clone_from(&task.comm);
                    self.tid = Some(task.tid);
                }
                if self.state == SocketState::CLOSE {
                    self.state = SocketState::ESTABLISHED;
                }
            }
            What::EndOfFile(totals) => {
                self.at.told = Some(event.time_ns);
                self.told_by = event.stack;
                self.totals = Some(*totals);
                self.owner = self.owner.or(event.owner);
            }
            What::Retransmitted { state } => {
                self.faults.retransmits += 1;
                if *state == SocketState::SYN_SENT {
                    self.faults.syn_retransmits += 1;
                }
            }
            What::ResetReceived { .. } => self.faults.reset_received = true,
            What::ResetSent { reason } => self.faults.reset_sent = Some(*reason),
            What::Error { errno } if self.errno == 0 => self.errno = *errno,
            What::Dropped { reason, .. } => self.faults.dropped(*reason),
            What::QueueFull { .. } => self.faults.queue_full += 1,
            _ => {}
        }
    }
}

impl Faults {
    fn dropped(&mut self, reason: u32) {
        if let Some((_, count)) = self.drops.iter_mut().find(|(known, _)| *known == reason) {
            *count += 1;
        } else if self.drops.len() < MAX_DROP_REASONS {
            self.drops.push((reason, 1));
        }
    }
}

#[cfg(test)]
mod tests;
