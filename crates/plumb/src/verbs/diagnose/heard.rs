//! What the recorder's events say of calls that the kernel refuses, and of packets that it throws away.
//!
//! Nothing is read here: events in, [`Refused`] out. Who does not wait for `connect()` (EINPROGRESS) is told later, at his
//! socket, that he was refused; the same change of state is seen of who waits, whose call then returns the same error.
//! Each attempt counts once. Who was refused a port and then has another is known by what he bound or listens at since.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use plumb_bpf::recorder::calls;
use plumb_model::NetnsId;
use plumb_model::event::{Call, Event, StateChange, Task, What};
use plumb_model::id::{Cookie, Pid};
use plumb_model::notice::{Filtered, Martian, RefusedCall, Resolving};
use plumb_model::socket::SocketState;
use plumb_wire::sockaddr::{decode_inet, decode_unix};

use super::look::{Refused, UnixRefused};

/// Distinct failures that are kept, distinct flows whose packets were thrown away, and attempts under way.
const MOST: usize = 4096;
/// `EALREADY`, `EINTR`, `EINPROGRESS`: not refused yet.
const GOES_ON: [i64; 3] = [114, 4, 115];
/// `EAGAIN`, which is what `connect()` to a UNIX listener without room returns to who does not wait.
const NO_ROOM: i64 = 11;
/// `IPPROTO_TCP`, `IPPROTO_UDP`.
const TCP: u8 = 6;
const UDP: u8 = 17;
/// Where name servers are asked.
const NAMES: u16 = 53;

/// Who called what, for which address, the error, the source of a datagram, and the interface that the socket is bound to.
type Key = (
    Pid,
    &'static str,
    u8,
    SocketAddr,
    i32,
    Option<NetnsId>,
    Option<IpAddr>,
    Option<u32>,
);

/// Who called `connect()`, and the name.
type UnixKey = (Pid, Vec<u8>, Option<NetnsId>);

/// Who bound a port of which protocol.
type BoundKey = (Pid, u8, u16, Option<NetnsId>);

type FlowKey = (u8, SocketAddr, SocketAddr, Option<NetnsId>);

/// How often, by whom, and what he took instead.
#[derive(Debug)]
struct Failed {
    comm: Vec<u8>,
    count: u64,
    instead: Option<SocketAddr>,
}

/// What this kernel calls drops: by a rule of the firewall, and for a sender that cannot be there.
#[derive(Debug, Default)]
pub(super) struct Reasons {
    pub by_rule: Option<u32>,
    pub martian: Vec<u32>,
}

/// What was heard so far.
#[derive(Debug, Default)]
pub(super) struct Heard {
    failed: BTreeMap<Key, Failed>,
    filtered: BTreeMap<FlowKey, u64>,
    /// The same of packets that no socket has.
    strays: BTreeMap<FlowKey, u64>,
    /// Packets whose sender cannot be where they came in: interface, sender, destination.
    martians: BTreeMap<(Option<NetnsId>, u32, IpAddr, IpAddr), u64>,
    /// Who found no room at UNIX listeners, and how often.
    no_room: BTreeMap<UnixKey, (Vec<u8>, u64)>,
    /// What processes bound by name: their own sockets may be in their way.
    bound: BTreeMap<BoundKey, SocketAddr>,
    /// Who turned to name servers, and in which network namespace.
    resolving: BTreeSet<(Option<NetnsId>, Resolving)>,
    /// Attempts to connect that nobody has answered yet.
    begun: BTreeMap<Cookie, Task>,
    /// Sockets whose failure was counted, and of which no `connect()` has told it yet.
    counted: BTreeSet<Cookie>,
    /// What there was no room for.
    pub lost: u64,
}

impl Heard {
    /// Takes an event.
    pub fn hear(&mut self, event: &Event, reasons: &Reasons) {
        match &event.what {
            What::Call(call) => self.called(event, call),
            What::State(change) => self.changed(event, change),
            What::Dropped {
                reason, of_socket, ..
            } if Some(*reason) == reasons.by_rule => {
                self.thrown_away(event, *of_socket);
            }
            What::Dropped {
                reason,
                interface: Some(interface),
                ..
            } if reasons.martian.contains(reason) => self.came_wrong(event, *interface),
            _ => {}
        }
    }

    /// Gives what was refused in which network namespace.
    pub fn finish(self) -> Refused {
        let bound = self.bound;
        let calls = self.failed.into_iter().map(|(key, failed)| {
            let (pid, call, protocol, address, errno, netns, source, interface) = key;
            let own = bound.get(&(pid, protocol, address.port(), netns));
            let own = own.filter(|own| **own != address && overlaps(**own, address));
            let refused = RefusedCall {
                call,
                pid,
                comm: failed.comm,
                protocol,
                address,
                source,
                interface,
                errno,
                count: failed.count,
                instead: failed.instead.or(own.copied()),
            };
            (netns, refused)
        });
        let filtered = self.filtered.into_iter().map(flow);
        let strays = self.strays.into_iter().map(flow);
        let martians = self.martians.into_iter().map(|(key, count)| {
            let (netns, interface, source, destination) = key;
            let martian = Martian {
                interface,
                source,
                destination,
                count,
            };
            (netns, martian)
        });
        let unix = self.no_room.into_iter().map(|(key, (comm, count))| {
            let (pid, name, netns) = key;
            let refused = UnixRefused {
                pid,
                comm,
                name,
                count,
            };
            (netns, refused)
        });
        Refused {
            resolving: self.resolving.into_iter().collect(),
            unix: unix.collect(),
            calls: calls.collect(),
            filtered: filtered.collect(),
            strays: strays.collect(),
            martians: martians.collect(),
            ..Refused::default()
        }
    }

    fn called(&mut self, event: &Event, call: &Call) {
        let told = calls::find(call.number).zip(event.task.as_ref());
        let (Some((described, task)), Some(_)) = (told, call.end_ns) else {
            return;
        };
        let name = described.name;
        if call.result >= 0 {
            self.took(event, call, name, task.pid);
            if name == "connect" {
                self.connected(event, call, task.pid);
            }
            return;
        }
        let cookie = event.cookie.filter(|_| name == "connect");
        // Who does not wait may call again, to be told.
        if GOES_ON.contains(&-call.result) {
            return;
        }
        if cookie.is_some_and(|cookie| self.counted.remove(&cookie)) {
            return;
        }
        if let Some(unix) = decode_unix(&call.address) {
            if -call.result == NO_ROOM && name == "connect" {
                let key = (task.pid, unix.to_vec(), event.netns);
                match room(&mut self.no_room, key) {
                    Some(entry) => entry.or_insert_with(|| (task.comm.clone(), 0)).1 += 1,
                    None => self.lost += 1,
                }
            }
            return;
        }
        let sends = calls::sends(call.number);
        // The address of `listen()` is the one that was bound, that of a send on a connected socket its peer.
        let end = event.ends.and_then(|ends| match name {
            "listen" => Some(ends.local),
            _ if sends => Some(ends.peer).filter(|peer| !peer.ip().is_unspecified()),
            _ => None,
        });
        let address = decode_inet(&call.address).or(end);
        let source = event.ends.filter(|_| sends).map(|ends| ends.local.ip());
        let source = source.map(|source| source.to_canonical());
        let source = source.filter(|source| !source.is_unspecified());
        let protocol = event.ends.map_or(0, |ends| ends.protocol);
        if let (Some(address), Ok(errno)) = (address, i32::try_from(-call.result)) {
            let key = (
                task.pid,
                name,
                protocol,
                address,
                errno,
                event.netns,
                source,
                call.interface,
            );
            self.fail(key, task);
        }
    }

    fn fail(&mut self, key: Key, task: &Task) {
        let Some(entry) = room(&mut self.failed, key) else {
            self.lost += 1;
            return;
        };
        let failed = entry.or_insert_with(|| Failed {
            comm: task.comm.clone(),
            count: 0,
            instead: None,
        });
        failed.count += 1;
        // What it had before this time was not for it.
        failed.instead = None;
    }

    /// Notes what a process has instead of what it was refused. A client's socket may be bound to any port, so only who
    /// named one, or listens, has a port to serve.
    fn took(&mut self, event: &Event, call: &Call, name: &str, pid: Pid) {
        let Some(ends) = event.ends else { return };
        let asked = || decode_inet(&call.address).filter(|asked| asked.port() != 0);
        let end = match name {
            "bind" => asked(),
            "listen" => Some(ends.local),
            _ => None,
        };
        let Some(end) = end else { return };
        if name == "bind" {
            let key = (pid, ends.protocol, end.port(), event.netns);
            if let Some(entry) = room(&mut self.bound, key) {
                entry.or_insert(end);
            }
        }
        let of_process = self
            .failed
            .iter_mut()
            .filter(|((of, name, ..), _)| *of == pid && matches!(*name, "bind" | "listen"));
        for ((_, _, protocol, wanted, _, netns, ..), failed) in of_process {
            let alike = *protocol == ends.protocol && *netns == event.netns;
            if alike && (wanted.port() != end.port() || *wanted == end) {
                failed.instead.get_or_insert(end);
            }
        }
    }

    /// Notes who asks a name server: his socket may be closed by the time anybody looks.
    fn connected(&mut self, event: &Event, call: &Call, pid: Pid) {
        let is_udp = event.ends.is_some_and(|ends| ends.protocol == UDP);
        let server = decode_inet(&call.address).filter(|to| is_udp && to.port() == NAMES);
        if let Some(server) = server.filter(|_| self.resolving.len() < MOST) {
            self.resolving
                .insert((event.netns, Resolving { pid, server }));
        }
    }

    /// Follows an attempt to connect, from the call that begins it to its end.
    fn changed(&mut self, event: &Event, change: &StateChange) {
        let Some(cookie) = event.cookie else { return };
        if change.new == SocketState::SYN_SENT {
            if let Some(task) = &event.task {
                match room(&mut self.begun, cookie) {
                    Some(entry) => {
                        entry.or_insert_with(|| task.clone());
                    }
                    None => self.lost += 1,
                }
            }
            self.counted.remove(&cookie);
            return;
        }
        let Some(task) = self.begun.remove(&cookie) else {
            return;
        };
        let failed = change.new == SocketState::CLOSE && change.errno > 0;
        if let Some(ends) = event.ends.filter(|_| failed) {
            let netns = event.netns;
            let errno = change.errno;
            let key = (
                task.pid, "connect", TCP, ends.peer, errno, netns, None, None,
            );
            self.fail(key, &task);
            self.counted.insert(cookie);
            // Cookies count upwards: the first is the oldest.
            if self.counted.len() > MOST {
                self.counted.pop_first();
            }
        }
    }

    /// A packet whose sender cannot be where it came in.
    fn came_wrong(&mut self, event: &Event, interface: u32) {
        let Some(ends) = event.ends else { return };
        let key = (event.netns, interface, ends.peer.ip(), ends.local.ip());
        match room(&mut self.martians, key) {
            Some(entry) => *entry.or_insert(0) += 1,
            None => self.lost += 1,
        }
    }

    /// A packet that a rule of the firewall threw away: of a flow, or of nobody here.
    fn thrown_away(&mut self, event: &Event, of_socket: bool) {
        let Some(ends) = event.ends else { return };
        let key = (ends.protocol, ends.local, ends.peer, event.netns);
        // Of a process that is followed its packets are known by their ends alone.
        let kept = if of_socket || event.owner.is_some() {
            &mut self.filtered
        } else {
            &mut self.strays
        };
        match room(kept, key) {
            Some(entry) => *entry.or_insert(0) += 1,
            None => self.lost += 1,
        }
    }
}

/// Gives packets between two ends, with their network namespace.
fn flow((key, count): (FlowKey, u64)) -> (Option<NetnsId>, Filtered) {
    let (protocol, local, peer, netns) = key;
    let flow = Filtered {
        protocol,
        local,
        peer,
        count,
    };
    (netns, flow)
}

/// Says whether two ends of one port may be in each other's way: one of them is every address, or both are the same.
fn overlaps(one: SocketAddr, other: SocketAddr) -> bool {
    let is_any = |end: SocketAddr| end.ip().to_canonical().is_unspecified();
    is_any(one) || is_any(other) || one.ip().to_canonical() == other.ip().to_canonical()
}

/// Gives the place of a key; `None` where there are too many others.
fn room<K: Ord, V>(kept: &mut BTreeMap<K, V>, key: K) -> Option<Entry<'_, K, V>> {
    (kept.len() < MOST || kept.contains_key(&key)).then(|| kept.entry(key))
}

#[cfg(test)]
mod tests;
