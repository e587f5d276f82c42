//! One who asks: what it said, what is answered, what is sent. Nothing here waits.
//!
//! A client has one question at a time and so much output that its socket may be slow about; it is read again
//! when both are done. Whoever does not go on for a while is sent away.

use std::collections::HashMap;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use plumb_model::creation::{Answer, Key, Recorder};
use plumb_model::event::StackId;
use plumb_wire::creation::{
    Broken, Frame, MAX_ANSWERS, Refusal, Request, VERSION, put_answers, put_done, put_refused,
    put_stack, put_wait, put_welcome, take_frame,
};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

use super::kept::Kept;
use super::names::{Named, Names};
use crate::verbs::recording::code::Code;

/// Bytes that wait for a client at most, but for the last stack.
const MAX_OUTPUT: usize = 1 << 20;
/// Bytes that are read at a time.
const READ: usize = 16 * 1024;
/// How long a client may take none of its answer, or not finish its question.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it may stay without a question: `netstat -c` comes back every second.
const IDLE: Duration = Duration::from_mins(1);
/// How often a client that waits for names hears that it is not forgotten.
const ALIVE: Duration = Duration::from_secs(1);

/// What answers are made of.
pub struct Source<'s> {
    /// The sockets.
    pub kept: &'s Kept,
    /// The stacks.
    pub code: &'s Code,
    /// Their names.
    pub names: &'s mut Names,
    /// Who we are, and what is lost until now.
    pub recorder: &'s dyn Fn() -> Recorder,
}

/// A client.
pub struct Client {
    stream: UnixStream,
    greeted: bool,
    /// What it said and was not a whole message yet.
    input: Vec<u8>,
    /// It waits to be welcomed.
    greets: bool,
    question: Option<Question>,
    /// What it has to hear; sent up to `sent`.
    output: Vec<u8>,
    sent: usize,
    /// The end, once it has heard everything.
    last: bool,
    /// When it last went on, or was told to wait.
    moved: Instant,
}

/// A question, answered up to `next`.
struct Question {
    keys: Vec<Key>,
    next: usize,
    /// The stacks it has been sent, by their numbers.
    told: HashMap<StackId, u32>,
    /// All its stacks have been asked for.
    begun: bool,
    /// The next answer waits for names.
    waits: bool,
}

/// What listening to a client gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Nothing to answer by what is known of sockets.
    Nothing,
    /// A question.
    Question,
    /// It has gone, or talks nonsense.
    TheEnd,
}

impl Client {
    /// Begins with one that has connected.
    pub fn new(stream: UnixStream, now: Instant) -> Self {
        Self {
            stream,
            greeted: false,
            input: Vec::new(),
            greets: false,
            question: None,
            output: Vec::new(),
            sent: 0,
            last: false,
            moved: now,
        }
    }

    /// Gives what to wait for; nothing while its stacks are being named.
    pub fn wanted(&self) -> Option<PollFd<'_>> {
        let flags = match &self.question {
            Some(question) if question.waits && self.output.is_empty() => return None,
            None if self.listens() && !self.has_message() => PollFlags::IN,
            // What there is to do needs no more than room for it.
            _ => PollFlags::OUT,
        };
        Some(PollFd::new(&self.stream, flags))
    }

    /// Takes in what it says, if it is its turn.
    pub fn hear(&mut self, now: Instant) -> Heard {
        if !self.listens() {
            return Heard::Nothing;
        }
        match self.listen() {
            Err(_) => return Heard::TheEnd,
            Ok(true) => self.moved = now,
            Ok(false) => {}
        }
        if self.question.is_some() {
            Heard::Question
        } else {
            Heard::Nothing
        }
    }

    /// Goes on as far as nothing has to be waited for; `false` when it is over.
    pub fn go_on(&mut self, source: &mut Source<'_>, now: Instant) -> bool {
        // Bounded: what happens must be looked at, too.
        for _ in 0..8 {
            let moved = if !self.output.is_empty() {
                self.send()
            } else if self.last {
                return false;
            } else if std::mem::take(&mut self.greets) {
                put_welcome(&mut self.output, &(source.recorder)());
                Ok(true)
            } else {
                Ok(self.answer(source, now))
            };
            match moved {
                Ok(true) => self.moved = now,
                Ok(false) => return self.is_in_time(now),
                Err(_) => return false,
            }
        }
        true
    }

    /// Says whether it is its turn to say something.
    fn listens(&self) -> bool {
        self.output.is_empty() && self.question.is_none() && !self.greets && !self.last
    }

    fn has_message(&self) -> bool {
        !matches!(take_frame(&self.input), Ok(None))
    }

    fn is_in_time(&self, now: Instant) -> bool {
        let is_idle = self.greeted && self.listens() && self.input.is_empty();
        let longest = if is_idle { IDLE } else { PATIENCE };
        now.saturating_duration_since(self.moved) < longest
    }

    fn send(&mut self) -> Result<bool, Errno> {
        let rest = self.output.get(self.sent..).unwrap_or(&[]);
        match rustix::net::send(&self.stream, rest, SendFlags::NOSIGNAL) {
            Ok(sent) => self.sent += sent,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(false),
            Err(errno) => return Err(errno),
        }
        if self.sent >= self.output.len() {
            self.output.clear();
            // What one large answer took is not held for the next.
            self.output.shrink_to(MAX_OUTPUT);
            self.sent = 0;
        }
        Ok(true)
    }

    /// Takes the next message, reading on if it is not whole; says whether anything came.
    fn listen(&mut self) -> Result<bool, Errno> {
        if self.take()? {
            return Ok(true);
        }
        let mut piece = [0; READ];
        match rustix::net::recv(&self.stream, &mut piece[..], RecvFlags::empty()) {
            Ok((0, _)) => Err(Errno::PIPE),
            Ok((len, _)) => {
                self.input
                    .extend_from_slice(piece.get(..len).unwrap_or(&[]));
                self.take()?;
                Ok(true)
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    /// Takes a whole message, if there is one.
    fn take(&mut self) -> Result<bool, Errno> {
        let broken = |Broken| Errno::PROTO;
        let Some(Frame { kind, payload, len }) = take_frame(&self.input).map_err(broken)? else {
            return Ok(false);
        };
        let request = Request::decode(kind, payload).map_err(broken)?;
        self.input.drain(..len);
        match request {
            Request::Hello(VERSION) => (self.greeted, self.greets) = (true, true),
            Request::Hello(_) => {
                put_refused(&mut self.output, Refusal::Version);
                self.last = true;
            }
            Request::Ask(_) if !self.greeted => return Err(Errno::PROTO),
            Request::Ask(keys) => self.question = Some(Question::new(keys)),
        }
        Ok(true)
    }

    /// Answers the next keys; says whether there is something to send.
    fn answer(&mut self, source: &mut Source<'_>, now: Instant) -> bool {
        let Some(question) = &mut self.question else {
            return false;
        };
        question.begin(source);
        question.answer(source, &mut self.output);
        if self.output.is_empty() && question.is_done() {
            put_done(&mut self.output, &(source.recorder)());
            self.question = None;
        }
        if self.output.is_empty() {
            if has_hung_up(&self.stream) {
                self.last = true;
                return true;
            }
            if now.saturating_duration_since(self.moved) >= ALIVE {
                put_wait(&mut self.output);
            }
        }
        !self.output.is_empty()
    }
}

impl Question {
    fn new(keys: Vec<Key>) -> Self {
        Self {
            keys,
            next: 0,
            told: HashMap::new(),
            begun: false,
            waits: false,
        }
    }

    /// Has all its stacks named, so that they are one behind the other.
    fn begin(&mut self, source: &mut Source<'_>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        for key in &self.keys {
            for &id in source.kept.answer(key).codes() {
                source.names.get(id, source.code);
            }
        }
    }

    fn is_done(&self) -> bool {
        self.next >= self.keys.len()
    }

    /// Appends answers, each behind its stacks, until names are missing or there is enough to send.
    fn answer(&mut self, source: &mut Source<'_>, output: &mut Vec<u8>) {
        let mut answers = Vec::new();
        self.waits = false;
        while answers.len() < MAX_ANSWERS && output.len() < MAX_OUTPUT {
            let Some(key) = self.keys.get(self.next) else {
                break;
            };
            let answer = source.kept.answer(key);
            if !self.tell_stacks(&answer, source, output) {
                self.waits = true;
                break;
            }
            answers.push(answer.map(|id| self.told.get(&id).copied()));
            self.next += 1;
        }
        if !answers.is_empty() {
            put_answers(output, &answers);
        }
    }

    /// Appends the stacks that an answer names; `false` if one of them has no names yet.
    fn tell_stacks(
        &mut self,
        answer: &Answer<StackId>,
        source: &mut Source<'_>,
        output: &mut Vec<u8>,
    ) -> bool {
        for &id in answer.codes() {
            if self.told.contains_key(&id) {
                continue;
            }
            match source.names.get(id, source.code) {
                Named::Soon => return false,
                Named::Lost => {}
                Named::Ready(stack) => {
                    let number = u32::try_from(self.told.len()).unwrap_or(u32::MAX);
                    put_stack(output, number, &stack);
                    self.told.insert(id, number);
                }
            }
        }
        true
    }
}

/// Says whether a client that we do not listen to now has gone.
fn has_hung_up(stream: &UnixStream) -> bool {
    let mut byte = [0];
    let peeked = rustix::net::recv(stream, &mut byte[..], RecvFlags::PEEK | RecvFlags::DONTWAIT);
    !matches!(peeked, Err(Errno::AGAIN | Errno::INTR) | Ok((1.., _)))
}
