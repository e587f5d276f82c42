//! What the recorder tells in an interval: connections that ended, and who began which.

use std::collections::{HashMap, HashSet};

use plumb_analyze::flows::{Ended, Way};
use plumb_model::event::{Event, Moved, StateChange, What};
use plumb_model::id::{Cookie, Pid};
use plumb_model::socket::SocketState;

use crate::verbs::recording::chosen::Lone;

/// Connections that are kept at most: those that end in one interval, and those whose beginning is known. Of the
/// first more are counted as lost; of the others a listener tells who began them, as long as it is there.
const MOST: usize = 1_000_000;

/// What was told in an interval.
#[derive(Default)]
pub struct Heard {
    /// Connections that ended.
    pub ended: HashMap<Cookie, Ended>,
    /// Who began those that began.
    pub ways: HashMap<Cookie, Way>,
    /// Sockets that did something and are wanted.
    pub unseen: HashSet<Cookie>,
    /// Names of processes that did something, raw bytes: who has ended is not in `/proc` any more.
    pub names: HashMap<Pid, Vec<u8>>,
    /// Connections that ended and found no room.
    pub lost: u64,
}

impl Heard {
    /// Takes in an event.
    pub fn take(&mut self, event: &Event, lone: Option<&mut Lone>) {
        if let Some(task) = &event.task
            && (self.names.len() < MOST || self.names.contains_key(&task.pid))
        {
            self.names.insert(task.pid, task.comm.clone());
        }
        let (What::State(change), Some(cookie)) = (&event.what, event.cookie) else {
            return;
        };
        self.keep(event, *change, cookie);
        // Who has ended holds no socket, but some go on until the peer is done, too.
        if self.unseen.len() < MOST && lone.is_none_or(|lone| lone.wants(event)) {
            self.unseen.insert(cookie);
        }
    }

    /// Keeps the last totals of a connection that ended.
    fn keep(&mut self, event: &Event, change: StateChange, cookie: Cookie) {
        if let Some(way) = way(change).filter(|_| self.ways.len() < MOST) {
            self.ways.entry(cookie).or_insert(way);
        }
        let Some(totals) = change.totals.filter(|_| change.new == SocketState::CLOSE) else {
            return;
        };
        if change.old == SocketState::LISTEN {
            return;
        }
        if self.ended.len() >= MOST {
            self.lost += 1;
            return;
        }
        self.ended.insert(
            cookie,
            Ended {
                netns: event.netns,
                ends: event.ends,
                owner: event.owner,
                totals,
            },
        );
    }
}

/// Gives who began a connection, where a change of state tells it.
fn way(change: StateChange) -> Option<Way> {
    match (change.old, change.new) {
        (_, SocketState::SYN_SENT) | (SocketState::SYN_SENT, _) => Some(Way::Out),
        (SocketState::SYN_RECV, SocketState::ESTABLISHED) => Some(Way::In),
        _ => None,
    }
}

/// Says whether a socket without TCP's totals is wanted, which no reading has seen.
pub fn is_wanted(cookie: Cookie, moved: &Moved, lone: Option<&mut Lone>) -> bool {
    let Some(lone) = lone else {
        return true;
    };
    lone.wants(&Event {
        time_ns: 0,
        cookie: Some(cookie),
        netns: moved.netns,
        ends: moved.ends,
        owner: moved.owner,
        task: None,
        stack: None,
        what: What::Exit,
    })
}
