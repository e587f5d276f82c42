//! Connections that hear nothing, because a rule threw away all that came for them before it was known whose it is
//! (hooks `ingress` and `prerouting`), as the kernel itself tells where drops can be heard.
//!
//! A connection that gets anything at all is none of them: where some of what comes is thrown away it is lost on its way.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::Subject;

use super::super::flow::{Flow, lasting};
use super::super::turned_away::TCP;
use super::super::{Case, evidence, sockets, subject};
use super::Victim;

/// So many packets of one connection are no accident, where nothing else comes; who is not heard repeats himself ever more
/// seldom.
const SEVERAL: u64 = 2;
/// So many connections of one host to one end of ours are none either, with one packet each.
const ALIKE: usize = 3;
/// Where its own end only repeats itself, each answer counts: they come as seldom as it does.
const ANSWERS: u64 = 1;
/// Where it was heard.
const SOURCE: &str = "skb:kfree_skb NETFILTER_DROP, tcp_info.tcpi_segs_in";

/// A connection that hears nothing, behind how many packets for it were thrown away.
type Deaf<'s> = (u64, Flow<'s>);

/// `known` are ends of which the same is told already.
pub(super) fn victims(case: &Case<'_>, known: &BTreeSet<String>) -> Vec<Victim> {
    let thrown_away = thrown_away(case);
    if thrown_away.is_empty() {
        return Vec::new();
    }
    let mut by_peer: BTreeMap<SocketAddr, (u64, Flow<'_>)> = BTreeMap::new();
    // Who tries again ever more seldom may do so once in a watch; by our end, and the other host.
    let mut once: BTreeMap<(SocketAddr, IpAddr), Vec<Deaf<'_>>> = BTreeMap::new();
    // What waits behind a gap came through, as small segments do where large ones vanish.
    let hears_nothing =
        |flow: &Flow<'_>| flow.is.segs_in == flow.was.segs_in && !flow.has_old_gap();
    for flow in lasting(case).filter(hears_nothing) {
        let ends = (flow.after.local.inet(), flow.after.peer.inet());
        let (Some(local), Some(peer)) = ends else {
            continue;
        };
        let peer = sockets::plain(peer);
        let count = thrown_away.get(&(sockets::plain(local), peer));
        let enough = if flow.only_repeats() {
            ANSWERS
        } else {
            SEVERAL
        };
        let Some(count) = count.copied() else {
            continue;
        };
        if count < enough {
            once.entry((sockets::plain(local), peer.ip()))
                .or_default()
                .push((count, flow));
            continue;
        }
        by_peer.entry(peer).or_insert((0, flow)).0 += count;
    }
    let alike = once
        .into_iter()
        .filter(|(_, flows)| flows.len() >= ALIKE)
        .filter_map(|((_, host), flows)| {
            let count = flows.iter().map(|(count, _)| count).sum();
            let (_, first) = flows.into_iter().next()?;
            Some((host.to_string(), count, first))
        });
    let told = by_peer.into_iter();
    told.map(|(peer, (count, flow))| (peer.to_string(), count, flow))
        .chain(alike)
        .filter(|(peer, ..)| !known.contains(peer))
        .map(|(peer, count, flow)| victim(case, peer, count, &flow))
        .collect()
}

/// Counts what was thrown away, by our own end and the other.
fn thrown_away(case: &Case<'_>) -> HashMap<(SocketAddr, SocketAddr), u64> {
    let all = case.notices.strays.iter().chain(&case.notices.filtered);
    let mut counts = HashMap::new();
    for packets in all.filter(|packets| packets.protocol == TCP) {
        let ends = (sockets::plain(packets.local), sockets::plain(packets.peer));
        *counts.entry(ends).or_default() += packets.count;
    }
    counts
}

/// Names who is not heard: an end, or a host that has several.
fn victim(case: &Case<'_>, peer: String, count: u64, flow: &Flow<'_>) -> Victim {
    let owner = subject::of_socket(&case.span.after.snapshot, flow.place, "destination");
    Victim {
        is_through: false,
        fact: evidence::fact(
            SOURCE,
            format!(
                "{count} packets of {peer} were thrown away by a rule in {:.1} s, and none arrived",
                case.span.seconds()
            ),
        ),
        does: format!("keeps everything that {peer} sends from coming in"),
        subject: Subject {
            local: None,
            peer: Some(peer),
            ..owner
        },
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::firewall::{Refuser, Verdict, Wants};
    use plumb_model::id::Cookie;
    use plumb_model::notice::{Filtered, Notices};
    use plumb_model::snapshot::{End, Socket};
    use plumb_model::{Known, Reason};

    use crate::diagnose::diagnose;
    use crate::diagnose::turned_away::TCP;
    use crate::made_up;

    /// What a connection did while a rule threw away so many packets that came for it.
    struct Watch {
        thrown_away: u64,
        arrived: u32,
        timeouts: u8,
        by_chance: bool,
    }

    const WATCH: Watch = Watch {
        thrown_away: 2,
        arrived: 0,
        timeouts: 0,
        by_chance: false,
    };

    fn found(watch: &Watch) -> Vec<&'static str> {
        let sample = |at_us, segs_in| {
            let info = TcpInfo {
                segs_in,
                snd_mss: 1448,
                data_segs_out: 100,
                delivered: 99,
                bytes_acked: 800,
                unacked: watch.timeouts.into(),
                retransmits: watch.timeouts,
                backoff: watch.timeouts,
                total_retrans: watch.timeouts.into(),
                last_ack_recv_ms: 3_000,
                ..TcpInfo::default()
            };
            let mut sample = made_up::sample(at_us, &info);
            sample.refusers.push(Refuser {
                family: "ip",
                table: b"filter".to_vec(),
                chain: b"pre".to_vec(),
                handle: 4,
                verdict: Verdict::Drop,
                packets: Known::Unknown(Reason::NotInSource),
                by_chance: watch.by_chance,
                hook: None,
                wants: Wants::default(),
            });
            sample
        };
        let (before, after) = (sample(1_000_000, 9), sample(3_000_000, 9 + watch.arrived));
        let notices = Notices {
            strays: vec![Filtered {
                protocol: TCP,
                local: ([10, 0, 0, 1], 40_000).into(),
                peer: ([10, 0, 0, 2], 80).into(),
                count: watch.thrown_away,
            }],
            ..Notices::default()
        };
        let case = crate::diagnose::Case {
            notices: &notices,
            ..made_up::between(&before, &after)
        };
        diagnose(&case).iter().map(|found| found.kind).collect()
    }

    #[test]
    fn a_connection_of_which_all_that_comes_is_thrown_away_early_is_told_and_one_that_gets_some_is_not()
     {
        assert_eq!(found(&WATCH), ["firewall-drop"]);
        // A late one, and acknowledgements some of which arrive.
        let late = Watch {
            thrown_away: 1,
            ..WATCH
        };
        assert_eq!(found(&late), [""; 0]);
        let some = Watch {
            thrown_away: 900,
            arrived: 5,
            ..WATCH
        };
        assert_eq!(found(&some), [""; 0]);
    }

    #[test]
    fn who_only_repeats_himself_is_not_half_open_where_a_rule_throws_the_one_answer_away() {
        let repeats = Watch {
            thrown_away: 1,
            timeouts: 4,
            ..WATCH
        };
        assert_eq!(found(&repeats), ["firewall-drop"]);
        // Numbers that say nothing of a packet are a way that loses packets.
        let by_chance = Watch {
            by_chance: true,
            ..repeats
        };
        assert_eq!(found(&by_chance), ["half-open-peer"]);
    }

    #[test]
    fn many_connections_of_one_host_with_one_packet_each_are_no_accident() {
        let told = |many: u16| {
            let sample = |at_us| {
                let info = TcpInfo {
                    segs_in: 9,
                    ..TcpInfo::default()
                };
                let mut sample = made_up::sample(at_us, &info);
                let one = sample.snapshot.sockets.remove(0);
                sample.snapshot.sockets = (0..many)
                    .map(|number| Socket {
                        cookie: Known::Known(Cookie(number.into())),
                        local: End::Inet(([10, 0, 0, 1], 3306).into()),
                        peer: End::Inet(([10, 0, 0, 2], 40_000 + number).into()),
                        ..one.clone()
                    })
                    .collect();
                sample.refusers.push(made_up::rule("input", Verdict::Drop));
                sample
            };
            let (before, after) = (sample(1_000_000), sample(3_000_000));
            let stray = |number| Filtered {
                protocol: TCP,
                local: ([10, 0, 0, 1], 3306).into(),
                peer: ([10, 0, 0, 2], 40_000 + number).into(),
                count: 1,
            };
            let heard = Notices {
                strays: (0..many).map(stray).collect(),
                ..Notices::default()
            };
            let found = made_up::found(&before, &after, &heard).into_iter();
            found
                .map(|found| (found.kind, found.subject.peer))
                .collect::<Vec<_>>()
        };
        let of_host = ("firewall-drop", Some("10.0.0.2".to_owned()));
        assert_eq!(told(3), [of_host]);
        assert_eq!(told(2), []);
    }
}
