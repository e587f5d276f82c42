//! Actors that do not read their UNIX sockets.

use std::io;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};

use super::argument;

/// `take-unix NAME`: accepts at an abstract name and never reads.
pub(super) fn take_unix(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let listener = UnixListener::bind_addr(&name(arguments)?)?;
    std::thread::spawn({
        let listener = listener.try_clone()?;
        move || {
            let mut kept = Vec::new();
            // Ends with the process.
            while let Ok(accepted) = listener.accept() {
                kept.push(accepted);
            }
        }
    });
    Ok(vec![listener.into()])
}

/// `take-datagrams NAME`: has a datagram socket at an abstract name and never reads.
pub(super) fn take_datagrams(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let socket = UnixDatagram::bind_addr(&name(arguments)?)?;
    Ok(vec![socket.into()])
}

fn name(arguments: &[String]) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(argument(arguments, 0)?)
}
