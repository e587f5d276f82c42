//! `packet-loss`, `bufferbloat`: what happens to segments on the way.
//!
//! Retransmissions between two samples are counted by destination against what was sent; those that the
//! receiver had already (`tcpi_dsack_dups`) are reordering, not loss. A round trip far above its minimum,
//! with a full window on the way, is a queue that is too long.

use std::collections::BTreeMap;
use std::net::IpAddr;

use plumb_model::Known;
use plumb_model::finding::{Confidence, Finding, Severity, Subject};

use super::flow::{Flow, lasting};
use super::{Case, evidence, subject};

/// The id of the finding: segments are lost.
pub const LOSS: &str = "packet-loss";
/// The id of the finding: a queue is too long.
pub const BLOAT: &str = "bufferbloat";
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
/// A round trip is long from here on …
const LONG_US: u32 = 80_000;
/// … if it is so many times the smallest.
const TIMES: u32 = 5;
/// So much in a queue of ours is a full window, too.
const MUCH_BYTES: u64 = 12_000;
/// So many segments on the way are a full window.
const WINDOW: u32 = 8;

/// What went to one destination.
#[derive(Default)]
struct Sent {
    segments: u64,
    again: u64,
    spurious: u64,
    flows: u64,
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
        many || most || always
    }
}

/// Looks for destinations towards which segments are lost.
pub fn check_loss(case: &Case<'_>) -> Vec<Finding> {
    let mut by_peer: BTreeMap<IpAddr, Sent> = BTreeMap::new();
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
        sent.flows += u64::from(again > 0);
        if again > 0 {
            sent.first.get_or_insert(flow.place);
        }
    }
    by_peer
        .into_iter()
        // What our own queue drops because it is full is not lost on the way.
        .filter(|(peer, sent)| sent.is_lossy() && !waits_here(case, *peer))
        .map(|(peer, sent)| loss(case, peer, &sent))
        .collect()
}

fn loss(case: &Case<'_>, peer: IpAddr, sent: &Sent) -> Finding {
    let lost = sent.lost();
    let tenths = lost * 1000 / sent.segments.max(1);
    let owner = sent
        .first
        .map(|place| subject::of_socket(&case.span.after.snapshot, place, "destination"));
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
    Finding {
        kind: LOSS,
        severity: Severity::Warning,
        summary: format!(
            "segments to {peer} are lost: {}.{} % had to be sent again",
            tenths / 10,
            tenths % 10
        ),
        subject: Subject {
            kind: "destination",
            local: None,
            peer: Some(peer.to_string()),
            protocol: Some("tcp"),
            ..owner.unwrap_or_default()
        },
        evidence: facts,
        hints: vec![
            format!("where on the way: plumb path {peer}"),
            "on our own interfaces: plumb if".to_owned(),
        ],
        confidence: if lost >= SEVERAL * 3 {
            Confidence::Certain
        } else {
            Confidence::Likely
        },
    }
}

/// Says whether much waited in a queue of the interface towards a host in both samples.
fn waits_here(case: &Case<'_>, peer: IpAddr) -> bool {
    let mut destinations = case.span.after.destinations.iter();
    let to = destinations.find(|to| to.ip == peer);
    let Some(index) = to.and_then(|to| to.route.as_ref().ok()?.interface) else {
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

/// Looks for round trips that a queue makes long.
pub fn check_bloat(case: &Case<'_>) -> Vec<Finding> {
    let slow = lasting(case).filter(|flow| {
        let long = |info: &plumb_model::diag::tcp_info::TcpInfo| {
            info.rtt_us >= LONG_US && info.min_rtt_us.saturating_mul(TIMES) <= info.rtt_us
        };
        let moving = flow.is.bytes_acked > flow.was.bytes_acked;
        let lossless = flow.is.total_retrans.wrapping_sub(flow.was.total_retrans) < 4;
        let peer = flow.after.peer.inet().map(|peer| peer.ip().to_canonical());
        // A queue of our own that is full loses, too: that does not speak against it.
        let is_queue = lossless || peer.is_some_and(|peer| waits_here(case, peer));
        long(&flow.was) && long(flow.is) && moving && is_queue && flow.is.unacked >= WINDOW
    });
    slow.map(|flow| bloat(case, &flow)).collect()
}

fn bloat(case: &Case<'_>, flow: &Flow<'_>) -> Finding {
    let owner = subject::of_socket(&case.span.after.snapshot, flow.place, "destination");
    let peer = owner.peer.clone().unwrap_or_default();
    let ms = |us: u32| f64::from(us) / 1000.0;
    Finding {
        kind: BLOAT,
        severity: Severity::Warning,
        summary: format!(
            "a queue on the way to {peer} makes round trips take {:.0} ms instead of {:.0}",
            ms(flow.is.rtt_us),
            ms(flow.is.min_rtt_us)
        ),
        subject: Subject {
            local: None,
            ..owner
        },
        evidence: vec![evidence::fact(
            "tcp_info.tcpi_rtt, tcpi_min_rtt, tcpi_unacked",
            format!(
                "the round trip is {:.1} ms, its minimum was {:.1} ms; {} segments are on the way",
                ms(flow.is.rtt_us),
                ms(flow.is.min_rtt_us),
                flow.is.unacked
            ),
        )],
        hints: vec![
            "on our own interface: a fair queue (tc qdisc replace dev IF root fq_codel), a smaller limit".to_owned(),
            "elsewhere: limit the sender's rate below the slowest link (SO_MAX_PACING_RATE, tc)".to_owned(),
        ],
        confidence: Confidence::Likely,
    }
}
