//! Who moved how many bytes between two readings of the sockets.
//!
//! TCP's totals are the kernel's own (`tcp_info`); of connections that ended in between the recorder tells the
//! last totals. Other sockets have none: their bytes are counted by the recorder, or not known.

use std::collections::{HashMap, HashSet};

use plumb_model::event::{Ends, Moved, Totals};
use plumb_model::id::{Cookie, Pid};
use plumb_model::snapshot::{Snapshot, Socket};

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

/// A connection that ended between the readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
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
    /// Bytes of sockets other than TCP's at the first reading.
    pub moved_before: &'a HashMap<Cookie, Moved>,
    /// And at the second.
    pub moved_after: &'a HashMap<Cookie, Moved>,
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
    let listening = listening(interval.after);
    let mut sums = Sums::default();
    for (place, socket) in interval.after.sockets.iter().enumerate() {
        // One that ended while it was read counts once, with its last totals.
        let has_ended = |cookie| interval.ended.contains_key(&cookie);
        if !interval.wants(socket.cookie.ok()) || socket.cookie.ok().is_some_and(has_ended) {
            continue;
        }
        let name = name(interval.after, place, by, &listening);
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
            let was = interval
                .moved_before
                .get(&cookie)
                .copied()
                .unwrap_or_default();
            flow.received_bytes += now.received_bytes.saturating_sub(was.received_bytes);
            flow.sent_bytes += now.sent_bytes.saturating_sub(was.sent_bytes);
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
            Some(place) => name(interval.before, place, by, &listening),
            None => name_of_ended(ended, by, interval.after, &listening),
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

fn add(flow: &mut Flow, was: Totals, now: Totals) {
    flow.received_bytes += now.received_bytes.saturating_sub(was.received_bytes);
    flow.sent_bytes += now.sent_bytes.saturating_sub(was.sent_bytes);
    flow.retransmits += u64::from(now.retransmits.saturating_sub(was.retransmits));
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

/// Gives namespaces and ports of listeners, sorted.
pub fn listening(snapshot: &Snapshot) -> Vec<(u64, u16)> {
    let listeners = snapshot
        .sockets
        .iter()
        .filter(|socket| socket.is_listener());
    let mut ports: Vec<(u64, u16)> = listeners
        .filter_map(|socket| Some((socket.netns.0, socket.local.port()?)))
        .collect();
    ports.sort_unstable();
    ports
}

/// Gives the name of the group that a socket belongs to.
pub fn name(snapshot: &Snapshot, place: usize, by: By, listening: &[(u64, u16)]) -> String {
    let Some(socket) = snapshot.sockets.get(place) else {
        return String::from("-");
    };
    let owners = snapshot.owners.processes_of(place);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match by {
        By::Process => owners.first().map_or_else(
            || String::from("(unknown)"),
            |owner| format!("{} {}", text(&owner.comm), owner.pid.0),
        ),
        By::Container => owners
            .first()
            .and_then(|owner| {
                let container = owner.workload.container.as_ref();
                let name =
                    container.map(|container| container.name.as_ref().unwrap_or(&container.id));
                name.or(owner.workload.unit.as_ref()).map(|name| text(name))
            })
            .unwrap_or_else(|| String::from("(host)")),
        By::Port => port(socket, listening),
        By::Peer => match socket.peer.inet() {
            Some(peer) if peer.port() != 0 => peer.ip().to_string(),
            _ => format!("({})", socket.kind.word()),
        },
        By::Socket => match (socket.local.inet(), socket.peer.inet()) {
            (Some(local), Some(peer)) if peer.port() != 0 => {
                format!("{} {local} > {peer}", socket.kind.word())
            }
            (Some(local), _) => format!("{} {local}", socket.kind.word()),
            _ => format!(
                "{} {}",
                socket.kind.word(),
                socket.cookie.ok().map_or(0, |cookie| cookie.0)
            ),
        },
    }
}

fn port(socket: &Socket, listening: &[(u64, u16)]) -> String {
    let word = socket.kind.word();
    let ours = socket.local.port();
    let served = ours.is_some_and(|port| listening.binary_search(&(socket.netns.0, port)).is_ok());
    match (ours, socket.peer.port()) {
        (Some(ours), _) if served => format!("{word} :{ours}"),
        (_, Some(theirs)) => format!("{word} to :{theirs}"),
        (Some(ours), None) => format!("{word} :{ours}"),
        (None, None) => format!("({word})"),
    }
}

/// The group of a connection that no reading saw.
fn name_of_ended(ended: &Ended, by: By, after: &Snapshot, listening: &[(u64, u16)]) -> String {
    let Some(ends) = ended.ends else {
        return String::from("(ended)");
    };
    let ours = ends.local.port();
    let served = listening.iter().any(|(_, port)| *port == ours);
    match by {
        By::Process | By::Container => {
            let process = after
                .owners
                .processes
                .iter()
                .find(|process| Some(process.pid) == ended.owner);
            match (process, ended.owner) {
                (Some(process), _) if by == By::Process => {
                    format!(
                        "{} {}",
                        String::from_utf8_lossy(&process.comm),
                        process.pid.0
                    )
                }
                (None, Some(pid)) if by == By::Process => format!("(ended) {}", pid.0),
                _ => String::from("(ended)"),
            }
        }
        By::Port if served => format!("tcp :{ours}"),
        By::Port => format!("tcp to :{}", ends.peer.port()),
        By::Peer => ends.peer.ip().to_string(),
        By::Socket => format!("tcp {} > {}", ends.local, ends.peer),
    }
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
