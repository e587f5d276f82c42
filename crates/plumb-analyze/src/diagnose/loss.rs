//! `packet-loss`: what happens to segments on the way; its neighbour `bufferbloat` is in [`bloat`].
//!
//! Retransmissions between two samples are counted by destination against what was sent; those that the
//! receiver had already (`tcpi_dsack_dups`) are reordering, not loss. Where acknowledgements are lost nothing is missing at
//! the receiver, but now and then the sender hears nothing at all until its timer expires (`tcpi_total_rto`), and
//! reordering never does that; whether they were lost or late [`undone`] says. What is lost on its way to us is [`inward`]'s,
//! and what connections lose that are too short to be in both samples is told by their [`handshakes`].

mod bloat;
mod handshakes;
mod inward;
mod queued;
mod sent;
mod undone;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};

pub use self::bloat::{BLOAT, check_bloat};
pub(super) use self::queued::is_queued;
use self::sent::Sent;
use self::undone::Word;
use super::flow::lasting;
use super::processors::{self, Shortage};
use super::{Case, chance, evidence, interfaces, own_queue, subject, turned_away};

/// The id of the finding: segments are lost.
pub const LOSS: &str = "packet-loss";
/// Fewer lost segments are chance.
const SEVERAL: u64 = 4;

/// Looks for destinations towards which segments are lost.
pub fn check_loss(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = inward::check(case);
    let lossy = outward(case).into_iter();
    for found in lossy.map(|(peer, sent)| loss(case, peer, &sent)) {
        // What is lost both ways is one trouble; the sender knows more.
        findings.retain(|other| other.subject.peer != found.subject.peer);
        findings.push(found);
    }
    let known: BTreeSet<_> = findings
        .iter()
        .map(|found| found.subject.peer.clone())
        .collect();
    let short = handshakes::check(case).into_iter();
    findings.extend(short.filter(|found| !known.contains(&found.subject.peer)));
    findings
}

/// Gives the share of the segments to each host that are lost, where that is certain.
pub(super) fn shares(case: &Case<'_>) -> BTreeMap<IpAddr, f64> {
    let lossy = outward(case).into_iter();
    let certain = lossy.filter(|(_, sent)| sent.is_certain());
    certain.map(|(peer, sent)| (peer, sent.share())).collect()
}

/// Gives the hosts whose acknowledgements are lost on their way to us: what is under way to them waits for that.
pub(super) fn unheard(case: &Case<'_>) -> BTreeSet<IpAddr> {
    let lossy = outward(case).into_iter();
    let unheard = lossy.filter(|(_, sent)| sent.is_lossy() && sent.loses_answers());
    unheard.map(|(peer, _)| peer).collect()
}

/// Gives the hosts on the way to which too much is lost, or from which.
pub(super) fn lossy(case: &Case<'_>) -> BTreeSet<IpAddr> {
    let lossy = outward(case).into_iter();
    let certain = lossy.filter(|(_, sent)| sent.is_lossy());
    certain.map(|(peer, _)| peer).collect()
}

/// Gives what was sent to each host on the way to which too much is lost.
fn outward(case: &Case<'_>) -> Vec<(IpAddr, Sent)> {
    let mut by_peer: BTreeMap<IpAddr, Sent> = BTreeMap::new();
    let told = turned_away::no_way(case);
    let ended = chance::ended_rows(case);
    for flow in lasting(case) {
        let Some(peer) = flow.after.peer.inet() else {
            continue;
        };
        let ip = peer.ip().to_canonical();
        let is_told = told.contains_key(&ip);
        by_peer.entry(ip).or_default().add(&flow, is_told, &ended);
    }
    for (host, came) in chance::thrown_away(case) {
        by_peer.entry(host).or_default().thrown_away = came.thrown_away;
    }
    by_peer
        .into_iter()
        // What our own queue drops because it is full is not lost on the way.
        .filter(|(peer, sent)| {
            let ours = own_queue::drops(case, *peer).saturating_mul(2) >= sent.lost().max(1);
            let is_told = sent.is_lossy() || sent.may_lose_answers();
            is_told
                && !own_queue::is_full(case, *peer)
                && !ours
                && !are_damaged(case, *peer, sent.lost())
        })
        .collect()
}

/// Says whether what is sent again arrived damaged here, as data or as its acknowledgement: that is the interface's trouble.
fn are_damaged(case: &Case<'_>, peer: IpAddr, again: u64) -> bool {
    interfaces::damaged_to(case, peer).saturating_mul(2) >= again.max(1)
}

fn loss(case: &Case<'_>, peer: IpAddr, sent: &Sent) -> Finding {
    let lost = sent.lost();
    let mut facts = vec![evidence::fact(
        "tcp_info.tcpi_total_retrans, tcpi_data_segs_out, tcpi_dsack_dups",
        format!(
            "{} of {} segments were sent again in {:.1} s, {} of them without need; on {}",
            sent.again,
            sent.segments,
            case.span.seconds(),
            sent.spurious,
            evidence::connections(sent.flows)
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
    if sent.waits > 0 {
        facts.push(evidence::fact(
            "tcp_info.tcpi_retransmits, tcpi_total_rto",
            format!(
                "on {} there are only repetitions, as losses before make likely",
                evidence::connections(sent.waits)
            ),
        ));
    }
    if sent.thrown_away > 0 {
        let (thrown_away, heard) = (sent.thrown_away, sent.heard());
        facts.push(evidence::fact(
            "skb:kfree_skb NETFILTER_DROP, tcp_info.tcpi_segs_in",
            format!("{thrown_away} packets of {peer} were thrown away by a rule of this host that goes by chance, {heard} arrived"),
        ));
    }
    if sent.loses_answers() {
        let (in_vain, again) = sent.in_vain();
        facts.push(evidence::fact(
            "tcp_info.tcpi_dsack_dups, tcpi_total_rto_recoveries",
            format!("of {again} segments that were sent again since the connections began the peer had {in_vain} already"),
        ));
    }
    let word = sent.word(case);
    facts.extend(word_facts(case, word));
    // A delay makes timers expire as losses do.
    let is_certain = sent.is_certain() || word == Word::Lost;
    let shortage = processors::shortage(case, peer).filter(|_| !is_certain);
    let is_doubtful = shortage.is_some() || !sent.is_lossy() || word == Word::Late;
    let severity = if is_doubtful {
        Severity::Info
    } else {
        Severity::Warning
    };
    facts.extend(shortage.map(Shortage::into_fact));
    Finding {
        kind: LOSS,
        severity,
        summary: summary(peer, sent, word),
        subject: host(case, peer, sent.first),
        evidence: facts,
        hints: vec![
            format!("where on the way: plumb path {peer}"),
            "on our own interfaces: plumb if".to_owned(),
        ],
        confidence: if is_doubtful {
            Confidence::Possible
        } else if lost >= SEVERAL * 3 {
            Confidence::Certain
        } else {
            Confidence::Likely
        },
    }
}

/// Says what the counters tell of acknowledgements that came after a timer.
fn word_facts(case: &Case<'_>, word: Word) -> Vec<Evidence> {
    let names: &[&str] = match word {
        Word::Lost => &["TCPLossUndo", "TCPDSACKRecv", "TCPDSACKIgnoredNoUndo"],
        Word::Late => &["TCPLossUndo", "TCPDSACKIgnoredNoUndo"],
        Word::Nothing => &[],
    };
    let names = names.iter();
    names
        .filter_map(|name| evidence::grown(case.span, "TcpExt", name))
        .collect()
}

fn summary(peer: IpAddr, sent: &Sent, word: Word) -> String {
    let tenths = sent.lost() * 1000 / sent.segments.max(1);
    let percent = format!("{}.{} %", tenths / 10, tenths % 10);
    if sent.one_way > 0 {
        format!("what is sent to {peer} is lost: it still sends to us, and acknowledges nothing")
    } else if word == Word::Late {
        format!(
            "acknowledgements of {peer} are late: timers expired {} times before they came",
            sent.timeouts
        )
    } else if !sent.is_lossy() && sent.thrown_away > 0 {
        format!(
            "much of what {peer} sends is lost on its way to us, and the next acknowledgement says the same in time"
        )
    } else if !sent.is_lossy() {
        format!("acknowledgements of {peer} are lost, or late, and what it has is sent again")
    } else if sent.loses_answers() {
        format!(
            "acknowledgements of {peer} are lost on their way to us, and what it has is sent again"
        )
    } else if sent.waits + sent.quiet > 0 && sent.timeouts == 0 && sent.again < SEVERAL {
        format!(
            "segments to {peer}, or their acknowledgements, are lost: connections wait and only repeat themselves"
        )
    } else if tenths == 0 {
        format!(
            "acknowledgements of {peer} are lost, or late: timers expired {} times",
            sent.timeouts
        )
    } else {
        format!("segments to {peer} are lost: {percent} had to be sent again")
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

#[cfg(test)]
pub(super) mod tests;
