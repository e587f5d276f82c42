//! The lives of sockets without states, as UDP's and raw ones: made, bound, closed. Told from the events of the recorder.
//!
//! Those of TCP are [`crate::lives`]'s: what they are, their states say.

use std::collections::HashMap;

use plumb_model::event::{Ends, Event, StackId, What};
use plumb_model::id::{Cookie, NetnsId, Pid};

/// TCP over IP, in what events tell of the protocol.
const IPPROTO_TCP: u32 = 6;

/// What is known of one socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stateless {
    /// Its name.
    pub cookie: Cookie,
    /// Its namespace.
    pub netns: Option<NetnsId>,
    /// Its ends when last told.
    pub ends: Option<Ends>,
    /// The process it belongs to.
    pub owner: Option<Pid>,
    /// The name of the thread that made it, or that was met first, raw bytes.
    pub comm: Vec<u8>,
    /// That thread.
    pub tid: Option<u32>,
    /// Its making; `None` for one that was there before the recorder.
    pub made: Option<Moment>,
    /// Its bind(), if there was one.
    pub bound: Option<Moment>,
    /// When it was closed, nanoseconds of the monotonic clock.
    pub closed_ns: Option<u64>,
    /// The kernel closed it, because its process ended.
    pub by_exit: bool,
}

/// When a call did something, and the code that called; `None` when its stack was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Nanoseconds of the monotonic clock.
    pub at_ns: u64,
    /// The code.
    pub code: Option<StackId>,
}

/// All that are not closed.
#[derive(Debug, Default)]
pub struct Sockets {
    open: HashMap<Cookie, Stateless>,
}

/// Says whether an event tells of such a socket.
pub fn is_told_by(event: &Event) -> bool {
    protocol(event).is_some_and(|protocol| protocol != IPPROTO_TCP)
}

fn protocol(event: &Event) -> Option<u32> {
    match event.what {
        What::Made { protocol } | What::Bound { protocol, .. } | What::Closed { protocol, .. } => {
            Some(protocol)
        }
        _ => None,
    }
}

impl Sockets {
    /// Takes the next event in. Gives the socket that is closed with it.
    pub fn take(&mut self, event: &Event) -> Option<Stateless> {
        let cookie = event.cookie.filter(|_| is_told_by(event))?;
        if let What::Closed { by_exit, .. } = event.what {
            let mut closed = self.open.remove(&cookie)?;
            closed.closed_ns = Some(event.time_ns);
            closed.by_exit = by_exit;
            closed.ends = event.ends.or(closed.ends);
            return Some(closed);
        }
        let begin = || Stateless::new(cookie, event);
        let socket = self.open.entry(cookie).or_insert_with(begin);
        let moment = Moment {
            at_ns: event.time_ns,
            code: event.stack,
        };
        match event.what {
            What::Made { .. } => socket.made = Some(moment),
            // Whoever needs a port and has none gets one: no code asked for it.
            What::Bound { chosen: false, .. } => socket.bound = Some(moment),
            _ => {}
        }
        socket.ends = event.ends.or(socket.ends);
        None
    }

    /// Gives one that is not closed.
    pub fn get(&self, cookie: Cookie) -> Option<&Stateless> {
        self.open.get(&cookie)
    }

    /// Gives all that are not closed, in no order.
    pub fn open(&self) -> impl Iterator<Item = &Stateless> {
        self.open.values()
    }

    /// Counts them.
    pub fn count(&self) -> usize {
        self.open.len()
    }

    /// Lets go of those whose end was not told.
    pub fn retain(&mut self, is_alive: impl Fn(&Stateless) -> bool) {
        self.open.retain(|_, socket| is_alive(socket));
    }
}

impl Stateless {
    fn new(cookie: Cookie, event: &Event) -> Self {
        let task = event.task.as_ref();
        Self {
            cookie,
            netns: event.netns,
            ends: event.ends,
            owner: event.owner,
            comm: task.map(|task| task.comm.clone()).unwrap_or_default(),
            tid: task.map(|task| task.tid),
            made: None,
            bound: None,
            closed_ns: None,
            by_exit: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::event::Task;

    use super::*;

    const UDP: u32 = 17;

    fn event(time_ns: u64, what: What) -> Event {
        Event {
            time_ns,
            cookie: Some(Cookie(5)),
            netns: Some(NetnsId(1)),
            ends: None,
            owner: Some(Pid(7)),
            task: Some(Task {
                pid: Pid(7),
                tid: 8,
                comm: b"named".to_vec(),
            }),
            stack: Some(StackId(time_ns)),
            what,
        }
    }

    fn bound(time_ns: u64, chosen: bool) -> Event {
        let protocol = UDP;
        event(time_ns, What::Bound { protocol, chosen })
    }

    #[test]
    fn a_socket_is_known_from_its_making_to_its_end() {
        let mut sockets = Sockets::default();
        assert_eq!(sockets.take(&event(1, What::Made { protocol: UDP })), None);
        assert_eq!(sockets.take(&bound(2, false)), None);
        let socket = sockets.get(Cookie(5)).expect("it is there");
        let code = |moment: Option<Moment>| moment.and_then(|moment| moment.code);
        assert_eq!(code(socket.made), Some(StackId(1)));
        assert_eq!(code(socket.bound), Some(StackId(2)));
        assert_eq!(
            (socket.tid, socket.comm.as_slice()),
            (Some(8), &b"named"[..])
        );
        let end = What::Closed {
            protocol: UDP,
            by_exit: true,
        };
        let closed = sockets.take(&event(3, end)).expect("it was open");
        assert_eq!((closed.closed_ns, closed.by_exit), (Some(3), true));
        assert_eq!(sockets.count(), 0);
    }

    /// One that was there before is bound now; nobody knows who made it.
    #[test]
    fn what_was_not_seen_made_has_no_maker() {
        let mut sockets = Sockets::default();
        sockets.take(&bound(2, false));
        let socket = sockets.get(Cookie(5)).expect("it is there");
        assert_eq!((socket.made, socket.bound.is_some()), (None, true));
    }

    #[test]
    fn a_port_that_the_kernel_chose_is_nobody_s_call_and_tcp_is_not_meant() {
        let mut sockets = Sockets::default();
        sockets.take(&event(1, What::Made { protocol: UDP }));
        sockets.take(&bound(2, true));
        assert_eq!(sockets.get(Cookie(5)).expect("it is there").bound, None);
        let mut others = Sockets::default();
        let protocol = IPPROTO_TCP;
        others.take(&event(1, What::Made { protocol }));
        assert_eq!(others.count(), 0);
    }
}
