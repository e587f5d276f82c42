//! Events as lines of text, as they come.

use std::fmt::Write as _;

use plumb_bpf::recorder::Names;
use plumb_model::event::{Call, Event, What};
use plumb_present::report::stack;
use plumb_present::sanitize::for_terminal;

use super::call::{self, Behind};
use super::kernel;
use super::names::ProcessNames;
use crate::output::Output;
use crate::verbs::recording::code::Code;

/// How lines are written.
pub struct Writer<'a> {
    /// This kernel's names of reasons.
    pub names: &'a Names,
    /// As strace.
    pub strace_like: bool,
    /// With the code behind each.
    pub stacks: bool,
    /// Calls are told, so what they tell need not be told twice.
    pub calls: bool,
    /// When the first event happened: times are counted from there.
    pub begun: Option<u64>,
    /// A terminal reads it.
    pub terminal: bool,
    /// Names of processes.
    pub processes: ProcessNames,
}

impl Writer<'_> {
    /// Writes an event.
    pub fn write(&mut self, event: &Event, code: &mut Code, out: &mut Output) {
        if let Some(task) = &event.task {
            self.processes.learn(task);
        }
        let text = match &event.what {
            // A shell begins and ends dozens of programs that never see the network; JSON has them.
            What::Exec | What::Exit => return,
            // The calls themselves stand in the timeline, with their arguments.
            What::Made { .. } | What::Bound { chosen: false, .. } if self.calls => return,
            What::Call(made) if self.strace_like => strace(event, made),
            What::Call(made) => {
                let body = format!(
                    "{} = {}",
                    call::invocation(event, made, Behind::Ours),
                    call::result(made)
                );
                let mut line = self.plain(event, &body);
                if let Some(end) = made.end_ns {
                    let _ = write!(line, "  {}", took(end.saturating_sub(event.time_ns)));
                }
                line
            }
            _ => match kernel::words(event, self.names, self.calls) {
                Some((_, words)) if self.strace_like => {
                    format!("[pid {}] --- {}{words} ---", owner(event), place(event))
                }
                Some((_, words)) => self.plain(event, &format!("  {}{words}", place(event))),
                None => return,
            },
        };
        self.put(text.as_bytes(), out);
        if self.stacks
            && let Some(stack) = event.stack.and_then(|id| code.stack(id))
        {
            for frame in stack::lines(&stack) {
                self.put(format!("{:>14}    at {frame}", "").as_bytes(), out);
            }
        }
        out.end_batch();
    }

    /// A line of ours: seconds since the first, who, what.
    fn plain(&mut self, event: &Event, body: &str) -> String {
        let begun = *self.begun.get_or_insert(event.time_ns);
        let us = event.time_ns.saturating_sub(begun) / 1000;
        let who = match &event.task {
            Some(task) => [&task.comm, format!(" {}", task.tid).as_bytes()].concat(),
            None => self.processes.text(event).into_bytes(),
        };
        // A name may hold anything, and a line is one also in a pipe.
        let who = for_terminal(&who);
        let who = String::from_utf8_lossy(&who);
        format!(
            "{:>6}.{:06} {who:<20} {body}",
            us / 1_000_000,
            us % 1_000_000
        )
    }

    fn put(&self, text: &[u8], out: &mut Output) {
        out.raw(|out| {
            if self.terminal {
                out.extend_from_slice(&for_terminal(text));
            } else {
                out.extend_from_slice(text);
            }
            out.push(b'\n');
        });
    }
}

fn owner(event: &Event) -> String {
    event
        .owner
        .map_or_else(|| String::from("-"), |pid| pid.0.to_string())
}

/// The ends of a connection, as `127.0.0.1:40000 > 127.0.0.1:80 `; nothing for events of processes.
fn place(event: &Event) -> String {
    match event.ends {
        Some(ends) if ends.peer.port() != 0 => format!("{} > {} ", ends.local, ends.peer),
        Some(ends) if ends.local.port() != 0 => format!("{} ", ends.local),
        Some(_) | None => String::new(),
    }
}

/// A call as strace prints it, with the thread and the time it took.
fn strace(event: &Event, made: &Call) -> String {
    let tid = event.task.as_ref().map_or(0, |task| task.tid);
    let head = call::invocation(event, made, Behind::Strace);
    let Some(end) = made.end_ns else {
        return format!("[pid {tid}] {head} <unfinished ...>");
    };
    let us = end.saturating_sub(event.time_ns) / 1000;
    format!(
        "[pid {tid}] {head} = {}{} <{}.{:06}>",
        call::result(made),
        meaning(made.result),
        us / 1_000_000,
        us % 1_000_000
    )
}

/// What an error means, in the words of the C library, as ` (Connection refused)`; nothing for other results.
fn meaning(result: i64) -> String {
    let errno = i32::try_from(result.saturating_neg()).ok();
    // Above are the kernel's own, which no program sees.
    let Some(errno) = errno.filter(|errno| (1..512).contains(errno)) else {
        return String::new();
    };
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    format!(" ({})", crate::errno::plain(&text))
}

/// A time as people say it.
pub fn took(ns: u64) -> String {
    let us = ns / 1000;
    match us {
        0..=9_999 => format!("{us}us"),
        10_000..=9_999_999 => format!("{}ms", us / 1000),
        _ => format!("{}s", us / 1_000_000),
    }
}
