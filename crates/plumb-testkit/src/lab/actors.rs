//! Programs of scenarios that need a process of their own: this program, started again.
//!
//! `plumb-lab actor NAME ARGUMENTS…` prepares, says [`READY`] and then stays as it is until it is
//! killed. An actor that fails says why and ends, and so does one that is a command to be looked at, when its work
//! is done ([`commands`]).

mod commands;
mod unread;

use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;

/// The first word of an actor's command line.
pub const ACTOR: &str = "actor";
/// What an actor says when it is prepared.
pub const READY: &str = "ready";

/// An actor: gets its arguments, gives what must stay open.
type Actor = fn(&[String]) -> io::Result<Vec<OwnedFd>>;

/// Every actor by its name.
const ACTORS: &[(&str, Actor)] = &[
    ("listen", listen),
    ("listen-few", listen_few),
    ("listen-unix", listen_unix),
    ("come", come),
    ("write", write),
    ("hoard", hoard),
    ("accept-and-forget", accept_and_forget),
    ("share", share),
    ("share-datagrams", share_datagrams),
    ("take", take),
    ("take-unix", unread::take_unix),
    ("take-unix-busy", unread::take_unix_busy),
    ("write-unix", unread::write_unix),
    ("take-datagrams", unread::take_datagrams),
    ("activate", activate),
    ("pass-on", pass_on),
    ("look-up", look_up),
    ("try", commands::try_to_connect),
    ("ask-in-pieces", commands::ask_in_pieces),
    ("keep-closed", commands::keep_closed),
    ("next-port", commands::next_port),
    ("come-unix", commands::come_unix),
    ("wait-unix", wait_unix),
];

/// Runs an actor: never returns but with an error.
pub fn main(words: &[String]) -> io::Result<()> {
    let (name, arguments) = words
        .split_first()
        .ok_or_else(|| io::Error::other("an actor has a name"))?;
    let (_, actor) = ACTORS
        .iter()
        .find(|(known, _)| known == name)
        .ok_or_else(|| io::Error::other(format!("no actor {name}")))?;
    let kept = actor(arguments)?;
    println!("{READY}");
    io::stdout().flush()?;
    loop {
        std::thread::park();
        // Parking may end for no reason.
        debug_assert!(kept.len() < usize::MAX);
    }
}

fn argument(arguments: &[String], place: usize) -> io::Result<&str> {
    arguments
        .get(place)
        .map(String::as_str)
        .ok_or_else(|| io::Error::other(format!("argument {place} is missing")))
}

/// `listen ADDR:PORT`: listens and never accepts.
fn listen(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let listener = TcpListener::bind(argument(arguments, 0)?)?;
    Ok(vec![listener.into()])
}

/// `listen-few ADDR:PORT BACKLOG`: listens with a backlog and never accepts.
fn listen_few(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let listener = TcpListener::bind(argument(arguments, 0)?)?;
    let backlog = argument(arguments, 1)?.parse().map_err(io::Error::other)?;
    rustix::net::listen(&listener, backlog)?;
    Ok(vec![listener.into()])
}

/// `listen-unix PATH BACKLOG`: listens on a UNIX socket with a backlog and never accepts.
fn listen_unix(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let listener = std::os::unix::net::UnixListener::bind(argument(arguments, 0)?)?;
    let backlog = argument(arguments, 1)?.parse().map_err(io::Error::other)?;
    rustix::net::listen(&listener, backlog)?;
    Ok(vec![listener.into()])
}

/// `come ADDR:PORT`: connects ten times a second without waiting long, and keeps the first eight that it gets.
fn come(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let end: std::net::SocketAddr = argument(arguments, 0)?.parse().map_err(io::Error::other)?;
    for _ in 0..4 {
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            // Ends with the process.
            loop {
                let got = TcpStream::connect_timeout(&end, std::time::Duration::from_secs(2));
                kept.extend(got.ok().filter(|_| kept.len() < 2));
                std::thread::sleep(std::time::Duration::from_millis(400));
            }
        });
    }
    Ok(Vec::new())
}

/// `write ADDR:PORT`: connects and writes for as long as it may.
fn write(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let mut stream = TcpStream::connect(argument(arguments, 0)?)?;
    let kept = stream.try_clone()?;
    // Ends with the process.
    std::thread::spawn(move || while stream.write_all(&[1; 16_384]).is_ok() {});
    Ok(vec![kept.into()])
}

/// `hoard LIMIT LEFT ADDR:PORT`: lowers its limit of descriptors to LIMIT, listens, and opens
/// descriptors until LEFT are free (0: until it is refused one).
fn hoard(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let number = |place: usize| -> io::Result<u64> {
        argument(arguments, place)?
            .parse()
            .map_err(|error| io::Error::other(format!("{error}")))
    };
    let (limit, left) = (number(0)?, number(1)?);
    let listener = TcpListener::bind(argument(arguments, 2)?)?;
    let rlimit = rustix::process::Rlimit {
        current: Some(limit),
        maximum: Some(limit),
    };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, rlimit)?;
    let mut kept: Vec<OwnedFd> = vec![listener.into()];
    if left == 0 {
        // Until the kernel says no.
        while let Ok(file) = std::fs::File::open("/dev/null") {
            kept.push(file.into());
        }
        return Ok(kept);
    }
    let used = || -> io::Result<u64> {
        // The folder that is listed has a descriptor, too.
        let count = std::fs::read_dir("/proc/self/fd")?
            .count()
            .saturating_sub(1);
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    };
    while used()? + left < limit {
        kept.push(std::fs::File::open("/dev/null")?.into());
    }
    Ok(kept)
}

/// `accept-and-forget ADDR:PORT COUNT`: accepts COUNT connections of its own making, whose clients then
/// close; the accepted ends stay in CLOSE_WAIT.
fn accept_and_forget(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let listener = TcpListener::bind(argument(arguments, 0)?)?;
    let count: usize = argument(arguments, 1)?
        .parse()
        .map_err(|error| io::Error::other(format!("{error}")))?;
    let address = listener.local_addr()?;
    let mut kept: Vec<OwnedFd> = Vec::new();
    for _ in 0..count {
        let client = TcpStream::connect(address)?;
        let (accepted, _) = listener.accept()?;
        drop(client);
        kept.push(accepted.into());
    }
    kept.push(listener.into());
    Ok(kept)
}

/// `share ADDR:PORT ACCEPT`: listens with SO_REUSEPORT, and accepts when ACCEPT is 1 or 2: with 1 it closes
/// what it accepted, with 2 it keeps it.
fn share(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    use rustix::net::{AddressFamily, SocketType, sockopt};
    let end: std::net::SocketAddr = argument(arguments, 0)?.parse().map_err(io::Error::other)?;
    let family = if end.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let socket = rustix::net::socket(family, SocketType::STREAM, None)?;
    sockopt::set_socket_reuseport(&socket, true)?;
    rustix::net::bind(&socket, &end)?;
    rustix::net::listen(&socket, 128)?;
    let accept = argument(arguments, 1)?;
    if accept != "0" {
        let keeps = accept == "2";
        let listener = TcpListener::from(socket.try_clone()?);
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            // Ends with the process.
            while let Ok((stream, _)) = listener.accept() {
                kept.extend(Some(stream).filter(|_| keeps));
            }
        });
    }
    Ok(vec![socket])
}

/// `share-datagrams ADDR:PORT`: has a UDP socket with SO_REUSEPORT and never reads.
fn share_datagrams(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let socket = super::faults::sides::shared(argument(arguments, 0)?)?;
    Ok(vec![socket.into()])
}

/// `take ADDR:PORT`: accepts and never reads.
fn take(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let listener = TcpListener::bind(argument(arguments, 0)?)?;
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

/// `activate ADDR:PORT`: listens and hands that to a service as its standard input, which does not accept.
fn activate(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let listener = TcpListener::bind(argument(arguments, 0)?)?;
    rustix::net::listen(&listener, 4)?;
    let handed = OwnedFd::from(listener.try_clone()?);
    std::process::Command::new("sleep")
        .arg("60")
        .stdin(handed)
        .stdout(std::process::Stdio::null())
        .spawn()?;
    Ok(vec![listener.into()])
}

/// `pass-on ADDR:PORT BACKEND`: a proxy that connects to its backend for each connection that comes, waits for five seconds
/// at most, and closes both.
fn pass_on(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let listener = TcpListener::bind(argument(arguments, 0)?)?;
    let backend: std::net::SocketAddr =
        argument(arguments, 1)?.parse().map_err(io::Error::other)?;
    let kept = listener.try_clone()?;
    std::thread::spawn(move || {
        // Ends with the process.
        while let Ok((client, _)) = listener.accept() {
            std::thread::spawn(move || {
                let _ = TcpStream::connect_timeout(&backend, std::time::Duration::from_secs(5));
                drop(client);
            });
        }
    });
    Ok(vec![kept.into()])
}

/// `wait-unix PATH`: two threads connect to a UNIX listener; one that has no room lets the second wait.
fn wait_unix(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    for _ in 0..2 {
        let path = argument(arguments, 0)?.to_owned();
        std::thread::spawn(move || {
            let connected = std::os::unix::net::UnixStream::connect(path);
            loop {
                std::thread::park();
                // Parking may end for no reason; what came of it is kept until the process ends.
                debug_assert!(connected.is_ok());
            }
        });
    }
    Ok(Vec::new())
}

/// `look-up ADDR:PORT SERVER`: for each connection that comes it asks a name server by a socket of its own, and closes both.
fn look_up(arguments: &[String]) -> io::Result<Vec<OwnedFd>> {
    let listener = TcpListener::bind(argument(arguments, 0)?)?;
    let server: std::net::SocketAddr = argument(arguments, 1)?.parse().map_err(io::Error::other)?;
    let kept = listener.try_clone()?;
    std::thread::spawn(move || {
        let mut number = 0_u16;
        // Ends with the process.
        while let Ok((client, _)) = listener.accept() {
            number = number.wrapping_add(1);
            let _ = ask_once(server, number);
            drop(client);
        }
    });
    Ok(vec![kept.into()])
}

fn ask_once(server: std::net::SocketAddr, number: u16) -> io::Result<usize> {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(std::time::Duration::from_millis(500)))?;
    socket.connect(server)?;
    socket.send(&super::faults::names::question(number))?;
    socket.recv(&mut [0; 512])
}
