//! Actors that end by themselves: commands that have done all before a second sample could be taken.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::argument;

/// `ask-in-pieces ADDR:PORT COUNT`: asks COUNT times, each question in two small writes, and waits for the answers.
pub(super) fn ask_in_pieces(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let mut stream = TcpStream::connect(argument(arguments, 0)?)?;
    for _ in 0..number(arguments, 1)? {
        stream.write_all(b"GET ")?;
        stream.write_all(b"it\n")?;
        stream.read_exact(&mut [0; 2])?;
    }
    end()
}

/// `keep-closed ADDR:PORT MS`: keeps thirty connections for so long that their peer closes at once.
pub(super) fn keep_closed(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let end_of = argument(arguments, 0)?;
    let kept: io::Result<Vec<TcpStream>> = (0..30).map(|_| TcpStream::connect(end_of)).collect();
    std::thread::sleep(Duration::from_millis(number(arguments, 1)?));
    drop(kept?);
    end()
}

/// `next-port PORT MS`: listens on the first free port from there on, for so long.
pub(super) fn next_port(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let first = u16::try_from(number(arguments, 0)?).map_err(io::Error::other)?;
    let mut free =
        (first..=u16::MAX).filter_map(|port| TcpListener::bind(("127.0.0.1", port)).ok());
    let listener = free
        .next()
        .ok_or_else(|| io::Error::other("no port is free"))?;
    std::thread::sleep(Duration::from_millis(number(arguments, 1)?));
    drop(listener);
    end()
}

/// `try ADDR:PORT`: tries to connect three times, and ends.
pub(super) fn try_to_connect(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    for _ in 0..3 {
        let _ = TcpStream::connect(argument(arguments, 0)?);
    }
    end()
}

/// `come-unix PATH MS`: makes two connections to a UNIX listener, waits for each so long at most, and ends.
pub(super) fn come_unix(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, connect, socket, sockopt};
    let address = SocketAddrUnix::new(argument(arguments, 0)?)?;
    let patience = Duration::from_millis(number(arguments, 1)?);
    let mut kept = Vec::new();
    for _ in 0..2 {
        let socket = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(patience))?;
        // It may be told that there is no room.
        let _ = connect(&socket, &address);
        kept.push(socket);
    }
    drop(kept);
    end()
}

fn number(arguments: &[String], place: usize) -> io::Result<u64> {
    argument(arguments, place)?
        .parse()
        .map_err(|error| io::Error::other(format!("{error}")))
}

fn end() -> ! {
    std::process::exit(0)
}
