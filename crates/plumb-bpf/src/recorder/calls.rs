//! The system calls of the network: what they are called, which arguments are what.

use super::plan::Plan;

/// What an argument is, for whoever shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// A descriptor.
    Fd,
    /// A number, with its sign.
    Number,
    /// Flags of a message (`MSG_*`).
    MessageFlags,
    /// A protocol of the family of the first argument.
    Protocol,
    /// A level of socket options (`SOL_*`).
    Level,
    /// A socket option of the level before it.
    OptionName,
    /// What `shutdown()` ends (`SHUT_*`).
    How,
    /// The `struct sockaddr` of the call.
    Address,
    /// The first bytes of its data.
    Data,
    /// An address family (`AF_*`).
    Family,
    /// A kind of socket (`SOCK_*`).
    SocketKind,
    /// Something that is not shown.
    Hidden,
}

/// One call.
#[derive(Debug, Clone, Copy)]
pub struct Described {
    /// Its number on this architecture.
    pub number: i64,
    /// Its name.
    pub name: &'static str,
    /// Its arguments.
    pub arguments: &'static [Argument],
    flags: u32,
}

impl Described {
    /// Says whether it moves bytes towards the program.
    pub fn receives(&self) -> bool {
        self.name.starts_with("recv") || self.name.starts_with("read")
    }

    /// Says whether its address is written by the kernel, its length behind a pointer.
    pub fn is_told_an_address(&self) -> bool {
        self.flags & TOLD != 0
    }
}

/// `enum call_flags`.
const WANTED: u32 = 1;
const SOCKET: u32 = 2;
const ADDRESS_1: u32 = 4;
const ADDRESS_4: u32 = 8;
const BYTES: u32 = 16;
const MESSAGE: u32 = 32;
const VECTOR: u32 = 64;
const TOLD: u32 = 128;
const CLOSES: u32 = 256;
const REFUSED: u32 = 512;

/// The calls that send, with where the programs find the address.
const SENDS: [(i64, u32); 5] = [
    (libc::SYS_sendto, ADDRESS_4),
    (libc::SYS_sendmsg, MESSAGE),
    (libc::SYS_sendmmsg, MESSAGE),
    (libc::SYS_write, 0),
    (libc::SYS_writev, 0),
];

use Argument::{
    Address, Data, Family, Fd, Hidden, How, Level, MessageFlags, Number, OptionName, Protocol,
    SocketKind,
};

const fn call(
    number: i64,
    name: &'static str,
    flags: u32,
    arguments: &'static [Argument],
) -> Described {
    Described {
        number,
        name,
        arguments,
        flags: flags | WANTED,
    }
}

/// Calls that every architecture has.
const COMMON: &[Described] = &[
    call(
        libc::SYS_socket,
        "socket",
        0,
        &[Family, SocketKind, Protocol],
    ),
    call(
        libc::SYS_socketpair,
        "socketpair",
        0,
        &[Family, SocketKind, Protocol],
    ),
    call(libc::SYS_bind, "bind", SOCKET | ADDRESS_1, &[Fd, Address]),
    call(libc::SYS_listen, "listen", SOCKET, &[Fd, Number]),
    call(
        libc::SYS_connect,
        "connect",
        SOCKET | ADDRESS_1,
        &[Fd, Address],
    ),
    call(
        libc::SYS_accept,
        "accept",
        SOCKET | ADDRESS_1 | TOLD,
        &[Fd, Address],
    ),
    call(
        libc::SYS_accept4,
        "accept4",
        SOCKET | ADDRESS_1 | TOLD,
        &[Fd, Address],
    ),
    call(libc::SYS_shutdown, "shutdown", SOCKET, &[Fd, How]),
    call(libc::SYS_close, "close", SOCKET | CLOSES, &[Fd]),
    call(
        libc::SYS_sendto,
        "sendto",
        SOCKET | ADDRESS_4 | BYTES,
        &[Fd, Data, Number, MessageFlags, Address],
    ),
    call(
        libc::SYS_recvfrom,
        "recvfrom",
        SOCKET | ADDRESS_4 | TOLD | BYTES,
        &[Fd, Data, Number, MessageFlags, Address],
    ),
    call(
        libc::SYS_sendmsg,
        "sendmsg",
        SOCKET | MESSAGE,
        &[Fd, Data, MessageFlags],
    ),
    call(
        libc::SYS_recvmsg,
        "recvmsg",
        SOCKET | MESSAGE,
        &[Fd, Data, MessageFlags],
    ),
    call(
        libc::SYS_sendmmsg,
        "sendmmsg",
        SOCKET,
        &[Fd, Hidden, Number, MessageFlags],
    ),
    call(
        libc::SYS_recvmmsg,
        "recvmmsg",
        SOCKET,
        &[Fd, Hidden, Number, MessageFlags],
    ),
    call(
        libc::SYS_write,
        "write",
        SOCKET | BYTES,
        &[Fd, Data, Number],
    ),
    call(libc::SYS_read, "read", SOCKET | BYTES, &[Fd, Data, Number]),
    call(
        libc::SYS_writev,
        "writev",
        SOCKET | VECTOR,
        &[Fd, Data, Number],
    ),
    call(
        libc::SYS_readv,
        "readv",
        SOCKET | VECTOR,
        &[Fd, Data, Number],
    ),
    call(
        libc::SYS_sendfile,
        "sendfile",
        SOCKET,
        &[Fd, Fd, Hidden, Number],
    ),
    call(
        libc::SYS_setsockopt,
        "setsockopt",
        SOCKET,
        &[Fd, Level, OptionName],
    ),
    call(
        libc::SYS_getsockopt,
        "getsockopt",
        SOCKET,
        &[Fd, Level, OptionName],
    ),
    call(
        libc::SYS_getsockname,
        "getsockname",
        SOCKET | ADDRESS_1 | TOLD,
        &[Fd, Address],
    ),
    call(
        libc::SYS_getpeername,
        "getpeername",
        SOCKET | ADDRESS_1 | TOLD,
        &[Fd, Address],
    ),
    call(libc::SYS_ppoll, "ppoll", 0, &[Hidden, Number]),
    call(libc::SYS_pselect6, "pselect6", 0, &[Number]),
    call(
        libc::SYS_epoll_pwait,
        "epoll_pwait",
        0,
        &[Fd, Hidden, Number, Number],
    ),
];

/// Calls that only older architectures have.
#[cfg(target_arch = "x86_64")]
const OLDER: &[Described] = &[
    call(libc::SYS_poll, "poll", 0, &[Hidden, Number, Number]),
    call(libc::SYS_select, "select", 0, &[Number]),
    call(
        libc::SYS_epoll_wait,
        "epoll_wait",
        0,
        &[Fd, Hidden, Number, Number],
    ),
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[Described] = &[];

/// Gives all calls that are told.
pub fn described() -> impl Iterator<Item = &'static Described> {
    COMMON.iter().chain(OLDER)
}

/// Gives a call by its number.
pub fn find(number: u32) -> Option<&'static Described> {
    described().find(|call| call.number == i64::from(number))
}

/// Says whether a call sends, by its number.
pub fn sends(number: u32) -> bool {
    SENDS.iter().any(|(send, _)| *send == i64::from(number))
}

/// Gives the table for the programs: place in the map, and flags; of the calls of these names, or of all, and of sends
/// that the routing refuses where they are asked for.
pub(super) fn table(plan: &Plan) -> impl Iterator<Item = (u32, u32)> {
    let names = plan.only_calls;
    let wanted = described().filter(move |call| names.is_empty() || names.contains(&call.name));
    let wanted = wanted.map(|call| (call.number, call.flags));
    let sends = SENDS.iter().filter(|_| plan.refused_sends);
    let sends = sends.map(|(number, flags)| (*number, flags | REFUSED | WANTED));
    let all = wanted.chain(sends);
    all.filter_map(|(number, flags)| Some((u32::try_from(number).ok()?, flags)))
}
