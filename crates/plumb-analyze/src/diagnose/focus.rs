//! What the user asked about, and whether a finding concerns it.

use std::net::SocketAddr;

use plumb_model::finding::Subject;
use plumb_model::id::Pid;

/// What a diagnosis is about; what is empty does not restrict it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Focus {
    /// Processes.
    pub pids: Vec<u32>,
    /// Names of processes (`comm`, as text), whatever their ids: who is started again has another.
    pub names: Vec<String>,
    /// A local or remote port.
    pub port: Option<u16>,
    /// Addresses of the other end.
    pub hosts: Vec<std::net::IpAddr>,
    /// The process is a command that runs for the diagnosis alone.
    pub is_command: bool,
    /// The processes that serve the port, as the samples tell: filled in by the diagnosis.
    pub servers: Vec<u32>,
    /// Connections of those who are asked about that the samples do not show.
    pub unseen: Connections,
    /// What is asked about is in another network namespace, and something that it wants to reach is in this one: nothing but
    /// that concerns it.
    pub is_elsewhere: bool,
}

/// Connections that there are, or were, or that are tried: in another network namespace, or over before the last sample.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Connections {
    /// The ends of who was asked about.
    pub own: Vec<SocketAddr>,
    /// The other ends.
    pub reached: Vec<SocketAddr>,
}

impl Focus {
    /// Says whether nothing in particular was asked about.
    pub fn is_host(&self) -> bool {
        self.pids.is_empty()
            && self.names.is_empty()
            && self.port.is_none()
            && self.hosts.is_empty()
    }

    /// Says whether so little is looked at that one failure is an answer: a host that was named, or a
    /// command. On a whole host a single one is an accident that nobody asked about.
    pub fn counts_each(&self, peer: std::net::IpAddr) -> bool {
        self.is_command || self.hosts.contains(&peer)
    }

    /// Says whether a process is one that was asked about, or serves the port that was.
    pub fn is_asked(&self, pid: Pid) -> bool {
        self.pids.contains(&pid.0) || self.servers.contains(&pid.0)
    }

    /// Says whether a subject concerns what was asked about. What concerns the whole host or an
    /// interface concerns everybody.
    pub fn concerns(&self, subject: &Subject) -> bool {
        if matches!(subject.kind, "host" | "interface" | "counter") {
            return true;
        }
        // A path is at no port and at no host.
        let is_unix = subject
            .protocol
            .is_some_and(|protocol| protocol.starts_with("u_"));
        if is_unix && (self.port.is_some() || !self.hosts.is_empty()) {
            return false;
        }
        self.has_process(subject) && self.has_ends(subject)
    }

    /// The same, of its ends alone.
    pub fn has_ends(&self, subject: &Subject) -> bool {
        self.has_port(subject) && self.has_host(subject)
    }

    /// A subject that names no process may be anybody's.
    fn has_process(&self, subject: &Subject) -> bool {
        let asks = !self.pids.is_empty() || !self.names.is_empty();
        let is_named = subject
            .process
            .as_ref()
            .is_some_and(|name| self.names.contains(name));
        !asks || is_named || subject.pid.is_none_or(|pid| self.pids.contains(&pid.0))
    }

    fn has_port(&self, subject: &Subject) -> bool {
        let Some(port) = self.port else { return true };
        let ends = [&subject.local, &subject.peer];
        let ports: Vec<&str> = ends
            .into_iter()
            .flatten()
            // What is behind the last colon of a bare IPv6 address is no port.
            .filter(|end| end.parse::<std::net::IpAddr>().is_err())
            .filter_map(|end| Some(end.rsplit_once(':')?.1))
            .collect();
        ports.is_empty() || ports.contains(&port.to_string().as_str())
    }

    /// The host is the other end, or an address of our own at which something else comes.
    fn has_host(&self, subject: &Subject) -> bool {
        let Some(peer) = &subject.peer else {
            return true;
        };
        let ends = || [Some(peer), subject.local.as_ref()].into_iter().flatten();
        self.hosts.is_empty()
            || self
                .hosts
                .iter()
                .any(|host| ends().any(|end| is_at(end, &host.to_string())))
    }
}

/// Says whether an end is at a host: `HOST`, `HOST:PORT`, `[HOST]:PORT`.
fn is_at(end: &str, host: &str) -> bool {
    let bare = end.trim_start_matches('[');
    // What follows an IPv6 address without brackets is more of it.
    let is_v6 = host.contains(':');
    bare.strip_prefix(host).is_some_and(|rest| {
        rest.is_empty() || rest.starts_with(']') || !is_v6 && rest.starts_with(':')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(local: &str, peer: &str) -> Subject {
        Subject {
            kind: "socket",
            local: Some(local.to_owned()),
            peer: Some(peer.to_owned()),
            ..Subject::default()
        }
    }

    #[test]
    fn a_port_and_a_host_are_looked_for_at_their_ends() {
        let port = Focus {
            port: Some(80),
            ..Focus::default()
        };
        assert!(port.concerns(&subject("10.0.0.1:80", "10.0.0.2:9")));
        assert!(port.concerns(&subject("10.0.0.1:5", "[::1]:80")));
        assert!(!port.concerns(&subject("10.0.0.1:8080", "10.0.0.2:180")));
        let bare = Subject {
            peer: Some("fd00::2".to_owned()),
            ..Subject::default()
        };
        assert!(port.concerns(&bare));
        let host = Focus {
            hosts: vec![[10, 0, 0, 2].into()],
            ..Focus::default()
        };
        assert!(host.concerns(&subject("10.0.0.1:80", "10.0.0.2:9")));
        assert!(!host.concerns(&subject("10.0.0.1:80", "10.0.0.22:9")));
        // It is ours, and somebody came to it.
        assert!(host.concerns(&subject("10.0.0.2:80", "10.0.0.22:9")));
        let short = Focus {
            hosts: vec![std::net::Ipv6Addr::new(0xfd, 0, 0, 0, 0, 0, 0, 0).into()],
            ..Focus::default()
        };
        assert!(short.concerns(&subject("[::1]:80", "[fd::]:9")));
        assert!(!short.concerns(&subject("[::1]:80", "[fd::1]:9")));
    }

    #[test]
    fn a_process_that_was_started_again_is_known_by_its_name() {
        let of = |pid: Option<u32>, process: Option<&str>| Subject {
            kind: "process",
            pid: pid.map(Pid),
            process: process.map(str::to_owned),
            ..Subject::default()
        };
        let focus = Focus {
            pids: vec![7],
            names: vec!["web".to_owned()],
            ..Focus::default()
        };
        assert!(focus.concerns(&of(Some(7), None)));
        assert!(focus.concerns(&of(Some(8), Some("web"))));
        assert!(focus.concerns(&of(None, None)));
        assert!(!focus.concerns(&of(Some(8), Some("web2"))));
        assert!(!focus.is_host());
    }
}
