//! Sockets in messages that nobody has received yet (SCM_RIGHTS), and who holds the carriers.

use plumb_bpf::in_flight::{InFlight, Probe};
use plumb_model::attribution::How;
use plumb_model::snapshot::{Namespace, Socket};
use plumb_model::{Inode, NetnsId};
use rustc_hash::FxHashMap;

use super::super::found::Found;
use super::super::told;

/// Sockets in messages that wait in the queues of others.
pub(super) struct Mailboxes {
    probe: Option<Probe>,
    namespace: Option<NetnsId>,
    carried: Vec<InFlight>,
}

impl Mailboxes {
    pub(super) fn new() -> Self {
        Self {
            // Without it nothing is known of messages, and the reason says no more than that.
            probe: Probe::load().ok(),
            namespace: None,
            carried: Vec::new(),
        }
    }

    /// Looks into the queues of the namespace this thread is in, once.
    pub(super) fn look_into(&mut self, namespace: &Namespace) {
        if self.namespace.replace(namespace.id) == Some(namespace.id) {
            return;
        }
        let Some(probe) = &mut self.probe else {
            return;
        };
        let carried = &mut self.carried;
        // What was told before reading ended is true.
        let _ = probe.read(&mut |file| carried.push(*file));
    }

    /// Enters what lies in messages, with those who hold the carriers.
    pub(super) fn enter(self, sockets: &[Socket], found: &mut Found) {
        let mut carriers: FxHashMap<u64, Vec<InFlight>> = FxHashMap::default();
        for carried in self.carried {
            let identity = told::identity(carried.cookie, carried.netns);
            if found.place_of(sockets, carried.inode, identity).is_some() {
                carriers.entry(carried.carrier).or_default().push(carried);
            }
        }
        let inodes: Vec<u64> = carriers.keys().copied().collect();
        let _ = told::each(&inodes, &mut |inode, met| {
            for carried in carriers.get(&inode).map_or(&[][..], Vec::as_slice) {
                let identity = told::identity(carried.cookie, carried.netns);
                let carrier = Inode(inode);
                found.add(
                    sockets,
                    (carried.inode, identity),
                    met,
                    How::InFlight { carrier },
                );
            }
        });
    }
}
