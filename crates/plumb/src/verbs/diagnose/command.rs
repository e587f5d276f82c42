//! A command that is looked at from its first instruction, and the processes that descend from it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::Duration;

use plumb_collect::{netns, processes};
use plumb_model::NetnsId;
use plumb_model::id::Pid;

use crate::verbs::recording::Failure;
use crate::verbs::recording::command::{Running, shell_status};

/// What shells end with when a command is not there, or cannot be run.
const CANNOT_RUN: [u8; 2] = [126, 127];

/// How often it is asked whether the command has ended.
const LOOK: Duration = Duration::from_millis(20);

/// A command, held before its first instruction, or under way.
pub(super) struct Command {
    running: Running,
    /// It, and those that were seen to descend from it, also if they have ended.
    pub family: BTreeSet<Pid>,
    /// The network namespaces in which they were seen.
    pub namespaces: BTreeSet<NetnsId>,
}

impl Command {
    /// Starts and holds it, if there is one.
    pub fn hold(words: &[OsString]) -> Result<Option<Self>, Failure> {
        if words.is_empty() {
            return Ok(None);
        }
        let running = Running::hold(words)?;
        let family = BTreeSet::from([Pid(running.pid())]);
        Ok(Some(Self {
            running,
            family,
            namespaces: BTreeSet::new(),
        }))
    }

    /// Gives its process.
    pub fn pid(&self) -> Pid {
        Pid(self.running.pid())
    }

    /// Lets it begin.
    pub fn let_go(&mut self) {
        self.running.let_go();
    }

    /// Notes who descends from it now, and says whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        let now = processes::descendants(self.pid());
        let there = now.iter();
        self.namespaces
            .extend(there.filter_map(|pid| netns::of_process(u64::from(pid.0))));
        self.family.extend(now);
        self.running.ended().is_some()
    }

    /// Waits for its end, if nobody interrupts: it was started to be looked at, not to be ended. Gives the status that says it could
    /// not be run, if so.
    pub fn wait(mut self) -> Option<u8> {
        while self.running.ended().is_none() && !self.running.is_given_up() {
            std::thread::sleep(LOOK);
        }
        let ended = shell_status(self.running.ended()?);
        CANNOT_RUN.contains(&ended).then_some(ended)
    }
}
