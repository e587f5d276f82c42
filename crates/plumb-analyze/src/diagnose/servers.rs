//! Who serves the port that was asked about, and what they want of others: a proxy's trouble is often its backend's.
//!
//! The holders of a listener are all who may serve it: a master and its workers. What is wrong with what they connect to
//! concerns whoever asks about their port, behind what is wrong with the port itself. Connections that came in at
//! another port of theirs are the business of that port.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::Subject;
use plumb_model::sample::Sample;
use plumb_model::snapshot::{Kind, Socket};

use super::{Case, sockets, subject};

/// The servers of a port.
#[derive(Debug, Default)]
pub(super) struct Servers {
    port: u16,
    /// Their names, by their ids.
    names: BTreeMap<u32, String>,
    /// The processes that have a socket at the port, on either side.
    users: BTreeSet<u32>,
    /// Where they connect to, or tried to, and who does.
    reached: BTreeMap<SocketAddr, u32>,
    /// UNIX listeners at which they found no room, and who did.
    unix: BTreeMap<String, u32>,
}

impl Servers {
    /// Gathers them; none where no port of this host was asked about.
    pub fn of(case: &Case<'_>) -> Self {
        let mut servers = Self::default();
        let mut hosts = case.focus.hosts.iter();
        let is_here = hosts.all(|host| sockets::is_local(case.span.after, *host));
        let Some(port) = case.focus.port.filter(|_| is_here) else {
            return servers;
        };
        servers.port = port;
        let samples = [case.span.before, case.span.after];
        for sample in samples {
            servers.find(sample);
        }
        if servers.names.is_empty() {
            return servers;
        }
        for sample in samples {
            servers.follow(sample);
        }
        for call in &case.notices.refused_calls {
            if call.call == "connect" && servers.names.contains_key(&call.pid.0) {
                let end = sockets::reached(call.address);
                servers.reached.entry(end).or_insert(call.pid.0);
            }
        }
        for resolving in &case.notices.resolving {
            if servers.names.contains_key(&resolving.pid.0) {
                let end = sockets::reached(resolving.server);
                servers.reached.entry(end).or_insert(resolving.pid.0);
            }
        }
        for client in &case.notices.unix_clients {
            if servers.names.contains_key(&client.pid.0) {
                let name = subject::unix_text(&client.listener);
                servers.unix.entry(name).or_insert(client.pid.0);
            }
        }
        servers
    }

    /// Gives their ids.
    pub fn pids(&self) -> Vec<u32> {
        self.names.keys().copied().collect()
    }

    fn find(&mut self, sample: &Sample) {
        let all = sample.snapshot.sockets.iter().enumerate();
        let ends = |socket: &Socket| [socket.local.port(), socket.peer.port()];
        for (place, socket) in all.filter(|(_, socket)| ends(socket).contains(&Some(self.port))) {
            let is_server = socket.local.port() == Some(self.port) && waits_for_others(socket);
            for process in subject::users_of(&sample.snapshot, place) {
                self.users.insert(process.pid.0);
                if is_server {
                    let name = String::from_utf8_lossy(&process.comm).into_owned();
                    self.names.insert(process.pid.0, name);
                }
            }
        }
    }

    /// Notes where their sockets go that are none of a port somebody serves here.
    fn follow(&mut self, sample: &Sample) {
        let listeners = sockets::listeners(sample);
        let served: BTreeSet<u16> = listeners
            .filter_map(|(_, listener)| listener.local.port())
            .collect();
        for (place, socket) in sample.snapshot.sockets.iter().enumerate() {
            let (Some(local), Some(peer)) = (socket.local.inet(), socket.peer.inet()) else {
                continue;
            };
            let came_in = socket.kind == Kind::Tcp && served.contains(&local.port());
            if peer.port() == 0 || came_in {
                continue;
            }
            let holders = sample.snapshot.owners.processes_of(place);
            let mut pids = holders.iter().map(|holder| holder.pid.0);
            if let Some(pid) = pids.find(|pid| self.names.contains_key(pid)) {
                self.reached.entry(sockets::plain(peer)).or_insert(pid);
            }
        }
    }

    /// Says whether a process without an end has nothing to do with the port, as far as its users are known.
    pub fn is_elsewhere(&self, subject: &Subject) -> bool {
        let has_no_end = subject.local.is_none() && subject.peer.is_none();
        let pid = subject
            .pid
            .filter(|_| subject.kind == "process" && has_no_end);
        !self.users.is_empty() && pid.is_some_and(|pid| !self.users.contains(&pid.0))
    }

    /// Says what a subject at other ends has to do with who serves the port; `None` for nothing.
    pub fn relation(&self, subject: &Subject) -> Option<String> {
        let far = if subject.kind == "listener" {
            &subject.local
        } else {
            &subject.peer
        };
        let (far, is_listener) = (far.as_deref()?, subject.kind == "listener");
        let by_name = self.unix.get(far).copied().filter(|_| is_listener);
        let pid = by_name.or_else(|| self.who_reaches(far, is_listener))?;
        let name = self.names.get(&pid)?;
        Some(format!(
            "{name} (process {pid}), which serves port {}, connects to it",
            self.port
        ))
    }

    /// Gives one of them that connects to an end, `ADDR:PORT` or `ADDR`. A listener is by its port alone: that it
    /// does not listen where they come to may be the trouble.
    fn who_reaches(&self, end: &str, is_listener: bool) -> Option<u32> {
        let mut reached = self.reached.iter();
        if let Ok(ip) = end.parse::<IpAddr>() {
            return reached.find(|(to, _)| to.ip() == ip).map(|(_, pid)| *pid);
        }
        let end: SocketAddr = end.parse().ok()?;
        let is_it = |to: &SocketAddr| *to == end || is_listener && to.port() == end.port();
        reached.find(|(to, _)| is_it(to)).map(|(_, pid)| *pid)
    }
}

/// Says whether a socket is one to which others come.
fn waits_for_others(socket: &Socket) -> bool {
    socket.is_listener()
        || socket.kind == Kind::Udp && socket.peer.port().is_none_or(|port| port == 0)
}
