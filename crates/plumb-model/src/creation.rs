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
pub enum Answer<Code> {
    /// How it was made.
    Made(Box<Creation<Code>>),
    /// Nothing, for this reason.
    Unknown(Absence),
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
    /// The recv() that returned 0, if there was one.
    pub told: Option<Told<Code>>,
}

/// A program has been told that its peer will send nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told<Code> {
    /// When: microseconds since 1970.
    pub time_us: u64,
    /// The code that was told; `None` when its stack was lost.
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
}

/// Why nobody knows how a socket was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Absence {
    /// It is older than the recorder.
    Older,
    /// It came in, and no accept() has returned it.
    NotAccepted,
    /// It belongs to no process that is recorded.
    NotFollowed,
    /// Sockets of its kind are not recorded.
    NotRecorded,
    /// The recorder lost some of what happened, this perhaps among it.
    Lost,
    /// Its source gives it no cookie.
    NoCookie,
    /// No recorder runs, or none that answers.
    NoRecorder,
    /// There is a recorder, and it does not serve this user.
    PermissionDenied,
}

impl<Code> Answer<Code> {
    /// Puts other code in. Code that `put` does not know is lost.
    pub fn map<Other>(self, mut put: impl FnMut(Code) -> Option<Other>) -> Answer<Other> {
        match self {
            Self::Made(creation) => Answer::Made(Box::new(creation.map(&mut put))),
            Self::Unknown(absence) => Answer::Unknown(absence),
        }
    }
}

impl<Code> Creation<Code> {
    fn map<Other>(self, put: &mut impl FnMut(Code) -> Option<Other>) -> Creation<Other> {
        Creation {
            how: self.how,
            time_us: self.time_us,
            pid: self.pid,
            tid: self.tid,
            comm: self.comm,
            code: self.code.and_then(&mut *put),
            told: self.told.map(|told| Told {
                time_us: told.time_us,
                code: told.code.and_then(&mut *put),
            }),
        }
    }

    /// Gives all its code.
    pub fn codes(&self) -> impl Iterator<Item = &Code> {
        let told = self.told.as_ref().and_then(|told| told.code.as_ref());
        self.code.iter().chain(told)
    }
}

impl How {
    /// Gives the stable machine word: the call.
    pub fn word(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Accept => "accept",
            Self::Listen => "listen",
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
            Self::NotFollowed => "of no process that is recorded",
            Self::NotRecorded => "sockets of this kind are not recorded",
            Self::Lost => "the recorder lost some events, this one perhaps among them",
            Self::NoCookie => "the source of this row does not name the socket",
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
