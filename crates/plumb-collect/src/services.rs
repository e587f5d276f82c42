//! Names of ports, as `getservbyport` gives them.
//!
//! Where the services database is files alone, it is read once: a call for each port would read the
//! file each time. Any other source may answer single questions it never lists, so it is asked each
//! of them. Answers, "no name" included, are kept.

use std::ffi::CStr;

use plumb_wire::config::decode_sources;
use rustc_hash::FxHashMap;

use crate::sys::{netdb, nss};

/// The protocol a service belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceProtocol {
    /// `tcp`.
    Tcp,
    /// `udp`.
    Udp,
    /// Any; the first entry of the database counts.
    Any,
}

impl ServiceProtocol {
    fn name(self) -> Option<&'static CStr> {
        match self {
            Self::Tcp => Some(c"tcp"),
            Self::Udp => Some(c"udp"),
            Self::Any => None,
        }
    }
}

type Names = FxHashMap<(ServiceProtocol, u16), Option<Vec<u8>>>;

/// The services database.
#[derive(Debug, Default)]
pub struct Services {
    names: Option<Names>,
    is_complete: bool,
}

impl Services {
    /// Starts with nothing read.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the name of a port.
    pub fn name(&mut self, protocol: ServiceProtocol, port: u16) -> Option<&[u8]> {
        let names = self.names.get_or_insert_with(|| {
            self.is_complete = is_files_alone();
            if self.is_complete {
                read_all()
            } else {
                Names::default()
            }
        });
        if self.is_complete {
            return names.get(&(protocol, port))?.as_deref();
        }
        names
            .entry((protocol, port))
            .or_insert_with(|| netdb::service_name(port, protocol.name()))
            .as_deref()
    }
}

/// Reads the whole database; of several entries the first counts.
fn read_all() -> Names {
    let mut names = Names::default();
    for service in nss::services() {
        let protocol = match service.protocol.as_slice() {
            b"tcp" => Some(ServiceProtocol::Tcp),
            b"udp" => Some(ServiceProtocol::Udp),
            _ => None,
        };
        for protocol in protocol.into_iter().chain([ServiceProtocol::Any]) {
            names
                .entry((protocol, service.port))
                .or_insert_with(|| Some(service.name.clone()));
        }
    }
    names
}

/// Says whether all sources of the services database can be listed, and cheaply.
fn is_files_alone() -> bool {
    let content = crate::proc::read_file("/etc/nsswitch.conf").unwrap_or_default();
    decode_sources(&content, b"services")
        .is_none_or(|mut sources| sources.all(|source| source == b"files" || source == b"db"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test, because the database cannot be read twice at the same time.
    #[test]
    fn the_whole_database_says_what_single_questions_say() {
        let names = read_all();
        assert!(names.len() > 100, "/etc/services is there");
        for port in 1..1024 {
            for protocol in [
                ServiceProtocol::Tcp,
                ServiceProtocol::Udp,
                ServiceProtocol::Any,
            ] {
                let listed = names.get(&(protocol, port)).cloned().flatten();
                assert_eq!(listed, netdb::service_name(port, protocol.name()));
            }
        }
        assert_eq!(netdb::service_port(c"ssh", c"tcp"), Some(22));
        assert_eq!(netdb::service_port(c"no-such-service", c"tcp"), None);
        let mut services = Services::new();
        assert_eq!(services.name(ServiceProtocol::Tcp, 22), Some(&b"ssh"[..]));
        assert_eq!(services.name(ServiceProtocol::Tcp, 0), None);
    }
}
