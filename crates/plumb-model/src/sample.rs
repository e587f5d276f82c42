//! What a diagnosis looks at: the state of a host at one moment, and two of them with the time between.
//!
//! Everything is of one network namespace, processes excepted. What could not be read is `Unknown`, or a
//! gap of the snapshot.

use std::net::IpAddr;

use crate::counters::{Counters, Growth};
use crate::firewall::{Refuser, Verdict};
use crate::group::Membership;
use crate::id::Pid;
use crate::known::{Known, Reason};
use crate::link::Link;
use crate::notice::RefusedCall;
use crate::rtnl::{Address, Neighbour, Route};
use crate::snapshot::Snapshot;
use crate::traffic::Qdisc;

/// One moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    /// When, in microseconds of the monotonic clock.
    pub at_us: u64,
    /// The sockets, with `tcp_info`, memory and owners.
    pub snapshot: Snapshot,
    /// The counters of the namespace.
    pub counters: Counters,
    /// The interfaces of the namespace.
    pub links: Vec<Link>,
    /// Their queueing disciplines.
    pub qdiscs: Vec<Qdisc>,
    /// The addresses of the interfaces.
    pub addresses: Vec<Address>,
    /// The multicast groups that interfaces have joined.
    pub memberships: Vec<Membership>,
    /// The neighbours, of both families.
    pub neighbours: Vec<Neighbour>,
    /// The rules of the firewall that throw packets away.
    pub refusers: Vec<Refuser>,
    /// There may be others: the rules could not be read.
    pub has_hidden_rules: bool,
    /// Where packets to the destinations of interest go.
    pub destinations: Vec<Destination>,
    /// The same of datagrams that were refused.
    pub refused: Vec<Lookup>,
    /// IPv4 addresses that are asked for on an interface by which no route leads to them, with its index: a socket is bound
    /// to it, and then the kernel takes every address for one of its network.
    pub off_link: Vec<(IpAddr, u32)>,
    /// Descriptors of every process.
    pub descriptors: Vec<DescriptorUse>,
    /// Threads that wait for room at UNIX listeners.
    pub unix_waits: Vec<UnixWait>,
    /// How long the processes ran that have something to read.
    pub run_times: Vec<RunTime>,
    /// The processes that have something to take and are stopped.
    pub halted: Vec<Halted>,
    /// What is configured.
    pub settings: Settings,
    /// How long so far somebody on the whole machine was kept waiting for a processor.
    pub processor_wait: Wait,
}

impl Sample {
    /// Says whether the routing tables were asked for the way to an address and have none.
    pub fn has_no_way(&self, ip: IpAddr) -> bool {
        let mut destinations = self.destinations.iter();
        destinations.any(|to| to.ip == ip && to.route.is_err())
    }

    /// Says whether there are rules that throw packets away, and all of them do so by chance.
    pub fn refuses_by_chance(&self) -> bool {
        !self.refusers.is_empty() && self.refusers.iter().all(|rule| rule.by_chance)
    }

    /// Says whether a rule of the firewall answers in somebody else's name.
    pub fn can_reject(&self) -> bool {
        let mut rules = self.refusers.iter();
        rules.any(|rule| rule.verdict == Verdict::Reject)
    }
}

/// How long so far somebody waited, microseconds (`/proc/pressure/*`, Linux 4.20 with `psi=1`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait(pub Known<u64>);

impl Default for Wait {
    fn default() -> Self {
        Self(Known::Unknown(Reason::NotInSource))
    }
}

/// `ENETUNREACH`: no entry of the routing tables leads there.
pub const NO_ROUTE: i32 = 101;

/// A destination, and what the routing tables say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The destination.
    pub ip: IpAddr,
    /// The route, or the number of the error that stands for one ([`NO_ROUTE`], `EACCES`, …).
    pub route: Result<Route, i32>,
}

/// Where a packet was to go, as its socket would have sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    /// The destination.
    pub to: IpAddr,
    /// The source, where the socket has one: rules may ask for it.
    pub source: Option<IpAddr>,
    /// Index of the interface that the socket is bound to, if it is.
    pub interface: Option<u32>,
}

impl Way {
    /// Gives that of a call that failed.
    pub fn of(call: &RefusedCall) -> Self {
        Self {
            to: call.address.ip().to_canonical(),
            source: call.source,
            interface: call.interface,
        }
    }
}

/// What the routing tables say of a packet that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// What they were asked.
    pub way: Way,
    /// The route, or the number of the error that stands for one.
    pub route: Result<Route, i32>,
}

/// A thread that waits in `connect()` for room at a UNIX listener.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixWait {
    /// Its process.
    pub pid: Pid,
    /// The thread.
    pub tid: u32,
    /// The name of the process (`comm`).
    pub comm: Vec<u8>,
    /// The name of the listener, as it is bound; an abstract one begins with NUL.
    pub listener: Vec<u8>,
}

/// How many descriptors a process has and may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescriptorUse {
    /// The process.
    pub pid: Pid,
    /// Its name (`comm`).
    pub comm: Vec<u8>,
    /// Open descriptors.
    pub open: Known<u64>,
    /// The soft limit (`RLIMIT_NOFILE`).
    pub limit: Known<u64>,
}

/// How long the threads of a process ran so far, together (`/proc/PID/task/*/schedstat`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunTime {
    /// The process.
    pub pid: Pid,
    /// Nanoseconds.
    pub ns: u64,
}

/// A process that does not run because somebody stopped it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Halted {
    /// The process.
    pub pid: Pid,
    /// By what.
    pub by: Halt,
}

/// What stops a process, by its state in `/proc/PID/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// `T`: a signal.
    Signal,
    /// `t`: who traces it.
    Debugger,
}

/// Settings of the namespace (`/proc/sys/net`) that decide whether something is too small.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings(Vec<(&'static str, Vec<u64>)>);

impl Settings {
    /// Takes the values read, by the name sysctl has for them.
    pub fn new(values: Vec<(&'static str, Vec<u64>)>) -> Self {
        Self(values)
    }

    /// Gives all numbers of a setting, as `net.ipv4.tcp_mem`; empty when it could not be read.
    pub fn numbers(&self, name: &str) -> &[u64] {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map_or(&[], |(_, values)| values)
    }

    /// Gives the one number of a setting.
    pub fn number(&self, name: &str) -> Known<u64> {
        match self.numbers(name).first() {
            Some(value) => Known::Known(*value),
            None => Known::Unknown(Reason::NotSupported),
        }
    }
}

/// Two moments of one host.
#[derive(Debug, Clone, Copy)]
pub struct Span<'s> {
    /// The earlier.
    pub before: &'s Sample,
    /// The later.
    pub after: &'s Sample,
}

impl Span<'_> {
    /// Gives the seconds between.
    pub fn seconds(self) -> f64 {
        self.duration().as_secs_f64()
    }

    /// Gives the time between.
    pub fn duration(self) -> std::time::Duration {
        std::time::Duration::from_micros(self.after.at_us.saturating_sub(self.before.at_us))
    }

    /// Gives the share of the time, in percent, that somebody on this machine was kept waiting for a processor.
    pub fn processor_wait_percent(self) -> Known<u64> {
        let waits = (self.before.processor_wait.0, self.after.processor_wait.0);
        match waits {
            (Known::Known(before), Known::Known(after)) => {
                let us = self.after.at_us.saturating_sub(self.before.at_us).max(1);
                Known::Known(after.saturating_sub(before).saturating_mul(100) / us)
            }
            (Known::Unknown(reason), _) | (_, Known::Unknown(reason)) => Known::Unknown(reason),
        }
    }

    /// Says whether not one thread of a process ran between the samples; not of whom nothing is known.
    pub fn slept(self, pid: Pid) -> bool {
        let ran = |sample: &Sample| {
            let mut times = sample.run_times.iter();
            Some(times.find(|time| time.pid == pid)?.ns)
        };
        ran(self.before).is_some_and(|before| ran(self.after) == Some(before))
    }

    /// Gives by how much a counter grew; unknown where one of the samples has none.
    pub fn grown(self, group: &str, name: &str) -> Known<u64> {
        match (
            self.before.counters.get(group, name),
            self.after.counters.get(group, name),
        ) {
            (Known::Known(before), Known::Known(after)) => {
                match Growth::between(before, after) {
                    Growth::By(by) => Known::Known(by),
                    // What happened before it was set back nobody knows.
                    Growth::Restarted => Known::Unknown(Reason::NotInSource),
                }
            }
            (Known::Unknown(reason), _) | (_, Known::Unknown(reason)) => Known::Unknown(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::Reading;

    fn sample(at_us: u64, value: u64) -> Sample {
        Sample {
            at_us,
            counters: Counters {
                readings: vec![Reading {
                    group: "TcpExt".into(),
                    instance: None,
                    name: "ListenOverflows".into(),
                    value,
                    source: "/proc/net/netstat",
                }],
                ..Counters::default()
            },
            ..Sample::default()
        }
    }

    #[test]
    fn growth_is_what_came_between() {
        let (before, after) = (sample(1_000_000, 5), sample(3_500_000, 9));
        let span = Span {
            before: &before,
            after: &after,
        };
        assert!((span.seconds() - 2.5).abs() < 1e-9);
        assert_eq!(span.grown("TcpExt", "ListenOverflows"), Known::Known(4));
        let missing = span.grown("TcpExt", "Nothing");
        assert_eq!(missing, Known::Unknown(Reason::NotSupported));
    }
}
