//! Sockets that are held too long: the verdict on each, groups of one cause, and how fast they grow.
//!
//! A verdict needs positive evidence. For a connection whose peer is done the kernel has it even without a
//! recorder: the end of the stream counts as one byte that is read, so a receive queue of 0 says that the
//! program was told, and a queue of 1 and more that it never read that far.

mod makers;

use plumb_model::event::{Ends, StackId};
use plumb_model::id::{Cookie, Pid};
use plumb_model::socket::SocketState;

pub use makers::Makers;

/// A socket that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its name.
    pub cookie: Option<Cookie>,
    /// Its ends.
    pub ends: Option<Ends>,
    /// It came in: our end is the service.
    pub incoming: bool,
    /// Its state.
    pub state: SocketState,
    /// The process.
    pub pid: Option<Pid>,
    /// The process's name, raw bytes.
    pub process: Vec<u8>,
    /// The code that made it; `None` for sockets older than the recorder, and without stacks.
    pub made_by: Option<StackId>,
    /// The code that was told that the peer is done.
    pub told_by: Option<StackId>,
    /// The code that made others like it while the recorder ran ([`Makers`]): an inference, for one that is older.
    pub likely_made_by: Option<StackId>,
    /// The threads that wait for it now, by their places in a list of the caller's.
    pub waited_by: Vec<usize>,
    /// It was there before the recorder.
    pub older: bool,
    /// How long it has been there; `None` if unknown, as of older ones.
    pub age_ns: Option<u64>,
    /// How long the peer has been done.
    pub peer_done_ns: Option<u64>,
    /// How long nothing has been sent or received.
    pub idle_ns: Option<u64>,
    /// Whether anything was ever sent or received; `None` if unknown.
    pub used: Option<bool>,
    /// `tcp_info`'s and sock_diag's receive queue: the end of the stream counts as a byte.
    pub recv_q: Option<u64>,
    /// The kernel closed it, when its process ended.
    pub by_exit: bool,
}

/// Why a socket is held too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// The peer is done, the program was told so, and did not close.
    ToldNotClosed,
    /// The peer is done, and the program has not read so far as to be told.
    NeverReadAgain,
    /// A connection on which nothing was ever sent or received.
    NeverUsed,
    /// A connection on which nothing happens any more.
    Idle,
    /// Open until the process ended.
    OpenAtExit,
}

impl Verdict {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::ToldNotClosed => "told-not-closed",
            Self::NeverReadAgain => "never-read-again",
            Self::NeverUsed => "never-used",
            Self::Idle => "idle",
            Self::OpenAtExit => "open-at-exit",
        }
    }

    /// Says it in words, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::ToldNotClosed => "saw end-of-file, never closed",
            Self::NeverReadAgain => "peer is done, never read again",
            Self::NeverUsed => "never used",
            Self::Idle => "idle",
            Self::OpenAtExit => "open until the process ended",
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// What has been held for a shorter time is nobody's fault yet.
    pub older_than_ns: u64,
    /// Also connections on which nothing happens any more; pools hold such on purpose.
    pub idle: bool,
}

/// Judges a socket; gives the verdict and for how long it has held, `None` when there is none.
pub fn judge(held: &Held, question: &Question) -> Option<(Verdict, Option<u64>)> {
    if held.by_exit {
        return Some((Verdict::OpenAtExit, held.age_ns));
    }
    let (verdict, since) = match held.state {
        SocketState::CLOSE_WAIT => (peer_done(held)?, held.peer_done_ns),
        SocketState::ESTABLISHED if held.used == Some(false) => {
            (Verdict::NeverUsed, held.age_ns.or(held.idle_ns))
        }
        SocketState::ESTABLISHED if question.idle => (Verdict::Idle, held.idle_ns),
        _ => return None,
    };
    // Of a time that is not known nothing can be said, but that it began before we looked.
    let long = since.is_none_or(|since| since >= question.older_than_ns);
    long.then_some((verdict, since))
}

fn peer_done(held: &Held) -> Option<Verdict> {
    match held.recv_q {
        Some(0) => Some(Verdict::ToldNotClosed),
        Some(_) => Some(Verdict::NeverReadAgain),
        None if held.told_by.is_some() => Some(Verdict::ToldNotClosed),
        None => None,
    }
}

/// Sockets with one verdict, made by the same code of the same process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The verdict.
    pub verdict: Verdict,
    /// The process; the ids of all, the lowest first.
    pub pids: Vec<Pid>,
    /// Its name, raw bytes.
    pub process: Vec<u8>,
    /// The code that made them.
    pub made_by: Option<StackId>,
    /// The code that was told that the peer is done, that of most of them.
    pub told_by: Option<StackId>,
    /// Of older ones, the code that made others like them: an inference.
    pub likely_made_by: Option<StackId>,
    /// The threads that wait for any of them now, each once.
    pub waited_by: Vec<usize>,
    /// How many.
    pub count: u64,
    /// How many of them were there before the recorder.
    pub older: u64,
    /// The longest time one has been held, where any is known.
    pub oldest_ns: Option<u64>,
    /// The median of the times known.
    pub median_ns: Option<u64>,
    /// Bytes that nobody read, of all of which it is known; `None` if it is of none.
    pub unread_bytes: Option<u64>,
    /// The other ends, by address and port of the service, each with its count, most first.
    pub peers: Vec<(String, u64)>,
}

/// Groups what is held too long: the largest group first.
pub fn groups(held: &[Held], question: &Question) -> Vec<Group> {
    let mut open: Vec<(Group, Vec<u64>, Vec<StackId>)> = Vec::new();
    for socket in held {
        let Some((verdict, since)) = judge(socket, question) else {
            continue;
        };
        let at = open.iter().position(|(group, ..)| {
            group.verdict == verdict
                && group.made_by == socket.made_by
                && group.likely_made_by == socket.likely_made_by
                && group.process == socket.process
                && (group.made_by.is_some() || group.pids.first() == socket.pid.as_ref())
        });
        let at = at.unwrap_or_else(|| {
            open.push((empty(verdict, socket), Vec::new(), Vec::new()));
            open.len() - 1
        });
        if let Some((group, times, told)) = open.get_mut(at) {
            add(group, socket);
            times.extend(since);
            told.extend(socket.told_by);
        }
    }
    let mut groups: Vec<Group> = open
        .into_iter()
        .map(|(group, times, told)| finish(group, times, &told))
        .collect();
    groups.sort_by(|a, b| (b.count, a.verdict, &a.process).cmp(&(a.count, b.verdict, &b.process)));
    groups
}

fn empty(verdict: Verdict, socket: &Held) -> Group {
    Group {
        verdict,
        pids: Vec::new(),
        process: socket.process.clone(),
        made_by: socket.made_by,
        told_by: None,
        likely_made_by: socket.likely_made_by,
        waited_by: Vec::new(),
        count: 0,
        older: 0,
        oldest_ns: None,
        median_ns: None,
        unread_bytes: None,
        peers: Vec::new(),
    }
}

fn add(group: &mut Group, socket: &Held) {
    group.count += 1;
    group.older += u64::from(socket.older);
    if let Some(pid) = socket.pid
        && let Err(at) = group.pids.binary_search(&pid)
    {
        group.pids.insert(at, pid);
    }
    for &thread in &socket.waited_by {
        if let Err(at) = group.waited_by.binary_search(&thread) {
            group.waited_by.insert(at, thread);
        }
    }
    if let Some(bytes) = unread(socket) {
        *group.unread_bytes.get_or_insert(0) += bytes;
    }
    let Some(ends) = socket.ends else {
        return;
    };
    // What is not connected talks to anybody.
    if ends.peer.port() == 0 {
        return;
    }
    let peer = service(&ends, socket.incoming);
    match group.peers.iter_mut().find(|(known, _)| *known == peer) {
        Some((_, count)) => *count += 1,
        None => group.peers.push((peer, 1)),
    }
}

/// Bytes to read, without the end of the stream.
fn unread(socket: &Held) -> Option<u64> {
    let end = u64::from(socket.state == SocketState::CLOSE_WAIT);
    socket.recv_q.map(|queue| queue.saturating_sub(end))
}

/// The other end by what stays the same from connection to connection: of what we connect to, address and
/// port; of who comes to us, the address and our port.
fn service(ends: &Ends, incoming: bool) -> String {
    if incoming {
        format!("{} to :{}", ends.peer.ip(), ends.local.port())
    } else {
        ends.peer.to_string()
    }
}

fn finish(mut group: Group, mut times: Vec<u64>, told: &[StackId]) -> Group {
    times.sort_unstable();
    group.oldest_ns = times.last().copied();
    group.median_ns = times.get(times.len() / 2).copied();
    group.told_by = most(told);
    group
        .peers
        .sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    group
}

fn most(told: &[StackId]) -> Option<StackId> {
    let mut sorted = told.to_vec();
    sorted.sort_unstable();
    let runs = sorted.chunk_by(|a, b| a == b);
    let longest = runs.max_by_key(|run| run.len())?;
    longest.first().copied()
}

/// How a number of sockets grew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// Sockets more in each second.
    pub per_s: f64,
    /// Seconds until the process may open no more, where that is known and it grows.
    pub full_in_s: Option<f64>,
}

/// Samples that growth is told from at least.
const MIN_SAMPLES: usize = 4;
/// Sockets that must have been added at least: fewer are how programs breathe.
const MIN_ADDED: f64 = 3.0;

/// Tells how a number grew: the slope of the line that fits the samples (seconds, number) best, when it
/// explains most of what changed. `free` is how many descriptors the process may still open.
pub fn growth(samples: &[(f64, f64)], free: Option<u64>) -> Option<Growth> {
    let (first, last) = (samples.first()?, samples.last()?);
    if samples.len() < MIN_SAMPLES || last.1 - first.1 < MIN_ADDED {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of samples")]
    let n = samples.len() as f64;
    let mean_t = samples.iter().map(|sample| sample.0).sum::<f64>() / n;
    let mean_y = samples.iter().map(|sample| sample.1).sum::<f64>() / n;
    let cross: f64 = samples
        .iter()
        .map(|s| (s.0 - mean_t) * (s.1 - mean_y))
        .sum();
    let spread_t: f64 = samples.iter().map(|s| (s.0 - mean_t).powi(2)).sum();
    let spread_y: f64 = samples.iter().map(|s| (s.1 - mean_y).powi(2)).sum();
    if spread_t <= 0.0 || spread_y <= 0.0 {
        return None;
    }
    let per_s = cross / spread_t;
    let explained = cross * cross / (spread_t * spread_y);
    if per_s <= 0.0 || explained < 0.7 {
        return None;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers of descriptors are small"
    )]
    let full_in_s = free.map(|free| free as f64 / per_s);
    Some(Growth { per_s, full_in_s })
}

#[cfg(test)]
mod tests;
