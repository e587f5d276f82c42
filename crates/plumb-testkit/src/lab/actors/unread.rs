//! Actors that do not read their UNIX sockets.

use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::time::Duration;

use super::argument;

/// So often a busy thread runs.
const TICK: Duration = Duration::from_millis(5);

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

/// `take-unix-busy NAME`: the same, and another thread has something to do all the time.
pub(super) fn take_unix_busy(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    std::thread::spawn(|| {
        // Ends with the process.
        loop {
            std::thread::park_timeout(TICK);
        }
    });
    take_unix(arguments)
}

/// `write-unix NAME`: writes there until it has to wait, and waits.
pub(super) fn write_unix(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let mut stream = UnixStream::connect_addr(&name(arguments)?)?;
    stream.set_nonblocking(true)?;
    while stream.write(&[1; 4096]).is_ok() {}
    stream.set_nonblocking(false)?;
    let kept = stream.try_clone()?;
    std::thread::spawn(move || while stream.write(&[1; 4096]).is_ok() {});
    Ok(vec![kept.into()])
}

/// `take-datagrams NAME`: has a datagram socket at an abstract name and never reads.
pub(super) fn take_datagrams(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let socket = UnixDatagram::bind_addr(&name(arguments)?)?;
    Ok(vec![socket.into()])
}

fn name(arguments: &[String]) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(argument(arguments, 0)?)
}
