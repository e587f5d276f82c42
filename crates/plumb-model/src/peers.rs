//! The other end of a socket, where it is on this host too.
//!
//! The ends of an Internet connection name each other's addresses. Loopback addresses are of one network
//! namespace alone; other addresses may be on both ends of a veth pair, and may as well be used twice in
//! networks that know nothing of each other. So an end in the same namespace comes first, and one in
//! another counts only where there is no choice. UNIX sockets name each other by inode.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::id::NetnsId;
use crate::snapshot::{End, Kind, Socket};
use crate::socket::SocketState;

/// Gives for each socket the place of its other end; `None` where it has none, where it is elsewhere, not
/// among `sockets`, or not certain.
///
/// A datagram socket may point to one that does not point back: many clients have one server.
pub fn peers(sockets: &[Socket]) -> Vec<Option<usize>> {
    let mut peers = vec![None; sockets.len()];
    connections(sockets, &mut peers);
    datagram_servers(sockets, &mut peers);
    unix(sockets, &mut peers);
    peers
}

/// A connection without regard to its direction: equal for both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Connection {
    kind: Kind,
    lower: SocketAddr,
    higher: SocketAddr,
}

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Side {
    /// Whether the local end is the lower one.
    is_lower: bool,
    netns: NetnsId,
    place: usize,
}

/// Decodes what a socket is an end of.
fn connection(socket: &Socket) -> Option<(Connection, bool)> {
    let connects = socket.kind.is_inet() && socket.kind != Kind::Raw;
    if !connects || socket.is_listener() {
        return None;
    }
    let local = canonical(socket.local.inet()?);
    let peer = canonical(socket.peer.inet()?);
    if local.port() == 0 || peer.port() == 0 || peer.ip().is_unspecified() {
        return None;
    }
    let is_lower = local <= peer;
    let (lower, higher) = if is_lower {
        (local, peer)
    } else {
        (peer, local)
    };
    let kind = socket.kind;
    Some((
        Connection {
            kind,
            lower,
            higher,
        },
        is_lower,
    ))
}

/// IPv6 sockets speak IPv4 by mapped addresses; the other end may not. Scopes are each end's own.
fn canonical(end: SocketAddr) -> SocketAddr {
    SocketAddr::new(end.ip().to_canonical(), end.port())
}

/// Brings the ends of each connection together by sorting: one pass, whatever the number of sockets that
/// share their addresses.
fn connections(sockets: &[Socket], peers: &mut [Option<usize>]) {
    let mut hashes: Vec<(u64, u32)> = Vec::new();
    for (place, socket) in sockets.iter().enumerate() {
        if let (Some((connection, _)), Ok(place)) = (connection(socket), u32::try_from(place)) {
            let mut hasher = DefaultHasher::new();
            connection.hash(&mut hasher);
            hashes.push((hasher.finish(), place));
        }
    }
    hashes.sort_unstable();
    let mut groups: HashMap<Connection, Vec<Side>> = HashMap::new();
    for alike in hashes.chunk_by(|one, other| one.0 == other.0) {
        if alike.len() == 1 && !alike.iter().any(|end| meets_itself(sockets, end.1)) {
            continue;
        }
        if let [(_, one), (_, other)] = alike
            && pair_two(sockets, *one, *other, peers)
        {
            continue;
        }
        // Several connections may have the same addresses, or one hash.
        for &(_, place) in alike {
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            let Some(socket) = sockets.get(place) else {
                continue;
            };
            if let Some((connection, is_lower)) = connection(socket) {
                groups.entry(connection).or_default().push(Side {
                    is_lower,
                    netns: socket.netns,
                    place,
                });
            }
        }
        for (connection, sides) in groups.drain() {
            pair(&connection, sides, peers);
        }
    }
}

/// Pairs the two ends of a connection that nothing else resembles, as nearly all are; says whether it is
/// one.
fn pair_two(sockets: &[Socket], one: u32, other: u32, peers: &mut [Option<usize>]) -> bool {
    let at = |place: u32| {
        let place = usize::try_from(place).ok()?;
        let socket = sockets.get(place)?;
        let (connection, is_lower) = connection(socket)?;
        Some((place, socket.netns, connection, is_lower))
    };
    let (Some(one), Some(other)) = (at(one), at(other)) else {
        return false;
    };
    if one.2 != other.2 || one.3 == other.3 {
        return false;
    }
    if one.1 == other.1 || !stays(&one.2) {
        for (from, to) in [(one.0, other.0), (other.0, one.0)] {
            if let Some(peer) = peers.get_mut(from) {
                *peer = Some(to);
            }
        }
    }
    true
}

/// Says whether a connection never leaves its namespace.
fn stays(connection: &Connection) -> bool {
    connection.lower.ip().is_loopback() || connection.higher.ip().is_loopback()
}

fn meets_itself(sockets: &[Socket], place: u32) -> bool {
    let socket = usize::try_from(place)
        .ok()
        .and_then(|place| sockets.get(place));
    socket
        .and_then(connection)
        .is_some_and(|(connection, _)| connection.lower == connection.higher)
}

/// Pairs the ends of one connection, or of several that have the same addresses.
fn pair(connection: &Connection, mut sides: Vec<Side>, peers: &mut [Option<usize>]) {
    sides.sort_unstable();
    if connection.lower == connection.higher {
        // A socket connected to itself.
        for side in &sides {
            if among(&sides, side.is_lower, Some(side.netns)).len() == 1
                && let Some(peer) = peers.get_mut(side.place)
            {
                *peer = Some(side.place);
            }
        }
        return;
    }
    let stays = stays(connection);
    for side in &sides {
        let near = among(&sides, !side.is_lower, Some(side.netns));
        let alike = among(&sides, side.is_lower, Some(side.netns));
        let found = if !near.is_empty() {
            (near.len() == 1 && alike.len() == 1).then(|| near.first())
        } else if !stays {
            let far = among(&sides, !side.is_lower, None);
            let alike = among(&sides, side.is_lower, None);
            (far.len() == 1 && alike.len() == 1).then(|| far.first())
        } else {
            None
        };
        if let (Some(Some(other)), Some(peer)) = (found, peers.get_mut(side.place)) {
            *peer = Some(other.place);
        }
    }
}

/// Gives the ends of one side, all or those of one namespace, of sorted ends.
fn among(sides: &[Side], is_lower: bool, netns: Option<NetnsId>) -> &[Side] {
    let wanted = |side: &Side| match netns {
        Some(netns) => (side.is_lower, side.netns).cmp(&(is_lower, netns)),
        None => side.is_lower.cmp(&is_lower),
    };
    let start = sides.partition_point(|side| wanted(side).is_lt());
    let end = sides.partition_point(|side| wanted(side).is_le());
    sides.get(start..end).unwrap_or_default()
}

/// Where a server gets datagrams: namespace, kind, address, port.
type Bound = (NetnsId, Kind, IpAddr, u16);

/// A connected datagram socket whose other end is not connected: a server, if one alone is bound there.
/// Loopback only: elsewhere the address does not say in whose namespace it is.
fn datagram_servers(sockets: &[Socket], peers: &mut [Option<usize>]) {
    let is_datagram = |socket: &Socket| matches!(socket.kind, Kind::Udp | Kind::UdpLite);
    // `None` where several share an address: nobody knows which of them gets what is sent there.
    let mut servers: HashMap<Bound, Option<usize>> = HashMap::new();
    for (place, socket) in sockets.iter().enumerate() {
        if is_datagram(socket) && connection(socket).is_none() {
            for bound in bound(socket) {
                let server = servers.entry(bound).or_insert(Some(place));
                *server = server.filter(|&first| first == place);
            }
        }
    }
    for (socket, slot) in sockets.iter().zip(peers) {
        let peer = match connection(socket) {
            Some(_) if is_datagram(socket) && slot.is_none() => socket.peer.inet().map(canonical),
            _ => None,
        };
        if let Some(peer) = peer.filter(|peer| peer.ip().is_loopback()) {
            let at = |ip| servers.get(&(socket.netns, socket.kind, ip, peer.port()));
            // Bound to the address goes before bound to any.
            *slot = at(peer.ip())
                .or_else(|| at(any_of(peer.ip())))
                .copied()
                .flatten();
        }
    }
}

fn any_of(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// Gives the addresses a server gets datagrams at: an IPv6 one that is bound to any may take IPv4 too.
fn bound(socket: &Socket) -> impl Iterator<Item = Bound> {
    let local = socket.local.inet().filter(|end| end.port() != 0);
    let takes_both = local.is_some_and(|end| end.ip() == Ipv6Addr::UNSPECIFIED) && !socket.v6only;
    let ip = local.map(|end| end.ip().to_canonical());
    let ips = [ip, takes_both.then_some(Ipv4Addr::UNSPECIFIED.into())];
    let port = local.map_or(0, |end| end.port());
    let (netns, kind) = (socket.netns, socket.kind);
    ips.into_iter()
        .flatten()
        .map(move |ip| (netns, kind, ip, port))
}

/// UNIX sockets name the inode of their other end.
fn unix(sockets: &[Socket], peers: &mut [Option<usize>]) {
    let inode = |end: &End| match end {
        End::Unix { inode, .. } => Some(*inode).filter(|inode| inode.0 != 0),
        _ => None,
    };
    let by_inode: HashMap<_, _> = sockets
        .iter()
        .enumerate()
        .filter_map(|(place, socket)| Some((inode(&socket.local)?, place)))
        .collect();
    for (socket, peer) in sockets.iter().zip(peers) {
        if socket.kind.is_unix() && socket.state != SocketState::LISTEN {
            *peer = inode(&socket.peer).and_then(|other| by_inode.get(&other).copied());
        }
    }
}

#[cfg(test)]
mod tests;
