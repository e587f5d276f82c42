//! What processes that were asked about are the other side of: a client's trouble is often its server's.
//!
//! The listener that a client wants to reach, and the socket at the other end of a connection of its own, are its
//! business when they are on this host, although another process has them, also in another network namespace.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use plumb_model::finding::Subject;
use plumb_model::sample::Sample;

use super::{Case, Connections, sockets, subject};

/// The ends of those who were asked about.
#[derive(Debug, Default)]
pub(super) struct Ends {
    /// Their own.
    own: BTreeSet<SocketAddr>,
    /// Those on this host that they are connected to, or tried to be.
    reached: BTreeSet<SocketAddr>,
    /// UNIX listeners at which they found no room.
    unix: BTreeSet<String>,
}

impl Ends {
    /// Gathers them; none where no process was asked about.
    pub fn of(case: &Case<'_>) -> Self {
        let mut ends = Self::default();
        let Connections { own, reached } = &case.focus.unseen;
        if case.focus.pids.is_empty() && reached.is_empty() {
            return ends;
        }
        for sample in [case.span.before, case.span.after] {
            ends.add(sample, &case.focus.pids);
        }
        ends.own.extend(own);
        ends.reached.extend(reached);
        let calls = case.notices.refused_calls.iter();
        let tried =
            calls.filter(|call| call.call == "connect" && case.focus.pids.contains(&call.pid.0));
        ends.reached
            .extend(tried.map(|call| sockets::reached(call.address)));
        let clients = case.notices.unix_clients.iter();
        let clients = clients.filter(|client| case.focus.pids.contains(&client.pid.0));
        ends.unix = clients
            .map(|client| subject::unix_text(&client.listener))
            .collect();
        let here = |end: &SocketAddr| sockets::is_local(case.span.after, end.ip());
        ends.reached.retain(here);
        ends
    }

    fn add(&mut self, sample: &Sample, pids: &[u32]) {
        for (local, peer) in connections_of(sample, pids) {
            self.own.insert(local);
            self.reached.insert(peer);
        }
    }

    /// Says whether a subject is the other side of one of theirs. A listener is by its port alone: that it does not
    /// listen where they come to may be the trouble.
    pub fn face(&self, subject: &Subject) -> bool {
        let end = |text: &Option<String>| text.as_deref()?.parse::<SocketAddr>().ok();
        let local = end(&subject.local);
        let has_port = |port| self.reached.iter().any(|reached| reached.port() == port);
        match subject.kind {
            "listener" => {
                let name = subject.local.as_ref();
                local.is_some_and(|local| has_port(local.port()))
                    || name.is_some_and(|name| self.unix.contains(name))
            }
            _ => {
                local.is_some_and(|local| self.reached.contains(&local))
                    && end(&subject.peer).is_none_or(|peer| self.own.contains(&peer))
            }
        }
    }
}

/// Gives both ends of the connections of processes, also of those that they try to make, whose other end is not in the network
/// namespace of the sample.
pub fn connections_afar(sample: &Sample, pids: &[u32]) -> Vec<(SocketAddr, SocketAddr)> {
    if pids.is_empty() {
        return Vec::new();
    }
    let connections = connections_of(sample, pids);
    let afar = connections.filter(|(_, peer)| !sockets::is_local(sample, peer.ip()));
    afar.collect()
}

/// Gives both ends of the sockets of processes that have another end.
pub(super) fn connections_of(
    sample: &Sample,
    pids: &[u32],
) -> impl Iterator<Item = (SocketAddr, SocketAddr)> {
    let snapshot = &sample.snapshot;
    let sockets = snapshot.sockets.iter().enumerate();
    sockets.filter_map(move |(place, socket)| {
        let (local, peer) = (socket.local.inet()?, socket.peer.inet()?);
        let holders = snapshot.owners.processes_of(place);
        let is_theirs = holders.iter().any(|holder| pids.contains(&holder.pid.0));
        (is_theirs && peer.port() != 0).then(|| (sockets::plain(local), sockets::plain(peer)))
    })
}
