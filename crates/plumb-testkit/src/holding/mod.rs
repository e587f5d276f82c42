//! Sockets whose holders are hard to find, each with the truth about who holds it.
//!
//! One file for each way. Every socket is a TCP listener on 127.0.0.1, because a listener changes no
//! state of its own accord, and its port tells which one it is. The holder is this process, one of its
//! threads, or a child that ends with its value. `plumb-holders COMMAND` runs a command beside all of
//! them.

pub mod children;
pub mod covered;
pub mod in_flight;
pub mod ring;
pub mod thread;

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use rustix::fd::AsFd;

/// How a socket is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By a descriptor of one thread, whose table of descriptors is its own.
    OwnTable {
        /// The thread.
        tid: u32,
        /// Its descriptor.
        fd: i32,
    },
    /// By a registered file of an io_uring; no descriptor is left.
    Ring {
        /// Descriptor of the ring.
        ring_fd: i32,
        /// Place among the registered files.
        slot: u32,
    },
    /// By a message that nobody has received.
    InFlight {
        /// Inode of the UNIX socket it waits in.
        carrier: u64,
    },
    /// By a process whose folder in `/proc` something else is mounted over.
    Covered,
    /// By a child that inherited it; its parent has closed it.
    Inherited,
    /// By a child that received it in a message.
    Received,
}

impl Way {
    /// Gives a word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::OwnTable { .. } => "own-table",
            Self::Ring { .. } => "ring",
            Self::InFlight { .. } => "in-flight",
            Self::Covered => "covered",
            Self::Inherited => "inherited",
            Self::Received => "received",
        }
    }
}

/// A socket that is held in one of the ways; dropping it lets go.
pub struct Held {
    /// How.
    pub way: Way,
    /// The process that holds it; of a socket in flight, the one that holds the carrier.
    pub pid: u32,
    /// Its inode in sockfs.
    pub inode: u64,
    /// Where it listens.
    pub port: u16,
    /// Whatever keeps it so.
    _guard: Box<dyn std::any::Any>,
}

/// A listener, and what is known of it.
struct Listener {
    socket: TcpListener,
    inode: u64,
    port: u16,
}

impl Listener {
    fn new() -> io::Result<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(Self {
            inode: inode(&socket)?,
            port: socket.local_addr()?.port(),
            socket,
        })
    }
}

/// Gives the inode of an open file.
pub fn inode(fd: impl AsFd) -> io::Result<u64> {
    Ok(rustix::fs::fstat(fd)?.st_ino)
}

/// Makes a socket of every way; `program` is `plumb-holders`. Needs root, and mounts over folders of
/// `/proc`: to be called in a mount namespace that may be spoilt.
pub fn every_way(program: &Path) -> io::Result<Vec<Held>> {
    Ok(vec![
        // The first, because it keeps whatever is open when it starts.
        thread::own_table()?,
        ring::registered()?,
        in_flight::in_message()?,
        covered::covered()?,
        children::inherited()?,
        children::received(program)?,
    ])
}
