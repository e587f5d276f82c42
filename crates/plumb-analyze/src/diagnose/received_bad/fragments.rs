//! `fragment-loss`: datagrams of which not all fragments come, here or at who we send to.
//!
//! The kernel counts what it could not put together. Who was sent something and misses a part says so to the sender by
//! ICMP (time exceeded, code 1), if the first fragment came.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::notice::{Direction, What};
use plumb_model::snapshot::{Kind, Socket};

use super::super::{Case, evidence, sockets, subject};
use super::{FRAGMENTS, SEVERAL, host, several};

/// `IPPROTO_UDP`.
const UDP: u8 = 17;
/// Counters of fragments that could not be put together.
const REASSEMBLY: [(&str, &str); 2] = [("Ip", "ReasmFails"), ("Ip6", "ReasmFails")];
/// The code of ICMP time exceeded that is about reassembly (RFC 792, RFC 4443).
const REASSEMBLY_TIME: u8 = 1;

/// Looks for fragments that were given up here, and for receivers who say that they gave up ours.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let here = given_up(case).into_iter();
    here.chain(told_by_receivers(case)).collect()
}

/// What came in fragments and never became whole.
fn given_up(case: &Case<'_>) -> Option<Finding> {
    let mut facts = several(case, &REASSEMBLY);
    if facts.is_empty() {
        return None;
    }
    facts.extend(evidence::grown(case.span, "Ip", "ReasmTimeout"));
    facts.extend(evidence::grown(case.span, "Ip6", "ReasmTimeout"));
    Some(Finding {
        kind: FRAGMENTS,
        severity: Severity::Warning,
        summary: "datagrams that came in fragments are lost, because not all fragments come".to_owned(),
        subject: host(),
        evidence: facts,
        hints: vec![
            "something on the way drops fragments, as many firewalls do: send datagrams that fit the path's MTU".to_owned(),
            "or too little room: net.ipv4.ipfrag_high_thresh".to_owned(),
        ],
        confidence: Confidence::Certain,
    })
}

/// Those we send to who say that they could not put our datagrams together.
fn told_by_receivers(case: &Case<'_>) -> Vec<Finding> {
    let mut by_peer: BTreeMap<SocketAddr, (u64, SocketAddr, u8)> = BTreeMap::new();
    let is_it =
        |what: What| matches!(what, What::TimeExceeded { code, .. } if code == REASSEMBLY_TIME);
    for notice in case.notices.of(Direction::Received, is_it) {
        let peer = sockets::plain(notice.peer);
        let entry = (0, notice.local, notice.protocol);
        by_peer.entry(peer).or_insert(entry).0 += notice.count;
    }
    by_peer.retain(|_, (count, ..)| *count >= SEVERAL);
    let told = by_peer.into_iter();
    told.map(|(peer, (count, local, protocol))| Finding {
        kind: FRAGMENTS,
        severity: Severity::Warning,
        summary: format!("datagrams to {peer} are lost: not all of their fragments arrive there"),
        subject: Subject {
            local: None,
            peer: Some(peer.to_string()),
            ..sender(case, local, protocol)
        },
        evidence: vec![evidence::fact(
            "packets received: ICMP time exceeded, code 1",
            format!(
                "{} gave up {count} datagrams in {:.1} s, whose first fragments came and others did not",
                peer.ip(),
                case.span.seconds()
            ),
        )],
        hints: vec![format!(
            "something on the way drops fragments: send datagrams that fit the path's MTU, see plumb path {}",
            peer.ip()
        )],
        confidence: Confidence::Certain,
    })
    .collect()
}

/// Names who sent from an end: the process that has a socket for datagrams with its port, where there is one.
fn sender(case: &Case<'_>, local: SocketAddr, protocol: u8) -> Subject {
    let snapshot = &case.span.after.snapshot;
    let is_it = |socket: &Socket| {
        let Some(at) = socket.local.inet().map(sockets::plain) else {
            return false;
        };
        let has_it = at.ip().is_unspecified() || at.ip() == local.ip().to_canonical();
        socket.kind == Kind::Udp && at.port() == local.port() && has_it
    };
    let place = (protocol == UDP)
        .then(|| snapshot.sockets.iter().position(is_it))
        .flatten();
    let known = place.map(|place| subject::of_socket(snapshot, place, "destination"));
    known.unwrap_or(Subject {
        kind: "destination",
        ..Subject::default()
    })
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use plumb_model::notice::{Notice, Notices};
    use plumb_model::sample::Sample;

    use super::*;
    use crate::made_up;

    fn found(code: u8, count: u64) -> Vec<(&'static str, Option<String>)> {
        let by: IpAddr = [10, 2, 0, 2].into();
        let notice = Notice {
            what: What::TimeExceeded { code, by },
            direction: Direction::Received,
            protocol: UDP,
            local: ([10, 1, 0, 1], 40_000).into(),
            peer: (by, 12_201).into(),
            interface: 2,
            count,
            age_us: 0,
            last_age_us: 0,
        };
        let heard = Notices {
            all: vec![notice],
            ..Notices::default()
        };
        let sample = Sample::default();
        let found = made_up::found(&sample, &sample, &heard).into_iter();
        found
            .map(|found| (found.kind, found.subject.peer))
            .collect()
    }

    #[test]
    fn who_says_that_fragments_are_missing_is_told() {
        let told = [(FRAGMENTS, Some("10.2.0.2:12201".to_owned()))];
        assert_eq!(found(1, 12), told);
        assert_eq!(found(1, 1), []);
        // A circle of routers is another trouble.
        assert!(found(0, 12).iter().all(|(kind, _)| *kind != FRAGMENTS));
    }
}
