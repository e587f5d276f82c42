//! The processes that events name, as `/proc` describes them while they are there.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use plumb_collect::netns;
use plumb_collect::processes::details::{Wanted, describe};
use plumb_filter::Needs;
use plumb_model::NetnsId;
use plumb_model::attribution::Process;
use plumb_model::event::Event;
use plumb_model::id::Pid;

use crate::verbs::ls::columns::OWN;

/// Processes that are remembered at once.
const MOST: usize = 16_384;
/// How long a description is taken for true: a process may begin another program.
const FRESH: Duration = Duration::from_secs(1);

/// Processes and namespaces that were met.
pub struct People {
    wanted: Option<Wanted>,
    known: HashMap<Pid, (Instant, Process)>,
    /// The names of each namespace, where a filter asks for them.
    namespaces: Option<HashMap<NetnsId, Vec<Vec<u8>>>>,
}

impl People {
    /// Begins with nobody; what no test needs is not read.
    pub fn new(needs: Needs, namespaces: bool) -> Self {
        let wanted = Wanted {
            cmdline: needs.identity,
            exe: needs.identity,
            cgroup: needs.identity,
            uid: needs.uid,
        };
        Self {
            wanted: (needs.owners || needs.identity || needs.uid).then_some(wanted),
            known: HashMap::new(),
            namespaces: namespaces.then(HashMap::new),
        }
    }

    /// Looks at whom an event names.
    pub fn meet(&mut self, event: &Event) {
        let owners = [event.owner, event.task.as_ref().map(|task| task.pid)];
        for pid in owners.into_iter().flatten() {
            self.look(pid);
        }
        if let Some(netns) = event.netns {
            self.name(netns);
        }
    }

    /// Gives what is known of a process; of one that has ended what was known last.
    pub fn get(&self, pid: Pid) -> Option<&Process> {
        self.known.get(&pid).map(|(_, process)| process)
    }

    /// Gives the names of a namespace.
    pub fn names_of(&self, netns: NetnsId) -> &[Vec<u8>] {
        let names = self.namespaces.as_ref().and_then(|all| all.get(&netns));
        names.map_or(&[], Vec::as_slice)
    }

    fn look(&mut self, pid: Pid) {
        let Some(wanted) = self.wanted else { return };
        let now = Instant::now();
        let known = self.known.get(&pid);
        if known.is_some_and(|(then, _)| now.duration_since(*then) < FRESH) {
            return;
        }
        let process = describe(Path::new("/proc"), pid, wanted);
        if process.comm.is_empty() && known.is_some() {
            return;
        }
        if self.known.len() >= MOST {
            self.known.clear();
        }
        self.known.insert(pid, (now, process));
    }

    fn name(&mut self, netns: NetnsId) {
        let Some(names) = self.namespaces.as_mut() else {
            return;
        };
        if names.contains_key(&netns) || names.len() >= MOST {
            return;
        }
        // One that was made since: those that are known keep what they have.
        let found = netns::list();
        for namespace in found.all {
            let own = (found.own == Some(namespace.id)).then(|| OWN.as_bytes().to_vec());
            names.insert(
                namespace.id,
                own.into_iter().chain(namespace.name).collect(),
            );
        }
        names.entry(netns).or_default();
    }
}
