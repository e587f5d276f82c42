//! How far the local ports reach: the ephemeral range, who takes from it, and where it runs out.
//!
//! `connect()` without `bind()` takes a port of `ip_local_port_range` that is not reserved, that no bound
//! socket has, and that is not used for the same (source, destination, destination port) already; a
//! connection in TIME_WAIT counts, unless `tcp_tw_reuse` lets it be taken again (`__inet_hash_connect`). A UDP
//! socket takes a port for itself. Pure: snapshots in, uses out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use plumb_model::snapshot::{Kind, Snapshot, Socket};
use plumb_model::socket::SocketState;
use plumb_model::{Known, NetnsId, Reason};

/// Seconds that a connection stays in TIME_WAIT (`TCP_TIMEWAIT_LEN`, no setting).
pub const TIME_WAIT_S: f64 = 60.0;

/// What is left of that for a connection that came to it less than a second ago: it cannot be taken again yet
/// (`tcp_twsk_unique`).
const YOUNG_LEFT_MS: u32 = 59_000;

/// The range and what is left out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The first port.
    pub first: u16,
    /// The last port.
    pub last: u16,
    /// Ports that are given to nobody who does not ask, as first and last.
    pub reserved: Vec<(u16, u16)>,
}

impl Range {
    /// Says whether a socket that asks for none may get the port.
    pub fn gives(&self, port: u16) -> bool {
        let reserved = self
            .reserved
            .iter()
            .any(|(first, last)| (first..=last).contains(&&port));
        (self.first..=self.last).contains(&port) && !reserved
    }

    /// Gives what is left of it for a socket that has a range of its own (`IP_LOCAL_PORT_RANGE`,
    /// `inet_sk_get_local_port_range`): an end outside of the common range is no end.
    #[must_use]
    pub fn narrowed(&self, (first, last): (u16, u16)) -> Self {
        let within = |port: &u16| (self.first..=self.last).contains(port);
        Self {
            first: Some(first).filter(within).unwrap_or(self.first),
            last: Some(last).filter(within).unwrap_or(self.last),
            reserved: self.reserved.clone(),
        }
    }

    /// Counts the ports that may be given.
    pub fn size(&self) -> u32 {
        let given = (self.first..=self.last).filter(|&port| self.gives(port));
        u32::try_from(given.count()).unwrap_or(u32::MAX)
    }
}

/// For whom ports are used: each has the whole range for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// TCP connections of one source to one destination.
    Tcp {
        /// The local address.
        source: IpAddr,
        /// The other end.
        destination: SocketAddr,
    },
    /// All UDP sockets.
    Udp,
}

/// The ports used for one target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Use {
    /// All of them: each with the rest of its TIME_WAIT, ms, where that is all that is left of the connection.
    pub ports: BTreeMap<u16, Option<u32>>,
    /// Connections that were opened and not closed.
    pub established: u32,
    /// Connections that are being opened.
    pub connecting: u32,
    /// Connections that are being closed.
    pub closing: u32,
    /// Connections in TIME_WAIT.
    pub time_wait: u32,
    /// Sockets by the place of a process that holds them.
    pub holders: BTreeMap<u32, u32>,
    /// One of its sockets that somebody holds, by place in the snapshot.
    pub example: Option<usize>,
}

/// One look at a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Look {
    /// The uses.
    pub uses: BTreeMap<Target, Use>,
    /// Ports of the range that TCP sockets have for themselves: listeners, and those that are bound and not
    /// connected. No connection gets them.
    pub taken: BTreeSet<u16>,
    /// Of these, sockets that neither listen nor connect, by place in the snapshot.
    pub idle: Vec<usize>,
    /// Why holders are unknown, for each socket that uses a port and whose holders are.
    pub unknown: Vec<Reason>,
}

/// Looks at the sockets of one namespace.
pub fn look(snapshot: &Snapshot, netns: NetnsId, range: &Range) -> Look {
    let here = || {
        let all = snapshot.sockets.iter().enumerate();
        all.filter(move |(_, socket)| socket.netns == netns)
    };
    let mut look = Look::default();
    let mut listened = BTreeSet::new();
    for (place, socket) in here() {
        let (Some(port), Kind::Tcp) = (socket.local.port(), socket.kind) else {
            continue;
        };
        let listens = socket.state == SocketState::LISTEN;
        if listens {
            listened.insert(port);
        }
        if (listens || socket.state == SocketState::CLOSE) && range.gives(port) {
            look.taken.insert(port);
            if !listens {
                look.idle.push(place);
            }
        }
    }
    for (place, socket) in here() {
        let Some((target, port)) = target(socket, range, &listened) else {
            continue;
        };
        let used = look.uses.entry(target).or_default();
        used.take(port, socket);
        used.count(socket);
        match snapshot.owners.of(place) {
            Known::Known([holder, ..]) => {
                *used.holders.entry(holder.process).or_default() += 1;
                used.example.get_or_insert(place);
            }
            Known::Known([]) => {}
            Known::Unknown(reason) => look.unknown.push(reason),
        }
    }
    look
}

/// Gives the target a socket uses a port of the range for. What came in at a port that somebody listens
/// on uses none.
fn target(socket: &Socket, range: &Range, listened: &BTreeSet<u16>) -> Option<(Target, u16)> {
    let local = socket.local.inet()?;
    if !range.gives(local.port()) {
        return None;
    }
    match socket.kind {
        Kind::Udp => Some((Target::Udp, local.port())),
        Kind::Tcp if !listened.contains(&local.port()) => {
            socket.peer.port()?;
            let peer = socket.peer.inet()?;
            let target = Target::Tcp {
                source: local.ip().to_canonical(),
                destination: SocketAddr::new(peer.ip().to_canonical(), peer.port()),
            };
            Some((target, local.port()))
        }
        _ => None,
    }
}

impl Use {
    fn take(&mut self, port: u16, socket: &Socket) {
        let waits = (socket.state == SocketState::TIME_WAIT).then_some(socket.timer.expires_ms);
        // Where another socket has the port, too, it is used until both have let go.
        let rest = self.ports.entry(port).or_insert(waits);
        *rest = rest.filter(|_| waits.is_some());
    }

    /// Counts the ports that cannot be taken now; TIME_WAIT `reusable` ones can after their first second.
    fn blocked(&self, reusable: bool) -> u32 {
        let is_blocked =
            |rest: &&Option<u32>| !reusable || rest.is_none_or(|rest| rest > YOUNG_LEFT_MS);
        let blocked = self.ports.values().filter(is_blocked).count();
        u32::try_from(blocked).unwrap_or(u32::MAX)
    }

    fn count(&mut self, socket: &Socket) {
        let counter = match socket.state {
            SocketState::TIME_WAIT => &mut self.time_wait,
            SocketState::SYN_SENT | SocketState::SYN_RECV => &mut self.connecting,
            // An unconnected UDP socket has no state of its own.
            SocketState::ESTABLISHED | SocketState::CLOSE | SocketState::CLOSE_WAIT => {
                &mut self.established
            }
            _ => &mut self.closing,
        };
        *counter += 1;
    }

    /// Gives the same with the ports of a smaller range alone.
    #[must_use]
    pub fn within(&self, range: &Range) -> Self {
        let mut less = self.clone();
        less.ports.retain(|port, _| range.gives(*port));
        let waiting = less.ports.values().flatten().count();
        less.time_wait = u32::try_from(waiting).unwrap_or(u32::MAX);
        less
    }

    /// Counts the ports used.
    pub fn used(&self) -> u32 {
        u32::try_from(self.ports.len()).unwrap_or(u32::MAX)
    }
}

/// How a use changed between two looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Ports taken per second: those that were not in use at the first look, or in TIME_WAIT then and taken again.
    pub new_per_s: f64,
    /// Ports given back per second.
    pub freed_per_s: f64,
    /// By so many per second there are more that stay taken; negative when there are fewer, 0 when the difference may be
    /// chance.
    pub growth_per_s: f64,
}

/// So much may the time between two readings of a timer differ from the interval, ms.
const TIMER_SLACK_MS: f64 = 500.0;

/// Compares two looks at one use; a target that is new has no first.
pub fn pace(before: Option<&Use>, after: &Use, interval_s: f64, reusable: bool) -> Pace {
    let none = Use::default();
    let first = before.unwrap_or(&none);
    let count = |ports: usize| f64::from(u32::try_from(ports).unwrap_or(u32::MAX)) / interval_s;
    // Taken again and closed again, it waits anew.
    let waits_anew =
        |was: u32, now: u32| f64::from(now) > f64::from(was) - interval_s * 1000.0 + TIMER_SLACK_MS;
    let is_new = |(port, now): &(&u16, &Option<u32>)| match (first.ports.get(port), now) {
        (None, _) | (Some(Some(_)), None) => true,
        (Some(Some(was)), Some(now)) => waits_anew(*was, *now),
        (Some(None), _) => false,
    };
    let is_there = |port: &&u16| after.ports.contains_key(port);
    // In its first second what can be taken again later blocks, too, but there is never more of it than begins in a
    // second, so it leads to no end.
    let lasting = |of: &Use| {
        let lasts = of.ports.values().filter(|rest| !reusable || rest.is_none());
        count(lasts.count())
    };
    let new = count(after.ports.iter().filter(is_new).count());
    let growth = lasting(after) - lasting(first);
    // Connections that come and go are now some more, now some fewer, by about the root of their number. Where they are
    // short, few of them are there at any moment, and it is those that vary.
    let came_and_went = (new - growth.abs()).max(0.0) * interval_s;
    let differ = differ(first, after, reusable);
    let chance = (2.0 * came_and_went.sqrt()).min(3.0 * (differ + 1.0).sqrt());
    let is_chance = growth.abs() * interval_s <= chance;
    Pace {
        new_per_s: new,
        freed_per_s: count(first.ports.keys().filter(|port| !is_there(port)).count()),
        growth_per_s: if is_chance { 0.0 } else { growth },
    }
}

/// Counts the ports that stay taken in one of two looks alone.
fn differ(one: &Use, other: &Use, reusable: bool) -> f64 {
    let lasts = |rest: &Option<u32>| !reusable || rest.is_none();
    let without = |one: &Use, other: &Use| {
        let lasting = one.ports.iter().filter(|(_, rest)| lasts(rest));
        let alone = lasting.filter(|(port, _)| !other.ports.get(port).is_some_and(lasts));
        u32::try_from(alone.count()).unwrap_or(u32::MAX)
    };
    f64::from(without(one, other)) + f64::from(without(other, one))
}

/// Says whether connections of a target in TIME_WAIT can be taken again. `tw_reuse` is `net.ipv4.tcp_tw_reuse`:
/// 1 for all, 2 for loopback.
pub fn is_reusable(target: &Target, tw_reuse: u32) -> bool {
    let loopback = matches!(target, Target::Tcp { source, .. } if source.is_loopback());
    tw_reuse == 1 || (tw_reuse == 2 && loopback)
}

/// How near a target is to having no port left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pressure {
    /// Ports it could use: the range without what is taken.
    pub capacity: u32,
    /// Ports that cannot be taken now.
    pub used: u32,
    /// Whether connections in TIME_WAIT can be taken again and so do not count.
    pub time_wait_reusable: bool,
    /// `used` of `capacity`, percent.
    pub percent: f64,
    /// At this pace, seconds until none is left; `None` when it does not grow.
    pub exhausted_in_s: Option<f64>,
    /// New connections per second that TIME_WAIT lets go on for ever.
    pub sustainable_per_s: Option<f64>,
}

/// Weighs a use; `reusable` as [`is_reusable`] says.
pub fn pressure(
    target: &Target,
    used: &Use,
    pace: Option<Pace>,
    capacity: u32,
    reusable: bool,
) -> Pressure {
    let counted = used.blocked(reusable);
    let left = f64::from(capacity.saturating_sub(counted));
    let growth = pace.map_or(0.0, |pace| pace.growth_per_s);
    let percent = if capacity == 0 {
        100.0
    } else {
        f64::from(counted) * 100.0 / f64::from(capacity)
    };
    Pressure {
        capacity,
        used: counted,
        time_wait_reusable: reusable,
        percent,
        exhausted_in_s: (growth > 0.0).then(|| left / growth),
        sustainable_per_s: (*target != Target::Udp && !reusable)
            .then(|| f64::from(capacity) / TIME_WAIT_S),
    }
}

#[cfg(test)]
mod tests;
