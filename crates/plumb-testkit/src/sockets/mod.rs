//! Real sockets in any state, on loopback, for tests in a sandbox.
//!
//! [`tcp`] drives connections into each state of RFC 9293 by ordinary calls (and one hand-made SYN),
//! [`datagram`] makes UDP, UDP-Lite and RAW sockets, [`unix`] UNIX domain ones;
//! [`families`] those of rarer families, [`listeners`] many listeners at once. Whatever a value
//! returned here holds stays in its state until the value is dropped.

pub mod datagram;
pub mod families;
pub mod listeners;
pub mod netlink;
pub mod option;
pub mod packet;
pub mod storage;
pub mod tcp;
pub mod unix;

use std::io;
use std::os::fd::OwnedFd;

/// Sockets that stay as they are until this is dropped.
pub type Held = Vec<OwnedFd>;

/// Makes at least one socket of every kind and state this kernel has, in the caller's namespace.
/// `dir` is where UNIX sockets with paths go.
pub fn every_kind(dir: &std::path::Path) -> io::Result<Held> {
    let mut held = tcp::every_state()?;
    held.extend(datagram::every_kind()?);
    held.extend(unix::every_kind(dir)?);
    Ok(held)
}
