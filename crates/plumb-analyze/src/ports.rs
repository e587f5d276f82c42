//! How far the local ports reach: the ephemeral range, who takes from it, and where it runs out.
//!
//! `connect()` without `bind()` takes a port of `ip_local_port_range` that is not reserved, that no bound
//! socket has, and that is not used for the same (source, destination, destination port) already; a
//! connection in TIME_WAIT counts, unless `tcp_tw_reuse` lets it be taken again (`__inet_hash_connect`). A UDP
//! socket takes a port for itself. Pure: snapshots in, uses out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use plumb_model::NetnsId;
use plumb_model::snapshot::{Kind, Snapshot, Socket};
use plumb_model::socket::SocketState;

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
    /// All of them.
    pub ports: BTreeSet<u16>,
    /// Connections that were opened and not closed.
    pub established: u32,
    /// Connections that are being opened.
    pub connecting: u32,
    /// Connections that are being closed.
    pub closing: u32,
    /// Connections in TIME_WAIT.
    pub time_wait: u32,
    /// Of these, those that are too young to be taken again, whatever `tcp_tw_reuse` says.
    pub time_wait_young: u32,
    /// Sockets by the place of a process that holds them.
    pub holders: BTreeMap<u32, u32>,
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
        used.ports.insert(port);
        used.count(socket);
        let holder = snapshot.owners.of(place).ok().and_then(|held| held.first());
        if let Some(holder) = holder {
            *used.holders.entry(holder.process).or_default() += 1;
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
    fn count(&mut self, socket: &Socket) {
        let counter = match socket.state {
            SocketState::TIME_WAIT => {
                self.time_wait_young += u32::from(socket.timer.expires_ms > YOUNG_LEFT_MS);
                &mut self.time_wait
            }
            SocketState::SYN_SENT | SocketState::SYN_RECV => &mut self.connecting,
            // An unconnected UDP socket has no state of its own.
            SocketState::ESTABLISHED | SocketState::CLOSE | SocketState::CLOSE_WAIT => {
                &mut self.established
            }
            _ => &mut self.closing,
        };
        *counter += 1;
    }

    /// Counts the ports used.
    pub fn used(&self) -> u32 {
        u32::try_from(self.ports.len()).unwrap_or(u32::MAX)
    }
}

/// How a use changed between two looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Ports taken per second, those alone that were not in use at the first look.
    pub new_per_s: f64,
    /// Ports given back per second.
    pub freed_per_s: f64,
}

/// Compares two looks at one use; a target that is new has no first.
pub fn pace(before: Option<&Use>, after: &Use, interval_s: f64) -> Pace {
    let none = BTreeSet::new();
    let first = before.map_or(&none, |before| &before.ports);
    let count = |of: &BTreeSet<u16>, less: &BTreeSet<u16>| {
        f64::from(u32::try_from(of.difference(less).count()).unwrap_or(u32::MAX)) / interval_s
    };
    Pace {
        new_per_s: count(&after.ports, first),
        freed_per_s: count(first, &after.ports),
    }
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

/// Weighs a use. `tw_reuse` is `net.ipv4.tcp_tw_reuse`: 1 for all, 2 for loopback.
pub fn pressure(
    target: &Target,
    used: &Use,
    pace: Option<Pace>,
    capacity: u32,
    tw_reuse: u32,
) -> Pressure {
    let loopback = matches!(target, Target::Tcp { source, .. } if source.is_loopback());
    let reusable = tw_reuse == 1 || (tw_reuse == 2 && loopback);
    let counted = if reusable {
        let old = used.time_wait.saturating_sub(used.time_wait_young);
        used.used().saturating_sub(old)
    } else {
        used.used()
    };
    let left = f64::from(capacity.saturating_sub(counted));
    let growth = pace.map_or(0.0, |pace| pace.new_per_s - pace.freed_per_s);
    let percent = if capacity == 0 {
        100.0
    } else {
        f64::from(counted) * 100.0 / f64::from(capacity)
    };
    let grows = growth > 0.0 && !(reusable && counted == 0);
    Pressure {
        capacity,
        used: counted,
        time_wait_reusable: reusable,
        percent,
        exhausted_in_s: grows.then(|| left / growth),
        sustainable_per_s: (*target != Target::Udp && !reusable)
            .then(|| f64::from(capacity) / TIME_WAIT_S),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range() -> Range {
        Range {
            first: 100,
            last: 109,
            reserved: vec![(103, 104), (200, 300)],
        }
    }

    #[test]
    fn reserved_ports_are_given_to_nobody() {
        assert_eq!(range().size(), 8);
        assert!(range().gives(100) && range().gives(109));
        assert!(!range().gives(103) && !range().gives(110) && !range().gives(200));
    }

    fn uses(ports: &[u16], time_wait: u32) -> Use {
        Use {
            ports: ports.iter().copied().collect(),
            time_wait,
            ..Use::default()
        }
    }

    #[test]
    fn a_pace_leads_to_an_end_only_where_use_grows() {
        let target = Target::Tcp {
            source: IpAddr::from([10, 0, 0, 1]),
            destination: SocketAddr::from(([10, 0, 0, 2], 80)),
        };
        let (before, after) = (uses(&[100, 101], 0), uses(&[101, 102, 105, 106], 3));
        let pace = pace(Some(&before), &after, 2.0);
        let expected = Pace {
            new_per_s: 1.5,
            freed_per_s: 0.5,
        };
        assert_eq!(pace, expected);
        let weighed = pressure(&target, &after, Some(pace), 8, 0);
        assert_eq!(
            (weighed.used, weighed.percent.to_bits()),
            (4, 50.0_f64.to_bits())
        );
        assert_eq!(weighed.exhausted_in_s, Some(4.0));
        let reusable = pressure(&target, &after, Some(pace), 8, 1);
        assert_eq!((reusable.used, reusable.sustainable_per_s), (1, None));
        let young = Use {
            time_wait_young: 2,
            ..after.clone()
        };
        assert_eq!(pressure(&target, &young, None, 8, 1).used, 3);
        assert_eq!(pressure(&target, &after, None, 8, 2).exhausted_in_s, None);
        assert!(pressure(&target, &after, None, 0, 0).percent > 99.0);
    }
}
