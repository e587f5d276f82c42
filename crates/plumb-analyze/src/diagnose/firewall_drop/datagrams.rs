//! Datagrams between others that a rule does not let through this host: the same ones again and again, of a client that
//! asks once more, or of one who goes on to send.
//!
//! A router that keeps some from passing may well be meant to, so it is told and is no alarm. The network namespace of
//! what is forwarded is not always known; that it is this one is known by the counters of the rules here, or by packets that
//! came and of which it is not counted what became of them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::Subject;

use super::super::turned_away::UDP;
use super::super::{Case, evidence, sockets};
use super::{Victim, forwarded, midway, strays, suspects};

/// So many of one sender for one end are somebody who wants something.
const SEVERAL: u64 = 3;
/// Packets of IP to be forwarded, as one family or the other counts them.
const FORWARDED: [&str; 2] = ["ForwDatagrams", "OutForwDatagrams"];
/// What else becomes of packets that come.
const TAKEN: [&str; 5] = [
    "InDelivers",
    "InDiscards",
    "InHdrErrors",
    "InAddrErrors",
    "InNoRoutes",
];

pub(super) fn victims(case: &Case<'_>) -> Vec<Victim> {
    if !forwarded::forwards(case) {
        return Vec::new();
    }
    let mut by_pair: BTreeMap<(SocketAddr, IpAddr), u64> = BTreeMap::new();
    let all = case.notices.strays.iter();
    for stray in all.filter(|stray| midway::is_between_others(case, stray, UDP)) {
        let (to, from) = (sockets::plain(stray.local), sockets::plain(stray.peer));
        // Answers go to the port of a client, which is the larger one.
        let (server, client) = if from.port() >= to.port() {
            (to, from)
        } else {
            (from, to)
        };
        *by_pair.entry((server, client.ip())).or_default() += stray.count;
    }
    let mut by_server: BTreeMap<SocketAddr, u64> = BTreeMap::new();
    for ((server, _), count) in by_pair {
        if count >= SEVERAL {
            *by_server.entry(server).or_default() += count;
        }
    }
    let all = by_server.into_iter();
    all.map(|(server, count)| (count, victim(case, server, count)))
        .filter(|(count, victim)| is_here(case, victim, *count))
        .map(|(_, victim)| victim)
        .collect()
}

/// Says whether it was this network namespace that threw so many away. Counters are read a little after the watch begins
/// and before it ends.
fn is_here(case: &Case<'_>, victim: &Victim, count: u64) -> bool {
    let are_most = |of: u64| of.saturating_mul(4) >= count.saturating_mul(3);
    if are_most(super::counted(case)) {
        return true;
    }
    let is_v6 = victim
        .subject
        .peer
        .as_deref()
        .is_some_and(|peer| peer.starts_with('['));
    !suspects::of(case, &victim.subject, true).is_empty() && are_most(unaccounted(case, is_v6))
}

/// Counts the packets of a family that came, or were to be sent, and of which nothing is counted behind that: what is to be
/// forwarded is counted behind the rules, or before them where kernels count what was sent, too (`OutTransmits`).
fn unaccounted(case: &Case<'_>, is_v6: bool) -> u64 {
    let group = if is_v6 { "Ip6" } else { "Ip" };
    let grown = |name: &str| case.span.grown(group, name).ok();
    let sum = |names: &[&str]| names.iter().filter_map(|name| grown(name)).sum::<u64>();
    let came = sum(&["InReceives"]).saturating_sub(sum(&TAKEN) + sum(&FORWARDED));
    let sent = grown("OutTransmits").map_or(0, |sent| {
        (sum(&FORWARDED) + sum(&["OutRequests"])).saturating_sub(sent)
    });
    came.max(sent)
}

fn victim(case: &Case<'_>, server: SocketAddr, count: u64) -> Victim {
    Victim {
        is_through: true,
        subject: Subject {
            kind: "destination",
            peer: Some(server.to_string()),
            protocol: Some("udp"),
            ..Subject::default()
        },
        fact: evidence::fact(
            strays::SOURCE,
            format!(
                "{count} datagrams between {server} and others were thrown away by a rule in {:.1} s",
                case.span.seconds()
            ),
        ),
        does: format!("lets no datagrams between others and {server} through this host"),
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::finding::Severity;
    use plumb_model::firewall::{Refuser, Verdict};
    use plumb_model::notice::{Filtered, Notices};
    use plumb_model::sample::{Sample, Settings};
    use plumb_model::{Known, Reason};

    use crate::made_up;

    use super::*;

    /// What a router saw: what its rule counted, if it counts; the counters of IP that grew; and datagrams of one client.
    struct Watch {
        counted: Option<u64>,
        came: u64,
        forwarded: u64,
        sent: Option<u64>,
        datagrams: u64,
        forwards: u64,
        answers: bool,
    }

    const WATCH: Watch = Watch {
        counted: Some(10),
        came: 10,
        forwarded: 10,
        sent: Some(0),
        datagrams: 10,
        forwards: 1,
        answers: false,
    };

    fn found(watch: &Watch) -> Vec<(&'static str, Severity, Option<String>)> {
        let sample = |times: u64| {
            let packets = watch.counted.map(|counted| Known::Known(counted * times));
            let rule = Refuser {
                packets: packets.unwrap_or(Known::Unknown(Reason::NotInSource)),
                ..made_up::rule("forward", Verdict::Drop)
            };
            let mut sample = Sample {
                settings: Settings::new(vec![("net.ipv4.ip_forward", vec![watch.forwards])]),
                refusers: vec![rule],
                ..Sample::default()
            };
            made_up::count(&mut sample, "Ip", "InReceives", watch.came * times);
            made_up::count(&mut sample, "Ip", "ForwDatagrams", watch.forwarded * times);
            if let Some(sent) = watch.sent {
                made_up::count(&mut sample, "Ip", "OutTransmits", sent * times);
            }
            sample
        };
        let server = SocketAddr::from(([10, 2, 0, 2], 53));
        // A client that asks once more does so by another port.
        let strays = (0..watch.datagrams).map(|number| {
            let port = 40_000 + u16::try_from(number).expect("few");
            let client = SocketAddr::from(([10, 1, 0, 2], port));
            let (local, peer) = if watch.answers {
                (client, server)
            } else {
                (server, client)
            };
            Filtered {
                protocol: UDP,
                local,
                peer,
                count: 1,
            }
        });
        let notices = Notices {
            strays: strays.collect(),
            ..Notices::default()
        };
        let found = made_up::found(&sample(0), &sample(1), &notices).into_iter();
        found
            .map(|found| (found.kind, found.severity, found.subject.peer))
            .collect()
    }

    #[test]
    fn datagrams_that_do_not_pass_are_told_of_the_server_and_are_no_alarm() {
        let told = [(
            super::super::ID,
            Severity::Info,
            Some("10.2.0.2:53".to_owned()),
        )];
        assert_eq!(found(&WATCH), told);
        let answers = Watch {
            answers: true,
            ..WATCH
        };
        assert_eq!(found(&answers), told);
        let no_counter = Watch {
            counted: None,
            ..WATCH
        };
        assert_eq!(found(&no_counter), told, "they were not sent");
        let old = Watch {
            counted: None,
            forwarded: 0,
            sent: None,
            ..WATCH
        };
        assert_eq!(found(&old), told, "they came and were not forwarded");
    }

    #[test]
    fn few_datagrams_and_those_of_other_namespaces_are_not_told() {
        let silent = [
            Watch {
                datagrams: 2,
                ..WATCH
            },
            Watch {
                counted: Some(0),
                came: 100,
                forwarded: 100,
                sent: Some(100),
                ..WATCH
            },
            Watch {
                counted: None,
                came: 100,
                forwarded: 100,
                sent: Some(100),
                ..WATCH
            },
            Watch {
                forwards: 0,
                ..WATCH
            },
        ];
        for watch in &silent {
            assert_eq!(found(watch), []);
        }
    }
}
