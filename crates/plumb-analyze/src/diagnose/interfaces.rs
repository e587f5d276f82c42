//! `interface-down`, `interface-errors`, `interface-drops`: what our own interfaces do wrong.
//!
//! An interface that is down is a trouble when somebody needs it ([`down`]). Drops and errors are those counted between the
//! samples.

mod down;

use std::net::IpAddr;

use plumb_model::Known;
use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::link::Link;
use plumb_model::rtnl::Neighbour;
use plumb_model::traffic::{Qdisc, QdiscStatistics};

pub use self::down::check as check_down;
pub(super) use self::down::{belongs_to_dead, carries, is_behind_dead, took_route_to};
use super::{Case, evidence, neighbour, own_queue};

/// The id of the finding: down, or no carrier.
pub const DOWN: &str = "interface-down";
/// The id of the finding: frames are damaged.
pub const ERRORS: &str = "interface-errors";
/// The id of the finding: packets are dropped.
pub const DROPS: &str = "interface-drops";
/// Fewer are chance.
const SEVERAL: u64 = 5;
/// Fewer than this of all packets are no trouble, per thousand.
const PER_MILLE: u64 = 2;
/// From this share of what a queue got on it drops too much, in percent.
const QUEUE_PERCENT: u64 = 2;
/// Who asks for a next hop does so once a second: so many are enough where nothing else leaves.
const SOME: u64 = 2;
/// The counter of frames that nothing carried: of a tunnel those for which it found no way.
const UNCARRIED: &str = "tx_carrier_errors";
/// Counters of damaged frames (`struct rtnl_link_stats64`).
const DAMAGED: [&str; 9] = [
    "rx_errors",
    "tx_errors",
    "rx_length_errors",
    "rx_crc_errors",
    "rx_frame_errors",
    "tx_aborted_errors",
    "tx_carrier_errors",
    "tx_heartbeat_errors",
    "tx_window_errors",
];
/// Counters of packets that found no room.
const DROPPED: [&str; 5] = [
    "rx_dropped",
    "tx_dropped",
    "rx_missed_errors",
    "rx_over_errors",
    "rx_fifo_errors",
];

/// Looks for interfaces with damaged frames.
pub fn check_errors(case: &Case<'_>) -> Vec<Finding> {
    counted(case, &DAMAGED)
        .into_iter()
        .map(|(name, facts)| {
            let carrier = facts
                .iter()
                .any(|fact| fact.source.ends_with("tx_carrier_errors"));
            let (summary, hint) = if carrier {
                (
                    format!("{name} cannot send its frames: nothing carries them"),
                    "of a card the cable or the switch; of a tunnel the address it sends from, or the way to its other end: ip -d link show",
                )
            } else {
                (
                    format!("{name} counts damaged frames"),
                    "a cable, a plug, a duplex mismatch, a failing card, or frames of a tunnel that are not as it expects: ethtool -S shows the driver's own counters",
                )
            };
            Finding {
                kind: ERRORS,
                severity: Severity::Warning,
                summary,
                subject: subject(&name),
                evidence: facts,
                hints: vec![hint.to_owned()],
                confidence: Confidence::Certain,
            }
        })
        .collect()
}

/// Looks for interfaces that drop, or whose queueing discipline does.
pub fn check_drops(case: &Case<'_>) -> Vec<Finding> {
    let mut found = counted(case, &DROPPED);
    found.extend(queues(case));
    found
        .into_iter()
        .map(|(name, facts)| Finding {
            kind: DROPS,
            severity: Severity::Warning,
            summary: format!("{name} drops packets"),
            subject: subject(&name),
            evidence: facts,
            hints: vec![format!(
                "by cause and with the queue's counters: plumb if {name}"
            )],
            confidence: Confidence::Certain,
        })
        .collect()
}

/// Gives the interfaces whose queue dropped more than congestion control has it drop.
fn queues(case: &Case<'_>) -> Vec<(String, Vec<Evidence>)> {
    let told = |qdisc: &Qdisc| match qdisc.statistics {
        Known::Known(statistics) => statistics,
        Known::Unknown(_) => QdiscStatistics::default(),
    };
    let after = case
        .span
        .after
        .qdiscs
        .iter()
        .filter(|qdisc| qdisc.is_outermost());
    let dropping = after.filter_map(|qdisc| {
        let before = case.span.before.qdiscs.iter().find(|other| {
            (other.index, other.handle, other.parent) == (qdisc.index, qdisc.handle, qdisc.parent)
        })?;
        let (was, is) = (told(before), told(qdisc));
        // The counters are 32 bits wide: one that ran over is left out.
        let drops = is.drops.checked_sub(was.drops)?;
        let packets = is.packets.checked_sub(was.packets)?;
        let many = drops >= SEVERAL && drops.saturating_mul(100) >= (drops + packets) * QUEUE_PERCENT;
        let links = &case.span.after.links;
        let link = links.iter().find(|link| link.base.index == qdisc.index).filter(|_| many)?;
        let kind = String::from_utf8_lossy(&qdisc.kind).into_owned();
        let fact = evidence::fact(
            "rtnetlink RTM_GETQDISC drops",
            format!(
                "its {kind} queue dropped {drops} packets and let {packets} through in {:.1} s, {} bytes wait in it",
                case.span.seconds(),
                is.queue_bytes
            ),
        );
        Some((name(link), vec![fact]))
    });
    dropping.collect()
}

/// Gives the interfaces of which one of the counters grew by enough, with what grew.
fn counted(case: &Case<'_>, counters: &[&'static str]) -> Vec<(String, Vec<Evidence>)> {
    let links = case.span.after.links.iter();
    let found = links.filter_map(|link| {
        let packets = packets(case, link);
        let told = enough(case, link, counters).into_iter();
        let facts: Vec<Evidence> = told
            .map(|(counter, more)| {
                evidence::fact(
                    &format!("rtnetlink IFLA_STATS64 {counter}"),
                    format!(
                        "grew by {more} in {:.1} s, of {packets} packets",
                        case.span.seconds()
                    ),
                )
            })
            .collect();
        (!facts.is_empty()).then(|| (name(link), facts))
    });
    found.collect()
}

/// Gives those of the counters of an interface that grew by enough, with by how much.
fn enough(case: &Case<'_>, link: &Link, counters: &[&'static str]) -> Vec<(&'static str, u64)> {
    if link.base.is_loopback() {
        return Vec::new();
    }
    let packets = packets(case, link);
    let grown = counters.iter().map(|&counter| {
        let of_the_kernel = down::of_the_kernel(case, counter);
        (
            counter,
            grown(case, link, counter).saturating_sub(of_the_kernel),
        )
    });
    grown
        .filter(|&(counter, more)| {
            let few = counter == UNCARRIED
                && more >= SOME
                && carries_nothing(case, link)
                && asked_in_vain(case, link).is_some();
            (more >= SEVERAL || few) && more.saturating_mul(1000) >= packets * PER_MILLE
        })
        .collect()
}

fn packets(case: &Case<'_>, link: &Link) -> u64 {
    grown(case, link, "rx_packets") + grown(case, link, "tx_packets")
}

/// Says whether nothing leaves by an interface, and it is counted that nothing carries its frames.
pub(super) fn carries_nothing(case: &Case<'_>, link: &Link) -> bool {
    grown(case, link, UNCARRIED) > 0 && grown(case, link, "tx_packets") == 0
}

/// Counts the damaged frames of the interface by which packets go to a host, where they are told.
pub(super) fn damaged_to(case: &Case<'_>, host: IpAddr) -> u64 {
    let interface = own_queue::interface_to(case, host);
    let mut links = case.span.after.links.iter();
    let link = links.find(|link| Some(link.base.index) == interface);
    let told = link.map_or_else(Vec::new, |link| enough(case, link, &DAMAGED));
    // One frame is counted by its cause, and among all errors.
    told.into_iter().map(|(_, more)| more).max().unwrap_or(0)
}

/// Says by how much a counter of an interface grew; of one that is new nothing is known.
fn grown(case: &Case<'_>, link: &Link, counter: &str) -> u64 {
    let mut earlier = case.span.before.links.iter();
    let earlier = earlier.find(|other| other.base.index == link.base.index);
    let was = earlier.map_or(u64::MAX, |earlier| value(earlier, counter));
    value(link, counter).saturating_sub(was)
}

/// Gives a next hop on an interface that does not answer and that packets go on to be sent to.
fn asked_in_vain<'s>(case: &Case<'s>, link: &Link) -> Option<&'s Neighbour> {
    let mut neighbours = case.span.after.neighbours.iter();
    neighbours.find(|hop| {
        hop.interface == link.base.index
            && hop.is_unresolved()
            && neighbour::is_sent_in_vain(case, hop)
    })
}

fn value(link: &Link, name: &str) -> u64 {
    match &link.statistics {
        Known::Known(statistics) => statistics.get(name).ok().unwrap_or(0),
        Known::Unknown(_) => 0,
    }
}

fn name(link: &Link) -> String {
    String::from_utf8_lossy(&link.base.name).into_owned()
}

fn subject(name: &str) -> Subject {
    Subject {
        kind: "interface",
        interface: Some(name.to_owned()),
        ..Subject::default()
    }
}
