//! What the groups of flows are called.

use std::collections::HashMap;

use plumb_model::attribution::Process;
use plumb_model::event::Moved;
use plumb_model::id::{Cookie, NetnsId, Pid};
use plumb_model::snapshot::{Snapshot, Socket};

use super::{By, Ended, Interval, Way};

/// Tells which ends of connections serve.
pub struct Serving<'a> {
    snapshot: &'a Snapshot,
    /// Namespaces, ports and places of listeners, sorted.
    listening: Vec<(u64, u16, usize)>,
    /// Who began which connection, where that was told: a listener may have come and gone since.
    told: Option<&'a HashMap<Cookie, Way>>,
}

impl<'a> Serving<'a> {
    /// By the listeners of a reading.
    pub fn of(snapshot: &'a Snapshot) -> Self {
        let sockets = snapshot.sockets.iter().enumerate();
        let listeners = sockets.filter(|(_, socket)| socket.is_listener());
        let mut listening: Vec<(u64, u16, usize)> = listeners
            .filter_map(|(place, socket)| Some((socket.netns.0, socket.local.port()?, place)))
            .collect();
        listening.sort_unstable();
        Self {
            snapshot,
            listening,
            told: None,
        }
    }

    /// And first of all by what was told.
    #[must_use]
    pub fn and_told(self, told: &'a HashMap<Cookie, Way>) -> Self {
        Self {
            told: Some(told),
            ..self
        }
    }

    fn serves(&self, cookie: Option<Cookie>, netns: Option<NetnsId>, port: u16) -> bool {
        let told = self.told.zip(cookie);
        match (told.and_then(|(told, cookie)| told.get(&cookie)), netns) {
            (Some(way), _) => *way == Way::In,
            (None, Some(netns)) => self.listener(netns, port).is_some(),
            (None, None) => self.listening.iter().any(|(_, known, _)| *known == port),
        }
    }

    /// Gives the place of a listener.
    fn listener(&self, netns: NetnsId, port: u16) -> Option<usize> {
        let from = (netns.0, port, 0);
        let at = self.listening.partition_point(|listener| *listener < from);
        let (found, known, place) = *self.listening.get(at)?;
        ((found, known) == (netns.0, port)).then_some(place)
    }

    /// Gives who listens where a connection came in: whose it was, as far as nobody told of accept().
    fn server(&self, cookie: Cookie, ended: &Ended) -> Option<Pid> {
        let (ends, netns) = (ended.ends?, ended.netns?);
        let port = ends.local.port();
        let place = self.listener(netns, port)?;
        let serves = self.serves(Some(cookie), Some(netns), port);
        let owners = self.snapshot.owners.processes_of(place);
        owners.first().map(|owner| owner.pid).filter(|_| serves)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// [`name`] where who moved its bytes is known: a reading may miss the holder of one that was just made or is just going.
pub(super) fn name_or_mover(
    (snapshot, place): (&Snapshot, usize),
    by: By,
    interval: &Interval<'_>,
    serving: &Serving<'_>,
    mover: Option<Pid>,
) -> String {
    let is_held = !snapshot.owners.processes_of(place).is_empty();
    match by {
        By::Process | By::Container if !is_held && mover.is_some() => of_owner(mover, by, interval),
        _ => name(snapshot, place, by, serving),
    }
}

/// Gives the name of the group that a socket belongs to.
pub fn name(snapshot: &Snapshot, place: usize, by: By, serving: &Serving<'_>) -> String {
    let Some(socket) = snapshot.sockets.get(place) else {
        return String::from("-");
    };
    let owners = snapshot.owners.processes_of(place);
    match by {
        By::Process => owners
            .first()
            .map_or_else(|| String::from("(unknown)"), |owner| process_text(owner)),
        By::Container => owners
            .first()
            .map_or_else(|| String::from("(host)"), |owner| container_text(owner)),
        By::Port => port(socket, serving),
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

fn process_text(process: &Process) -> String {
    format!("{} {}", text(&process.comm), process.pid.0)
}

/// The container, else the unit, else the host.
fn container_text(process: &Process) -> String {
    let workload = &process.workload;
    let container = workload.container.as_ref();
    let name = container.map(|container| container.name.as_ref().unwrap_or(&container.id));
    name.or(workload.unit.as_ref())
        .map_or_else(|| String::from("(host)"), |name| text(name))
}

fn port(socket: &Socket, serving: &Serving<'_>) -> String {
    let word = socket.kind.word();
    let ours = socket.local.port();
    let (cookie, netns) = (socket.cookie.ok(), Some(socket.netns));
    let serves = ours.is_some_and(|port| serving.serves(cookie, netns, port));
    match (ours, socket.peer.port()) {
        (Some(ours), _) if serves => format!("{word} :{ours}"),
        (_, Some(theirs)) => format!("{word} to :{theirs}"),
        (Some(ours), None) => format!("{word} :{ours}"),
        (None, None) => format!("({word})"),
    }
}

/// The process that had a socket, or its container, as far as a reading shows it, or what it did told its name.
fn of_owner(owner: Option<Pid>, by: By, interval: &Interval<'_>) -> String {
    let mut processes = [interval.after, interval.before]
        .into_iter()
        .flat_map(|reading| &reading.owners.processes);
    let process = processes.find(|process| Some(process.pid) == owner);
    match (process, owner) {
        (Some(process), _) if by == By::Process => process_text(process),
        (Some(process), _) => container_text(process),
        (None, Some(pid)) if by == By::Process => match interval.names.get(&pid) {
            Some(name) => format!("{} {}", text(name), pid.0),
            None => format!("(ended) {}", pid.0),
        },
        (None, _) => String::from("(ended)"),
    }
}

/// The group of a connection that no reading saw.
pub(super) fn of_ended(
    cookie: Cookie,
    ended: &Ended,
    by: By,
    interval: &Interval<'_>,
    serving: &Serving<'_>,
) -> String {
    let Some(ends) = ended.ends else {
        return String::from("(ended)");
    };
    let ours = ends.local.port();
    match by {
        By::Process | By::Container => {
            let owner = ended.owner.or_else(|| serving.server(cookie, ended));
            of_owner(owner, by, interval)
        }
        By::Port if serving.serves(Some(cookie), ended.netns, ours) => format!("tcp :{ours}"),
        By::Port => format!("tcp to :{}", ends.peer.port()),
        By::Peer => ends.peer.ip().to_string(),
        By::Socket => format!("tcp {} > {}", ends.local, ends.peer),
    }
}

/// The group of a socket without totals that no reading saw; `None` of what `plumb top` does not count.
pub(super) fn of_moved(
    cookie: Cookie,
    moved: &Moved,
    by: By,
    interval: &Interval<'_>,
) -> Option<String> {
    let word = moved.kind?.word();
    let ends = moved.ends;
    let peer = ends.map(|ends| ends.peer).filter(|peer| peer.port() != 0);
    Some(match (by, ends, peer) {
        (By::Process | By::Container, ..) => of_owner(moved.owner, by, interval),
        (By::Port, _, Some(peer)) => format!("{word} to :{}", peer.port()),
        (By::Port, Some(ends), None) => format!("{word} :{}", ends.local.port()),
        (By::Peer, _, Some(peer)) => peer.ip().to_string(),
        (By::Socket, Some(ends), Some(peer)) => format!("{word} {} > {peer}", ends.local),
        (By::Socket, Some(ends), None) => format!("{word} {}", ends.local),
        (By::Socket, None, _) => format!("{word} {}", cookie.0),
        (By::Port | By::Peer, ..) => format!("({word})"),
    })
}
