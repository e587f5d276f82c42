//! One reading of the sockets of this host, with their owners: what every verb starts from.
//!
//! A namespace is entered by the calling thread, which comes back; a table that is refused is a gap of
//! the snapshot, never its end. Rows the kernel repeats because its table changed during the dump are
//! dropped by cookie.

mod companions;
mod details;
mod owners;
mod rows;

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use plumb_model::finding::Gap;
use plumb_model::snapshot::{Kind, Namespace, Snapshot, Socket};
use plumb_model::{Pid, Reason};
use rustix::io::Errno;

use crate::buffers;
use crate::netns::{self, Home, Namespaces, Netns};
use crate::processes::details::Wanted;
use crate::sock_diag::DumpError;
use crate::sys::ioctl::InterfaceSocket;

/// Which namespaces to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// That of this process.
    #[default]
    Own,
    /// Every one that a process, a thread, a name or a mount holds, and that can be entered.
    Inhabited,
    /// Those that nothing but an open descriptor or a socket holds, too, which costs a look at every
    /// descriptor of the host.
    All,
}

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Where.
    pub scope: Scope,
    /// Which kinds of sockets.
    pub kinds: Vec<Kind>,
    /// Bits `1 << state` of the states wanted; `u32::MAX` for all.
    pub states: u32,
    /// A program of the filter language that the kernel runs on Internet sockets.
    pub program: Option<Vec<u8>>,
    /// Also `struct tcp_info`.
    pub info: bool,
    /// Also the memory counters.
    pub memory: bool,
    /// Also who holds them.
    pub owners: bool,
    /// What to read of each process that does.
    pub details: Wanted,
    /// Also the other end of each, as far as kinds, states, program and scope let it be read. Other ends that
    /// are not wanted themselves come last ([`Snapshot::companions`]), with their owners.
    pub peers: bool,
}

impl Default for Request {
    /// TCP and UDP of the own namespace, in every state, with owners.
    fn default() -> Self {
        Self {
            scope: Scope::Own,
            kinds: vec![Kind::Tcp, Kind::Udp],
            states: u32::MAX,
            program: None,
            info: false,
            memory: false,
            owners: true,
            details: Wanted::default(),
            peers: false,
        }
    }
}

/// Reads the sockets asked for. Never fails: what could not be read is in `gaps`.
pub fn read(request: &Request) -> Snapshot {
    read_where(request, &mut |_, _| true)
}

/// Reads those of the sockets asked for that `keep` wants: the others are dropped as they come, and
/// nobody looks for their owners, except for other ends (`peers`).
pub fn read_where(
    request: &Request,
    keep: &mut dyn FnMut(&Namespace, &Socket) -> bool,
) -> Snapshot {
    let mut snapshot = Snapshot {
        time_us: now_us(),
        ..Snapshot::default()
    };
    if request.peers {
        companions::read(request, keep, &mut snapshot);
    } else {
        read_rows(request, keep, &mut snapshot);
    }
    if request.owners {
        owners::attribute(request, &mut snapshot);
        details::add(request.details, &mut snapshot.owners.processes);
    }
    snapshot
}

/// Adds processes that hold none of its sockets to a snapshot: events told of them. Those that are not there any more
/// are left out.
pub fn add_processes(snapshot: &mut Snapshot, pids: &[Pid], wanted: Wanted) {
    details::add_more(wanted, pids, &mut snapshot.owners.processes);
}

fn read_rows(
    request: &Request,
    keep: &mut dyn FnMut(&Namespace, &Socket) -> bool,
    snapshot: &mut Snapshot,
) {
    let mut reading = Reading {
        request,
        keep,
        snapshot,
    };
    match request.scope {
        Scope::Own => reading.own(),
        Scope::Inhabited | Scope::All => reading.all(),
    }
}

/// A snapshot that is being taken.
struct Reading<'a> {
    request: &'a Request,
    keep: &'a mut dyn FnMut(&Namespace, &Socket) -> bool,
    snapshot: &'a mut Snapshot,
}

fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    })
}

impl Reading<'_> {
    fn own(&mut self) {
        let Some(netns) = netns::own() else {
            return self.gap("the own network namespace", Reason::NotSupported);
        };
        self.here(&netns, true);
    }

    fn all(&mut self) {
        let Ok(home) = Home::remember() else {
            return self.own();
        };
        // Their descriptors, and with them some of the namespaces, go with `found`.
        let found = match self.request.scope {
            Scope::All => netns::list_thoroughly(),
            Scope::Own | Scope::Inhabited => netns::list(),
        };
        let Namespaces {
            all,
            own,
            hidden_processes,
            ..
        } = &found;
        if *hidden_processes > 0 {
            let what = match hidden_processes {
                1 => "the network namespace of a process".to_owned(),
                count => format!("the network namespaces of {count} processes"),
            };
            self.gap(&what, Reason::PermissionDenied);
        }
        for netns in all {
            if *own == Some(netns.id) {
                self.here(netns, true);
                continue;
            }
            if let Err(errno) = netns::enter(netns) {
                let what = format!(
                    "network namespace {}: {errno}",
                    String::from_utf8_lossy(&netns.label())
                );
                self.gap(&what, Reason::NamespaceNotEntered);
                continue;
            }
            self.here(netns, false);
            if let Err(errno) = home.go() {
                // We would read a wrong namespace from here on.
                let what = format!("the way back from a network namespace: {errno}");
                return self.gap(&what, Reason::NamespaceNotEntered);
            }
        }
    }

    /// Reads the namespace this thread is in.
    fn here(&mut self, netns: &Netns, is_own: bool) {
        let mut namespace = Namespace {
            id: netns.id,
            name: netns.name.clone(),
            is_own,
            interfaces: Vec::new(),
            buffers: self.request.memory.then(buffers::read_settings),
        };
        let first = self.snapshot.sockets.len();
        let mut sink = rows::Rows {
            sockets: &mut self.snapshot.sockets,
            keep: &mut |socket| (self.keep)(&namespace, socket),
        };
        let failures = rows::read(self.request, netns.id, &mut sink);
        let read = self.snapshot.sockets.get(first..).unwrap_or_default();
        namespace.interfaces = bound_interfaces(read);
        self.snapshot.namespaces.push(namespace);
        for failure in failures {
            let place = String::from_utf8_lossy(&netns.label()).into_owned();
            let reason = match failure.error {
                DumpError::Refused(Errno::PERM | Errno::ACCESS) => Reason::PermissionDenied,
                _ => Reason::NotSupported,
            };
            let what = format!("{} sockets in {place}: {}", failure.table, failure.error);
            self.gap(&what, reason);
        }
    }

    fn gap(&mut self, what: &str, reason: Reason) {
        self.snapshot.gaps.push(Gap {
            what: what.to_owned(),
            reason,
        });
    }
}

/// Gives the names of the interfaces that sockets are bound to, in the namespace this thread is in.
fn bound_interfaces(sockets: &[Socket]) -> Vec<(u32, Vec<u8>)> {
    let indexes: BTreeSet<u32> = sockets.iter().map(|socket| socket.interface).collect();
    let mut indexes = indexes.into_iter().filter(|&index| index != 0).peekable();
    if indexes.peek().is_none() {
        return Vec::new();
    }
    let Ok(interfaces) = InterfaceSocket::open() else {
        return Vec::new();
    };
    indexes
        .filter_map(|index| Some((index, interfaces.name(index).ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn only_sockets_that_are_wanted_stay() {
        let ours = TcpListener::bind("127.0.0.1:0").expect("loopback is up");
        let _other = TcpListener::bind("127.0.0.1:0").expect("loopback is up");
        let port = ours.local_addr().expect("it is bound").port();
        let snapshot = read_where(&Request::default(), &mut |namespace, socket| {
            assert!(namespace.is_own);
            socket.local.port() == Some(port)
        });
        let ports: Vec<_> = snapshot.sockets.iter().map(|s| s.local.port()).collect();
        assert_eq!(ports, [Some(port)]);
        assert_eq!(snapshot.owners.len(), 1);
    }
}
