//! What a child of the forker does with its life.

use std::ffi::{CStr, OsStr};
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::io::FdFlags;
use rustix::process::Signal;

use super::HELD;
use super::truth::{self, Who};
use crate::holding::in_flight;

/// How a child comes by its sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It makes them and keeps them until it is killed.
    Keeps,
    /// It makes them and ends at once.
    Ends,
    /// It makes them and becomes another program, which keeps them.
    Becomes,
    /// It was born with one, which gets its name later, and the forker closes.
    Inherits,
    /// The forker sends it one and closes it.
    Receives,
}

impl Role {
    /// All of them, in turn.
    pub(super) const ALL: [Self; 5] = [
        Self::Keeps,
        Self::Ends,
        Self::Becomes,
        Self::Inherits,
        Self::Receives,
    ];
}

/// Names that have broken programs that read them.
const NAMES: [&CStr; 5] = [
    c"a) S 1 (b",
    c"two\nlines",
    c"\x1b[31mred",
    c"\xff\xfe not UTF-8",
    c"0 (x) R 1 1",
];

/// Gives a socket that says who may hold it.
pub(super) fn named(holders: &[Who], number: usize) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::bind_addr(&address(holders, number)?)?;
    // A message of which nothing is known must not wait for us.
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Gives a socket its name afterwards.
pub(super) fn give_name(socket: &OwnedFd, holders: &[Who], number: usize) -> io::Result<()> {
    let name = truth::name(holders, number);
    let abstract_name = name.get(1..).unwrap_or_default();
    let address = rustix::net::SocketAddrUnix::new_abstract_name(abstract_name)?;
    Ok(rustix::net::bind(socket, &address)?)
}

fn address(holders: &[Who], number: usize) -> io::Result<SocketAddr> {
    let name = truth::name(holders, number);
    SocketAddr::from_abstract_name(name.get(1..).unwrap_or_default())
}

/// Is the child; never comes back.
pub(super) fn live(
    role: Role,
    number: usize,
    born_with: Option<OwnedFd>,
    from: Option<UnixStream>,
) -> ! {
    let ended = be(role, number, born_with, from);
    std::process::exit(i32::from(ended.is_err()))
}

fn be(
    role: Role,
    number: usize,
    born_with: Option<OwnedFd>,
    from: Option<UnixStream>,
) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let name = NAMES[number % NAMES.len()];
    rustix::thread::set_name(name)?;
    let held: Vec<OwnedFd> = match role {
        Role::Inherits => born_with.into_iter().collect(),
        Role::Receives => match from {
            Some(from) => in_flight::receive(from)?.into_iter().collect(),
            None => Vec::new(),
        },
        Role::Keeps | Role::Ends | Role::Becomes => own(number)?,
    };
    match role {
        Role::Ends => Ok(()),
        Role::Becomes => become_another(&held),
        Role::Keeps | Role::Inherits | Role::Receives => wait(),
    }
}

/// A UNIX socket and a listener of our own.
fn own(number: usize) -> io::Result<Vec<OwnedFd>> {
    let us = std::process::id();
    let who = Who::of(us).ok_or_else(|| io::Error::other("no /proc"))?;
    let listener = TcpListener::bind((truth::address(us), 0))?;
    Ok(vec![named(&[who], number)?.into(), listener.into()])
}

/// Starts another program in our place, with the sockets.
fn become_another(held: &[OwnedFd]) -> io::Result<()> {
    for socket in held {
        rustix::io::fcntl_setfd(socket, FdFlags::empty())?;
    }
    let error = Command::new("/proc/self/exe")
        .arg0(OsStr::from_bytes(b"/opt/odd \xff\n(deleted) name"))
        .arg(HELD)
        .exec();
    Err(error)
}

/// Is the other program: keeps what it has until it is killed.
pub fn hold() -> io::Result<()> {
    // The death signal does not outlive execve of everything; asking twice does no harm.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    wait()
}

fn wait() -> ! {
    loop {
        std::thread::park();
    }
}

/// Is the process with very many sockets; never comes back.
pub(super) fn hold_many(count: usize) -> ! {
    let held = (|| {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        let who = Who::of(std::process::id()).ok_or_else(|| io::Error::other("no /proc"))?;
        (0..count)
            .map(|number| named(&[who], number))
            .collect::<io::Result<Vec<_>>>()
    })();
    match held {
        Ok(held) => {
            let _held = held;
            wait()
        }
        Err(error) => {
            eprintln!("plumb-churn: {count} sockets in one process: {error}");
            std::process::exit(1)
        }
    }
}
