//! Reading what a diagnosis looks at: one [`Sample`] of the network namespace of this thread.
//!
//! Everything is read as unprivileged as possible; what is refused is `Unknown` or a gap.

mod descriptors;
mod destinations;
mod halted;
mod run_times;
mod settings;
mod unix_waits;

use std::collections::BTreeSet;
use std::net::IpAddr;

use plumb_model::finding::Gap;
use plumb_model::group::Membership;
use plumb_model::id::Pid;
use plumb_model::sample::{Sample, Wait, Way};
use plumb_model::snapshot::Kind;
use plumb_model::{Known, Reason};
use plumb_wire::proc::groups::{GroupItem, decode_groups};
use plumb_wire::proc::stall::decode_stall_us;
use rustix::time::{ClockId, clock_gettime};

use crate::counters;
use crate::proc::read_file;
use crate::processes::details::Wanted;
use crate::snapshot::{self, Request};
use crate::{firewall, links, routing, traffic};

/// Reads one sample.
pub fn read() -> Sample {
    let at_us = monotonic_us();
    let mut snapshot = snapshot::read(&Request {
        kinds: Kind::CARRYING.to_vec(),
        info: true,
        memory: true,
        // Whose child a process is decides whose trouble it is, and comes with any detail; this one costs least.
        details: Wanted {
            exe: true,
            ..Wanted::default()
        },
        ..Request::default()
    });
    let refusers = firewall::read_refusers();
    let has_hidden_rules = refusers.is_err();
    let refusers = refusers.unwrap_or_else(|error| {
        snapshot.gaps.push(Gap {
            what: format!("rules of the firewall: {error}"),
            reason: Reason::PermissionDenied,
        });
        Vec::new()
    });
    let descriptors = descriptors::read(&snapshot.owners.processes);
    let run_times = run_times::read(&snapshot);
    let halted = halted::read(&snapshot);
    let unix_waits = unix_waits::read(&snapshot);
    Sample {
        at_us,
        snapshot,
        counters: counters::read(),
        // What cannot be read is a gap of the counters already.
        links: links::read_links().unwrap_or_default(),
        qdiscs: traffic::read_qdiscs().unwrap_or_default(),
        // Unprivileged questions all; what a kernel refuses is no evidence.
        addresses: routing::dump_addresses().unwrap_or_default(),
        memberships: memberships(),
        neighbours: destinations::neighbours(),
        refusers,
        has_hidden_rules,
        destinations: Vec::new(),
        refused: Vec::new(),
        off_link: Vec::new(),
        descriptors,
        run_times,
        halted,
        unix_waits,
        settings: settings::read(),
        processor_wait: processor_wait(),
    }
}

/// Reads how long somebody waited for a processor; kernels without the file, or with `psi=0`, do not say.
fn processor_wait() -> Wait {
    let Ok(text) = read_file("/proc/pressure/cpu") else {
        return Wait(Known::Unknown(Reason::NotSupported));
    };
    let us = decode_stall_us(&text);
    Wait(us.map_or(Known::Unknown(Reason::NotInSource), Known::Known))
}

/// Reads what interfaces have joined; a file that is not there has nothing.
fn memberships() -> Vec<Membership> {
    let files = ["/proc/net/igmp", "/proc/net/igmp6"];
    let items = files
        .iter()
        .filter_map(|file| read_file(*file).ok())
        .flat_map(|text| decode_groups(&text));
    items
        .filter_map(|item| match item {
            GroupItem::Member(membership) => Some(membership),
            GroupItem::Bogus { .. } => None,
        })
        .collect()
}

/// Asks where packets go: to those named, and to those that connections are being made to.
pub fn ask_destinations(sample: &mut Sample, named: &[IpAddr]) {
    sample.destinations = destinations::ask(&sample.snapshot, named);
    sample.off_link = destinations::ask_off_link(&sample.neighbours);
}

/// Asks where packets would go that were refused, each as its socket would send it.
pub fn ask_refused(sample: &mut Sample, refused: &[Way]) {
    sample.refused = destinations::ask_refused(refused);
}

/// Gives the name of the UNIX listener that a process means by a name, as that is bound; `None` where there is none.
pub fn unix_listener(sample: &Sample, pid: Pid, asked: &[u8]) -> Option<Vec<u8>> {
    unix_waits::Listeners::of(&sample.snapshot, |_| true).named(pid, asked)
}

/// Gives the names of UNIX listeners at which threads of processes wait, each with its process.
pub fn unix_asked(pids: &BTreeSet<Pid>) -> Vec<(Pid, Vec<u8>)> {
    unix_waits::asked_by(pids)
}

/// Gives those of the addresses that are this thread's network namespace's own; none where it may not be asked.
pub fn own_of(ips: &BTreeSet<IpAddr>) -> BTreeSet<IpAddr> {
    let own = routing::dump_addresses().unwrap_or_default();
    let own = own.into_iter().map(|own| own.ip);
    own.filter(|ip| ips.contains(ip)).collect()
}

/// Says whether the network namespace of this thread has a UNIX listener that one of these processes means by this name.
pub fn has_unix(asked: &[(Pid, Vec<u8>)]) -> bool {
    if asked.is_empty() {
        return false;
    }
    let kinds = Kind::CARRYING.iter().copied().filter(|kind| kind.is_unix());
    let snapshot = snapshot::read(&Request {
        kinds: kinds.collect(),
        ..Request::default()
    });
    let listeners = unix_waits::Listeners::of(&snapshot, |_| true);
    let mut asked = asked.iter();
    asked.any(|(pid, name)| listeners.named(*pid, name).is_some())
}

/// Gives microseconds of the monotonic clock.
pub fn monotonic_us() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(now.tv_nsec).unwrap_or(0);
    seconds * 1_000_000 + nanoseconds / 1000
}
