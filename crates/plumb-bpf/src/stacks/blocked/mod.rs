//! What the threads of a process wait in now, and for which descriptors. Nothing is stopped, and no BPF needed.
//!
//! From `/proc/PID/task/TID/syscall` and the thread's memory, so it takes the right to trace the process. Of the
//! registers only two are told there: where a frame can be left by its frame pointer alone, the stack ends with
//! `register-unknown`. A thread that ran while it was looked at is looked at again, and counted as running if it
//! never keeps still.

mod waits;

use std::io;

use plumb_model::Reason;
use plumb_model::stack::Stack;

use super::memory::Memory;
use super::raw::RawStack;
use super::symbols::Symbolizer;
use super::thread::{self, Standing};
use super::unwind::Unwinder;

pub use waits::Waits;

/// Threads that are looked at at most.
const MAX_THREADS: usize = 4_096;

/// How often a thread is looked at until it keeps still.
const ATTEMPTS: u32 = 3;

/// Bytes of a stack that are read at most.
const MAX_STACK_BYTES: usize = 64 << 10;

/// The threads of a process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Threads {
    /// Those that sleep in a system call, by id.
    pub waiting: Vec<Waiting>,
    /// How many run, or would not keep still.
    pub running: usize,
    /// How many were not looked at because they are too many.
    pub left_out: usize,
}

/// A thread that sleeps in a system call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The thread, as `/proc` counts.
    pub tid: u32,
    /// The number of the call, as this machine counts.
    pub call: u64,
    /// What it waits for.
    pub waits: Waits,
    /// How often it gave up the processor of its own will and not: equal in two looks at the same call, it slept
    /// from one to the other.
    pub switches: (Option<u64>, Option<u64>),
    /// The code that called.
    pub stack: Stack,
}

impl Waiting {
    /// Gives the name of the call; `None` of one that waits for no descriptor.
    pub fn call_name(&self) -> Option<&'static str> {
        waits::name(self.call)
    }
}

/// Looks at the threads of a process. The reason is that of the first that could not be looked at: a right that
/// lacks for one thread lacks for all.
pub fn blocked(
    pid: u32,
    unwinder: &mut Unwinder,
    symbolizer: &mut Symbolizer,
) -> Result<Threads, Reason> {
    let tids = thread_ids(pid).map_err(|error| why(&error))?;
    let memory = Memory::open(pid).ok_or(Reason::PermissionDenied)?;
    let mut threads = Threads {
        left_out: tids.len().saturating_sub(MAX_THREADS),
        ..Threads::default()
    };
    for &tid in tids.iter().take(MAX_THREADS) {
        match look(pid, tid, &memory, unwinder, symbolizer) {
            Ok(Some(waiting)) => threads.waiting.push(waiting),
            Ok(None) => threads.running += 1,
            Err(error) if why(&error) == Reason::ProcessEnded => {}
            Err(error) => return Err(why(&error)),
        }
    }
    Ok(threads)
}

/// Looks at one thread until it kept still meanwhile; `None` if it never does.
fn look(
    pid: u32,
    tid: u32,
    memory: &Memory,
    unwinder: &mut Unwinder,
    symbolizer: &mut Symbolizer,
) -> io::Result<Option<Waiting>> {
    for _ in 0..ATTEMPTS {
        let Some(before) = thread::standing(pid, tid)? else {
            return Ok(None);
        };
        let bytes = memory.up_to(before.sp, MAX_STACK_BYTES);
        let Some((call, waits)) = waits::of(pid, &before.call, memory) else {
            return Ok(None);
        };
        let unwound = unwinder.unwind_waiting(&raw(pid, tid, &before, &bytes));
        if thread::standing(pid, tid)? == Some(before) {
            let stack = symbolizer.symbolize(&unwound);
            return Ok(Some(Waiting {
                tid,
                call,
                waits,
                switches: before.switches,
                stack,
            }));
        }
    }
    Ok(None)
}

fn raw<'a>(pid: u32, tid: u32, standing: &Standing, bytes: &'a [u8]) -> RawStack<'a> {
    RawStack {
        pid: tid,
        tgid: pid,
        start_ticks: 0,
        ip: standing.ip,
        sp: standing.sp,
        bp: RawStack::UNKNOWN,
        lr: RawStack::UNKNOWN,
        bytes,
        script: &[],
        kernel_fp: &[],
    }
}

fn thread_ids(pid: u32) -> io::Result<Vec<u32>> {
    let mut ids = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let name = entry?.file_name();
        ids.extend(name.to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    ids.sort_unstable();
    Ok(ids)
}

fn why(error: &io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Reason::PermissionDenied,
        // ESRCH has no kind of its own.
        _ => Reason::ProcessEnded,
    }
}
