//! What snapshots said, compared with what the sockets say.

use std::collections::BTreeMap;

use plumb_model::Known;
use plumb_model::attribution::Process;
use plumb_model::snapshot::{End, Snapshot, Socket};
use plumb_testkit::churn::truth::{self, Who};

/// Wrong answers that are kept whole, to be shown.
const MOST_SHOWN: usize = 10;

/// Counts of answers.
#[derive(Debug, Default)]
pub struct Tally {
    /// Owners named that were owners.
    pub right: u64,
    /// Owners named that were not.
    pub wrong: u64,
    /// Sockets without an owner, by reason.
    pub unknown: BTreeMap<&'static str, u64>,
    /// Some of the wrong answers.
    pub examples: Vec<String>,
}

impl Tally {
    /// Owners named.
    pub fn attributions(&self) -> u64 {
        self.right + self.wrong
    }

    /// Adds what a snapshot says; `also` may hold a listener of any child.
    pub fn add(&mut self, snapshot: &Snapshot, also: u32) {
        for (place, socket) in snapshot.sockets.iter().enumerate() {
            let Some(holders) = holders(socket, also) else {
                continue;
            };
            match snapshot.owners.of(place) {
                Known::Unknown(reason) => *self.unknown.entry(reason.word()).or_default() += 1,
                Known::Known(_) => {
                    for process in snapshot.owners.processes_of(place) {
                        self.judge(&holders, process);
                    }
                }
            }
        }
    }

    fn judge(&mut self, holders: &[Who], process: &Process) {
        let start = process.start_ticks.ok();
        if holders.iter().any(|who| who.is(process.pid.0, start)) {
            self.right += 1;
            return;
        }
        self.wrong += 1;
        if self.examples.len() < MOST_SHOWN {
            self.examples
                .push(format!("{process:?}, not one of {holders:?}"));
        }
    }
}

/// Gives who may hold a socket; `None` for sockets that are none of the churn.
fn holders(socket: &Socket, also: u32) -> Option<Vec<Who>> {
    match &socket.local {
        End::Unix {
            name: Some(name), ..
        } => truth::of_name(name),
        End::Inet(end) => {
            // The forker has no listeners, but a child that it makes may be between fork and bind.
            let forker = Who {
                pid: also,
                start: None,
            };
            Some(vec![truth::of_address(end.ip())?, forker])
        }
        _ => None,
    }
}
