//! Whom a socket without an owner concerns: the listener it came through, or who has its port. Pure.

use std::net::SocketAddr;

use plumb_model::attribution::Attribution;
use plumb_model::snapshot::{End, Kind, Socket};
use plumb_model::{NetnsId, Reason};
use rustc_hash::FxHashMap;

/// Enters for each socket that cannot have an owner the one whose owner it concerns.
pub(super) fn relate(sockets: &[Socket], owners: &mut Attribution) {
    let without: Vec<usize> = (0..sockets.len())
        .filter(|&place| owners.of(place).reason().is_some_and(is_of_somebody))
        .collect();
    if without.is_empty() {
        return;
    }
    let ends = Ends::new(sockets, owners);
    for place in without {
        let related = sockets.get(place).and_then(|socket| ends.related(socket));
        if let Some(related) = related {
            owners.relate(place, related);
        }
    }
}

/// Says whether a socket without an owner for this reason belongs to a port or a listener.
fn is_of_somebody(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::TimeWait | Reason::ConnectionRequest | Reason::NotAccepted | Reason::Orphan
    )
}

/// A port of a namespace.
type Port = (NetnsId, Kind, u16);

/// Where a socket listens.
#[derive(Debug, Clone, Copy)]
struct Listener {
    at: SocketAddr,
    v6only: bool,
    place: usize,
}

/// Listeners and ports that somebody holds.
#[derive(Default)]
struct Ends<'s> {
    listeners: FxHashMap<Port, Vec<Listener>>,
    /// The first socket that is held and has the port.
    holders: FxHashMap<Port, usize>,
    /// Listeners of UNIX sockets by name.
    names: FxHashMap<(NetnsId, &'s [u8]), usize>,
}

impl<'s> Ends<'s> {
    fn new(sockets: &'s [Socket], owners: &Attribution) -> Self {
        let mut ends = Self::default();
        for (place, socket) in sockets.iter().enumerate() {
            if owners.of(place).ok().is_none() {
                continue;
            }
            match &socket.local {
                End::Inet(local) => {
                    let key = (socket.netns, socket.kind, local.port());
                    ends.holders.entry(key).or_insert(place);
                    if socket.is_listener() {
                        let listener = Listener {
                            at: *local,
                            v6only: socket.v6only,
                            place,
                        };
                        ends.listeners.entry(key).or_default().push(listener);
                    }
                }
                End::Unix {
                    name: Some(name), ..
                } if socket.is_listener() => {
                    ends.names.insert((socket.netns, name), place);
                }
                _ => {}
            }
        }
        ends
    }

    fn related(&self, socket: &Socket) -> Option<usize> {
        match &socket.local {
            End::Inet(local) => {
                let key = (socket.netns, socket.kind, local.port());
                let listeners = self.listeners.get(&key).map_or(&[][..], Vec::as_slice);
                let listener = listeners
                    .iter()
                    .filter_map(|one| Some((fit(one.at, one.v6only, *local)?, one.place)))
                    .max_by_key(|&(fit, place)| (fit, std::cmp::Reverse(place)));
                let holder = self.holders.get(&key).copied();
                listener.map(|(_, place)| place).or(holder)
            }
            End::Unix {
                name: Some(name), ..
            } => self.names.get(&(socket.netns, name.as_slice())).copied(),
            _ => None,
        }
    }
}

/// Says how well a listener fits an address that a connection came to; `None` if not at all.
fn fit(listener: SocketAddr, v6only: bool, local: SocketAddr) -> Option<u8> {
    let (at, to) = (listener.ip().to_canonical(), local.ip().to_canonical());
    if at == to {
        return Some(2);
    }
    let takes = at.is_unspecified()
        && (listener.is_ipv4() == to.is_ipv4() || listener.is_ipv6() && !v6only);
    takes.then_some(u8::from(listener.is_ipv4() == to.is_ipv4()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn the_narrowest_listener_fits_best() {
        let local = addr("127.0.0.1:80");
        assert_eq!(fit(addr("127.0.0.1:80"), false, local), Some(2));
        assert_eq!(fit(addr("0.0.0.0:80"), false, local), Some(1));
        assert_eq!(fit(addr("[::]:80"), false, local), Some(0));
        assert_eq!(fit(addr("[::]:80"), true, local), None);
        assert_eq!(fit(addr("127.0.0.2:80"), false, local), None);
        // What came to an IPv6 socket over IPv4 is told as a mapped address.
        let mapped = addr("[::ffff:127.0.0.1]:80");
        assert_eq!(fit(addr("[::]:80"), false, mapped), Some(0));
        assert_eq!(fit(addr("0.0.0.0:80"), false, addr("[::1]:80")), None);
    }
}
