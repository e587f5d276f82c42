//! From the kernel's sockets and what the recorder told to the sockets that are judged.

use std::collections::HashSet;

use plumb_analyze::leaks::{Held, Makers};
use plumb_analyze::lives::{Life, Lives, Origin};
use plumb_analyze::stateless::Stateless;
use plumb_model::event::{Ends, StackId};
use plumb_model::snapshot::{Snapshot, Socket};
use plumb_model::socket::SocketState;

use crate::verbs::recording::code::Code;
use crate::verbs::recording::session::now_ns;
use crate::verbs::wanted::Places;

/// TCP over IP.
const IPPROTO_TCP: u8 = 6;

/// For those who have no recorder: there is no code.
pub fn no_code(id: StackId) -> StackId {
    id
}

/// What is held now, and what was told of it.
pub struct Reading<'a> {
    /// The sockets.
    pub now: &'a Snapshot,
    /// Which of them are asked about.
    pub wanted: &'a Places,
    /// What the recorder told of them.
    pub lives: Option<&'a Lives>,
    /// Which code made those that came and went meanwhile.
    pub makers: &'a Makers,
}

impl Reading<'_> {
    /// Gives the connections that are asked about; `path` gives one id for all stacks of the same code.
    pub fn held(&self, mut path: impl FnMut(StackId) -> StackId) -> Vec<Held> {
        let listening: HashSet<(u64, u16)> = self.now.sockets.iter().filter_map(listener).collect();
        let now_ns = now_ns();
        let mut all = Vec::new();
        for (place, socket) in self.now.sockets.iter().enumerate() {
            if socket.is_listener() || !self.wanted.wants(place) {
                continue;
            }
            let owner = self.wanted.owner(self.now, place);
            let mut held = of_socket(socket);
            held.incoming = place_of(socket).is_some_and(|place| listening.contains(&place));
            held.pid = owner.map(|owner| owner.pid);
            held.process = owner.map(|owner| owner.comm.clone()).unwrap_or_default();
            let life = socket
                .cookie
                .ok()
                .and_then(|cookie| self.lives?.get(cookie));
            if let Some(life) = life.filter(|life| life.origin != Origin::Older) {
                held.older = false;
                held.age_ns = Some(now_ns.saturating_sub(life.at.begun));
                held.made_by = life.made_by.map(&mut path);
            }
            if let Some(life) = life {
                held.told_by = life.told_by.map(&mut path);
                let done = life.at.peer_done.map(|then| now_ns.saturating_sub(then));
                held.peer_done_ns = done.or(held.peer_done_ns);
            }
            if held.older && held.made_by.is_none() {
                held.likely_made_by = self.makers.likely(&held).map(&mut path);
            }
            all.push(held);
        }
        all
    }
}

/// Gives namespace and port of a listener.
fn listener(socket: &Socket) -> Option<(u64, u16)> {
    socket.is_listener().then(|| place_of(socket)).flatten()
}

fn place_of(socket: &Socket) -> Option<(u64, u16)> {
    Some((socket.netns.0, socket.local.port()?))
}

/// Gives what the kernel itself says of a socket.
fn of_socket(socket: &Socket) -> Held {
    let info = socket.tcp.as_deref();
    let ms = |value: Option<u32>| value.map(|ms| u64::from(ms) * 1_000_000);
    let last_received = info.map(|info| info.last_data_recv_ms);
    let last_sent = info.map(|info| info.last_data_sent_ms);
    let last_ack = info.map(|info| info.last_ack_recv_ms);
    let bytes = info.map(|info| info.bytes_received.saturating_add(info.bytes_acked));
    let local = socket.local.inet();
    Held {
        cookie: socket.cookie.ok(),
        ends: local.zip(socket.peer.inet()).map(|(local, peer)| Ends {
            protocol: IPPROTO_TCP,
            local,
            peer,
        }),
        incoming: false,
        state: socket.state,
        pid: None,
        process: Vec::new(),
        made_by: None,
        told_by: None,
        likely_made_by: None,
        waited_by: Vec::new(),
        older: true,
        age_ns: None,
        // Whoever is done sends nothing more, so the last acknowledgement came with the end.
        peer_done_ns: ms(last_ack).filter(|_| socket.state == SocketState::CLOSE_WAIT),
        idle_ns: ms(last_received
            .zip(last_sent)
            .map(|(received, sent)| received.min(sent))),
        // The SYN of a connection that we made is acknowledged, and counts as a byte.
        used: bytes.map(|bytes| bytes > 1),
        recv_q: socket.recv_q.ok(),
        by_exit: false,
    }
}

/// Gives the connections of a command that has ended: those that its end closed, and those that are open
/// although it has ended, because others hold them.
pub fn at_exit(lives: Lives, by_exit: Vec<Life>, code: &mut Code) -> Vec<Held> {
    let (waiting, open) = lives.finish();
    let all = by_exit.into_iter().chain(waiting).chain(open);
    all.filter(|life| matches!(life.origin, Origin::Connected | Origin::Accepted))
        .map(|life| of_life(&life, code))
        .collect()
}

fn of_life(life: &Life, code: &mut Code) -> Held {
    let end = life.at.let_go.or(life.at.closed);
    let until = |then: u64| end.map(|end| end.saturating_sub(then));
    Held {
        cookie: life.cookie,
        ends: life.ends,
        incoming: life.origin == Origin::Accepted,
        state: life.state,
        pid: life.owner,
        process: life.comm.clone(),
        made_by: life.made_by.map(|id| code.path(id)),
        told_by: life.told_by.map(|id| code.path(id)),
        likely_made_by: None,
        waited_by: Vec::new(),
        older: false,
        age_ns: until(life.at.begun),
        peer_done_ns: life.at.peer_done.and_then(until),
        idle_ns: None,
        used: life
            .totals
            .map(|totals| totals.received_bytes + totals.sent_bytes > 0),
        // The totals are of its end, and count no end of the stream.
        recv_q: life
            .totals
            .filter(|_| life.by_exit)
            .map(|totals| totals.unread_bytes.into()),
        by_exit: life.by_exit,
    }
}

/// Gives a socket without states, of a command that has ended; one that others hold on is told, and judged by nothing.
pub fn of_stateless(socket: &Stateless, code: &mut Code) -> Held {
    let made = socket.made;
    let age = |end_ns: u64| made.map(|made| end_ns.saturating_sub(made.at_ns));
    Held {
        cookie: Some(socket.cookie),
        ends: socket.ends,
        incoming: false,
        state: SocketState::CLOSE,
        pid: socket.owner,
        process: socket.comm.clone(),
        made_by: made.and_then(|made| made.code).map(|id| code.path(id)),
        told_by: None,
        likely_made_by: None,
        waited_by: Vec::new(),
        older: false,
        age_ns: socket.closed_ns.and_then(age),
        peer_done_ns: None,
        idle_ns: None,
        used: None,
        recv_q: None,
        by_exit: socket.by_exit,
    }
}
