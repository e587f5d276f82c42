//! `interface-down`, `interface-errors`, `interface-drops`: what our own interfaces do wrong.
//!
//! An interface that is down is a trouble when somebody needs it ([`down`]). Drops and errors are those counted between the
//! samples.

mod down;

use plumb_model::Known;
use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::link::Link;
use plumb_model::rtnl::Neighbour;
use plumb_model::traffic::{Qdisc, QdiscStatistics};

pub use self::down::check as check_down;
pub(super) use self::down::{belongs_to_dead, carries, is_behind_dead, took_route_to};
use super::{Case, evidence, neighbour};

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
fn counted(case: &Case<'_>, counters: &[&str]) -> Vec<(String, Vec<Evidence>)> {
    let mut found = Vec::new();
    for link in case
        .span
        .after
        .links
        .iter()
        .filter(|link| !link.base.is_loopback())
    {
        let earlier = case
            .span
            .before
            .links
            .iter()
            .find(|other| other.base.index == link.base.index);
        let Some(earlier) = earlier else { continue };
        let grown = |name: &str| value(link, name).saturating_sub(value(earlier, name));
        let packets = grown("rx_packets") + grown("tx_packets");
        let facts: Vec<Evidence> = counters
            .iter()
            .map(|&name| (name, grown(name)))
            .map(|(name, more)| (name, more.saturating_sub(down::of_the_kernel(case, name))))
            .filter(|(name, more)| {
                let is_stuck = || *name == UNCARRIED && grown("tx_packets") == 0;
                let few = *more >= SOME && is_stuck() && asked_in_vain(case, link).is_some();
                (*more >= SEVERAL || few) && more.saturating_mul(1000) >= packets * PER_MILLE
            })
            .map(|(name, more)| {
                evidence::fact(
                    &format!("rtnetlink IFLA_STATS64 {name}"),
                    format!(
                        "grew by {more} in {:.1} s, of {packets} packets",
                        case.span.seconds()
                    ),
                )
            })
            .collect();
        let link_name = name(link);
        if !facts.is_empty() {
            found.push((link_name, facts));
        }
    }
    found
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
