//! Next hops that packets are sent to all the time and that do not answer, as the neighbour table tells alone.
//!
//! `sendto()` on a socket that is not connected succeeds whatever becomes of the datagram. What the kernel keeps is when a
//! packet was last to be sent to a neighbour (`ndm_used`): where that goes on while nobody answers, somebody waits. Who was
//! looked for once stays in the table as well, and nothing is sent to him any more.

use std::collections::{BTreeMap, BTreeSet};

use plumb_model::finding::{Evidence, Finding, Severity, Subject};
use plumb_model::rtnl::Neighbour;

use super::super::{Case, evidence, subject};

/// Within so long before the first sample something was to be sent, too; as long as three questions take, and a little.
const LATELY_MS: u64 = 5_000;
/// By so much less than without a packet the time since the last has grown.
const SURE_MS: u64 = 250;
/// Who asks for so many addresses of one network that nobody has is looking for who is there.
const SCAN: usize = 8;

/// Gives what is told of those of `others` that packets go on to be sent to.
pub(super) fn check<'s>(
    case: &Case<'_>,
    others: impl Iterator<Item = &'s Neighbour>,
) -> Vec<Finding> {
    let mut by_interface: BTreeMap<u32, Vec<(&Neighbour, u64)>> = BTreeMap::new();
    for neighbour in others {
        if let Some(idle_ms) = goes_on(case, neighbour) {
            let here = by_interface.entry(neighbour.interface).or_default();
            here.push((neighbour, idle_ms));
        }
    }
    let here = by_interface.into_values();
    here.flat_map(|here| match here.first() {
        Some((first, idle_ms)) if here.len() >= SCAN => {
            vec![scan(finding(case, first, *idle_ms), here.len())]
        }
        _ => here
            .into_iter()
            .map(|(neighbour, idle_ms)| finding(case, neighbour, idle_ms))
            .collect(),
    })
    .collect()
}

/// Gives how long ago the last packet was to be sent, if that was between the samples and not the first.
pub(super) fn goes_on(case: &Case<'_>, neighbour: &Neighbour) -> Option<u64> {
    let mut earlier = case.span.before.neighbours.iter();
    let earlier = earlier.find(|other| {
        (other.ip, other.interface) == (neighbour.ip, neighbour.interface) && other.is_unresolved()
    })?;
    let passed_ms = u64::try_from(case.span.duration().as_millis()).unwrap_or(u64::MAX);
    let (was, is) = (earlier.idle_ms?, neighbour.idle_ms?);
    (was <= LATELY_MS && is.saturating_add(SURE_MS) <= passed_ms).then_some(is)
}

fn finding(case: &Case<'_>, neighbour: &Neighbour, idle_ms: u64) -> Finding {
    let sender = sender(case, neighbour).unwrap_or_default();
    let needed = match &sender.process {
        Some(process) => format!("{process} sends to it"),
        None => "packets are sent to it, by whom is not known".to_owned(),
    };
    let found = super::unresolved(case, neighbour, &needed);
    Finding {
        severity: Severity::Warning,
        subject: Subject {
            pid: sender.pid,
            process: sender.process,
            ..found.subject
        },
        evidence: found
            .evidence
            .into_iter()
            .chain([used(case, idle_ms)])
            .collect(),
        ..found
    }
}

fn used(case: &Case<'_>, idle_ms: u64) -> Evidence {
    evidence::fact(
        "rtnetlink NDA_CACHEINFO ndm_used",
        format!(
            "it was unresolved in both samples, {:.1} s apart, and the last packet for it was thrown away or kept waiting {idle_ms} ms ago",
            case.span.seconds()
        ),
    )
}

/// Names the process of a connected socket whose packets are handed to a neighbour; `None` where it may be one of several.
fn sender(case: &Case<'_>, neighbour: &Neighbour) -> Option<Subject> {
    let snapshot = &case.span.after.snapshot;
    let sockets = snapshot.sockets.iter().enumerate();
    let towards = sockets.filter(|(_, socket)| {
        let peer = socket.peer.inet().filter(|peer| peer.port() != 0);
        peer.is_some_and(|peer| super::is_next_hop(case, neighbour, peer.ip().to_canonical()))
    });
    let mut named = towards
        .map(|(place, _)| subject::of_socket(snapshot, place, "destination"))
        .filter(|named| named.pid.is_some());
    let first = named.next()?;
    let pids: BTreeSet<_> = named.filter_map(|other| other.pid).collect();
    pids.iter()
        .all(|pid| Some(*pid) == first.pid)
        .then_some(first)
}

/// Tells many that nobody has as one, of who looks for hosts.
fn scan(first: Finding, count: usize) -> Finding {
    let text = format!(
        "{count} addresses of the network are asked for and nobody has them, as where somebody looks for who is there"
    );
    let mut facts = first.evidence;
    facts.push(evidence::fact("rtnetlink RTM_GETNEIGH", text));
    Finding {
        severity: Severity::Info,
        evidence: facts,
        ..first
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::sample::Sample;

    use super::*;
    use crate::made_up;

    const INCOMPLETE: u16 = 1;
    const FAILED: u16 = 0x20;

    fn sample(at_us: u64, hosts: u8, state: u16, idle_ms: u64) -> Sample {
        let neighbour = |host| Neighbour {
            interface: 2,
            ip: [10, 0, 0, host].into(),
            state,
            flags: 0,
            link_address: None,
            probes: None,
            idle_ms: Some(idle_ms),
        };
        Sample {
            at_us,
            neighbours: (100..100 + hosts).map(neighbour).collect(),
            ..Sample::default()
        }
    }

    /// What is told of hosts with these states in the samples.
    fn told(hosts: u8, was: (u16, u64), is: (u16, u64)) -> Vec<Severity> {
        let before = sample(1_000_000, hosts, was.0, was.1);
        let after = sample(3_000_000, hosts, is.0, is.1);
        let found = super::super::check_unresolved(&made_up::between(&before, &after));
        found.into_iter().map(|found| found.severity).collect()
    }

    #[test]
    fn datagrams_of_a_socket_that_is_not_connected_go_to_a_host_that_is_not_there() {
        let warned = [Severity::Warning];
        assert_eq!(told(1, (INCOMPLETE, 40), (INCOMPLETE, 10)), warned);
        assert_eq!(told(1, (FAILED, 900), (INCOMPLETE, 900)), warned);
    }

    #[test]
    fn a_host_that_was_looked_for_once_is_needed_by_nobody() {
        assert_eq!(told(1, (INCOMPLETE, 0), (INCOMPLETE, 2_000)), []);
        assert_eq!(told(1, (INCOMPLETE, 1_500), (FAILED, 3_500)), []);
        assert_eq!(told(1, (FAILED, 60_000), (FAILED, 62_000)), []);
        // Tried again after a minute.
        assert_eq!(told(1, (FAILED, 60_000), (INCOMPLETE, 500)), []);
        // It was there in between.
        assert_eq!(told(1, (2, 40), (INCOMPLETE, 10)), []);
    }

    #[test]
    fn who_looks_for_all_hosts_of_a_network_misses_none() {
        let told = told(20, (INCOMPLETE, 40), (INCOMPLETE, 10));
        assert_eq!(told, [Severity::Info]);
    }
}
