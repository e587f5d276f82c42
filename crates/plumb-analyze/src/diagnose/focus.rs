//! What the user asked about, and whether a finding concerns it.

use plumb_model::finding::Subject;

/// What a diagnosis is about; what is empty does not restrict it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Focus {
    /// Processes.
    pub pids: Vec<u32>,
    /// A local or remote port.
    pub port: Option<u16>,
    /// Addresses of the other end.
    pub hosts: Vec<std::net::IpAddr>,
}

impl Focus {
    /// Says whether nothing in particular was asked about.
    pub fn is_host(&self) -> bool {
        self.pids.is_empty() && self.port.is_none() && self.hosts.is_empty()
    }

    /// Says whether a subject concerns what was asked about. What concerns the whole host or an
    /// interface concerns everybody.
    pub fn concerns(&self, subject: &Subject) -> bool {
        if matches!(subject.kind, "host" | "interface" | "counter") {
            return true;
        }
        let pid = subject
            .pid
            .is_none_or(|pid| self.pids.is_empty() || self.pids.contains(&pid.0));
        pid && self.has_port(subject) && self.has_host(subject)
    }

    fn has_port(&self, subject: &Subject) -> bool {
        let Some(port) = self.port else { return true };
        let ends = [&subject.local, &subject.peer];
        let ports: Vec<&str> = ends
            .into_iter()
            .flatten()
            .filter_map(|end| Some(end.rsplit_once(':')?.1))
            .collect();
        ports.is_empty() || ports.contains(&port.to_string().as_str())
    }

    fn has_host(&self, subject: &Subject) -> bool {
        let Some(peer) = &subject.peer else {
            return true;
        };
        self.hosts.is_empty()
            || self.hosts.iter().any(|host| {
                let host = host.to_string();
                let bare = peer.trim_start_matches('[');
                bare.strip_prefix(&host)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', ']']))
            })
    }
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
        let host = Focus {
            hosts: vec![[10, 0, 0, 2].into()],
            ..Focus::default()
        };
        assert!(host.concerns(&subject("10.0.0.1:80", "10.0.0.2:9")));
        assert!(!host.concerns(&subject("10.0.0.2:80", "10.0.0.22:9")));
    }
}
