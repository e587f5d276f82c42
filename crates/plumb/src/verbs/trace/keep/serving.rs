//! Serves those who ask: takes them, lets each go on as far as it can without waiting, sends the slow away.

use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::Instant;

use plumb_collect::creation::Server;
use plumb_collect::sys::peer::Peer;
use plumb_model::creation::Recorder;
use plumb_wire::creation::{Refusal, put_refused};
use rustix::event::{PollFd, PollFlags};
use rustix::net::SendFlags;

use super::client::{Client, Heard, Source};
use super::kept::Kept;
use super::names::Names;
use crate::verbs::recording::code::Code;

/// Clients that are served at once.
const MAX_CLIENTS: usize = 32;
/// Clients that are taken between two looks at what happens.
const MAX_TAKEN: usize = 64;

/// A place that is served, and who is there.
pub struct Serving {
    server: Server,
    group: Option<u32>,
    own: u32,
    clients: Vec<Client>,
    /// Names for the stacks that clients ask for.
    pub names: Names,
}

impl Serving {
    /// Begins with nobody.
    pub fn new(server: Server, group: Option<u32>) -> std::io::Result<Self> {
        Ok(Self {
            server,
            group,
            own: rustix::process::geteuid().as_raw(),
            clients: Vec::new(),
            names: Names::start()?,
        })
    }

    /// Gives the place.
    pub fn path(&self) -> &Path {
        self.server.path()
    }

    /// Gives the group that is served beside our user and root.
    pub fn group(&self) -> Option<u32> {
        self.group
    }

    /// Gives what to wait for.
    pub fn wanted(&self) -> impl Iterator<Item = PollFd<'_>> {
        let fixed = [self.server.as_fd(), self.names.as_fd()];
        let fixed = fixed.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        fixed
            .into_iter()
            .chain(self.clients.iter().filter_map(Client::wanted))
    }

    /// Takes who has come, and what they say; says whether there is a new question.
    pub fn hear(&mut self, now: Instant) -> bool {
        self.take(now);
        let mut asked = false;
        self.clients.retain_mut(|client| {
            let heard = client.hear(now);
            asked |= heard == Heard::Question;
            heard != Heard::TheEnd
        });
        asked
    }

    /// Goes on with everybody as far as nobody has to be waited for.
    pub fn go_on(
        &mut self,
        kept: &Kept,
        code: &Code,
        recorder: &dyn Fn() -> Recorder,
        now: Instant,
    ) {
        self.names.collect();
        let names = &mut self.names;
        let mut source = Source {
            kept,
            code,
            names,
            recorder,
        };
        self.clients
            .retain_mut(|client| client.go_on(&mut source, now));
    }

    fn take(&mut self, now: Instant) {
        for _ in 0..MAX_TAKEN {
            let Some((stream, who)) = self.server.accept() else {
                return;
            };
            let refusal = if !self.is_served(&who) {
                Some(Refusal::NotServed)
            } else if self.clients.len() >= MAX_CLIENTS {
                Some(Refusal::Busy)
            } else {
                None
            };
            match refusal {
                None => self.clients.push(Client::new(stream, now)),
                Some(why) => {
                    let mut text = Vec::new();
                    put_refused(&mut text, why);
                    // A new connection has room for these few bytes.
                    let _ = rustix::net::send(&stream, &text, SendFlags::NOSIGNAL);
                }
            }
        }
    }

    /// The mode of the socket says the same; it can be changed by mistake.
    fn is_served(&self, who: &Peer) -> bool {
        let in_group = self.group.is_some_and(|group| who.groups.contains(&group));
        who.uid == 0 || who.uid == self.own || in_group
    }
}
