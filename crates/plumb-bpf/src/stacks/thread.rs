//! Where a thread stands: asleep in which call, and whether it ran since somebody last looked.

use std::io;

use plumb_wire::proc::process_stat;
use plumb_wire::proc::syscall::{InKernel, decode_syscall};

use super::memory::Memory;
use super::raw::RawStack;

/// A sleeping thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// The call it is in.
    pub(super) call: InKernel,
    /// Its stack pointer.
    pub(super) sp: u64,
    /// Its instruction pointer.
    pub(super) ip: u64,
    /// How often it gave up the processor: as long as that is the same, it did not run.
    pub(super) switches: (Option<u64>, Option<u64>),
}

/// Says where a thread stands; `None` if it runs.
pub(super) fn standing(process: u32, thread: u32) -> io::Result<Option<Standing>> {
    let call = decode_syscall(&read(process, thread, "syscall")?);
    let Some(call @ (InKernel::Call { sp, ip, .. } | InKernel::NotInCall { sp, ip })) = call else {
        return Ok(None);
    };
    let status = read(process, thread, "status")?;
    let count = |key: &[u8]| {
        let word = process_stat::field(&status, key)?.next()?;
        core::str::from_utf8(word).ok()?.parse().ok()
    };
    Ok(Some(Standing {
        call,
        sp,
        ip,
        switches: (
            count(b"voluntary_ctxt_switches:"),
            count(b"nonvoluntary_ctxt_switches:"),
        ),
    }))
}

/// Says where the thread of a stack stands, if it is where the stack was captured.
pub(super) fn still_there(raw: &RawStack<'_>, memory: &Memory) -> Option<Standing> {
    let standing = standing(raw.tgid, raw.pid).ok()??;
    if (standing.sp, standing.ip) != (raw.sp, raw.ip) {
        return None;
    }
    // A loop comes by the same place again: the words on the stack are those of its round.
    let now = memory.up_to(raw.sp, raw.bytes.len());
    (now == raw.bytes).then_some(standing)
}

/// Gives the id by which the thread of a stack knows itself.
pub(super) fn own_tid(raw: &RawStack<'_>) -> Option<u64> {
    let status = read(raw.tgid, raw.pid, "status").ok()?;
    Some(
        process_stat::decode_own_pid(&status)
            .unwrap_or(raw.pid)
            .into(),
    )
}

fn read(process: u32, thread: u32, file: &str) -> io::Result<Vec<u8>> {
    std::fs::read(format!("/proc/{process}/task/{thread}/{file}"))
}
