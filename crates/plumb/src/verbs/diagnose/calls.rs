//! Calls of programs that the kernel refuses while the watch lasts: `bind()`, `listen()` and `connect()`, from
//! the recorder where it may run.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use plumb_bpf::recorder::{Layer, Plan, Recorder, Scope, Told, calls};
use plumb_collect::sys::signal;
use plumb_model::event::{Event, What};
use plumb_model::finding::Gap;
use plumb_model::id::Pid;
use plumb_model::notice::RefusedCall;
use plumb_model::{NetnsId, Reason};
use plumb_wire::sockaddr::decode_inet;

use super::look::Refused;

/// Distinct failures that are kept.
const MOST: usize = 4096;
/// `EALREADY`, `EINTR`: not refused yet.
const GOES_ON: [i64; 2] = [114, 4];
/// `EINPROGRESS`: not refused yet either, and who asked does not wait for the answer. Of a command it is kept, because
/// the wire tells what became of it.
const IN_PROGRESS: i64 = 115;
/// How long one wait for events may last.
const LOOK: Duration = Duration::from_millis(50);

type Key = (&'static str, Pid, u8, SocketAddr, i32, Option<NetnsId>);

/// The calls heard so far.
pub(super) struct Calls {
    recorder: Recorder,
    /// Whether a command is listened to.
    of_command: bool,
    heard: BTreeMap<Key, (Vec<u8>, u64)>,
    lost: u64,
}

impl Calls {
    /// Begins to listen to everybody, or to a process and its children; the error is why that is not possible,
    /// in words.
    pub fn start(root: Option<Pid>) -> Result<Self, String> {
        let plan = Plan {
            scope: root.map_or(Scope::Host, |_| Scope::Processes),
            layers: vec![Layer::Calls],
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
            lost,
        } = self;
        let mut take = |told: Told<'_>| {
            if let Told::Event(event) = told
                && let Some((key, comm)) = refused(&event, *of_command)
            {
                if heard.len() >= MOST && !heard.contains_key(&key) {
                    *lost += 1;
                } else {
                    heard.entry(key).or_insert((comm, 0)).1 += 1;
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
        Refused {
            calls: calls.collect(),
            gap: (lost > 0).then(|| Gap {
                what: format!("{lost} of the calls that failed"),
                reason: Reason::NotInSource,
            }),
        }
    }
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
