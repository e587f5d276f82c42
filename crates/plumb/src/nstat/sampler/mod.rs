//! The sampler of `-d`: a daemon that looks at the counters at an interval and keeps their rates.
//!
//! It listens on the abstract socket `nstatUID`, of its network namespace. Whoever connects is
//! sent the table in the form of the history file, and the connection is closed; `client` and
//! `server` speak so with the original as well.

pub mod client;
pub mod server;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

/// Gives the address of the sampler of a user.
fn address(uid: u32) -> Result<SocketAddrUnix, rustix::io::Errno> {
    SocketAddrUnix::new_abstract_name(format!("nstat{uid}").as_bytes())
}

fn socket() -> Result<rustix::fd::OwnedFd, rustix::io::Errno> {
    rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )
}
