//! Where packets to the destinations of interest go, and the neighbours on the way.

use std::net::IpAddr;

use plumb_model::diag::inet::{AF_INET, AF_INET6};
use plumb_model::rtnl::{Neighbour, Route};
use plumb_model::sample::{Destination, Lookup};
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

/// Asks about datagrams that were refused, with the source that each had.
pub(super) fn ask_refused(refused: &[(IpAddr, Option<IpAddr>)]) -> Vec<Lookup> {
    let mut asked: Vec<_> = refused.to_vec();
    asked.sort_unstable();
    asked.dedup();
    let answer = |(ip, source): (IpAddr, Option<IpAddr>)| {
        let question = RouteQuestion {
            source,
            ..RouteQuestion::new(ip)
        };
        let route = route_to(question).map_err(Errno::raw_os_error);
        Lookup {
            source,
            to: Destination { ip, route },
        }
    };
    asked.into_iter().take(MOST).map(answer).collect()
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
