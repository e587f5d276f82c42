//! One reading of the sockets of this host, with their owners: what every verb starts from.
//!
//! A namespace is entered by the calling thread, which comes back; a table that is refused is a gap of
//! the snapshot, never its end. Rows the kernel repeats because its table changed during the dump are
//! dropped by cookie.

mod details;
mod holders;
mod rows;

use std::time::{SystemTime, UNIX_EPOCH};

use plumb_model::Reason;
use plumb_model::finding::Gap;
use plumb_model::snapshot::{Kind, Namespace, Snapshot};
use rustix::io::Errno;

use crate::netns::{self, Home, Namespaces, Netns};
use crate::processes::details::Wanted;
use crate::sock_diag::DumpError;

/// Which namespaces to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// That of this process.
    #[default]
    Own,
    /// Every one of the host that can be entered.
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
        }
    }
}

/// Reads the sockets asked for. Never fails: what could not be read is in `gaps`.
pub fn read(request: &Request) -> Snapshot {
    let mut snapshot = Snapshot {
        time_us: now_us(),
        ..Snapshot::default()
    };
    match request.scope {
        Scope::Own => read_own(request, &mut snapshot),
        Scope::All => read_all(request, &mut snapshot),
    }
    if request.owners {
        holders::attribute(&mut snapshot);
        details::add(request.details, &mut snapshot.owners.processes);
    }
    snapshot
}

fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    })
}

fn read_own(request: &Request, snapshot: &mut Snapshot) {
    let Some(netns) = netns::own() else {
        return gap(snapshot, "the own network namespace", Reason::NotSupported);
    };
    read_here(request, &netns, true, snapshot);
}

fn read_all(request: &Request, snapshot: &mut Snapshot) {
    let Ok(home) = Home::remember() else {
        return read_own(request, snapshot);
    };
    let Namespaces {
        all,
        own,
        hidden_processes,
    } = netns::list();
    if hidden_processes > 0 {
        let what = format!("network namespaces of {hidden_processes} processes");
        gap(snapshot, &what, Reason::PermissionDenied);
    }
    for netns in all {
        let is_own = own == Some(netns.id);
        if is_own {
            read_here(request, &netns, true, snapshot);
            continue;
        }
        if let Err(errno) = netns::enter(&netns) {
            let what = format!(
                "network namespace {}: {errno}",
                String::from_utf8_lossy(&netns.label())
            );
            gap(snapshot, &what, Reason::NamespaceNotEntered);
            continue;
        }
        read_here(request, &netns, false, snapshot);
        if let Err(errno) = home.go() {
            // We would read a wrong namespace from here on.
            let what = format!("the way back from a network namespace: {errno}");
            return gap(snapshot, &what, Reason::NamespaceNotEntered);
        }
    }
}

/// Reads the namespace this thread is in.
fn read_here(request: &Request, netns: &Netns, is_own: bool, snapshot: &mut Snapshot) {
    snapshot.namespaces.push(Namespace {
        id: netns.id,
        name: netns.name.clone(),
        is_own,
    });
    for failure in rows::read(request, netns.id, &mut snapshot.sockets) {
        let place = String::from_utf8_lossy(&netns.label()).into_owned();
        let reason = match failure.error {
            DumpError::Refused(Errno::PERM | Errno::ACCESS) => Reason::PermissionDenied,
            _ => Reason::NotSupported,
        };
        let what = format!("{} sockets in {place}: {}", failure.table, failure.error);
        gap(snapshot, &what, reason);
    }
}

fn gap(snapshot: &mut Snapshot, what: &str, reason: Reason) {
    snapshot.gaps.push(Gap {
        what: what.to_owned(),
        reason,
    });
}
