//! Connections between two network namespaces, over a veth pair: the client and the server are different
//! processes, each with a thread for each of the other's, and nothing but packets goes between them.
//!
//! The first bytes of a connection say what is to become of it; the server keeps to that, and the client writes the
//! ledger.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::RecvFlags;

use super::make::{Plan, THREADS};
use super::open::{self, Opened};
use super::ports::Ports;
use super::worker::{check, check_reset, listen, reset_on_close, send_all};
use super::{Entry, Kind};
use crate::random::Random;

/// The words that make a process of this program the server or the client.
pub const SERVE: &str = "serve";
/// See [`SERVE`].
pub const CALL: &str = "call";
/// What the server says when it listens.
pub(super) const READY: &str = "ready";

/// What becomes of connections, in hundredths.
const KINDS: [(Kind, usize); 6] = [
    (Kind::Usual, 50),
    (Kind::ServedFirst, 18),
    (Kind::ClientReset, 12),
    (Kind::ServerReset, 8),
    (Kind::Refused, 10),
    (Kind::Unread, 2),
];
/// The most bytes of a connection, and of one whose reader is late: more than the kernel takes for who does not
/// read, so that the window closes.
const MOST_BYTES: usize = 3000;
const UNREAD_BYTES: usize = 300_000;
/// How long a reader is late: that is what is tried, nobody waits for anything.
const LATE: Duration = Duration::from_millis(10);
/// Bytes that say what is to become of a connection.
const HEAD: usize = 10;

/// Gives the address of an end of a link.
pub(super) fn address(link: u64, is_server: bool) -> Ipv4Addr {
    let link = u8::try_from(link).unwrap_or(u8::MAX);
    Ipv4Addr::new(10, 77, link, if is_server { 1 } else { 2 })
}

/// What is to become of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Order {
    kind: Kind,
    is_last: bool,
    sent: usize,
    answered: usize,
}

impl Order {
    fn encode(self) -> [u8; HEAD] {
        let number = |count: usize| u32::try_from(count).unwrap_or(0).to_be_bytes();
        let kind = KINDS.iter().position(|(kind, _)| *kind == self.kind);
        let mut head = [0; HEAD];
        head[0] = u8::try_from(kind.unwrap_or(0)).unwrap_or(0);
        head[1] = u8::from(self.is_last);
        head[2..6].copy_from_slice(&number(self.sent));
        head[6..].copy_from_slice(&number(self.answered));
        head
    }

    fn decode(head: [u8; HEAD]) -> Option<Self> {
        let (kind, is_last) = (usize::from(head[0]), head[1] != 0);
        let number = |at: usize| {
            let bytes = head.get(at..at + 4)?.try_into().ok()?;
            usize::try_from(u32::from_be_bytes(bytes)).ok()
        };
        Some(Self {
            kind: KINDS.get(kind)?.0,
            is_last,
            sent: number(2)?,
            answered: number(6)?,
        })
    }
}

/// Serves until each thread has had its last connection; the process ends when its standard input does.
pub fn serve() -> io::Result<()> {
    let ports = Ports::of(own_netns()?);
    let mut threads = Vec::new();
    for thread in 0..THREADS {
        let thread = u16::try_from(thread).map_err(io::Error::other)?;
        let listener = listen(ports.served_across(thread), 64)?;
        threads.push(std::thread::spawn(move || {
            while !serve_one(&listener)? {}
            Ok::<_, io::Error>(listener)
        }));
    }
    println!("{READY}");
    super::worker::finish(threads)
}

/// Serves one connection; says whether it was the last.
fn serve_one(listener: &OwnedFd) -> io::Result<bool> {
    let socket = open::accepts(listener)?;
    let mut head = [0; HEAD];
    rustix::net::recv(&socket, &mut head, RecvFlags::PEEK | RecvFlags::WAITALL)?;
    let order = Order::decode(head).ok_or(io::ErrorKind::InvalidData)?;
    let mut bytes = vec![b'y'; order.sent.max(order.answered)];
    match order.kind {
        Kind::ServerReset => {
            // All of it is there, and none of it is read.
            let all = &mut bytes[..order.sent];
            rustix::net::recv(&socket, all, RecvFlags::PEEK | RecvFlags::WAITALL)?;
            return Ok(order.is_last);
        }
        Kind::Unread => std::thread::sleep(LATE),
        _ => {}
    }
    receive_all(&socket, &mut bytes[..order.sent])?;
    send_all(&socket, &bytes[..order.answered])?;
    match order.kind {
        Kind::ServedFirst => {}
        Kind::ClientReset => check_reset(&socket)?,
        _ => check_end(&socket)?,
    }
    Ok(order.is_last)
}

/// Makes what the words of a plan say, over a link to the namespace with this inode.
pub fn call(words: &[&str]) -> io::Result<()> {
    let wrong = || io::Error::other("call CONNECTIONS SEED FOLDER LINK SERVER_NETNS");
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok());
    let plan = Plan::of_words(words).ok_or_else(wrong)?;
    let (link, served_netns) = (number(3).ok_or_else(wrong)?, number(4).ok_or_else(wrong)?);
    let netns = own_netns()?;
    let mut threads = Vec::new();
    for thread in 0..THREADS {
        let file = plan.folder.join(format!("across-{link}-{thread}"));
        let mut caller = Caller {
            netns,
            served_netns,
            own: address(link, false),
            host: address(link, true),
            thread: u16::try_from(thread).map_err(io::Error::other)?,
            random: Random::new(plan.seed ^ (0xacc << 48 | link << 32 | thread << 16)),
            ledger: BufWriter::new(File::create_new(file)?),
            bytes: vec![b'x'; UNREAD_BYTES],
        };
        let each = plan.each();
        threads.push(std::thread::spawn(move || {
            for _ in 1..each {
                let kind = super::pick(&KINDS, &mut caller.random);
                caller.one(kind, false)?;
            }
            caller.one(Kind::Usual, true)?;
            caller.ledger.flush()
        }));
    }
    super::worker::finish(threads)
}

fn own_netns() -> io::Result<u64> {
    Ok(std::fs::metadata("/proc/self/ns/net")?.ino())
}

struct Caller {
    netns: u64,
    served_netns: u64,
    own: Ipv4Addr,
    host: Ipv4Addr,
    thread: u16,
    random: Random,
    ledger: BufWriter<File>,
    bytes: Vec<u8>,
}

impl Caller {
    fn one(&mut self, kind: Kind, is_last: bool) -> io::Result<()> {
        let ports = Ports::of(self.served_netns);
        let port = match kind {
            Kind::Refused => ports.unserved(),
            _ => ports.served_across(self.thread),
        };
        let server = SocketAddr::from((self.host, port));
        // A socket that was refused has no address any more, unless it was bound to it.
        let own = SocketAddr::from((self.own, 0));
        let opened = match kind {
            Kind::ServedFirst => open::opens_served_first(None, server),
            Kind::ClientReset => open::opens_and_resets(None, server),
            Kind::ServerReset => open::opens_to_be_reset(None, server),
            Kind::Refused => open::opens_to_be_refused(Some(own), server),
            Kind::Unread => open::opens_unread(None, server),
            _ => open::opens_usual(None, server),
        }?;
        let client = rustix::net::getsockname(&opened.socket)?;
        let client = SocketAddr::try_from(client).map_err(io::Error::other)?;
        let order = Order {
            kind,
            is_last,
            sent: match kind {
                Kind::Refused => 0,
                Kind::Unread => UNREAD_BYTES,
                _ => self.random.between(HEAD, MOST_BYTES),
            },
            answered: match kind {
                Kind::Refused | Kind::ServerReset => 0,
                _ => self.random.between(1, MOST_BYTES),
            },
        };
        self.write(client, server, order)?;
        if kind == Kind::Refused {
            return check(&opened, Errno::CONNREFUSED);
        }
        opened.answer?;
        self.carry(opened, order)
    }

    fn carry(&mut self, opened: Opened, order: Order) -> io::Result<()> {
        let Opened { socket, .. } = opened;
        self.bytes[..HEAD].copy_from_slice(&order.encode());
        send_all(&socket, &self.bytes[..order.sent])?;
        match order.kind {
            Kind::ServerReset => return check_reset(&socket),
            _ => receive_all(&socket, &mut self.bytes[..order.answered])?,
        }
        match order.kind {
            Kind::ServedFirst => check_end(&socket),
            Kind::ClientReset => reset_on_close(&socket),
            _ => Ok(()),
        }
    }

    fn write(&mut self, client: SocketAddr, server: SocketAddr, order: Order) -> io::Result<()> {
        let bytes = |count: usize| u64::try_from(count).unwrap_or(0);
        let entry = Entry {
            netns: self.netns,
            served_netns: self.served_netns,
            client,
            server,
            kind: order.kind,
            sent: bytes(order.sent),
            answered: bytes(order.answered),
        };
        writeln!(self.ledger, "{entry}")
    }
}

fn receive_all(socket: &OwnedFd, bytes: &mut [u8]) -> io::Result<()> {
    let wanted = bytes.len();
    let (_, received) = rustix::net::recv(socket, bytes, RecvFlags::WAITALL)?;
    if received == wanted {
        return Ok(());
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

fn check_end(socket: &OwnedFd) -> io::Result<()> {
    match rustix::net::recv(socket, &mut [0; 16], RecvFlags::empty())? {
        (_, 0) => Ok(()),
        _ => Err(io::Error::other("more bytes than were sent")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_as_it_was_written() {
        for (kind, _) in KINDS {
            let order = Order {
                kind,
                is_last: kind == Kind::Usual,
                sent: UNREAD_BYTES,
                answered: 7,
            };
            assert_eq!(Order::decode(order.encode()), Some(order));
        }
        assert_eq!(KINDS.iter().map(|(_, share)| share).sum::<usize>(), 100);
    }
}
