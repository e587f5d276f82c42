//! The thread that empties the rings of the programs. It copies and does nothing else.
//!
//! The rings are the kernel's memory and small; what is done with an event may take long: files are opened
//! to name code, a pipe waits for its reader. Meanwhile this thread keeps room in the rings. What it copied
//! waits in our own memory, which is bounded as well ([`limits::WAITING_BYTES`]): beyond that it leaves events
//! where they are, and the programs count those that find no room. So every loss is counted in one place.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use super::limits;
use super::records::Records;
use super::ring::Ring;

/// How long an answer of the thread is waited for, which only copies.
const PATIENCE: Duration = Duration::from_secs(5);

/// The nice value of what goes first.
const FIRST: i32 = -20;

/// What one look found.
struct Batch {
    events: Records,
    stacks: Records,
    /// Somebody had asked for it, so all that had happened by then is here or before.
    asked_for: bool,
}

/// What the thread and its owner share beside the batches.
struct Shared {
    /// Bytes that were copied and not handed on yet.
    waiting_bytes: AtomicUsize,
    over: AtomicBool,
    /// Wakes the thread.
    bell: OwnedFd,
    /// Readable when the thread has copied something since this was last heard.
    told: OwnedFd,
}

impl Shared {
    fn has_room(&self) -> bool {
        self.waiting_bytes.load(Ordering::Relaxed) < limits::WAITING_BYTES
    }

    fn keep(&self, records: &Records) {
        self.waiting_bytes
            .fetch_add(records.bytes(), Ordering::Relaxed);
    }

    fn hand_on(&self, records: &Records) {
        self.waiting_bytes
            .fetch_sub(records.bytes(), Ordering::Relaxed);
    }
}

/// The thread, and what it has copied.
pub(super) struct Reader {
    shared: Arc<Shared>,
    batches: Receiver<Batch>,
    thread: Option<JoinHandle<()>>,
    events: VecDeque<Records>,
    stacks: VecDeque<Records>,
}

impl Reader {
    /// Begins to read.
    pub(super) fn start(events: Ring, stacks: Ring) -> std::io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let shared = Arc::new(Shared {
            waiting_bytes: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            bell: eventfd(0, flags)?,
            told: eventfd(0, flags)?,
        });
        let (tell, batches) = channel();
        let rings = Rings {
            events,
            stacks,
            shared: Arc::clone(&shared),
            tell,
        };
        let thread = std::thread::Builder::new().name(String::from("rings"));
        let thread = thread.spawn(move || rings.empty_until_over())?;
        Ok(Self {
            shared,
            batches,
            thread: Some(thread),
            events: VecDeque::new(),
            stacks: VecDeque::new(),
        })
    }

    /// Takes what has been copied so far, without waiting.
    pub(super) fn take(&mut self) {
        while let Ok(batch) = self.batches.try_recv() {
            self.keep(batch);
        }
    }

    /// Waits until something is copied or the time is over.
    pub(super) fn wait(&mut self, longest: Duration) {
        if let Ok(batch) = self.batches.recv_timeout(longest) {
            self.keep(batch);
        }
    }

    /// Waits until something is copied, something happens to one of the others, or the time is over.
    pub(super) fn wait_also<'f>(
        &'f self,
        others: impl IntoIterator<Item = PollFd<'f>>,
        longest: Duration,
    ) {
        let own = PollFd::new(&self.shared.told, PollFlags::IN);
        let mut wanted: Vec<PollFd<'f>> = others.into_iter().chain([own]).collect();
        let longest = Timespec::try_from(longest).ok();
        // Woken by a signal: the caller looks at what there is.
        let _ = poll(&mut wanted, longest.as_ref());
        // Before it is looked at: what is copied later rings again.
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.shared.told, &mut count);
    }

    /// Takes everything that has happened until now.
    pub(super) fn catch_up(&mut self) {
        ring_the_bell(&self.shared.bell);
        while let Ok(batch) = self.batches.recv_timeout(PATIENCE) {
            let asked_for = batch.asked_for;
            self.keep(batch);
            if asked_for {
                return;
            }
        }
    }

    fn keep(&mut self, batch: Batch) {
        self.events.push_back(batch.events);
        self.stacks.push_back(batch.stacks);
    }

    /// Hands on the stacks that were taken.
    pub(super) fn stacks(&mut self, mut each: impl FnMut(&[u8])) {
        for mut stacks in self.stacks.drain(..) {
            while let Some(stack) = stacks.next() {
                each(stack);
            }
            self.shared.hand_on(&stacks);
        }
    }

    /// Hands on so many of the events that were taken; says whether there are more.
    pub(super) fn events(&mut self, most: usize, mut each: impl FnMut(&[u8])) -> bool {
        let mut left = most;
        while let Some(events) = self.events.front_mut() {
            while let Some(event) = events.next() {
                each(event);
                left -= 1;
                if left == 0 {
                    return true;
                }
            }
            self.shared.hand_on(events);
            self.events.pop_front();
        }
        false
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        ring_the_bell(&self.shared.bell);
        if let Some(thread) = self.thread.take() {
            // One that panicked has said so.
            let _ = thread.join();
        }
    }
}

/// A bell that was rung already and not heard is no failure.
fn ring_the_bell(bell: &OwnedFd) {
    let _ = rustix::io::write(bell, &1_u64.to_ne_bytes());
}

/// The thread's side.
struct Rings {
    events: Ring,
    stacks: Ring,
    shared: Arc<Shared>,
    tell: Sender<Batch>,
}

impl Rings {
    fn empty_until_over(mut self) {
        // It has little to do and must do it in time, whoever else wants the processor. Who may not ask for
        // that goes without.
        let _ = rustix::process::setpriority_process(None, FIRST);
        loop {
            if self.shared.has_room() {
                self.wait();
            } else {
                self.wait_for_room();
            }
            let over = self.shared.over.load(Ordering::Relaxed);
            let mut count = [0; 8];
            let asked_for = rustix::io::read(&self.shared.bell, &mut count).is_ok();
            if over {
                return;
            }
            let batch = self.look(asked_for);
            let is_empty = batch.events.bytes() == 0 && batch.stacks.bytes() == 0;
            if asked_for || !is_empty {
                if self.tell.send(batch).is_err() {
                    return;
                }
                ring_the_bell(&self.shared.told);
            }
        }
    }

    /// Waits until a stack was sent, somebody asks, or it is time to look at the events. A stack must be
    /// followed while its process is there, so programs wake us for each; events they only leave.
    fn wait(&self) {
        let mut wanted = [
            PollFd::new(&self.stacks, PollFlags::IN),
            PollFd::new(&self.shared.bell, PollFlags::IN),
        ];
        let longest = Timespec::try_from(limits::LOOK).ok();
        let _ = poll(&mut wanted, longest.as_ref());
    }

    /// Waits until somebody asks or it is time: while nothing may be copied, what is in the rings must not
    /// wake us.
    fn wait_for_room(&self) {
        let mut wanted = [PollFd::new(&self.shared.bell, PollFlags::IN)];
        let longest = Timespec::try_from(limits::LOOK).ok();
        let _ = poll(&mut wanted, longest.as_ref());
    }

    fn look(&mut self, asked_for: bool) -> Batch {
        let mut batch = Batch {
            events: Records::default(),
            stacks: Records::default(),
            asked_for,
        };
        if asked_for || self.shared.has_room() {
            // A program sends a stack before the event that names it: with the events read first, their
            // stacks are there for certain.
            self.events
                .copy(limits::EVENT_LOOK_BYTES, &mut batch.events);
            self.stacks
                .copy(limits::STACK_LOOK_BYTES, &mut batch.stacks);
            batch.events.shrink();
            batch.stacks.shrink();
            self.shared.keep(&batch.events);
            self.shared.keep(&batch.stacks);
        }
        batch
    }
}
