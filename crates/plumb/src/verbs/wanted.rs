//! Which sockets of a reading are wanted, for the verbs that read and do not list: by filter, process, cgroup
//! and container.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt as _;

use plumb_collect::cgroups::{Cgroups, id_of, is_in};
use plumb_collect::port_range::PortRange;
use plumb_collect::processes::descendants;
use plumb_collect::processes::details::Wanted as Details;
use plumb_collect::snapshot::Request;
use plumb_filter::{Parsed, Verdict};
use plumb_model::attribution::Process;
use plumb_model::id::Pid;
use plumb_model::snapshot::Snapshot;

use super::ls::facts::{Facts, could_be_known};
use super::ls::row::{Row, View};
use super::recording::Failure;
use super::recording::whom::{Whose, exist, wrong};

/// What is wanted.
pub struct Wanted {
    filter: Parsed,
    /// Holders; every one where there are none named.
    pids: Vec<u32>,
    /// A cgroup, as a path below its mount.
    cgroup: Option<Vec<u8>>,
    ports: RangeInclusive<i64>,
}

/// The answer for a reading.
#[derive(Default)]
pub struct Places {
    /// For each socket, by place; empty when every one is wanted.
    wanted: Vec<bool>,
    /// Those of whom one must hold a socket, where any were named.
    holders: Option<HashSet<Pid>>,
    /// Sockets that were left out because what is asked of them is not known.
    undecided: usize,
}

impl Wanted {
    /// Reads what a command line wants.
    pub fn new(whose: &Whose) -> Result<Self, Failure> {
        exist(&whose.pids)?;
        let cgroup = whose.cgroup()?.map(|path| below_mount(&path)).transpose()?;
        let range = PortRange::read();
        Ok(Self {
            filter: whose.wanted()?,
            pids: whose.pids.clone(),
            cgroup,
            ports: i64::from(range.lowest)..=i64::from(range.highest),
        })
    }

    /// Gives the filter.
    pub fn filter(&self) -> &Parsed {
        &self.filter
    }

    /// Gives a request with what has to be read beside it.
    pub fn widen(&self, request: Request) -> Request {
        let needs = self.filter.needs;
        let details = request.details;
        Request {
            info: request.info || needs.info || needs.age,
            memory: request.memory || needs.memory,
            peers: request.peers || needs.peers,
            details: Details {
                cmdline: details.cmdline || needs.identity,
                exe: details.exe || needs.identity,
                cgroup: details.cgroup || needs.identity,
                uid: details.uid,
            },
            ..request
        }
    }

    /// Decides which sockets are wanted. `others` are holders beside those that were named.
    pub fn places(&self, snapshot: &Snapshot, others: Option<&[Pid]>) -> Places {
        let holders = self.holders(snapshot, others);
        if self.filter.expr.is_none() && holders.is_none() {
            return Places::default();
        }
        let view = View::new(snapshot);
        let mut places = Places::default();
        for place in 0..snapshot.sockets.len() {
            let wanted = view
                .row(place)
                .is_some_and(|row| self.wants(row, holders.as_ref(), &mut places.undecided));
            places.wanted.push(wanted);
        }
        places.holders = holders;
        places
    }

    fn wants(&self, row: Row<'_>, holders: Option<&HashSet<Pid>>, undecided: &mut usize) -> bool {
        let held = holders.is_none_or(|holders| {
            let of = row.processes();
            of.iter().any(|process| holders.contains(&process.pid))
        });
        if !held {
            return false;
        }
        let Some(expr) = &self.filter.expr else {
            return true;
        };
        match expr.evaluate(&Facts::whole(row, &self.ports)) {
            Verdict::Match => true,
            Verdict::Miss => false,
            Verdict::Unknown => {
                *undecided += usize::from(could_be_known(&row));
                false
            }
        }
    }

    /// Gives the processes one of which must hold a socket: those named with their children, or those in the
    /// cgroup.
    fn holders(&self, snapshot: &Snapshot, others: Option<&[Pid]>) -> Option<HashSet<Pid>> {
        if let Some(cgroup) = &self.cgroup {
            let pids = snapshot.owners.processes.iter().map(|process| process.pid);
            return Some(pids.filter(|pid| is_in(*pid, cgroup)).collect());
        }
        if self.pids.is_empty() && others.is_none() {
            return None;
        }
        let named = self.pids.iter().copied().map(Pid).flat_map(descendants);
        Some(named.chain(others.into_iter().flatten().copied()).collect())
    }
}

impl Places {
    /// Says whether every socket is wanted.
    pub fn are_all(&self) -> bool {
        self.wanted.is_empty() && self.holders.is_none()
    }

    /// Says whether the socket at a place is wanted.
    pub fn wants(&self, place: usize) -> bool {
        self.wanted.is_empty() || self.wanted.get(place).copied().unwrap_or(false)
    }

    /// Gives the process that holds the socket at a place: of several one that was named, if any were.
    pub fn owner<'s>(&self, snapshot: &'s Snapshot, place: usize) -> Option<&'s Process> {
        let owners = snapshot.owners.processes_of(place);
        let is_named = |owner: &&&Process| {
            let named = self.holders.as_ref();
            named.is_none_or(|holders| holders.contains(&owner.pid))
        };
        owners.iter().find(is_named).copied()
    }

    /// Says in words what could not be decided.
    pub fn reason(&self) -> Option<String> {
        (self.undecided > 0).then(|| {
            format!(
                "{} sockets were left out: what the filter asks of them is not known",
                self.undecided
            )
        })
    }
}

/// Gives the path of a cgroup below the mount.
fn below_mount(path: &std::path::Path) -> Result<Vec<u8>, Failure> {
    let none = |_| wrong(format!("{} is no cgroup (v2)", path.display()));
    let id = id_of(path.as_os_str().as_bytes()).map_err(none)?;
    let mut cgroups = Cgroups::new();
    cgroups.path(id).map(<[u8]>::to_vec).map_err(none)
}
