//! `packet-loss`: what happens to segments on the way; its neighbour `bufferbloat` is in [`bloat`].
//!
//! Retransmissions between two samples are counted by destination against what was sent; those that the
//! receiver had already (`tcpi_dsack_dups`) are reordering, not loss. Where acknowledgements are lost nothing is missing at
//! the receiver, but now and then the sender hears nothing at all until its timer expires (`tcpi_total_rto`), and
//! reordering never does that. What is lost on its way to us is [`inward`]'s.

mod bloat;
mod inward;

use std::collections::BTreeMap;
use std::net::IpAddr;

use plumb_model::Known;
use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::sample::Sample;

pub use self::bloat::{BLOAT, check_bloat};
use super::flow::lasting;
use super::processors::{self, Shortage};
use super::{Case, evidence, subject, turned_away};

/// The id of the finding: segments are lost.
pub const LOSS: &str = "packet-loss";
/// Fewer lost segments are chance.
const SEVERAL: u64 = 4;
/// From this share of the segments on, per thousand.
const PER_MILLE: u64 = 10;
/// Two may be enough: where most is lost, from this share on, in percent, or where it goes on for long.
const FEW: u64 = 2;
const MOST_PERCENT: u64 = 20;
/// So many repetitions in vain, and from this share of the segments on, are lost acknowledgements.
const MANY_ACKS: u64 = 8;
const ACKS_PERCENT: u64 = 10;
/// Where a program that should pass packets on may have no processor, more than this share is lost otherwise, in percent.
const UNCARED_PERCENT: u64 = 5;
/// So many times a timer expired before the peer was heard again.
const STALLS: u64 = 2;
/// So much in a queue of ours is a full window, too.
const MUCH_BYTES: u64 = 12_000;

/// What went to one destination.
#[derive(Default)]
struct Sent {
    segments: u64,
    again: u64,
    spurious: u64,
    flows: u64,
    /// Timers that expired on connections that went on.
    timeouts: u64,
    /// Connections whose peer still sends, and acknowledges nothing.
    one_way: u64,
    /// Whether the receiver was seen to get segments in another order.
    reordered: bool,
    /// The same since the connections began.
    ever_segments: u64,
    ever_again: u64,
    first: Option<usize>,
}

impl Sent {
    /// Gives the segments that did not arrive, or whose acknowledgement did not.
    fn lost(&self) -> u64 {
        let without_need = self.spurious.min(self.again);
        // Reordering makes the sender repeat what arrived, and it learns of that; where it saw none and
        // very much was repeated in vain, acknowledgements were lost.
        let unheard = !self.reordered
            && without_need >= MANY_ACKS
            && without_need * 100 >= self.segments * ACKS_PERCENT;
        if unheard {
            self.again
        } else {
            self.again - without_need
        }
    }

    fn is_lossy(&self) -> bool {
        let lost = self.lost();
        let many = lost >= SEVERAL && lost * 1000 >= self.segments * PER_MILLE;
        // Timeouts back off: where most is lost, little is sent.
        let most = lost >= FEW && lost * 100 >= self.segments * MOST_PERCENT;
        // What goes on since the connections began is no chance.
        let always = lost >= FEW
            && lost * 1000 >= self.segments * PER_MILLE
            && self.ever_again >= 2 * SEVERAL
            && self.ever_again * 1000 >= self.ever_segments * PER_MILLE;
        many || most || always || self.stalls() || self.one_way > 0
    }

    /// Says whether nothing came back until a timer expired, again and again.
    fn stalls(&self) -> bool {
        self.timeouts >= STALLS
    }

    /// Says whether more was lost than comes of a program that has no processor and should pass packets on: it delays
    /// them, and its queue overflows now and then.
    fn is_certain(&self) -> bool {
        let missing = self.again - self.spurious.min(self.again);
        let many = missing >= SEVERAL && missing * 100 >= self.segments * UNCARED_PERCENT;
        many || self.one_way > 0
    }
}

/// Looks for destinations towards which segments are lost.
pub fn check_loss(case: &Case<'_>) -> Vec<Finding> {
    let mut by_peer: BTreeMap<IpAddr, Sent> = BTreeMap::new();
    let told = turned_away::no_way(case);
    for flow in lasting(case) {
        let Some(peer) = flow.after.peer.inet() else {
            continue;
        };
        let sent = by_peer.entry(peer.ip().to_canonical()).or_default();
        let again = u64::from(flow.is.total_retrans.wrapping_sub(flow.was.total_retrans));
        sent.segments += u64::from(flow.is.data_segs_out.wrapping_sub(flow.was.data_segs_out));
        sent.again += again;
        sent.spurious += u64::from(flow.is.dsack_dups.wrapping_sub(flow.was.dsack_dups));
        sent.reordered |= flow.is.reord_seen > 0;
        sent.ever_segments += u64::from(flow.is.data_segs_out);
        let arrived_never = flow.is.total_retrans.saturating_sub(flow.is.dsack_dups);
        sent.ever_again += u64::from(arrived_never);
        if flow.is.bytes_acked > flow.was.bytes_acked {
            sent.timeouts += u64::from(flow.is.total_rto.wrapping_sub(flow.was.total_rto));
        }
        let heard = flow.is.segs_in != flow.was.segs_in;
        let all_lost = flow.only_repeats() && !flow.is_lost_by_chance() && heard;
        sent.one_way += u64::from(all_lost && !told.contains_key(&peer.ip().to_canonical()));
        sent.flows += u64::from(again > 0);
        if again > 0 {
            sent.first.get_or_insert(flow.place);
        }
    }
    let mut findings = inward::check(case);
    let outward = by_peer
        .into_iter()
        // What our own queue drops because it is full is not lost on the way.
        .filter(|(peer, sent)| {
            let ours = drops_here(case, *peer).saturating_mul(2) >= sent.lost().max(1);
            sent.is_lossy() && !waits_here(case, *peer) && !ours
        })
        .map(|(peer, sent)| loss(case, peer, &sent));
    for found in outward {
        // What is lost both ways is one trouble; the sender knows more.
        findings.retain(|other| other.subject.peer != found.subject.peer);
        findings.push(found);
    }
    findings
}

fn loss(case: &Case<'_>, peer: IpAddr, sent: &Sent) -> Finding {
    let lost = sent.lost();
    let tenths = lost * 1000 / sent.segments.max(1);
    let mut facts = vec![evidence::fact(
        "tcp_info.tcpi_total_retrans, tcpi_data_segs_out, tcpi_dsack_dups",
        format!(
            "{} of {} segments were sent again in {:.1} s, {} of them without need; {} connections",
            sent.again,
            sent.segments,
            case.span.seconds(),
            sent.spurious,
            sent.flows
        ),
    )];
    facts.extend(evidence::grown(case.span, "TcpExt", "TCPLostRetransmit"));
    facts.extend(evidence::grown(case.span, "TcpExt", "TCPTimeouts"));
    if sent.timeouts > 0 {
        facts.push(evidence::fact(
            "tcp_info.tcpi_total_rto",
            format!(
                "{} times nothing was heard until a timer expired",
                sent.timeouts
            ),
        ));
    }
    // A delay makes timers expire as losses do.
    let shortage = processors::shortage(case, peer).filter(|_| !sent.is_certain());
    let severity = shortage
        .as_ref()
        .map_or(Severity::Warning, |_| Severity::Info);
    let is_short = shortage.is_some();
    facts.extend(shortage.map(Shortage::into_fact));
    let summary = if sent.one_way > 0 {
        format!("what is sent to {peer} is lost: it still sends to us, and acknowledges nothing")
    } else if tenths == 0 {
        format!(
            "acknowledgements of {peer} are lost, or late: timers expired {} times",
            sent.timeouts
        )
    } else {
        format!(
            "segments to {peer} are lost: {}.{} % had to be sent again",
            tenths / 10,
            tenths % 10
        )
    };
    Finding {
        kind: LOSS,
        severity,
        summary,
        subject: host(case, peer, sent.first),
        evidence: facts,
        hints: vec![
            format!("where on the way: plumb path {peer}"),
            "on our own interfaces: plumb if".to_owned(),
        ],
        confidence: if is_short {
            Confidence::Possible
        } else if lost >= SEVERAL * 3 {
            Confidence::Certain
        } else {
            Confidence::Likely
        },
    }
}

/// Names a host, and who has the first connection to it that is concerned.
fn host(case: &Case<'_>, peer: IpAddr, first: Option<usize>) -> Subject {
    let owner =
        first.map(|place| subject::of_socket(&case.span.after.snapshot, place, "destination"));
    Subject {
        kind: "destination",
        local: None,
        peer: Some(peer.to_string()),
        protocol: Some("tcp"),
        ..owner.unwrap_or_default()
    }
}

/// Gives what the queues of the interface towards a host dropped between the samples.
fn drops_here(case: &Case<'_>, peer: IpAddr) -> u64 {
    let index = interface_to(case, peer);
    let dropped = |sample: &Sample| -> u64 {
        let queues = sample
            .qdiscs
            .iter()
            .filter(|qdisc| Some(qdisc.index) == index);
        let drops = queues.map(|qdisc| match qdisc.statistics {
            Known::Known(statistics) => statistics.drops,
            Known::Unknown(_) => 0,
        });
        // A queue tells what the one in it dropped, too.
        drops.max().unwrap_or(0)
    };
    dropped(case.span.after).saturating_sub(dropped(case.span.before))
}

/// Gives the interface by which packets to a host leave.
pub(super) fn interface_to(case: &Case<'_>, peer: IpAddr) -> Option<u32> {
    let mut destinations = case.span.after.destinations.iter();
    let to = destinations.find(|to| to.ip == peer)?;
    to.route.as_ref().ok()?.interface
}

/// Says whether much waited in a queue of the interface towards a host in both samples.
fn waits_here(case: &Case<'_>, peer: IpAddr) -> bool {
    let Some(index) = interface_to(case, peer) else {
        return false;
    };
    [case.span.before, case.span.after].iter().all(|sample| {
        sample.qdiscs.iter().any(|qdisc| {
            let waiting = match qdisc.statistics {
                Known::Known(statistics) => statistics.queue_bytes,
                Known::Unknown(_) => 0,
            };
            qdisc.index == index && waiting >= MUCH_BYTES
        })
    })
}

#[cfg(test)]
mod tests;
