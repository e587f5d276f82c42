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

/// Calls that wait for descriptors, and how they name them. libc's numbers are `c_long`: of this machine.
const CALLS: &[(i64, &str, Form)] = &[
    (libc::SYS_read, "read", Form::First),
    (libc::SYS_readv, "readv", Form::First),
    (libc::SYS_recvfrom, "recvfrom", Form::First),
    (libc::SYS_recvmsg, "recvmsg", Form::First),
    (libc::SYS_recvmmsg, "recvmmsg", Form::First),
    (libc::SYS_write, "write", Form::First),
    (libc::SYS_writev, "writev", Form::First),
    (libc::SYS_sendto, "sendto", Form::First),
    (libc::SYS_sendmsg, "sendmsg", Form::First),
    (libc::SYS_sendmmsg, "sendmmsg", Form::First),
    (libc::SYS_accept, "accept", Form::First),
    (libc::SYS_accept4, "accept4", Form::First),
    (libc::SYS_connect, "connect", Form::First),
    (libc::SYS_ppoll, "ppoll", Form::Poll),
    (libc::SYS_pselect6, "pselect6", Form::Select),
    (libc::SYS_epoll_pwait, "epoll_pwait", Form::Epoll),
    (libc::SYS_epoll_pwait2, "epoll_pwait2", Form::Epoll),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_poll, "poll", Form::Poll),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_select, "select", Form::Select),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_epoll_wait, "epoll_wait", Form::Epoll),
];

fn find(number: u64) -> Option<&'static (i64, &'static str, Form)> {
    let number = i64::try_from(number).ok()?;
    CALLS.iter().find(|(known, ..)| *known == number)
}

fn form(number: u64) -> Option<&'static Form> {
    find(number).map(|(.., form)| form)
}

/// Gives the name of a call that waits for descriptors.
pub(super) fn name(number: u64) -> Option<&'static str> {
    find(number).map(|(_, name, _)| *name)
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
