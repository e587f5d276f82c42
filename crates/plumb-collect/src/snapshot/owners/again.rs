//! A second look for the sockets that the first pass found nobody for.
//!
//! A descriptor may have been passed on meanwhile; a thread may have a table of its own, an io_uring a
//! file of which the descriptor was closed, a message to another socket may carry it; or the socket was
//! closed. What is still open then belongs to the kernel, or to nobody this process can see.

mod mailboxes;

use plumb_model::snapshot::{Kind, Namespace, Snapshot, Socket};
use plumb_model::{Cookie, NetnsId};
use rustc_hash::FxHashSet;

use self::mailboxes::Mailboxes;
use super::found::{Found, Met, index};
use super::reasons::View;
use super::{low_inode, told};
use crate::owners::engine::Engine;
use crate::owners::odd;
use crate::snapshot::{self, Request};

/// Looks again for the sockets at `missing`.
pub(super) fn look(
    engine: Engine,
    request: &Request,
    snapshot: &Snapshot,
    found: &mut Found,
    view: &mut View,
    missing: &[u32],
) {
    let sockets = &snapshot.sockets;
    let of_missing = |place: &u32| sockets.get(index(*place)).and_then(low_inode);
    let inodes: FxHashSet<u32> = missing.iter().filter_map(of_missing).collect();
    let programs_answer = engine == Engine::Bpf && {
        let inodes: Vec<u64> = inodes.iter().copied().map(u64::from).collect();
        told::read_these(&inodes, sockets, found).is_ok()
    };
    let ways = if programs_answer {
        odd::Ways::Rings
    } else {
        odd::Ways::All
    };
    for holding in odd::look(Some(&inodes), ways) {
        let met = Met {
            pid: holding.pid,
            start_ticks: holding.start_ticks,
            comm: &holding.comm,
        };
        found.add(sockets, (holding.inode.into(), None), met, holding.how);
    }
    let missing = found.missing();
    if !missing.is_empty() {
        look_in_namespaces(request, snapshot, found, view, &missing);
    }
}

/// Reads the namespaces again: which sockets are still there, and which lie in messages.
fn look_in_namespaces(
    request: &Request,
    snapshot: &Snapshot,
    found: &mut Found,
    view: &mut View,
    missing: &[u32],
) {
    let sockets = &snapshot.sockets;
    let of = |place: u32| sockets.get(index(place));
    let mut kinds: Vec<Kind> = missing
        .iter()
        .filter_map(|&place| Some(of(place)?.kind))
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    let again = Request {
        kinds,
        owners: false,
        peers: false,
        info: false,
        memory: false,
        ..request.clone()
    };
    let mut mailboxes = Mailboxes::new();
    let mut open: FxHashSet<(NetnsId, Cookie)> = FxHashSet::default();
    let _ = snapshot::read_where(&again, &mut |namespace: &Namespace, socket: &Socket| {
        mailboxes.look_into(namespace);
        open.extend(socket.cookie.ok().map(|cookie| (socket.netns, cookie)));
        false
    });
    mailboxes.enter(sockets, found);
    for place in found.missing() {
        let is_open = of(place).is_none_or(|socket| {
            let cookie = socket.cookie.ok();
            cookie.is_none_or(|cookie| open.contains(&(socket.netns, cookie)))
        });
        if !is_open {
            view.closed.insert(place);
        }
    }
}
