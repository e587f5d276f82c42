//! Where packets to the destinations of interest go, and the neighbours on the way.

use std::net::IpAddr;

use plumb_model::diag::inet::{AF_INET, AF_INET6};
use plumb_model::rtnl::{Neighbour, Route};
use plumb_model::sample::{Destination, Lookup, Way};
use plumb_model::snapshot::Snapshot;
use plumb_model::socket::SocketState;
use plumb_wire::netlink::rtnetlink::route::RouteQuestion;

use rustix::io::Errno;

use crate::routing;

/// More destinations are not asked about.
const MOST: usize = 64;

/// Reads the neighbours of both families.
pub(super) fn neighbours() -> Vec<Neighbour> {
    let mut all = routing::dump_neighbours(AF_INET).unwrap_or_default();
    all.extend(routing::dump_neighbours(AF_INET6).unwrap_or_default());
    all
}

/// Asks about those named, the peers of attempts under way, then those of other connections.
pub(super) fn ask(snapshot: &Snapshot, named: &[IpAddr]) -> Vec<Destination> {
    let peers = |attempts: bool| {
        let sockets = snapshot.sockets.iter();
        let chosen = sockets.filter(move |s| (s.state == SocketState::SYN_SENT) == attempts);
        chosen.filter_map(|socket| {
            let peer = socket.peer.inet().filter(|peer| peer.port() != 0)?;
            Some(peer.ip().to_canonical())
        })
    };
    let mut asked: Vec<IpAddr> = Vec::new();
    for ip in named.iter().copied().chain(peers(true)).chain(peers(false)) {
        if asked.len() < MOST && !ip.is_loopback() && !asked.contains(&ip) {
            asked.push(ip);
        }
    }
    let answer = |ip: IpAddr| Destination {
        ip,
        route: route_to(RouteQuestion::new(ip)).map_err(Errno::raw_os_error),
    };
    asked.into_iter().map(answer).collect()
}

/// Asks about packets that were refused, each with the source and the interface that it had.
pub(super) fn ask_refused(refused: &[Way]) -> Vec<Lookup> {
    let mut asked: Vec<_> = refused.to_vec();
    asked.sort_unstable();
    asked.dedup();
    let answer = |way: Way| {
        let question = RouteQuestion {
            source: way.source,
            interface: way.interface,
            ..RouteQuestion::new(way.to)
        };
        let route = route_to(question).map_err(Errno::raw_os_error);
        Lookup { way, route }
    };
    asked.into_iter().take(MOST).map(answer).collect()
}

/// Gives the unresolved neighbours of IPv4 to which no entry of the tables leads by their interface, and that are nobody's
/// next hop. Where the tables have none the kernel makes a route of the interface alone, so that is no answer. Minimum
/// kernel version: 5.1; older ones do not tell the entry.
pub(super) fn ask_off_link(neighbours: &[Neighbour]) -> Vec<(IpAddr, u32)> {
    let silent = neighbours
        .iter()
        .filter(|neighbour| neighbour.ip.is_ipv4() && neighbour.is_unresolved());
    let has_none = |neighbour: &&Neighbour| {
        let question = RouteQuestion {
            interface: Some(neighbour.interface),
            ..RouteQuestion::new(neighbour.ip)
        };
        let entry = routing::ask_route(&RouteQuestion {
            entry: true,
            ..question
        });
        // A route that forbids is an entry, and there is no way then.
        routing::ask_route(&question).is_ok()
            && matches!(entry, Err(Errno::HOSTUNREACH | Errno::NETUNREACH))
    };
    let none: Vec<(IpAddr, u32)> = silent
        .take(MOST)
        .filter(has_none)
        .map(|neighbour| (neighbour.ip, neighbour.interface))
        .collect();
    if none.is_empty() {
        return none;
    }
    // A next hop may be said to be on the link (`onlink`). What cannot be read is no evidence.
    let Ok(routes) = routing::dump_routes(AF_INET) else {
        return Vec::new();
    };
    let is_hop = |ip: IpAddr| {
        routes.iter().any(|route| {
            let mut hops = route.next_hops.iter();
            route.gateway == Some(ip) || hops.any(|hop| hop.gateway == Some(ip))
        })
    };
    none.into_iter().filter(|(ip, _)| !is_hop(*ip)).collect()
}

/// Asks for a route, with all next hops of the entry that decided: the route made of it for this
/// question has one of them, that of another packet may be another.
fn route_to(question: RouteQuestion) -> Result<Route, Errno> {
    let mut route = routing::ask_route(&question)?;
    let entry = routing::ask_route(&RouteQuestion {
        entry: true,
        ..question
    });
    // Older kernels do not know the question, or answer it as the first.
    route.next_hops = entry.map(|entry| entry.next_hops).unwrap_or_default();
    Ok(route)
}
