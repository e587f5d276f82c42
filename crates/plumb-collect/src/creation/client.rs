//! The asking side: finds a recorder, and asks it.
//!
//! Whoever serves must be root or our own user. It may still say nonsense or nothing: what it says is decoded
//! with limits, and waited for with one.

use std::collections::HashMap;
use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use plumb_model::creation::{Answer, Key, Recorder};
use plumb_model::stack::Stack;
use plumb_wire::creation::{
    Broken, Frame, MAX_KEYS, Refusal, Reply, put_ask, put_hello, take_frame,
};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType};

use super::place::places;
use crate::sys::peer::peer;

/// How long a recorder may say nothing. It says every second that it is alive, but what a busy host does it takes in
/// first: 200 000 connections in a few seconds take it as long.
const PATIENCE: Duration = Duration::from_secs(15);
/// Frames that answer one question at most: each stack is sent once, and answers come by hundreds.
const MAX_FRAMES: usize = 4 * MAX_KEYS;
/// Bytes that are read at a time.
const READ: usize = 16 * 1024;

/// Why a recorder cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// None serves this user.
    #[error("no recorder runs")]
    None,
    /// One was killed, and its socket is left.
    #[error("no recorder runs; one that was killed left its socket at {0}")]
    Stale(String),
    /// There is one, and it serves others.
    #[error("the recorder at {0} does not serve this user")]
    NotServed(String),
    /// It serves too many already.
    #[error("the recorder at {0} serves as many as it can")]
    Busy(String),
    /// It speaks another version.
    #[error("the recorder at {0} is of another version of plumb")]
    Version(String),
    /// Who serves there is neither root nor our own user.
    #[error("who serves at {0} is neither root nor this user, and is not asked")]
    Stranger(String),
    /// It says nothing, or what cannot be understood.
    #[error("the recorder at {0} does not answer")]
    NoAnswer(String),
}

/// A recorder that serves us.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    at: String,
    /// What was read and not decoded yet.
    input: Vec<u8>,
    /// Who it is, as it said last.
    pub recorder: Recorder,
}

impl Client {
    /// Finds a recorder that serves this user. Of several failures the one that says most is told.
    pub fn connect() -> Result<Self, Failure> {
        let mut failure = Failure::None;
        for place in places() {
            match Self::connect_to(&place) {
                Ok(client) => return Ok(client),
                Err(Failure::None) => {}
                Err(other) => failure = other,
            }
        }
        Err(failure)
    }

    fn connect_to(path: &Path) -> Result<Self, Failure> {
        let at = path.display().to_string();
        let socket = connect(path).map_err(|errno| match errno {
            Errno::NOENT | Errno::NOTDIR => Failure::None,
            Errno::CONNREFUSED => Failure::Stale(at.clone()),
            Errno::ACCESS | Errno::PERM => Failure::NotServed(at.clone()),
            Errno::AGAIN => Failure::Busy(at.clone()),
            _ => Failure::NoAnswer(at.clone()),
        })?;
        let own = rustix::process::geteuid().as_raw();
        if !peer(socket.as_fd()).is_ok_and(|server| server.uid == 0 || server.uid == own) {
            return Err(Failure::Stranger(at));
        }
        let mut client = Self {
            stream: UnixStream::from(socket),
            at,
            input: Vec::new(),
            recorder: Recorder::default(),
        };
        client.greet()?;
        Ok(client)
    }

    fn greet(&mut self) -> Result<(), Failure> {
        let mut hello = Vec::new();
        put_hello(&mut hello);
        // One that refuses us may have hung up already; what it said can be read all the same.
        let _ = self.say(&hello);
        match self.next()? {
            Reply::Welcome(recorder) => {
                self.recorder = recorder;
                Ok(())
            }
            Reply::Refused(Refusal::NotServed) => Err(Failure::NotServed(self.at.clone())),
            Reply::Refused(Refusal::Busy) => Err(Failure::Busy(self.at.clone())),
            Reply::Refused(Refusal::Version) => Err(Failure::Version(self.at.clone())),
            _ => Err(self.silent()),
        }
    }

    /// Asks how sockets were made; gives as many answers, in their order.
    pub fn ask(&mut self, keys: &[Key]) -> Result<Vec<Answer<Arc<Stack>>>, Failure> {
        let mut answers = Vec::with_capacity(keys.len());
        for keys in keys.chunks(MAX_KEYS) {
            self.ask_some(keys, &mut answers)?;
        }
        Ok(answers)
    }

    fn ask_some(
        &mut self,
        keys: &[Key],
        answers: &mut Vec<Answer<Arc<Stack>>>,
    ) -> Result<(), Failure> {
        let mut question = Vec::new();
        put_ask(&mut question, keys);
        self.say(&question)?;
        let wanted = answers.len() + keys.len();
        let mut stacks: HashMap<u32, Arc<Stack>> = HashMap::new();
        let mut frames = 0;
        loop {
            match self.next()? {
                Reply::Wait => continue,
                Reply::Stack(number, stack) => {
                    stacks.insert(number, Arc::from(stack));
                }
                Reply::Answers(some) => answers.extend(
                    some.into_iter()
                        .map(|answer| answer.map(|code| stacks.get(&code).cloned())),
                ),
                Reply::Done(recorder) if answers.len() == wanted => {
                    self.recorder = recorder;
                    return Ok(());
                }
                _ => return Err(self.silent()),
            }
            frames += 1;
            if frames > MAX_FRAMES || answers.len() > wanted {
                return Err(self.silent());
            }
        }
    }

    /// Sends all of it. A recorder that has gone must not end us by a signal.
    fn say(&self, mut bytes: &[u8]) -> Result<(), Failure> {
        while !bytes.is_empty() {
            match rustix::net::send(&self.stream, bytes, SendFlags::NOSIGNAL) {
                Ok(sent) => bytes = bytes.get(sent..).unwrap_or(&[]),
                Err(Errno::INTR) => {}
                Err(_) => return Err(self.silent()),
            }
        }
        Ok(())
    }

    /// Reads the next reply.
    fn next(&mut self) -> Result<Reply, Failure> {
        loop {
            match take_frame(&self.input) {
                Ok(Some(Frame { kind, payload, len })) => {
                    let reply = Reply::decode(kind, payload);
                    self.input.drain(..len);
                    return reply.map_err(|Broken| self.silent());
                }
                Ok(None) => {}
                Err(Broken) => return Err(self.silent()),
            }
            let mut piece = [0; READ];
            match self.stream.read(&mut piece) {
                Ok(0) => return Err(self.silent()),
                Ok(len) => self
                    .input
                    .extend_from_slice(piece.get(..len).unwrap_or(&[])),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return Err(self.silent()),
            }
        }
    }

    fn silent(&self) -> Failure {
        Failure::NoAnswer(self.at.clone())
    }
}

/// Connects without waiting; reading and writing wait for [`PATIENCE`].
fn connect(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    rustix::io::ioctl_fionbio(&socket, false)?;
    for timeout in [
        rustix::net::sockopt::Timeout::Recv,
        rustix::net::sockopt::Timeout::Send,
    ] {
        rustix::net::sockopt::set_socket_timeout(&socket, timeout, Some(PATIENCE))?;
    }
    Ok(socket)
}
