//! What was found so far: processes, and which sockets they hold how.

use plumb_model::attribution::{Attribution, Holding, How, Process};
use plumb_model::snapshot::Socket;
use plumb_model::{Cookie, Known, NetnsId, Pid, Reason};
use rustc_hash::FxHashMap;

use super::low_inode;

/// Who was met, before more is asked of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Met<'a> {
    pub pid: u32,
    /// When it started; with the id, its identity.
    pub start_ticks: Known<u64>,
    pub comm: &'a [u8],
}

/// What is known of a socket's identity beside its inode.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    pub cookie: Cookie,
    pub netns: NetnsId,
}

/// Holdings of the sockets of a snapshot.
pub(super) struct Found {
    by_inode: FxHashMap<u32, u32>,
    /// Rows of a socket that has more than one, each with the first.
    twins: Vec<(u32, u32)>,
    processes: Vec<Process>,
    places: FxHashMap<(u32, Known<u64>), u32>,
    /// By the place of the socket.
    held: Vec<(u32, Holding)>,
    is_held: Vec<bool>,
}

impl Found {
    pub(super) fn new(sockets: &[Socket]) -> Self {
        let mut by_inode = FxHashMap::default();
        let mut twins = Vec::new();
        for (place, socket) in (0_u32..).zip(sockets) {
            if let Some(inode) = low_inode(socket) {
                let first = *by_inode.entry(inode).or_insert(place);
                if first != place {
                    twins.push((place, first));
                }
            }
        }
        Self {
            by_inode,
            twins,
            processes: Vec::new(),
            places: FxHashMap::default(),
            held: Vec::new(),
            is_held: vec![false; sockets.len()],
        }
    }

    /// Gives the inodes of all sockets that have one.
    pub(super) fn inodes(&self) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.by_inode.keys().copied()
    }

    /// Enters a holding, if the socket is one of the snapshot's.
    pub(super) fn add(
        &mut self,
        sockets: &[Socket],
        (inode, identity): (u64, Option<Identity>),
        met: Met<'_>,
        how: How,
    ) {
        let Some(place) = self.place_of(sockets, inode, identity) else {
            return;
        };
        let process = self.process(met);
        self.held.push((place, Holding { process, how }));
        if let Some(is_held) = self.is_held.get_mut(index(place)) {
            *is_held = true;
        }
    }

    /// Gives the socket with an inode, unless it is told to be another that has the inode now.
    pub(super) fn place_of(
        &self,
        sockets: &[Socket],
        inode: u64,
        identity: Option<Identity>,
    ) -> Option<u32> {
        let place = *self.by_inode.get(&u32::try_from(inode).ok()?)?;
        let socket = sockets.get(index(place))?;
        let is_other = identity.is_some_and(|identity| {
            let cookie = socket.cookie.ok();
            cookie.is_some_and(|cookie| cookie != identity.cookie || socket.netns != identity.netns)
        });
        (!is_other).then_some(place)
    }

    fn process(&mut self, met: Met<'_>) -> u32 {
        *self
            .places
            .entry((met.pid, met.start_ticks))
            .or_insert_with(|| {
                self.processes.push(Process {
                    start_ticks: met.start_ticks,
                    comm: met.comm.to_vec(),
                    ..Process::unknown(Pid(met.pid), Reason::NotInSource)
                });
                u32::try_from(self.processes.len() - 1).unwrap_or(u32::MAX)
            })
    }

    /// Gives the places of the sockets that have an inode and no holder yet.
    pub(super) fn missing(&self) -> Vec<u32> {
        let is_held = |place: u32| self.is_held.get(index(place)).copied().unwrap_or(true);
        let mut missing: Vec<u32> = self.by_inode.values().copied().collect();
        missing.retain(|&place| !is_held(place));
        missing.sort_unstable();
        missing
    }

    /// Puts everything in order: processes by pid, holdings by socket, process and way.
    pub(super) fn into_attribution(
        mut self,
        sockets: &[Socket],
        reason: impl Fn(u32, &Socket) -> Reason,
    ) -> Attribution {
        let mut order: Vec<u32> = (0_u32..).zip(&self.processes).map(|(old, _)| old).collect();
        order.sort_by_key(|&old| self.processes.get(index(old)).map(|process| process.pid));
        let mut new_places = vec![0; order.len()];
        for (new, &old) in (0_u32..).zip(&order) {
            if let Some(place) = new_places.get_mut(index(old)) {
                *place = new;
            }
        }
        self.processes.sort_by_key(|process| process.pid);
        for (_, holding) in &mut self.held {
            holding.process = new_places
                .get(index(holding.process))
                .copied()
                .unwrap_or(u32::MAX);
        }
        self.copy_to_twins();
        self.held.sort_unstable();
        self.held.dedup();
        let mut owners = Attribution::new(self.processes);
        let mut held = self.held.into_iter().peekable();
        for (place, socket) in (0_u32..).zip(sockets) {
            let own = std::iter::from_fn(|| held.next_if(|&(of, _)| of == place));
            owners.push(own.map(|(_, holding)| holding), reason(place, socket));
        }
        owners
    }

    fn copy_to_twins(&mut self) {
        if self.twins.is_empty() {
            return;
        }
        self.held.sort_unstable();
        let mut copies = Vec::new();
        for &(twin, first) in &self.twins {
            let start = self.held.partition_point(|&(of, _)| of < first);
            let own = self
                .held
                .iter()
                .skip(start)
                .take_while(|&&(of, _)| of == first);
            copies.extend(own.map(|&(_, holding)| (twin, holding)));
        }
        self.held.extend(copies);
    }
}

/// Makes a place an index.
pub(super) fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}
