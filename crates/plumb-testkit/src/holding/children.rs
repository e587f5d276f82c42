//! Sockets that children hold: one inherited, one received in a message.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{Held, Listener, Way, in_flight};

/// The first word of the command line that makes `plumb-holders` the receiving child.
pub const RECEIVE: &str = "receive";
/// What it says when it holds the socket.
const READY: &str = "ready";

/// A child that ends when this is dropped.
pub(super) struct Ending(pub(super) Child);

impl Drop for Ending {
    fn drop(&mut self) {
        // One that has already ended is what we want.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a child whose standard input is a socket that nobody else holds.
pub fn inherited() -> io::Result<Held> {
    let (child, inode, port) = sleeper()?;
    Ok(Held {
        way: Way::Inherited,
        pid: child.0.id(),
        inode,
        port,
        _guard: Box::new(child),
    })
}

/// Starts `sleep` with a listener as its standard input; gives the listener's inode and port as well.
pub(super) fn sleeper() -> io::Result<(Ending, u64, u16)> {
    let listener = Listener::new()?;
    let child = Command::new("sleep")
        .arg("1000")
        .stdin(Stdio::from(OwnedFd::from(listener.socket)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok((Ending(child), listener.inode, listener.port))
}

/// Sends a socket to a child, which is `program`, that is `plumb-holders`, started as [`receive`].
pub fn received(program: &Path) -> io::Result<Held> {
    let (near, far) = UnixStream::pair()?;
    let child = Command::new(program)
        .arg(RECEIVE)
        .stdin(Stdio::from(OwnedFd::from(far)))
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", program.display())))?;
    let mut child = Ending(child);
    let listener = Listener::new()?;
    in_flight::send(&near, listener.socket.as_fd())?;
    let mut said = String::new();
    if let Some(output) = child.0.stdout.take() {
        BufReader::new(output).read_line(&mut said)?;
    }
    if said.trim_end() != READY {
        return Err(io::Error::other("the child received no socket"));
    }
    Ok(Held {
        way: Way::Received,
        pid: child.0.id(),
        inode: listener.inode,
        port: listener.port,
        _guard: Box::new((child, near)),
    })
}

/// Is the child: receives one socket through standard input and holds it until that ends.
pub fn receive() -> io::Result<()> {
    let mut input = io::stdin();
    let Some(_held) = in_flight::receive(&input)? else {
        return Err(io::Error::other("no socket came"));
    };
    let mut output = io::stdout();
    writeln!(output, "{READY}")?;
    output.flush()?;
    input.read_to_end(&mut Vec::new()).map(drop)
}
