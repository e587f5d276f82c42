//! The threads that wait for sockets that are held too long: now, in which call, at which code.
//!
//! Nothing is recorded for it, so it is known of sockets older than the recorder, too. How long a thread has
//! waited nobody tells; but one that stands where it stood when we began, and never ran, waited all the time.

use std::collections::HashMap;
use std::time::Instant;

use plumb_analyze::leaks::{Held, Question, judge};
use plumb_bpf::stacks::{Threads, Waiting, Waits};
use plumb_model::Reason;
use plumb_model::attribution::How;
use plumb_model::id::Pid;
use plumb_model::snapshot::Snapshot;
use plumb_model::stack::Stack;

use crate::verbs::recording::code::Code;

/// Processes whose threads are looked at at most.
const MAX_PROCESSES: usize = 64;

/// A thread that waits.
pub struct Thread {
    /// Its process.
    pub pid: Pid,
    /// The thread.
    pub tid: u32,
    /// The call it is in.
    pub call: &'static str,
    /// How many descriptors it waits for, of which one is enough.
    pub descriptors: usize,
    /// How long it has waited at least, where that is known.
    pub at_least_ns: Option<u64>,
    /// The code that called.
    pub stack: Stack,
}

/// Where a thread stood: the call, how often it gave up the processor, and when we looked.
type Stood = (u64, (Option<u64>, Option<u64>), Instant);

/// Threads, looked at when the watch began and when it ended.
#[derive(Default)]
pub struct Waiters {
    first: HashMap<(Pid, u32), Stood>,
}

impl Waiters {
    /// Looks for the first time.
    pub fn begin(&mut self, pids: &[Pid], code: &mut Code) {
        for &pid in pids.iter().take(MAX_PROCESSES) {
            let Ok(threads) = code.blocked(pid) else {
                continue;
            };
            let now = Instant::now();
            let stood = |it: Waiting| ((pid, it.tid), (it.call, it.switches, now));
            self.first.extend(threads.waiting.into_iter().map(stood));
        }
    }

    /// Gives the threads that wait now, and notes at the sockets that are held too long which wait for them.
    pub fn find(
        &self,
        now: &Snapshot,
        held: &mut [Held],
        question: &Question,
        code: &mut Code,
    ) -> (Vec<Thread>, Vec<String>) {
        let places = descriptors(now, held, question);
        let mut pids: Vec<Pid> = places.keys().map(|(pid, _)| *pid).collect();
        pids.sort_unstable_by_key(|pid| pid.0);
        pids.dedup();
        let (mut threads, mut reasons) = (Vec::new(), Vec::new());
        if let Some(more) = pids
            .len()
            .checked_sub(MAX_PROCESSES)
            .filter(|more| *more > 0)
        {
            reasons.push(format!(
                "the threads of {more} processes were not looked at: there are too many"
            ));
        }
        for &pid in pids.iter().take(MAX_PROCESSES) {
            match code.blocked(pid) {
                Ok(found) => {
                    if found.left_out > 0 {
                        reasons.push(format!(
                            "{} threads of process {} were not looked at: there are too many",
                            found.left_out, pid.0
                        ));
                    }
                    self.note(pid, found, &places, held, &mut threads);
                }
                Err(Reason::ProcessEnded) => {}
                Err(reason) => reasons.push(format!(
                    "what threads of process {} wait for is not known ({})",
                    pid.0,
                    reason.word()
                )),
            }
        }
        (threads, reasons)
    }

    fn note(
        &self,
        pid: Pid,
        found: Threads,
        places: &HashMap<(Pid, i32), usize>,
        held: &mut [Held],
        threads: &mut Vec<Thread>,
    ) {
        for waiting in found.waiting {
            let fds = match &waiting.waits {
                Waits::On(fd) => std::slice::from_ref(fd),
                Waits::Among(fds) => fds,
                Waits::Otherwise => continue,
            };
            let of_ours = fds.iter().filter_map(|fd| places.get(&(pid, *fd)));
            let of_ours: Vec<usize> = of_ours.copied().collect();
            let Some(call) = waiting.call_name().filter(|_| !of_ours.is_empty()) else {
                continue;
            };
            for place in of_ours {
                if let Some(socket) = held.get_mut(place) {
                    socket.waited_by.push(threads.len());
                }
            }
            threads.push(Thread {
                pid,
                tid: waiting.tid,
                call,
                descriptors: fds.len(),
                at_least_ns: self.since(pid, &waiting),
                stack: waiting.stack,
            });
        }
    }

    /// Says since when a thread has stood where it stands, if it never ran since we began.
    fn since(&self, pid: Pid, waiting: &Waiting) -> Option<u64> {
        let (call, switches, then) = self.first.get(&(pid, waiting.tid))?;
        let slept = *call == waiting.call && *switches == waiting.switches && switches.0.is_some();
        let ns = then.elapsed().as_nanos();
        slept.then(|| u64::try_from(ns).unwrap_or(u64::MAX))
    }
}

/// Gives the places in `held` of those that are held too long, by process and descriptor.
fn descriptors(now: &Snapshot, held: &[Held], question: &Question) -> HashMap<(Pid, i32), usize> {
    let judged = held.iter().enumerate().filter_map(|(place, socket)| {
        judge(socket, question)?;
        Some((socket.cookie?, place))
    });
    let judged: HashMap<_, usize> = judged.collect();
    let mut places = HashMap::new();
    for (place, socket) in now.sockets.iter().enumerate() {
        let found = socket.cookie.ok().and_then(|cookie| judged.get(&cookie));
        let (Some(&at), Some(holdings)) = (found, now.owners.of(place).ok()) else {
            continue;
        };
        for holding in holdings {
            // A thread's own table of descriptors is its own.
            if let (How::Descriptor(fd), Some(process)) =
                (holding.how, now.owners.process(*holding))
            {
                places.insert((process.pid, fd), at);
            }
        }
    }
    places
}
