//! A row of `plumb ls`: a socket of a snapshot, seen with everything that goes with it.
//!
//! A row is three words, so a million of them are little; every text is made when a cell is written and
//! gone after it.

use std::collections::HashMap;

use plumb_model::attribution::{Container, Holding, Pod, Process};
use plumb_model::snapshot::{Namespace, Snapshot, Socket};
use plumb_model::{Known, NetnsId, Reason, Uid};

use super::columns::Id;
use super::endpoint::Names;
use crate::creations::Told;

/// A snapshot, and what was looked up for its rows.
pub struct View<'s> {
    /// What was read.
    pub snapshot: &'s Snapshot,
    /// Names of the users that occur.
    pub users: HashMap<Uid, String>,
    /// Paths of the cgroups that sockets were made in.
    pub cgroups: HashMap<u64, Vec<u8>>,
    /// Names of hosts and services, where they were asked for.
    pub names: Option<Names>,
    /// Which code made the sockets, by their places, where it was asked for.
    pub creations: Vec<Option<Told>>,
    /// What a recorder could not tell, in words.
    pub creation_reasons: Vec<String>,
    /// The columns whose members JSON gives.
    pub members: Vec<Id>,
    namespaces: HashMap<NetnsId, usize>,
}

impl<'s> View<'s> {
    /// Looks at a snapshot; nothing has been looked up.
    pub fn new(snapshot: &'s Snapshot) -> Self {
        let ids = snapshot.namespaces.iter().map(|namespace| namespace.id);
        Self {
            snapshot,
            users: HashMap::new(),
            cgroups: HashMap::new(),
            names: None,
            creations: Vec::new(),
            creation_reasons: Vec::new(),
            members: Vec::new(),
            namespaces: ids.enumerate().map(|(place, id)| (id, place)).collect(),
        }
    }

    /// Gives the row of the socket at a place.
    pub fn row(&'s self, place: usize) -> Option<Row<'s>> {
        Some(Row {
            view: self,
            socket: self.snapshot.sockets.get(place)?,
            place,
        })
    }
}

/// One socket.
#[derive(Clone, Copy)]
pub struct Row<'s> {
    /// Where it belongs.
    pub view: &'s View<'s>,
    /// The socket.
    pub socket: &'s Socket,
    pub(super) place: usize,
}

impl<'s> Row<'s> {
    /// Gives its holdings, or why none is known.
    pub fn holdings(&self) -> Known<&'s [Holding]> {
        self.view.snapshot.owners.of(self.place)
    }

    /// Gives why no holder is known; `None` when one is, or when nobody asked.
    pub fn owner_unknown(&self) -> Option<Reason> {
        if self.view.snapshot.owners.is_empty() {
            return None;
        }
        self.holdings().reason()
    }

    /// Gives the first holding and its process.
    pub fn owner(&self) -> Option<(Holding, &'s Process)> {
        let first = *self.holdings().ok()?.first()?;
        Some((first, self.process(first)?))
    }

    /// Gives the process of a holding.
    pub fn process(&self, holding: Holding) -> Option<&'s Process> {
        self.view.snapshot.owners.process(holding)
    }

    /// Gives the process its port belongs to, where it has no holder by its nature.
    pub fn related(&self) -> Option<&'s Process> {
        let related = self.view.snapshot.owners.related(self.place);
        self.process(*related.first()?)
    }

    /// Gives the processes that hold it, each once.
    pub fn processes(&self) -> Vec<&'s Process> {
        self.view.snapshot.owners.processes_of(self.place)
    }

    /// Gives its namespace.
    pub fn namespace(&self) -> Option<&'s Namespace> {
        let place = self.view.namespaces.get(&self.socket.netns)?;
        self.view.snapshot.namespaces.get(*place)
    }

    /// Gives the name of the interface it is bound to.
    pub fn interface(&self) -> Option<&'s [u8]> {
        let index = self.socket.interface;
        let known = &self.namespace()?.interfaces;
        let found = known.iter().find(|(known, _)| *known == index);
        found.map(|(_, name)| name.as_slice())
    }

    /// Gives the name of its user, else the number.
    pub fn user(&self) -> Known<String> {
        self.socket.uid.map(|uid| self.user_name(uid))
    }

    /// Gives the name of a user, else the number.
    pub fn user_name(&self, uid: Uid) -> String {
        let name = self.view.users.get(&uid).cloned();
        name.unwrap_or_else(|| uid.0.to_string())
    }

    /// Gives the path of the cgroup it was made in; where the kernel did not tell, that of its holder.
    pub fn cgroup(&self) -> Option<&'s [u8]> {
        let of_socket = self.socket.cgroup.ok().and_then(|id| {
            let path = self.view.cgroups.get(&id)?;
            Some(path.as_slice())
        });
        of_socket.or_else(|| match &self.owner()?.1.cgroup {
            Known::Known(path) => Some(path.as_slice()),
            Known::Unknown(_) => None,
        })
    }

    /// Gives the unit of its first holder.
    pub fn unit(&self) -> Option<&'s [u8]> {
        self.owner()?.1.workload.unit.as_deref()
    }

    /// Gives the container of its first holder.
    pub fn container(&self) -> Option<&'s Container> {
        self.owner()?.1.workload.container.as_ref()
    }

    /// Gives the pod of its first holder.
    pub fn pod(&self) -> Option<&'s Pod> {
        self.owner()?.1.workload.pod.as_ref()
    }

    /// Gives the socket at its other end, where that is on this host.
    pub fn peer(&self) -> Option<Row<'s>> {
        self.view.row(self.view.snapshot.peer(self.place)?)
    }
}
