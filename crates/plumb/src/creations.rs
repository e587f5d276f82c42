//! `--stack`: which code made the sockets of a listing, asked of a recorder in the background.
//!
//! A listing asks for as many sockets at once as it has, because a question costs a switch to the recorder and
//! back. Whatever fails, there is an answer for each socket: the reason.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use plumb_collect::creation::{Client, Failure};
use plumb_collect::netns;
use plumb_model::creation::{Absence, Answer, Key};
use plumb_model::event::Ends;
use plumb_model::id::{Cookie, NetnsId};
use plumb_model::socket::SocketState;
use plumb_model::stack::Stack;
use plumb_present::json::creation::CreationMembers;
use plumb_present::report::creation::write_lines;

/// `IPPROTO_TCP`, in [`Subject::protocol`].
const IPPROTO_TCP: u8 = 6;

/// What was told of one socket.
pub type Told = Answer<Arc<Stack>>;

/// A socket as a row has it.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    /// Its cookie, if the source of the row has one.
    pub cookie: Option<Cookie>,
    /// Its state.
    pub state: SocketState,
    /// `IPPROTO_*`.
    pub protocol: u8,
    /// Its ends.
    pub local: SocketAddr,
    /// The other one.
    pub peer: SocketAddr,
}

/// A recorder, or why there is none.
pub struct Creations {
    client: Result<Client, Failure>,
    own: Option<NetnsId>,
    /// What is told of the rows to come, in their order.
    told: VecDeque<Told>,
}

impl Creations {
    /// Looks for a recorder.
    pub fn look() -> Self {
        Self {
            client: Client::connect(),
            own: netns::own().map(|netns| netns.id),
            told: VecDeque::new(),
        }
    }

    /// Says why nothing will be known, and how to change that.
    pub fn complaint(&self) -> Option<String> {
        let failure = self.client.as_ref().err()?;
        let hint = match failure {
            Failure::None | Failure::Stale(_) => {
                " (start one: plumb trace --keep, as root or with CAP_BPF and CAP_PERFMON)"
            }
            Failure::NotServed(_) => {
                " (its user may start it with --group NAME, for the members of a group)"
            }
            _ => "",
        };
        Some(format!("--stack: {failure}{hint}"))
    }

    /// Says in words what the recorder did not see or has lost.
    pub fn losses(&self) -> &[String] {
        self.client
            .as_ref()
            .map_or(&[], |client| &client.recorder.reasons)
    }

    /// Asks about rows to come, all at once. They are of the namespace `netns`, which is our own where nobody says.
    pub fn expect(&mut self, subjects: &[Subject], netns: Option<NetnsId>) {
        self.told = self.ask(subjects, netns).into();
    }

    /// Gives what is told of the next row: what was asked before, or asked now.
    fn next(&mut self, subject: Subject, netns: Option<NetnsId>) -> Told {
        let told = self.told.pop_front();
        let told = told.or_else(|| self.ask(&[subject], netns).pop());
        told.unwrap_or_else(|| Answer::unknown(self.absence()))
    }

    /// Gives the lines below the next row.
    pub fn lines(&mut self, subject: Subject, netns: Option<NetnsId>) -> Vec<u8> {
        let mut lines = Vec::new();
        write_lines(&mut lines, &self.next(subject, netns), time);
        lines
    }

    /// Gives the same for JSON.
    pub fn members(&mut self, subject: Subject, netns: Option<NetnsId>) -> CreationMembers {
        CreationMembers::new(&self.next(subject, netns), time)
    }

    /// Gives an answer for each socket, in their order.
    pub fn ask(&mut self, subjects: &[Subject], netns: Option<NetnsId>) -> Vec<Told> {
        let netns = netns.or(self.own);
        let keys = subjects.iter().map(|subject| key(subject, netns));
        let keys: Vec<Result<Key, Absence>> = keys.collect();
        let asked: Vec<Key> = keys.iter().flatten().copied().collect();
        let mut told = self.ask_recorder(&asked).into_iter();
        let answer = |key: Result<Key, Absence>| match key {
            Ok(_) => told.next(),
            Err(absence) => Some(Answer::unknown(absence)),
        };
        let nobody = self.absence();
        keys.into_iter()
            .map(answer)
            .map(|told| told.unwrap_or_else(|| Answer::unknown(nobody)))
            .collect()
    }

    /// Asks as long as there is somebody; from the first failure on there is nobody.
    fn ask_recorder(&mut self, keys: &[Key]) -> Vec<Told> {
        let Ok(client) = &mut self.client else {
            return Vec::new();
        };
        match client.ask(keys) {
            Ok(told) => told,
            Err(failure) => {
                self.client = Err(failure);
                Vec::new()
            }
        }
    }

    fn absence(&self) -> Absence {
        match &self.client {
            Err(Failure::NotServed(_)) => Absence::PermissionDenied,
            _ => Absence::NoRecorder,
        }
    }
}

fn key(subject: &Subject, netns: Option<NetnsId>) -> Result<Key, Absence> {
    if subject.protocol == IPPROTO_TCP && subject.state == SocketState::SYN_RECV {
        return Err(Absence::NotAccepted);
    }
    let (Some(cookie), Some(netns)) = (subject.cookie, netns) else {
        return Err(Absence::NoCookie);
    };
    Ok(Key {
        cookie,
        netns,
        ends: Ends {
            protocol: subject.protocol,
            local: subject.local,
            peer: subject.peer,
        },
    })
}

/// Writes microseconds since 1970 as RFC 3339 has them, whole milliseconds.
pub fn time(us: u64) -> String {
    let us = i64::try_from(us).unwrap_or(i64::MAX);
    match jiff::Timestamp::from_microsecond(us) {
        Ok(time) => format!("{time:.3}"),
        Err(_) => String::from("?"),
    }
}
