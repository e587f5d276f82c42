//! Who moved how many bytes between two readings of the sockets.
//!
//! TCP's totals are the kernel's own (`tcp_info`); of connections that ended in between the recorder tells the
//! last totals. Other sockets have none: their bytes are counted by the recorder, or not known.

mod naming;

use std::collections::{HashMap, HashSet};

use plumb_model::event::{Ends, Moved, Totals};
use plumb_model::id::{Cookie, NetnsId, Pid};
use plumb_model::snapshot::{Snapshot, Socket};

pub use self::naming::{Serving, name};

/// What bytes are added up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Each socket.
    Socket,
    /// The process that holds it.
    Process,
    /// The port of the service: the listener's, else the other end's.
    Port,
    /// The address of the other end.
    Peer,
    /// The container, else the systemd unit.
    Container,
}

/// Who began a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The other end: this one serves.
    In,
    /// This end.
    Out,
}

/// A connection that ended between the readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its namespace.
    pub netns: Option<NetnsId>,
    /// Its ends.
    pub ends: Option<Ends>,
    /// Whose it was.
    pub owner: Option<Pid>,
    /// What it had carried at last.
    pub totals: Totals,
}

/// What was read and told.
#[derive(Debug, Clone, Copy)]
pub struct Interval<'a> {
    /// The first reading.
    pub before: &'a Snapshot,
    /// The second.
    pub after: &'a Snapshot,
    /// Connections that ended in between.
    pub ended: &'a HashMap<Cookie, Ended>,
    /// Who began those connections whose beginning was told.
    pub ways: &'a HashMap<Cookie, Way>,
    /// Bytes of sockets other than TCP's at the first reading.
    pub moved_before: &'a HashMap<Cookie, Moved>,
    /// And at the second.
    pub moved_after: &'a HashMap<Cookie, Moved>,
    /// Names of processes that did something in between and may be in neither reading, raw bytes.
    pub names: &'a HashMap<Pid, Vec<u8>>,
    /// The sockets that count; every one where there is none.
    pub wanted: Option<&'a HashSet<Cookie>>,
}

impl Interval<'_> {
    /// Says whether a socket counts.
    fn wants(&self, cookie: Option<Cookie>) -> bool {
        self.wanted
            .is_none_or(|wanted| cookie.is_some_and(|cookie| wanted.contains(&cookie)))
    }
}

/// Sums of one group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flow {
    /// What the group is called.
    pub name: String,
    /// Bytes received in the interval.
    pub received_bytes: u64,
    /// Bytes sent, each counted once.
    pub sent_bytes: u64,
    /// Segments sent again.
    pub retransmits: u64,
    /// Sockets there are.
    pub sockets: u64,
    /// Connections that began.
    pub opened: u64,
    /// Connections that ended.
    pub closed: u64,
}

/// Adds up an interval; the group that moved most comes first.
pub fn flows(interval: &Interval<'_>, by: By) -> Vec<Flow> {
    let before: HashMap<Cookie, Totals> = interval
        .before
        .sockets
        .iter()
        .filter_map(|socket| Some((socket.cookie.ok()?, totals(socket)?)))
        .collect();
    let known: HashMap<Cookie, usize> = interval
        .before
        .sockets
        .iter()
        .enumerate()
        .filter_map(|(place, socket)| Some((socket.cookie.ok()?, place)))
        .collect();
    let serving = Serving::of(interval.after).and_told(interval.ways);
    let mut sums = Sums::default();
    for (place, socket) in interval.after.sockets.iter().enumerate() {
        // One that ended while it was read counts once, with its last totals.
        let has_ended = |cookie| interval.ended.contains_key(&cookie);
        if !interval.wants(socket.cookie.ok()) || socket.cookie.ok().is_some_and(has_ended) {
            continue;
        }
        let mover = mover_of(interval, socket);
        let name = naming::name_or_mover((interval.after, place), by, interval, &serving, mover);
        let flow = sums.group(name);
        flow.sockets += 1;
        let Some(cookie) = socket.cookie.ok() else {
            continue;
        };
        if let Some(now) = totals(socket) {
            let was = before.get(&cookie).copied();
            flow.opened += u64::from(!known.contains_key(&cookie));
            add(flow, was.unwrap_or_default(), now);
        } else if let Some(now) = interval.moved_after.get(&cookie) {
            add_moved(flow, interval.moved_before.get(&cookie), now);
        }
    }
    let now: HashSet<Cookie> = interval
        .after
        .sockets
        .iter()
        .filter_map(|socket| socket.cookie.ok())
        .collect();
    for (cookie, moved) in interval.moved_after {
        // One without totals that is not there any more has what it moved at last.
        let was = interval.moved_before.get(cookie);
        if now.contains(cookie) || was == Some(moved) || !interval.wants(Some(*cookie)) {
            continue;
        }
        let name = match known.get(cookie) {
            Some(place) => Some(naming::name_or_mover(
                (interval.before, *place),
                by,
                interval,
                &serving,
                moved.owner,
            )),
            None => naming::of_moved(*cookie, moved, by, interval),
        };
        if let Some(name) = name {
            add_moved(sums.group(name), was, moved);
        }
    }
    for (cookie, ended) in interval.ended {
        if !interval.wants(Some(*cookie)) {
            continue;
        }
        let place = known.get(cookie).copied();
        // A reading may have missed the holder of a socket that was just going.
        let has_holder = |place: &usize| !interval.before.owners.processes_of(*place).is_empty();
        let name = match place.filter(|place| ended.owner.is_none() || has_holder(place)) {
            Some(place) => name(interval.before, place, by, &serving),
            None => naming::of_ended(*cookie, ended, by, interval, &serving),
        };
        let flow = sums.group(name);
        flow.closed += 1;
        flow.opened += u64::from(place.is_none());
        add(
            flow,
            before.get(cookie).copied().unwrap_or_default(),
            ended.totals,
        );
    }
    sums.finish()
}

/// Who moved the first bytes of a socket, where they are counted.
fn mover_of(interval: &Interval<'_>, socket: &Socket) -> Option<Pid> {
    interval.moved_after.get(&socket.cookie.ok()?)?.owner
}

fn add(flow: &mut Flow, was: Totals, now: Totals) {
    flow.received_bytes += now.received_bytes.saturating_sub(was.received_bytes);
    flow.sent_bytes += now.sent_bytes.saturating_sub(was.sent_bytes);
    flow.retransmits += u64::from(now.retransmits.saturating_sub(was.retransmits));
}

fn add_moved(flow: &mut Flow, was: Option<&Moved>, now: &Moved) {
    let was = was.copied().unwrap_or_default();
    flow.received_bytes += now.received_bytes.saturating_sub(was.received_bytes);
    flow.sent_bytes += now.sent_bytes.saturating_sub(was.sent_bytes);
}

/// Gives the totals of a connection, payload alone; `None` of whatever has none.
fn totals(socket: &Socket) -> Option<Totals> {
    let info = socket.tcp.as_deref().filter(|_| !socket.is_listener())?;
    // The peer's end of the stream counts as a byte received (CLOSE_WAIT and behind).
    let ended = matches!(socket.state.0, 6 | 8 | 9 | 11);
    Some(Totals {
        received_bytes: info.bytes_received.saturating_sub(u64::from(ended)),
        sent_bytes: info.bytes_sent.saturating_sub(info.bytes_retrans),
        unread_bytes: 0,
        retransmits: info.total_retrans,
    })
}

/// Groups by name.
#[derive(Default)]
struct Sums {
    places: HashMap<String, usize>,
    flows: Vec<Flow>,
}

impl Sums {
    fn group(&mut self, name: String) -> &mut Flow {
        let next = self.flows.len();
        let place = *self.places.entry(name.clone()).or_insert(next);
        if place == next {
            self.flows.push(Flow {
                name,
                ..Flow::default()
            });
        }
        &mut self.flows[place]
    }

    fn finish(mut self) -> Vec<Flow> {
        let moved = |flow: &Flow| flow.received_bytes.saturating_add(flow.sent_bytes);
        self.flows
            .sort_by(|a, b| moved(b).cmp(&moved(a)).then_with(|| a.name.cmp(&b.name)));
        self.flows
    }
}

#[cfg(test)]
mod tests;
