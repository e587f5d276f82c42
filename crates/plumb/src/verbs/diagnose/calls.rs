//! Calls of programs that the kernel refuses while the watch lasts (`bind()`, `listen()` and `connect()`), and packets of
//! sockets that the firewall throws away, from the recorder where it may run.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use plumb_bpf::recorder::{Layer, Plan, Recorder, Scope, Told, calls};
use plumb_collect::sys::signal;
use plumb_model::event::{Event, What};
use plumb_model::finding::Gap;
use plumb_model::id::Pid;
use plumb_model::notice::{Filtered, RefusedCall};
use plumb_model::{NetnsId, Reason};
use plumb_wire::sockaddr::decode_inet;

use super::look::Refused;

/// What this kernel calls a drop by a rule of the firewall.
const FILTERED: &str = "NETFILTER_DROP";
/// Distinct failures that are kept, and distinct flows whose packets were thrown away.
const MOST: usize = 4096;
/// `EALREADY`, `EINTR`: not refused yet.
const GOES_ON: [i64; 2] = [114, 4];
/// `EINPROGRESS`: not refused yet either, and who asked does not wait for the answer. Of a command it is kept, because
/// the wire tells what became of it.
const IN_PROGRESS: i64 = 115;
/// How long one wait for events may last.
const LOOK: Duration = Duration::from_millis(50);

type Key = (&'static str, Pid, u8, SocketAddr, i32, Option<NetnsId>);

type FlowKey = (u8, SocketAddr, SocketAddr, Option<NetnsId>);

/// The calls heard so far.
pub(super) struct Calls {
    recorder: Recorder,
    /// Whether a command is listened to.
    of_command: bool,
    heard: BTreeMap<Key, (Vec<u8>, u64)>,
    filtered: BTreeMap<FlowKey, u64>,
    lost: u64,
}

impl Calls {
    /// Begins to listen to everybody, or to a process and its children; the error is why that is not possible,
    /// in words.
    pub fn start(root: Option<Pid>) -> Result<Self, String> {
        let plan = Plan {
            scope: root.map_or(Scope::Host, |_| Scope::Processes),
            layers: vec![Layer::Calls, Layer::Drops],
            no_stacks: true,
            only_calls: &["bind", "listen", "connect"],
            ..Plan::default()
        };
        let mut recorder = Recorder::start(&plan).map_err(|unavailable| unavailable.why)?;
        if let Some(root) = root {
            recorder.follow(root).map_err(|error| error.to_string())?;
        }
        Ok(Self {
            recorder,
            of_command: root.is_some(),
            heard: BTreeMap::new(),
            filtered: BTreeMap::new(),
            lost: 0,
        })
    }

    /// Listens until then, or until somebody interrupts.
    pub fn listen_until(&mut self, end: Instant) {
        loop {
            let left = end.saturating_duration_since(Instant::now());
            self.recorder.wait(left.min(LOOK));
            self.take(false);
            if left.is_zero() || signal::interrupted() {
                return;
            }
        }
    }

    fn take(&mut self, everything: bool) {
        let Self {
            recorder,
            of_command,
            heard,
            filtered,
            lost,
        } = self;
        let by_rule = recorder.names().drop_number(FILTERED);
        let mut take = |told: Told<'_>| {
            let Told::Event(event) = told else { return };
            if let Some((key, comm)) = refused(&event, *of_command) {
                match room(heard, key) {
                    Some(entry) => entry.or_insert((comm, 0)).1 += 1,
                    None => *lost += 1,
                }
            } else if let Some(key) = thrown_away(&event, by_rule) {
                match room(filtered, key) {
                    Some(entry) => *entry.or_insert(0) += 1,
                    None => *lost += 1,
                }
            }
        };
        if everything {
            recorder.poll_rest(take);
        } else {
            while recorder.poll(&mut take) {}
        }
    }

    /// Ends, and gives what was refused in which network namespace, and what was not heard.
    pub fn finish(mut self) -> Refused {
        self.take(true);
        let lost = self.lost + self.recorder.losses().events;
        let calls = self.heard.into_iter().map(|(key, (comm, count))| {
            let (call, pid, protocol, address, errno, netns) = key;
            let refused = RefusedCall {
                call,
                pid,
                comm,
                protocol,
                address,
                errno,
                count,
            };
            (netns, refused)
        });
        let filtered = self.filtered.into_iter().map(|(key, count)| {
            let (protocol, local, peer, netns) = key;
            let filtered = Filtered {
                protocol,
                local,
                peer,
                count,
            };
            (netns, filtered)
        });
        Refused {
            calls: calls.collect(),
            filtered: filtered.collect(),
            gap: (lost > 0).then(|| Gap {
                what: format!("{lost} of the calls that failed"),
                reason: Reason::NotInSource,
            }),
        }
    }
}

/// Gives the place of a key; `None` where there are too many others.
fn room<K: Ord, V>(kept: &mut BTreeMap<K, V>, key: K) -> Option<Entry<'_, K, V>> {
    (kept.len() < MOST || kept.contains_key(&key)).then(|| kept.entry(key))
}

/// Says of which flow the event tells that a rule threw a packet of it away, `by_rule` being the kernel's number for
/// that.
fn thrown_away(event: &Event, by_rule: Option<u32>) -> Option<FlowKey> {
    let What::Dropped { reason } = event.what else {
        return None;
    };
    let ends = event.ends.filter(|_| Some(reason) == by_rule)?;
    Some((ends.protocol, ends.local, ends.peer, event.netns))
}

/// Says what was refused to whom, if the event tells of that.
fn refused(event: &Event, of_command: bool) -> Option<(Key, Vec<u8>)> {
    let What::Call(call) = &event.what else {
        return None;
    };
    let is_told = !GOES_ON.contains(&-call.result) && (of_command || -call.result != IN_PROGRESS);
    let failed = call.end_ns.is_some() && call.result < 0;
    if !failed || !is_told {
        return None;
    }
    let name = calls::find(call.number)?.name;
    // The address of `listen()` is the one that was bound.
    let bound = event.ends.filter(|_| name == "listen");
    let address = decode_inet(&call.address).or(bound.map(|ends| ends.local))?;
    let task = event.task.as_ref()?;
    let errno = i32::try_from(-call.result).ok()?;
    let protocol = event.ends.map_or(0, |ends| ends.protocol);
    Some((
        (name, task.pid, protocol, address, errno, event.netns),
        task.comm.clone(),
    ))
}
