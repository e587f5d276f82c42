//! Attempts to connect: what came of each, and why.
//!
//! A cause needs evidence for it: an errno alone says *refused*, the reset that came with it says *by the
//! host*, and its absence says *by something on the way*.

use std::collections::BTreeMap;

use plumb_model::event::StackId;

use crate::lives::{Life, Origin};

/// Errors of `connect()` on Linux (asm-generic/errno.h; the same on x86-64 and arm64).
mod errno {
    pub(super) const EPERM: i32 = 1;
    pub(super) const EACCES: i32 = 13;
    pub(super) const EADDRINUSE: i32 = 98;
    pub(super) const EADDRNOTAVAIL: i32 = 99;
    pub(super) const ENETUNREACH: i32 = 101;
    pub(super) const ECONNABORTED: i32 = 103;
    pub(super) const ECONNRESET: i32 = 104;
    pub(super) const ETIMEDOUT: i32 = 110;
    pub(super) const ECONNREFUSED: i32 = 111;
    pub(super) const EHOSTUNREACH: i32 = 113;
    /// 0, EINTR, EALREADY, EINPROGRESS, and what the kernel itself has for calls that a signal interrupted
    /// (ERESTARTSYS and those behind it).
    pub(super) const UNDECIDED: [i32; 8] = [0, 4, 114, 115, 512, 513, 514, 516];
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Outcome {
    /// A connection.
    Connected,
    /// Nobody listens there: the host answered with a reset.
    Refused,
    /// Nobody answered.
    TimedOut,
    /// Something said that the host cannot be reached.
    Unreachable,
    /// This host has no route there.
    NoRoute,
    /// No local port was left, or the local address is not ours.
    NoPort,
    /// A rule forbids it, here or on the way.
    Firewall,
    /// The peer, or something on the way, broke it off: in the handshake, or behind it before any byte had arrived.
    Reset,
    /// The program gave up before there was an answer.
    GivenUp,
    /// Somebody with privileges destroyed the socket.
    Destroyed,
    /// Another error; its errno says which.
    Other,
    /// It goes on.
    Pending,
}

impl Outcome {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Refused => "refused",
            Self::TimedOut => "timed-out",
            Self::Unreachable => "unreachable",
            Self::NoRoute => "no-route",
            Self::NoPort => "no-port-left",
            Self::Firewall => "firewall",
            Self::Reset => "reset",
            Self::GivenUp => "given-up",
            Self::Destroyed => "destroyed",
            Self::Other => "other",
            Self::Pending => "in-progress",
        }
    }

    /// Says whether it is a failure.
    pub fn is_failure(self) -> bool {
        !matches!(self, Self::Connected | Self::Pending)
    }
}

/// An attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What came of it.
    pub outcome: Outcome,
    /// The errno behind a failure, positive; 0 for none.
    pub errno: i32,
    /// Until the answer, or the end of the attempt; `None` while it goes on.
    pub latency_ns: Option<u64>,
    /// What else is known, in words; empty for nothing.
    pub detail: String,
}

/// Names of the kernel's reasons for dropped packets, by number.
pub type DropName<'a> = &'a dyn Fn(u32) -> Option<String>;

/// Judges a life that began with connect(); `None` for every other.
pub fn judge(life: &Life, drop_name: DropName<'_>) -> Option<Attempt> {
    if life.origin != Origin::Connected {
        return None;
    }
    let errno = error_of(life);
    let outcome = outcome(life, errno, drop_name);
    let answered = life.at.established.or(life.at.closed);
    Some(Attempt {
        outcome,
        errno: if outcome == Outcome::Connected {
            0
        } else {
            errno
        },
        latency_ns: answered.map(|end| end.saturating_sub(life.at.begun)),
        detail: detail(life, outcome, errno, drop_name),
    })
}

/// The error of an attempt: what was left at the socket, else what connect() returned.
fn error_of(life: &Life) -> i32 {
    let returned = life.returned.map_or(0, i32::saturating_neg);
    match life.errno {
        0 if errno::UNDECIDED.contains(&returned) => 0,
        0 => returned,
        left => left,
    }
}

fn outcome(life: &Life, errno: i32, drop_name: DropName<'_>) -> Outcome {
    if life.at.established.is_some() {
        return if is_broken_off(life) {
            Outcome::Reset
        } else {
            Outcome::Connected
        };
    }
    let filtered = || firewall_drops(life, drop_name) > 0;
    match errno {
        errno::ECONNREFUSED if life.faults.reset_received => Outcome::Refused,
        // Without a reset it was an ICMP message, which hosts do not send for a closed TCP port.
        errno::ECONNREFUSED | errno::EPERM | errno::EACCES => Outcome::Firewall,
        errno::ETIMEDOUT if filtered() => Outcome::Firewall,
        errno::ETIMEDOUT => Outcome::TimedOut,
        errno::EHOSTUNREACH => Outcome::Unreachable,
        errno::ENETUNREACH => Outcome::NoRoute,
        errno::EADDRNOTAVAIL | errno::EADDRINUSE => Outcome::NoPort,
        errno::ECONNRESET => Outcome::Reset,
        errno::ECONNABORTED => Outcome::Destroyed,
        0 if life.at.closed.is_none() => Outcome::Pending,
        0 if filtered() => Outcome::Firewall,
        0 => Outcome::GivenUp,
        _ => Outcome::Other,
    }
}

/// Says whether a reset ended a connection that was nothing but a handshake: no byte of either side had arrived, and
/// neither had said that it is done.
fn is_broken_off(life: &Life) -> bool {
    life.at.closed.is_some()
        && life.faults.reset_received
        && life.untouched
        && life.at.let_go.is_none()
        && life.at.peer_done.is_none()
}

fn firewall_drops(life: &Life, drop_name: DropName<'_>) -> u32 {
    let by_rule = |reason: u32| drop_name(reason).is_some_and(|name| name == "NETFILTER_DROP");
    let drops = life.faults.drops.iter();
    drops
        .filter(|(reason, _)| by_rule(*reason))
        .map(|(_, count)| count)
        .sum()
}

fn detail(life: &Life, outcome: Outcome, errno: i32, drop_name: DropName<'_>) -> String {
    let mut parts = Vec::new();
    match outcome {
        Outcome::Firewall if errno == errno::ECONNREFUSED => {
            parts.push(String::from("an ICMP message, not the host's own reset"));
        }
        Outcome::Firewall if firewall_drops(life, drop_name) > 0 => {
            parts.push(String::from("a rule of this host dropped the packets"));
        }
        Outcome::Reset if life.at.established.is_some() => {
            parts.push(String::from(
                "behind the handshake, before any byte had arrived",
            ));
        }
        Outcome::Reset => parts.push(String::from("in the handshake")),
        Outcome::GivenUp if life.by_exit => parts.push(String::from("the process ended")),
        Outcome::NoPort if errno == errno::EADDRINUSE => {
            parts.push(String::from("the same connection exists already"));
        }
        _ => {}
    }
    if life.faults.syn_retransmits > 0 {
        parts.push(format!(
            "SYN sent {} times",
            life.faults.syn_retransmits + 1
        ));
    }
    for (reason, count) in &life.faults.drops {
        let name = drop_name(*reason).unwrap_or_else(|| reason.to_string());
        if outcome.is_failure() || outcome == Outcome::Pending {
            parts.push(format!("{count} packets dropped: {name}"));
        }
    }
    parts.join(", ")
}

/// How many attempts of one code path came to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The code; `None` where no stack was taken.
    pub code: Option<StackId>,
    /// All attempts.
    pub attempts: u64,
    /// Those that failed.
    pub failed: u64,
    /// The attempts by outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
}

/// Counts by code path, in the order of first appearance.
#[derive(Debug, Default)]
pub struct Paths {
    paths: Vec<Path>,
}

impl Paths {
    /// Counts an attempt.
    pub fn count(&mut self, code: Option<StackId>, outcome: Outcome) {
        let at = self.paths.iter().position(|path| path.code == code);
        let at = at.unwrap_or_else(|| {
            self.paths.push(Path {
                code,
                attempts: 0,
                failed: 0,
                outcomes: BTreeMap::new(),
            });
            self.paths.len() - 1
        });
        if let Some(path) = self.paths.get_mut(at) {
            path.attempts += 1;
            path.failed += u64::from(outcome.is_failure());
            *path.outcomes.entry(outcome).or_default() += 1;
        }
    }

    /// Gives the paths, those with most failures first, then those with most attempts.
    pub fn finish(mut self) -> Vec<Path> {
        self.paths
            .sort_by_key(|path| std::cmp::Reverse((path.failed, path.attempts)));
        self.paths
    }
}

#[cfg(test)]
mod tests;
