//! Where the time of a connection went: name lookup, connect, first bytes each way, the rest.
//!
//! Told from the lives of sockets and the calls on them. A lookup is a conversation with port 53 of the same
//! process, the last one before the connection; only one connection can have it.

use std::collections::HashMap;

use plumb_model::event::{Call, Event, What};
use plumb_model::id::{Cookie, Pid};

use crate::lives::{Life, Lives, Origin};

/// Where name servers listen.
const DNS_PORT: u16 = 53;
/// Connections of which moments are kept at most; more have none, and say so by their absence.
const MAX_FOLLOWED: usize = 100_000;
/// `ContentType` handshake of TLS records, and `HandshakeType` client_hello behind their head (RFC 8446).
const TLS_HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// A connection with the moments that split its time, nanoseconds of the monotonic clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The connection.
    pub life: Life,
    /// The lookup before it: first question, last answer.
    pub lookup: Option<(u64, u64)>,
    /// What the program did on it.
    pub moments: Moments,
}

/// What a program did on a connection, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moments {
    /// It sent its first bytes.
    pub first_sent: Option<u64>,
    /// Those began a TLS handshake.
    pub tls_hello: Option<u64>,
    /// It had its first bytes.
    pub first_received: Option<u64>,
    /// It had its last bytes.
    pub last_received: Option<u64>,
}

/// One piece of the time of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phase {
    /// `lookup`, `connect`, `send`, `wait`, `receive`, `rest`.
    pub name: &'static str,
    /// When it began.
    pub start: u64,
    /// When it ended.
    pub end: u64,
}

/// Follows all connections.
#[derive(Debug, Default)]
pub struct Waterfalls {
    lives: Lives,
    moments: HashMap<Cookie, Moments>,
    lookups: HashMap<Cookie, (u64, u64)>,
    last_lookup: HashMap<Pid, (u64, u64)>,
    done: Vec<Connection>,
}

impl Waterfalls {
    /// Takes the next event in.
    pub fn take(&mut self, event: &Event) {
        if let What::Call(call) = &event.what {
            self.call(event, call);
        }
        let begins = matches!(&event.what, What::State(change)
            if change.new == plumb_model::socket::SocketState::SYN_SENT);
        if begins
            && let (Some(cookie), Some(pid)) = (event.cookie, event.owner)
            && let Some(lookup) = self.last_lookup.remove(&pid)
        {
            self.lookups.insert(cookie, lookup);
        }
        for life in self.lives.take(event) {
            self.end(life);
        }
    }

    fn call(&mut self, event: &Event, call: &Call) {
        let moved = u64::try_from(call.result).is_ok_and(|moved| moved > 0);
        let Some(end) = call.end_ns.filter(|_| moved && !call.payload.is_empty()) else {
            return;
        };
        let dns = event.ends.is_some_and(|ends| ends.peer.port() == DNS_PORT);
        if dns && let Some(pid) = event.owner {
            let lookup = self.last_lookup.entry(pid).or_insert((event.time_ns, end));
            lookup.1 = end;
            return;
        }
        let Some(cookie) = event.cookie else {
            return;
        };
        if self.moments.len() >= MAX_FOLLOWED && !self.moments.contains_key(&cookie) {
            return;
        }
        let moments = self.moments.entry(cookie).or_default();
        if call.receives {
            moments.first_received.get_or_insert(end);
            moments.last_received = Some(end);
        } else {
            moments.first_sent.get_or_insert(event.time_ns);
            if is_client_hello(&call.payload) {
                moments.tls_hello.get_or_insert(event.time_ns);
            }
        }
    }

    fn end(&mut self, life: Life) {
        if !matches!(life.origin, Origin::Connected | Origin::Accepted)
            || self.done.len() >= MAX_FOLLOWED
        {
            return;
        }
        let of = |cookie: Option<Cookie>| cookie.unwrap_or(Cookie(0));
        let moments = self.moments.remove(&of(life.cookie)).unwrap_or_default();
        let lookup = self.lookups.remove(&of(life.cookie));
        self.done.push(Connection {
            life,
            lookup,
            moments,
        });
    }

    /// Gives all connections, by their beginning.
    pub fn finish(mut self) -> Vec<Connection> {
        let (waiting, open) = std::mem::take(&mut self.lives).finish();
        for life in waiting.into_iter().chain(open) {
            self.end(life);
        }
        self.done.sort_by_key(|connection| connection.life.at.begun);
        self.done
    }
}

fn is_client_hello(payload: &[u8]) -> bool {
    payload.first() == Some(&TLS_HANDSHAKE)
        && payload.get(1) == Some(&3)
        && payload.get(5).is_none_or(|&kind| kind == CLIENT_HELLO)
}

impl Connection {
    /// Gives when it began, lookup included.
    pub fn start(&self) -> u64 {
        self.lookup.map_or(self.life.at.begun, |(start, _)| start)
    }

    /// Gives when it ended, or the last thing that is known of it.
    pub fn end(&self) -> u64 {
        let at = &self.life.at;
        let known = [
            at.closed,
            at.let_go,
            self.moments.last_received,
            self.moments.first_sent,
            at.accepted,
            at.established,
        ];
        known.into_iter().flatten().max().unwrap_or(at.begun)
    }

    /// Splits the time.
    pub fn phases(&self) -> Vec<Phase> {
        let at = &self.life.at;
        let mut phases = Vec::new();
        let mut add = |name, start: Option<u64>, end: Option<u64>| {
            if let (Some(start), Some(end)) = (start, end)
                && end >= start
            {
                phases.push(Phase { name, start, end });
            }
        };
        if let Some((start, end)) = self.lookup {
            add("lookup", Some(start), Some(end));
        }
        let answered = at.established.or(at.closed);
        if self.life.origin == Origin::Connected {
            add("connect", Some(at.begun), answered);
        } else {
            add("accept", Some(at.begun), at.accepted);
        }
        let Moments {
            first_sent,
            first_received,
            last_received,
            ..
        } = self.moments;
        add(
            "send",
            at.established,
            first_sent.filter(|_| self.life.origin == Origin::Connected),
        );
        add("wait", first_sent, first_received);
        add("receive", first_received, last_received);
        let last = last_received.or(first_sent).or(at.established);
        add("rest", last, at.closed.or(at.let_go));
        phases
    }
}

#[cfg(test)]
mod tests;
