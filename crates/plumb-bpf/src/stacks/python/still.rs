//! Whether a thread still stands where its stack was captured.

use plumb_wire::proc::process_stat;
use plumb_wire::proc::syscall::{InKernel, decode_syscall};

use super::memory::Memory;
use crate::stacks::raw::RawStack;

/// How often a thread gave up the processor: as long as it is the same, a sleeping thread did not run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Switches(Option<u64>, Option<u64>);

/// Says how often the thread of a stack was switched off so far, if it sleeps where the stack was captured.
pub(super) fn here(raw: &RawStack<'_>, memory: &Memory) -> Option<Switches> {
    let call = read(raw, "syscall")?;
    let (InKernel::Call { sp, ip, .. } | InKernel::NotInCall { sp, ip }) = decode_syscall(&call)?
    else {
        return None;
    };
    if (sp, ip) != (raw.sp, raw.ip) {
        return None;
    }
    // A loop comes by the same place again: the words on the stack are those of its round.
    let mut now = vec![0; raw.bytes.len()];
    memory.read(raw.sp, &mut now)?;
    if now != raw.bytes {
        return None;
    }
    let status = read(raw, "status")?;
    let count = |key: &[u8]| {
        let word = process_stat::field(&status, key)?.next()?;
        core::str::from_utf8(word).ok()?.parse().ok()
    };
    Some(Switches(
        count(b"voluntary_ctxt_switches:"),
        count(b"nonvoluntary_ctxt_switches:"),
    ))
}

/// Gives the id by which the thread of a stack knows itself.
pub(super) fn own_tid(raw: &RawStack<'_>) -> Option<u64> {
    let status = read(raw, "status")?;
    Some(
        process_stat::decode_own_pid(&status)
            .unwrap_or(raw.pid)
            .into(),
    )
}

fn read(raw: &RawStack<'_>, file: &str) -> Option<Vec<u8>> {
    std::fs::read(format!("/proc/{}/task/{}/{file}", raw.tgid, raw.pid)).ok()
}
