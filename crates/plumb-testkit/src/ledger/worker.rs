//! One process that makes connections: each of its threads is client and server of its own connections, and
//! writes a ledger.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use super::make::{PROCESSES, Plan, THREADS};
use super::open::{self, Opened};
use super::ports::Ports;
use super::{Entry, Kind};
use crate::random::Random;

/// The word that makes a process of this program a worker.
pub const WORD: &str = "worker";

/// The first port that is given to attempts which fail, and how many each thread has.
const FIRST_GIVEN: u16 = 10_000;
const GIVEN: u16 = 200;
/// Addresses of the loopback network that are connected to.
const HOSTS: usize = 200;
/// Not reached by any route of a namespace with loopback alone.
const NOWHERE: Ipv4Addr = Ipv4Addr::new(10, 9, 9, 9);
/// Connections that stall at once.
const STALLED: usize = 32;
/// The most bytes of most connections, and of a few: less than the kernel takes without a reader.
const FEW_BYTES: usize = 2000;
const MANY_BYTES: usize = 30_000;

/// How long the last packets may take, and how often it is looked whether they have come.
const LAST_PACKETS: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(5);
/// FIN_WAIT1, LAST_ACK and CLOSING in `/proc/net/tcp`.
const ENDING: [&str; 3] = ["04", "09", "0B"];

/// Makes what the words of a plan say; the process ends when its standard input does.
pub fn run(words: &[&str]) -> io::Result<()> {
    let wrong = || io::Error::other("worker CONNECTIONS SEED FOLDER NAMESPACE PROCESS");
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok());
    let plan = Plan::of_words(words).ok_or_else(wrong)?;
    let (namespace, process) = (
        number(3).ok_or_else(wrong)?,
        number(4).ok_or_else(wrong)?.min(PROCESSES),
    );
    let netns = std::fs::metadata("/proc/self/ns/net")?.ino();
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let place = process * THREADS + thread;
            let file = plan.folder.join(format!("{namespace}-{place}"));
            let seed = plan.seed ^ (namespace << 32 | place << 16);
            let each = plan.each();
            std::thread::spawn(move || {
                let mut thread = Thread::new(netns, place, seed, &file)?;
                thread.make(each)?;
                Ok::<_, io::Error>(thread)
            })
        })
        .collect();
    finish(threads)
}

/// Waits for threads, says that they are done, and keeps what they have until standard input ends. Where that ends
/// first, whoever started this process has failed, and it ends at once.
pub(super) fn finish<T: Send + 'static>(threads: Vec<JoinHandle<io::Result<T>>>) -> io::Result<()> {
    let input = std::thread::spawn(|| {
        let mut bytes = Vec::new();
        let ended = io::stdin().read_to_end(&mut bytes);
        if !IS_DONE.load(Ordering::SeqCst) {
            std::process::exit(1);
        }
        ended
    });
    let ended = threads.into_iter().map(|thread| {
        let failed = |_| Err(io::Error::other("a thread panicked"));
        thread.join().unwrap_or_else(failed)
    });
    let kept = ended.collect::<io::Result<Vec<T>>>()?;
    wait_for_last_packets()?;
    IS_DONE.store(true, Ordering::SeqCst);
    println!("done");
    io::stdout().flush()?;
    // A thread that panicked has said so.
    let _ = input.join();
    drop(kept);
    Ok(())
}

/// Waits until no socket of this network namespace waits for the packet that ends it: what has not ended when plumb
/// stops looking, nobody can tell of.
fn wait_for_last_packets() -> io::Result<()> {
    let deadline = Instant::now() + LAST_PACKETS;
    while Instant::now() < deadline {
        let table = std::fs::read_to_string("/proc/net/tcp")?;
        let states = table
            .lines()
            .filter_map(|line| line.split_whitespace().nth(3));
        if !states.into_iter().any(|state| ENDING.contains(&state)) {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
    Err(io::Error::other("connections do not end"))
}

/// Whether all threads of this process are done.
static IS_DONE: AtomicBool = AtomicBool::new(false);

/// A connection with both ends here.
struct Pair {
    client: OwnedFd,
    server: OwnedFd,
    sent: usize,
    answered: usize,
}

struct Thread {
    netns: u64,
    ports: Ports,
    place: u16,
    listener: OwnedFd,
    /// The other listener, and what makes it full: a connection that nobody accepts. It is reset when the
    /// listener goes, which is first.
    filled: (OwnedFd, OwnedFd),
    given: std::iter::Cycle<std::ops::Range<u16>>,
    random: Random,
    ledger: BufWriter<File>,
    stalled: VecDeque<Pair>,
    bytes: Vec<u8>,
}

impl Thread {
    fn new(netns: u64, place: u64, seed: u64, file: &std::path::Path) -> io::Result<Self> {
        let place = u16::try_from(place).map_err(io::Error::other)?;
        let ports = Ports::of(netns);
        let first_given = FIRST_GIVEN + place * GIVEN;
        let mut thread = Self {
            netns,
            ports,
            place,
            listener: listen(ports.served(place), 64)?,
            filled: fill(ports.full(place))?,
            given: (first_given..first_given + GIVEN).cycle(),
            random: Random::new(seed),
            ledger: BufWriter::new(File::create_new(file)?),
            stalled: VecDeque::new(),
            bytes: vec![b'x'; MANY_BYTES],
        };
        let client = rustix::net::getsockname(&thread.filled.1)?;
        let client = SocketAddr::try_from(client).map_err(io::Error::other)?;
        let server = (Ipv4Addr::LOCALHOST, ports.full(place)).into();
        thread.write(client, server, Kind::Unaccepted, 0, 0)?;
        Ok(thread)
    }

    fn make(&mut self, count: u64) -> io::Result<()> {
        for _ in 0..count {
            let kind = super::pick(&Kind::ALL, &mut self.random);
            self.one(kind)?;
            if self.stalled.len() > STALLED
                && let Some(pair) = self.stalled.pop_front()
            {
                self.end_stall(pair)?;
            }
        }
        while let Some(pair) = self.stalled.pop_front() {
            self.end_stall(pair)?;
        }
        self.ledger.flush()
    }

    fn some_bytes(&mut self) -> usize {
        let most = if self.random.chance(1) {
            MANY_BYTES
        } else {
            FEW_BYTES
        };
        self.random.between(1, most)
    }

    fn host(&mut self) -> Ipv4Addr {
        let host = self.random.between(1, HOSTS);
        Ipv4Addr::new(127, 0, 0, u8::try_from(host).unwrap_or(1))
    }

    fn one(&mut self, kind: Kind) -> io::Result<()> {
        if !kind.is_established() {
            return self.fail(kind);
        }
        let server = SocketAddr::from((self.host(), self.ports.served(self.place)));
        let opened = match kind {
            Kind::ServedFirst => open::opens_served_first(None, server),
            Kind::ClientReset => open::opens_and_resets(None, server),
            Kind::ServerReset => open::opens_to_be_reset(None, server),
            Kind::Stalled => open::opens_and_stalls(None, server),
            _ => open::opens_usual(None, server),
        }?;
        opened.answer?;
        let (sent, answered) = match kind {
            Kind::ServerReset => (self.some_bytes().min(1000), 0),
            _ => (self.some_bytes(), self.some_bytes()),
        };
        let pair = Pair {
            client: opened.socket,
            server: open::accepts(&self.listener)?,
            sent,
            answered,
        };
        let client = SocketAddr::try_from(rustix::net::getsockname(&pair.client)?)
            .map_err(io::Error::other)?;
        self.write(client, server, kind, sent, answered)?;
        match kind {
            Kind::Stalled => self.stalled.push_back(pair),
            Kind::ServerReset => self.be_reset(pair)?,
            Kind::ClientReset => {
                self.carry(&pair)?;
                reset(pair)?;
            }
            Kind::ServedFirst => {
                self.carry(&pair)?;
                end(pair.server, &pair.client)?;
            }
            _ => {
                self.carry(&pair)?;
                end(pair.client, &pair.server)?;
            }
        }
        Ok(())
    }

    /// Moves the bytes of a connection both ways.
    fn carry(&mut self, pair: &Pair) -> io::Result<()> {
        move_bytes(&pair.client, &pair.server, pair.sent, &mut self.bytes)?;
        move_bytes(&pair.server, &pair.client, pair.answered, &mut self.bytes)
    }

    fn end_stall(&mut self, pair: Pair) -> io::Result<()> {
        self.carry(&pair)?;
        end(pair.client, &pair.server)
    }

    /// Sends bytes that the server has and does not read when it closes.
    fn be_reset(&mut self, pair: Pair) -> io::Result<()> {
        send_all(&pair.client, &self.bytes[..pair.sent])?;
        rustix::net::recv(&pair.server, &mut [0], RecvFlags::PEEK)?;
        drop(pair.server);
        check_reset(&pair.client)
    }

    fn fail(&mut self, kind: Kind) -> io::Result<()> {
        let port = self.given.next().unwrap_or(FIRST_GIVEN);
        let client = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (server, wanted) = match kind {
            Kind::NoRoute => ((NOWHERE, self.ports.unserved()).into(), Errno::NETUNREACH),
            Kind::GivenUp => (
                (Ipv4Addr::LOCALHOST, self.ports.full(self.place)).into(),
                Errno::INPROGRESS,
            ),
            _ => (
                (self.host(), self.ports.unserved()).into(),
                Errno::CONNREFUSED,
            ),
        };
        self.write(client, server, kind, 0, 0)?;
        let opened = match kind {
            Kind::NoRoute => open::opens_without_route(Some(client), server),
            Kind::GivenUp => open::opens_and_gives_up(Some(client), server),
            _ => open::opens_to_be_refused(Some(client), server),
        }?;
        check(&opened, wanted)
    }

    fn write(
        &mut self,
        client: SocketAddr,
        server: SocketAddr,
        kind: Kind,
        sent: usize,
        answered: usize,
    ) -> io::Result<()> {
        let bytes = |count: usize| u64::try_from(count).unwrap_or(0);
        let entry = Entry {
            netns: self.netns,
            served_netns: self.netns,
            client,
            server,
            kind,
            sent: bytes(sent),
            answered: bytes(answered),
        };
        writeln!(self.ledger, "{entry}")
    }
}

pub(super) fn check(opened: &Opened, wanted: Errno) -> io::Result<()> {
    if opened.answer == Err(wanted) {
        return Ok(());
    }
    let text = format!("opened {}: {:?}", opened.why, opened.answer);
    Err(io::Error::other(text))
}

pub(super) fn listen(port: u16, backlog: i32) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC;
    let listener = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    rustix::net::bind(&listener, &SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))?;
    rustix::net::listen(&listener, backlog)?;
    Ok(listener)
}

/// Makes a listener that answers nobody: it has room for one connection, which is there.
fn fill(port: u16) -> io::Result<(OwnedFd, OwnedFd)> {
    let listener = listen(port, 0)?;
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let opened = open::opens_unaccepted(None, to)?;
    opened.answer?;
    let mut wanted = [rustix::event::PollFd::new(
        &listener,
        rustix::event::PollFlags::IN,
    )];
    let longest = rustix::event::Timespec::try_from(Duration::from_secs(5)).ok();
    rustix::event::poll(&mut wanted, longest.as_ref())?;
    Ok((listener, opened.socket))
}

pub(super) fn send_all(socket: &OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let sent = rustix::net::send(socket, bytes, SendFlags::NOSIGNAL)?;
        bytes = bytes.get(sent..).unwrap_or(&[]);
    }
    Ok(())
}

fn move_bytes(from: &OwnedFd, to: &OwnedFd, count: usize, bytes: &mut [u8]) -> io::Result<()> {
    send_all(from, &bytes[..count])?;
    let mut left = count;
    while left > 0 {
        let (_, received) = rustix::net::recv(to, &mut bytes[..left], RecvFlags::empty())?;
        if received == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left -= received;
    }
    Ok(())
}

/// Closes one end, and the other when it has been told.
fn end(first: OwnedFd, second: &OwnedFd) -> io::Result<()> {
    drop(first);
    let (_, received) = rustix::net::recv(second, &mut [0; 16], RecvFlags::empty())?;
    if received > 0 {
        return Err(io::Error::other("more bytes than were sent"));
    }
    Ok(())
}

/// Closes the client's end with a reset, which the server is told of.
fn reset(pair: Pair) -> io::Result<()> {
    reset_on_close(&pair.client)?;
    drop(pair.client);
    check_reset(&pair.server)
}

/// Lets the close of a socket be a reset.
pub(super) fn reset_on_close(socket: &OwnedFd) -> io::Result<()> {
    Ok(rustix::net::sockopt::set_socket_linger(
        socket,
        Some(Duration::ZERO),
    )?)
}

/// Waits for a reset.
pub(super) fn check_reset(socket: &OwnedFd) -> io::Result<()> {
    match rustix::net::recv(socket, &mut [0; 16], RecvFlags::empty()) {
        Err(Errno::CONNRESET) => Ok(()),
        other => Err(io::Error::other(format!("no reset: {other:?}"))),
    }
}
