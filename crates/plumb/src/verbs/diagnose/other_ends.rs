//! The other ends of what is asked about that are in other network namespaces of this host: servers in containers, and the
//! UNIX listeners there at which somebody waits.
//!
//! An address that several namespaces have is nobody's: which of them is meant is not known.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use plumb_analyze::diagnose::Connections;
use plumb_collect::sample;
use plumb_model::NetnsId;
use plumb_model::id::Pid;

use super::look::Look;
use super::places::Places;

/// Ends that are not where one looks already.
pub(super) struct OtherEnds {
    /// Of connections.
    pub connections: Connections,
    /// Names of UNIX listeners, each as a process means it.
    unix: Vec<(Pid, Vec<u8>)>,
}

impl OtherEnds {
    /// Gathers those of processes, and those that are asked about.
    pub fn of(begun: &[Look], pids: &BTreeSet<Pid>, asked: &[SocketAddr]) -> Self {
        let numbers: Vec<u32> = pids.iter().map(|pid| pid.0).collect();
        let (own, mut reached): (Vec<_>, Vec<_>) = begun
            .iter()
            .flat_map(|look| look.connections_afar(&numbers))
            .unzip();
        let is_known = |end: &&SocketAddr| begun.iter().any(|look| look.has_address(end.ip()));
        reached.extend(asked.iter().filter(|end| !is_known(end)));
        let mut unix = sample::unix_asked(pids);
        unix.retain(|(pid, name)| !begun.iter().any(|look| look.has_unix(*pid, name)));
        let connections = Connections { own, reached };
        Self { connections, unix }
    }

    /// Says whether there are none.
    pub fn is_empty(&self) -> bool {
        self.connections.reached.is_empty() && self.unix.is_empty()
    }

    /// Finds the namespaces that have them, beside those that are known.
    pub fn namespaces(&self, known: &BTreeSet<NetnsId>) -> BTreeSet<NetnsId> {
        let reached = self.connections.reached.iter();
        let ips: BTreeSet<IpAddr> = reached.map(SocketAddr::ip).collect();
        let mut found = BTreeSet::new();
        let mut owners: BTreeMap<IpAddr, Vec<NetnsId>> = BTreeMap::new();
        Places::Every.visit(|place| {
            let Some(id) = place.id.filter(|id| !known.contains(id)) else {
                return;
            };
            for ip in sample::own_of(&ips) {
                owners.entry(ip).or_default().push(id);
            }
            if sample::has_unix(&self.unix) {
                found.insert(id);
            }
        });
        let alone = owners.into_values().filter(|ids| ids.len() == 1);
        found.extend(alone.flatten());
        found
    }
}
