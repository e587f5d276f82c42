//! `checksum-errors`, `fragment-loss` (in [`fragments`]), `reverse-path-filter`: packets that came and were thrown away.

mod fragments;
mod wrong_sender;

use std::collections::{BTreeSet, HashSet};

use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::link::Link;
use plumb_model::notice::{Direction, What};

pub use self::fragments::check as check_fragments;
use super::{Case, attempts, evidence, no_route, not_taken, routers, sockets};

/// The id of the finding: wrong checksums.
pub const CHECKSUM: &str = "checksum-errors";
/// The id of the finding: fragments that never became whole.
pub const FRAGMENTS: &str = "fragment-loss";
/// The id of the finding: from an address that should come another way.
pub const REVERSE_PATH: &str = "reverse-path-filter";
/// Fewer are chance.
const SEVERAL: u64 = 3;

/// Counters of wrong checksums, by protocol.
const CHECKSUMS: [(&str, &str); 6] = [
    ("IpExt", "InCsumErrors"),
    ("Tcp", "InCsumErrors"),
    ("Udp", "InCsumErrors"),
    ("Icmp", "InCsumErrors"),
    ("Udp6", "InCsumErrors"),
    ("Icmp6", "InCsumErrors"),
];

/// Gives the counters that grew by several.
fn several(case: &Case<'_>, counters: &[(&str, &str)]) -> Vec<Evidence> {
    let grown = counters
        .iter()
        .filter_map(|(group, name)| evidence::grown(case.span, group, name));
    grown
        .filter(|fact| {
            fact.change
                .is_some_and(|change| change.after - change.before >= SEVERAL)
        })
        .collect()
}

/// Looks for wrong checksums.
pub fn check_checksums(case: &Case<'_>) -> Vec<Finding> {
    let mut facts = several(case, &CHECKSUMS);
    if facts.is_empty() && !unheard(case).is_empty() {
        // One is enough where somebody waits for it.
        facts.extend(evidence::grown(case.span, "Tcp", "InCsumErrors"));
    }
    if facts.is_empty() {
        return Vec::new();
    }
    vec![Finding {
        kind: CHECKSUM,
        severity: Severity::Warning,
        summary: "packets arrive damaged: their checksums are wrong".to_owned(),
        subject: host(),
        evidence: facts,
        hints: vec![
            "a failing cable, card or memory on the way: plumb if shows errors of our own"
                .to_owned(),
            "or a card that computes checksums wrongly: ethtool -K IF rx off".to_owned(),
        ],
        confidence: Confidence::Certain,
    }]
}

/// Gives the counter of packets whose sender cannot be at all where they came in. The whole machine counts
/// them together, so it says something only where nothing else explains why packets are not heard.
pub(super) fn martians(case: &Case<'_>) -> Option<Evidence> {
    // Those of this namespace are known one by one where they are heard; a queue that is full does not answer either.
    let explained = case.notices.hears_martians
        || not_taken::is_bad(case)
        || !case.span.after.refusers.is_empty()
        || not_taken::has_no_room(case);
    evidence::grown(case.span, "rt_cache", "in_martian_src").filter(|_| !explained)
}

/// Gives the interfaces through which packets came that somebody waits for or serves, and that changed
/// nothing: SYN-ACKs of attempts that still wait, SYNs that were not answered.
fn unheard(case: &Case<'_>) -> BTreeSet<u32> {
    let waiting: BTreeSet<_> = attempts::all(case)
        .into_iter()
        .filter(|attempts| attempts.retransmits > 0)
        .flat_map(|attempts| {
            let locals = attempts.sockets.into_iter();
            let locals = locals.filter_map(|(_, socket)| socket.local.inet());
            locals.map(move |local| (sockets::plain(local), attempts.peer))
        })
        .collect();
    let answers = case
        .notices
        .of(Direction::Received, |what| what == What::SynAck)
        // A server that says it again was not heard either, also when the attempt is over by now.
        .filter(|notice| {
            let ends = (sockets::plain(notice.local), sockets::plain(notice.peer));
            notice.count > 1 || waiting.contains(&ends)
        });
    // A busy server has many thousands of both.
    let answered: HashSet<_> = case
        .notices
        .of(Direction::Sent, |_| true)
        .map(|notice| (notice.local, notice.peer))
        .collect();
    let syns = case
        .notices
        .of(Direction::Received, |what| what == What::Syn)
        // What we sent ourselves and comes back goes in a circle.
        .filter(|notice| !routers::comes_back(case, notice))
        .filter(|notice| !answered.contains(&(notice.local, notice.peer)))
        // Who cannot be answered was heard.
        .filter(|notice| !case.span.after.has_no_way(notice.peer.ip().to_canonical()));
    answers.chain(syns).map(|notice| notice.interface).collect()
}

/// Looks for packets whose sender should come another way, or cannot come at all.
pub fn check_reverse_path(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = wrong_sender::check(case);
    let filtered = filtered(case, !findings.is_empty());
    let same = |found: &Finding| {
        let mut told = findings.iter();
        told.any(|known| known.subject.interface == found.subject.interface)
    };
    let others: Vec<Finding> = filtered.into_iter().filter(|found| !same(found)).collect();
    findings.extend(others);
    findings
}

/// Looks for packets whose sender should come another way. One is enough where somebody waits for it. Packets from
/// senders that cannot be there may be known one by one.
fn filtered(case: &Case<'_>, knows_martians: bool) -> Vec<Finding> {
    let unheard = unheard(case);
    let counter = ("TcpExt", "IPReversePathFilter");
    let mut confidence = Confidence::Certain;
    let thrown_away = case.span.grown(counter.0, counter.1).ok().unwrap_or(0);
    let mut facts = several(case, &[counter]);
    // A sender to whom there is no way at all fails the filter, too; with a way back it would pass.
    if thrown_away < no_route::without_way_back(case) + SEVERAL {
        facts.clear();
    }
    if !unheard.is_empty() && facts.is_empty() {
        facts.extend(evidence::grown(case.span, counter.0, counter.1));
    }
    if !unheard.is_empty() && facts.is_empty() && !knows_martians {
        facts.extend(martians(case));
        confidence = Confidence::Possible;
    }
    if facts.is_empty() {
        return Vec::new();
    }
    let links = case.span.after.links.iter();
    let silent: Vec<&Link> = links
        .filter(|link| unheard.contains(&link.base.index))
        .collect();
    // The counter does not say where: it is where packets came that changed nothing, or the only one that
    // receives at all.
    let candidates = if silent.is_empty() {
        // Where fewer came than were thrown away they cannot all have come.
        let mut receiving = receiving(case);
        receiving.retain(|(_, packets)| *packets >= thrown_away);
        receiving.into_iter().map(|(link, _)| link).collect()
    } else {
        silent
    };
    let interface = match candidates.as_slice() {
        [only] => Some(String::from_utf8_lossy(&only.base.name).into_owned()),
        _ => None,
    };
    let on = interface
        .as_deref()
        .map(|name| format!(" on {name}"))
        .unwrap_or_default();
    vec![Finding {
        kind: REVERSE_PATH,
        severity: Severity::Warning,
        summary: format!(
            "packets{on} are thrown away because their sender should come another way"
        ),
        subject: Subject {
            kind: if interface.is_some() {
                "interface"
            } else {
                "host"
            },
            interface,
            ..Subject::default()
        },
        evidence: facts,
        hints: vec![
            "where routes are asymmetric on purpose: net.ipv4.conf.IF.rp_filter=2".to_owned(),
            "else the sender's address is forged, or a route back is missing: plumb path SENDER"
                .to_owned(),
        ],
        confidence,
    }]
}

/// Gives the interfaces, loopback excepted, that received anything between the samples, with how many packets.
fn receiving<'s>(case: &Case<'s>) -> Vec<(&'s Link, u64)> {
    let packets = |link: &Link| match &link.statistics {
        plumb_model::Known::Known(statistics) => statistics.get("rx_packets").ok().unwrap_or(0),
        plumb_model::Known::Unknown(_) => 0,
    };
    let before = &case.span.before.links;
    let more = |link: &Link| {
        let mut before = before.iter();
        let earlier = before.find(|other| other.base.index == link.base.index);
        packets(link).saturating_sub(earlier.map_or(0, packets))
    };
    let links = case.span.after.links.iter();
    links
        .filter(|link| !link.base.is_loopback())
        .map(|link| (link, more(link)))
        .filter(|(_, more)| *more > 0)
        .collect()
}

fn host() -> Subject {
    Subject {
        kind: "host",
        ..Subject::default()
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::notice::{Notice, Notices};
    use plumb_model::sample::{Destination, Sample};
    use plumb_model::snapshot::{End, Socket};
    use plumb_model::socket::SocketState;
    use std::net::IpAddr;

    use super::super::diagnose;
    use super::*;
    use crate::made_up;

    /// Gives what is found where a counter grew by `more`.
    fn found(group: &str, name: &str, more: u64) -> Vec<&'static str> {
        let sample = |value| {
            let mut sample = Sample::default();
            made_up::count(&mut sample, group, name, value);
            sample
        };
        let (before, after) = (sample(7), sample(7 + more));
        let case = made_up::between(&before, &after);
        diagnose(&case).iter().map(|found| found.kind).collect()
    }

    /// Gives what is found where `filtered` packets failed the filter while SYNs of a client to whom there is no way came.
    fn with_no_way_back(filtered: u64, syns: u64) -> Vec<&'static str> {
        let client = IpAddr::from([10, 7, 0, 1]);
        let sample = |value| {
            let listener = Socket {
                state: SocketState::LISTEN,
                local: End::Inet(([127, 0, 0, 1], 80).into()),
                peer: End::Inet(([0; 4], 0).into()),
                ..made_up::connection(&TcpInfo::default())
            };
            let mut sample = Sample::default();
            sample.snapshot.sockets = vec![listener];
            sample.destinations = vec![Destination {
                ip: client,
                route: Err(101),
            }];
            made_up::count(&mut sample, "TcpExt", "IPReversePathFilter", value);
            sample
        };
        let notices = Notices {
            all: vec![Notice {
                what: What::Syn,
                direction: Direction::Received,
                protocol: 6,
                local: ([127, 0, 0, 1], 80).into(),
                peer: (client, 40_000).into(),
                interface: 2,
                count: syns,
                age_us: 0,
                last_age_us: 0,
            }],
            ..Notices::default()
        };
        let (before, after) = (sample(7), sample(7 + filtered));
        let case = Case {
            notices: &notices,
            ..made_up::between(&before, &after)
        };
        diagnose(&case).iter().map(|found| found.kind).collect()
    }

    #[test]
    fn one_missing_way_back_is_told_once_although_the_filter_counts_it() {
        assert_eq!(with_no_way_back(4, 4), [no_route::ID]);
        // Others fail it as well.
        assert_eq!(with_no_way_back(9, 4), [no_route::ID, REVERSE_PATH]);
        assert_eq!(with_no_way_back(4, 0), [REVERSE_PATH]);
    }

    #[test]
    fn damage_and_lost_fragments_over_ipv6_are_told_as_over_ipv4() {
        for (group, name) in CHECKSUMS {
            assert_eq!(found(group, name, 5), [CHECKSUM], "{group}.{name}");
        }
        for group in ["Ip", "Ip6"] {
            assert_eq!(found(group, "ReasmFails", 5), [FRAGMENTS], "{group}");
            assert_eq!(found(group, "ReasmFails", 1), [""; 0], "{group}");
        }
        let not_tcp = |(group, _): &(&str, &str)| *group != "Tcp";
        for (group, name) in CHECKSUMS.into_iter().filter(not_tcp) {
            assert_eq!(found(group, name, 1), [""; 0], "{group}.{name}");
        }
    }
}
