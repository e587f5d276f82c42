//! Which code made a socket, as a recorder that runs in the background tells others.
//!
//! Code is a type parameter: on its way a stack is a number, because many sockets share one; who has the
//! stacks puts them in ([`Answer::map`]).

use crate::event::Ends;
use crate::id::{Cookie, NetnsId, Pid};

/// A socket that somebody asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its cookie.
    pub cookie: Cookie,
    /// Its namespace.
    pub netns: NetnsId,
    /// Its ends: what is left of a connection in TIME_WAIT has another cookie and the same ends.
    pub ends: Ends,
}

/// What is known of one socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<Code> {
    /// How it was made, or why nobody knows.
    pub made: Result<Creation<Code>, Absence>,
    /// The bind() of a socket that socket() made what it is, if there was one.
    pub bound: Option<Moment<Code>>,
    /// The recv() that returned 0, if there was one: the program has been told that its peer will send nothing more.
    pub told: Option<Moment<Code>>,
}

/// How a socket was made, by whom and by which code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creation<Code> {
    /// The call.
    pub how: How,
    /// When: microseconds since 1970.
    pub time_us: u64,
    /// The process; `None` if nobody knows any more.
    pub pid: Option<Pid>,
    /// The thread.
    pub tid: Option<u32>,
    /// The thread's name (`comm`), raw bytes.
    pub comm: Vec<u8>,
    /// The code; `None` when its stack was lost.
    pub code: Option<Code>,
}

/// When a call did something to a socket, and which code called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment<Code> {
    /// When: microseconds since 1970.
    pub time_us: u64,
    /// The code; `None` when its stack was lost.
    pub code: Option<Code>,
}

/// The call that made a socket what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// connect().
    Connect,
    /// accept().
    Accept,
    /// listen().
    Listen,
    /// socket(): of what is no connection, nothing else makes it what it is.
    Socket,
}

/// Why nobody knows how a socket was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Absence {
    /// It is older than the recorder.
    Older,
    /// It came in, and no accept() has returned it.
    NotAccepted,
    /// It is none of those that are recorded.
    NotFollowed,
    /// Sockets of its kind are not recorded.
    NotRecorded,
    /// The recorder lost some of what happened, this perhaps among it.
    Lost,
    /// Its source gives it no cookie, or the kernel had given it none when it told of it, and its ends are not its
    /// alone.
    NoCookie,
    /// No recorder runs, or none that answers.
    NoRecorder,
    /// There is a recorder, and it does not serve this user.
    PermissionDenied,
}

impl<Code> Answer<Code> {
    /// Nothing is known, for this reason.
    pub fn unknown(absence: Absence) -> Self {
        Self {
            made: Err(absence),
            bound: None,
            told: None,
        }
    }

    /// Puts other code in. Code that `put` does not know is lost.
    pub fn map<Other>(self, mut put: impl FnMut(Code) -> Option<Other>) -> Answer<Other> {
        Answer {
            made: self.made.map(|creation| Creation {
                how: creation.how,
                time_us: creation.time_us,
                pid: creation.pid,
                tid: creation.tid,
                comm: creation.comm,
                code: creation.code.and_then(&mut put),
            }),
            bound: self.bound.map(|bound| bound.map(&mut put)),
            told: self.told.map(|told| told.map(&mut put)),
        }
    }

    /// Gives all its code.
    pub fn codes(&self) -> impl Iterator<Item = &Code> {
        let made = self.made.as_ref().ok();
        let made = made.and_then(|creation| creation.code.as_ref());
        let moments = [&self.bound, &self.told].into_iter().flatten();
        let moments = moments.filter_map(|moment| moment.code.as_ref());
        made.into_iter().chain(moments)
    }
}

impl<Code> Moment<Code> {
    fn map<Other>(self, put: impl FnMut(Code) -> Option<Other>) -> Moment<Other> {
        Moment {
            time_us: self.time_us,
            code: self.code.and_then(put),
        }
    }
}

impl How {
    /// Gives the stable machine word: the call.
    pub fn word(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Accept => "accept",
            Self::Listen => "listen",
            Self::Socket => "socket",
        }
    }
}

impl Absence {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Older => "older-than-recorder",
            Self::NotAccepted => "not-accepted",
            Self::NotFollowed => "not-followed",
            Self::NotRecorded => "not-recorded",
            Self::Lost => "lost",
            Self::NoCookie => "no-cookie",
            Self::NoRecorder => "no-recorder",
            Self::PermissionDenied => "permission-denied",
        }
    }

    /// Says it to people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Older => "older than the recorder",
            Self::NotAccepted => "it came in, and no accept() has returned it yet",
            Self::NotFollowed => "not among the sockets that are recorded",
            Self::NotRecorded => "sockets of this kind are not recorded",
            Self::Lost => "the recorder lost some events, this one perhaps among them",
            Self::NoCookie => "nothing names this socket alone",
            Self::NoRecorder => "no recorder answers",
            Self::PermissionDenied => "the recorder does not serve this user",
        }
    }
}

/// A recorder that runs in the background, as it introduces itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorder {
    /// Its process.
    pub pid: u32,
    /// When it began: microseconds since 1970.
    pub since_us: u64,
    /// Whose sockets it records, in words.
    pub scope: String,
    /// The group it serves, beside its own user and root; `None` for none.
    pub group: Option<u32>,
    /// Sockets it knows now.
    pub sockets: u64,
    /// What it could not see or has lost, in words.
    pub reasons: Vec<String>,
}
