//! What a system call waits for: one descriptor, or the first of several.

use plumb_wire::proc::process::decode_epoll_targets;
use plumb_wire::proc::syscall::InKernel;

use crate::stacks::memory::Memory;

/// Descriptors of one call that are read at most.
const MAX_DESCRIPTORS: u64 = 4_096;

/// `struct pollfd`.
const POLLFD_BYTES: usize = 8;

/// What a thread waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waits {
    /// For this descriptor: it reads, writes, accepts or connects.
    On(i32),
    /// For any of these: it polls.
    Among(Vec<i32>),
    /// For something else: a lock, a child, a time.
    Otherwise,
}

/// How a call names what it waits for.
enum Form {
    First,
    Poll,
    Select,
    Epoll,
}

/// Gives the number of the call a thread is in and what that waits for; `None` outside a call.
pub(super) fn of(pid: u32, call: &InKernel, memory: &Memory) -> Option<(u64, Waits)> {
    let InKernel::Call {
        number, arguments, ..
    } = call
    else {
        return None;
    };
    let waits = match form(*number) {
        Some(Form::First) => fd(arguments[0]).map(Waits::On),
        Some(Form::Poll) => poll(arguments[0], arguments[1], memory).map(Waits::Among),
        Some(Form::Select) => select(arguments, memory).map(Waits::Among),
        Some(Form::Epoll) => epoll(pid, arguments[0]).map(Waits::Among),
        None => None,
    };
    Some((*number, waits.unwrap_or(Waits::Otherwise)))
}

/// A descriptor is an `int`; what a caller left in the upper half does not count.
fn fd(argument: u64) -> Option<i32> {
    u32::try_from(argument & 0xffff_ffff)
        .ok()
        .map(u32::cast_signed)
}

fn form(number: u64) -> Option<Form> {
    let number = i64::try_from(number).ok()?;
    // libc's numbers are `c_long`: of this machine.
    match number {
        libc::SYS_read
        | libc::SYS_readv
        | libc::SYS_recvfrom
        | libc::SYS_recvmsg
        | libc::SYS_recvmmsg
        | libc::SYS_write
        | libc::SYS_writev
        | libc::SYS_sendto
        | libc::SYS_sendmsg
        | libc::SYS_sendmmsg
        | libc::SYS_accept
        | libc::SYS_accept4
        | libc::SYS_connect => Some(Form::First),
        libc::SYS_ppoll => Some(Form::Poll),
        libc::SYS_pselect6 => Some(Form::Select),
        libc::SYS_epoll_pwait | libc::SYS_epoll_pwait2 => Some(Form::Epoll),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll => Some(Form::Poll),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_select => Some(Form::Select),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_epoll_wait => Some(Form::Epoll),
        _ => None,
    }
}

/// Reads the array of `struct pollfd`. A descriptor below 0 is one that is left out.
fn poll(array: u64, count: u64, memory: &Memory) -> Option<Vec<i32>> {
    let len = count.min(MAX_DESCRIPTORS) * POLLFD_BYTES as u64;
    let bytes = memory.bytes(array, len, len)?;
    let (entries, _) = bytes.as_chunks::<POLLFD_BYTES>();
    let fds = entries.iter().map(|entry| {
        let [a, b, c, d, ..] = *entry;
        i32::from_ne_bytes([a, b, c, d])
    });
    Some(fds.filter(|fd| *fd >= 0).collect())
}

/// Reads the sets of descriptors to read and to write: the third is of errors alone.
fn select(arguments: &[u64; 6], memory: &Memory) -> Option<Vec<i32>> {
    let count = (arguments[0] & 0xffff_ffff).min(MAX_DESCRIPTORS);
    let mut fds = Vec::new();
    for set in [arguments[1], arguments[2]]
        .into_iter()
        .filter(|set| *set != 0)
    {
        let len = count.div_ceil(64) * 8;
        let bytes = memory.bytes(set, len, len)?;
        let is_set = |fd: &u64| {
            let byte = usize::try_from(fd / 8).ok().and_then(|at| bytes.get(at));
            byte.is_some_and(|byte| byte >> (fd % 8) & 1 == 1)
        };
        fds.extend(
            (0..count)
                .filter(is_set)
                .filter_map(|fd| i32::try_from(fd).ok()),
        );
    }
    fds.sort_unstable();
    fds.dedup();
    Some(fds)
}

fn epoll(pid: u32, argument: u64) -> Option<Vec<i32>> {
    let info = std::fs::read(format!("/proc/{pid}/fdinfo/{}", fd(argument)?)).ok()?;
    Some(decode_epoll_targets(&info).collect())
}
