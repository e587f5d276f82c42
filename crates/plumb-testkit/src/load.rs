//! Loads whose price is known: a client and a server on loopback that do one thing again and again, and say
//! what it cost them in CPU time. Two processes, because two threads would share a table of descriptors,
//! which makes each call dearer.
//!
//! `plumb-load` runs them. What is counted begins after a warm-up, so that what a tracer does at a start
//! (symbols, copies of new stacks) is not in it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::str::FromStr;

use rustix::time::{ClockId, clock_gettime};

/// The first word of the server's command line.
pub const SERVER: &str = "server";

/// What is done again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// A connection: connect, 8 bytes, an answer of one, and a close that resets it, so that ports come back.
    Churn,
    /// On one connection, a byte and its answer.
    PingPong,
    /// On one connection, 64 KB one way.
    Bulk,
}

/// Bytes of one operation of [`Load::Bulk`].
const PIECE_BYTES: usize = 64 << 10;

impl FromStr for Load {
    type Err = io::Error;

    fn from_str(word: &str) -> io::Result<Self> {
        match word {
            "churn" => Ok(Self::Churn),
            "ping-pong" => Ok(Self::PingPong),
            "bulk" => Ok(Self::Bulk),
            _ => Err(io::Error::other(format!(
                "{word}: churn, ping-pong or bulk"
            ))),
        }
    }
}

impl Load {
    fn word(self) -> &'static str {
        match self {
            Self::Churn => "churn",
            Self::PingPong => "ping-pong",
            Self::Bulk => "bulk",
        }
    }

    /// Runs a server and a client for so many operations after a tenth of warm-up. Gives the CPU time of
    /// both for them all, in nanoseconds.
    pub fn run(self, operations: u32) -> io::Result<u64> {
        let warm_up = operations / 10;
        let mut server = Command::new(std::env::current_exe()?)
            .args([SERVER, self.word()])
            .args([warm_up.to_string(), operations.to_string()])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = server.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut port = [0; 2];
        said.read_exact(&mut port)?;
        let mut client = Client {
            server: (Ipv4Addr::LOCALHOST, u16::from_ne_bytes(port)).into(),
            connection: None,
            buffer: vec![7; PIECE_BYTES],
        };
        let own = counted(warm_up, operations, || client.once(self))?;
        drop(client);
        let mut servers = [0; 8];
        said.read_exact(&mut servers)?;
        server.wait()?;
        Ok(own + u64::from_ne_bytes(servers))
    }

    /// The server's side: says its port, serves, and says what that cost.
    pub fn serve(self, warm_up: u32, operations: u32) -> io::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut out = io::stdout().lock();
        out.write_all(&listener.local_addr()?.port().to_ne_bytes())?;
        out.flush()?;
        let mut server = Server {
            listener,
            connection: None,
            buffer: vec![0; PIECE_BYTES],
        };
        let cost = counted(warm_up, operations, || server.once(self))?;
        out.write_all(&cost.to_ne_bytes())?;
        out.flush()
    }
}

/// Gives the CPU time of so many operations, in nanoseconds, once it is warm.
fn counted(
    warm_up: u32,
    operations: u32,
    mut once: impl FnMut() -> io::Result<()>,
) -> io::Result<u64> {
    for _ in 0..warm_up {
        once()?;
    }
    let before = cpu_ns();
    for _ in 0..operations {
        once()?;
    }
    Ok(cpu_ns() - before)
}

fn cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

struct Client {
    server: SocketAddr,
    connection: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Client {
    fn once(&mut self, load: Load) -> io::Result<()> {
        if load == Load::Churn {
            let mut connection = TcpStream::connect(self.server)?;
            connection.write_all(b"question")?;
            connection.read_exact(&mut [0])?;
            return reset_at_close(&connection);
        }
        if self.connection.is_none() {
            let connection = TcpStream::connect(self.server)?;
            connection.set_nodelay(true)?;
            self.connection = Some(connection);
        }
        let Some(connection) = &mut self.connection else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        if load == Load::Bulk {
            return connection.write_all(&self.buffer);
        }
        connection.write_all(b"q")?;
        connection.read_exact(&mut [0])
    }
}

struct Server {
    listener: TcpListener,
    connection: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Server {
    fn once(&mut self, load: Load) -> io::Result<()> {
        if load == Load::Churn {
            let (mut connection, _) = self.listener.accept()?;
            connection.read_exact(&mut [0; 8])?;
            connection.write_all(b"a")?;
            // The reset: an error here is the end of this connection and of nothing else.
            let _ = connection.read(&mut [0]);
            return Ok(());
        }
        if self.connection.is_none() {
            let (connection, _) = self.listener.accept()?;
            connection.set_nodelay(true)?;
            self.connection = Some(connection);
        }
        let Some(connection) = &mut self.connection else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        if load == Load::Bulk {
            return connection.read_exact(&mut self.buffer);
        }
        connection.read_exact(&mut [0])?;
        connection.write_all(b"a")
    }
}

/// Lets close() reset the connection.
fn reset_at_close(connection: &TcpStream) -> io::Result<()> {
    let at_once = Some(std::time::Duration::ZERO);
    rustix::net::sockopt::set_socket_linger(connection, at_once).map_err(Into::into)
}
