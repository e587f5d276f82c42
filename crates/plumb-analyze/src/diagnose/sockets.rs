//! Questions about the sockets of a sample that several checks ask.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use plumb_model::Known;
use plumb_model::id::Cookie;
use plumb_model::sample::Sample;
use plumb_model::snapshot::{Kind, Snapshot, Socket};
use plumb_model::socket::SocketState;

/// Where `drops` stands in the memory counters (`SK_MEMINFO_DROPS`).
const DROPS: usize = 8;

/// Gives the TCP sockets in a state, each with its place.
pub(super) fn tcp(sample: &Sample, state: SocketState) -> impl Iterator<Item = (usize, &Socket)> {
    tcp_of(&sample.snapshot, state)
}

/// The same, of a snapshot.
pub(super) fn tcp_of(
    snapshot: &Snapshot,
    state: SocketState,
) -> impl Iterator<Item = (usize, &Socket)> {
    let sockets = snapshot.sockets.iter().enumerate();
    sockets.filter(move |(_, socket)| socket.kind == Kind::Tcp && socket.state == state)
}

/// Gives the TCP listeners.
pub(super) fn listeners(sample: &Sample) -> impl Iterator<Item = (usize, &Socket)> {
    tcp(sample, SocketState::LISTEN)
}

/// Finds a socket of the other sample again, by its cookie; who looks for many makes a table first
/// ([`by_cookie`]).
pub(super) fn same<'s>(sample: &'s Sample, socket: &Socket) -> Option<&'s Socket> {
    let cookie = socket.cookie.ok()?;
    let mut sockets = sample.snapshot.sockets.iter();
    sockets.find(|other| other.cookie == Known::Known(cookie))
}

/// Gives what a socket dropped so far (`SK_MEMINFO_DROPS`).
pub(super) fn drops(socket: &Socket) -> u64 {
    let words = socket.memory.map(|memory| memory.words);
    words
        .and_then(|words| words.get(DROPS).copied())
        .unwrap_or(0)
        .into()
}

/// Gives what it dropped since an earlier sample ([`by_cookie`]); all of it when it was not there.
pub(super) fn dropped_since(earlier: &HashMap<Cookie, &Socket>, socket: &Socket) -> u64 {
    let earlier = again(earlier, socket).map_or(0, drops);
    drops(socket).saturating_sub(earlier)
}

/// Says whether a listener takes connections to an address: the same, or any of a family it serves.
pub(super) fn serves(listener: &Socket, end: SocketAddr) -> bool {
    let Some(bound) = listener.local.inet() else {
        return false;
    };
    if bound.port() != end.port() {
        return false;
    }
    let (bound, wanted) = (bound.ip(), end.ip().to_canonical());
    match bound {
        IpAddr::V4(any) if any.is_unspecified() => wanted.is_ipv4(),
        IpAddr::V6(any) if any.is_unspecified() => wanted.is_ipv6() || !listener.v6only,
        other => other.to_canonical() == wanted,
    }
}

/// Gives the listener that takes connections to an address.
pub(super) fn server_of(sample: &Sample, end: SocketAddr) -> Option<(usize, &Socket)> {
    listeners(sample).find(|(_, listener)| serves(listener, end))
}

/// The listeners of a sample by their port, for those who ask about many connections.
pub(super) struct Servers<'s>(HashMap<u16, Vec<&'s Socket>>);

impl<'s> Servers<'s> {
    /// Gathers them.
    pub fn of(sample: &'s Sample) -> Self {
        let mut by_port: HashMap<u16, Vec<&Socket>> = HashMap::new();
        for (_, listener) in listeners(sample) {
            if let Some(port) = listener.local.port() {
                by_port.entry(port).or_default().push(listener);
            }
        }
        Self(by_port)
    }

    /// Says whether somebody takes connections to an address.
    pub fn serve(&self, end: SocketAddr) -> bool {
        let here = self.0.get(&end.port()).into_iter().flatten();
        here.into_iter().any(|listener| serves(listener, end))
    }
}

/// The sockets of a sample by their cookie, for those who look for many of them again.
pub(super) fn by_cookie(sample: &Sample) -> HashMap<Cookie, &Socket> {
    let sockets = sample.snapshot.sockets.iter();
    sockets
        .filter_map(|socket| Some((socket.cookie.ok()?, socket)))
        .collect()
}

/// Finds a socket of the other sample again.
pub(super) fn again<'s>(
    others: &HashMap<Cookie, &'s Socket>,
    socket: &Socket,
) -> Option<&'s Socket> {
    others.get(&socket.cookie.ok()?).copied()
}

/// Says whether an address is one of this host: it loops back, an interface has it, or a socket is bound
/// to it.
pub(super) fn is_local(sample: &Sample, addr: IpAddr) -> bool {
    let addr = addr.to_canonical();
    addr.is_loopback()
        || sample.addresses.iter().any(|own| own.ip == addr)
        || sample.snapshot.sockets.iter().any(|socket| {
            let local = socket.local.inet();
            local.is_some_and(|local| local.ip().to_canonical() == addr)
        })
}

/// Says whether an interface, by its index, is a loopback.
pub(super) fn is_loopback(sample: &Sample, interface: u32) -> bool {
    let mut links = sample.links.iter();
    links.any(|link| link.base.index == interface && link.base.is_loopback())
}

/// Counts, and gives the most frequent with its count; of equals the first.
pub(super) fn most<K: Ord + Clone>(counted: &BTreeMap<K, u64>) -> Option<(K, u64)> {
    let mut best: Option<(K, u64)> = None;
    for (key, &count) in counted {
        if best.as_ref().is_none_or(|(_, most)| count > *most) {
            best = Some((key.clone(), count));
        }
    }
    best
}

/// Writes an end with an IPv4-mapped address as the IPv4 one.
pub(super) fn plain(end: SocketAddr) -> SocketAddr {
    SocketAddr::new(end.ip().to_canonical(), end.port())
}

/// Gives the end that a `connect()` to an address goes to: that to no address in particular goes to loopback.
pub(super) fn reached(asked: SocketAddr) -> SocketAddr {
    let end = plain(asked);
    match end.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, end.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, end.port()).into(),
        _ => end,
    }
}
