//! Attempts and connections of ours that the local firewall keeps from leaving, or whose answers it keeps
//! from coming in.
//!
//! Packets are seen behind the output hooks and before the input hooks: a SYN that is sent again and not
//! seen was dropped on its way out, a SYN-ACK that is seen and changes nothing on its way in. A
//! rule that rejects answers for the peer, by loopback, where no packet of a peer ever comes from.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::Subject;
use plumb_model::notice::{Direction, What};
use plumb_model::socket::SocketState;

use super::super::flow::{Flow, lasting};
use super::super::{Case, attempts, evidence, not_taken, own_word, sockets, subject};
use super::Victim;

/// So many answers in the name of one peer are no accident.
const SEVERAL: u64 = 2;

pub(super) fn victims(case: &Case<'_>) -> Vec<Victim> {
    let mut victims = unanswered(case);
    super::more(&mut victims, given_up(case));
    // What is rejected does not leave, either.
    super::more(&mut victims, rejected(case));
    victims.extend(stuck(case));
    victims.extend(name_servers(case));
    victims
}

/// Attempts whose SYN was sent again and was not seen to leave, or whose answer was seen and not heard.
fn unanswered(case: &Case<'_>) -> Vec<Victim> {
    if case.notices.is_blind {
        return Vec::new();
    }
    let all = attempts::all(case).into_iter();
    all.filter_map(|attempts| {
        let peer = attempts.peer;
        let (fact, does) = if attempts.syn_acks > 0
            && attempts.retransmits > 0
            && !not_taken::is_bad(case)
        {
            (
                format!(
                    "the SYN-ACK of {peer} came to this host, and the attempt still waits for it"
                ),
                format!("keeps the answers of {peer} from coming in"),
            )
        } else if (attempts.retried || attempts.is_kept)
            && attempts.syns == 0
            && attempts::silent_next_hop(case, peer).is_none()
        {
            (
                format!("a SYN to {peer} was sent and did not leave this host"),
                format!("keeps connections to {peer} from leaving"),
            )
        } else {
            return None;
        };
        let (place, _) = attempts.sockets.first()?;
        let owner = subject::of_socket(&case.span.after.snapshot, *place, "destination");
        Some(Victim {
            is_through: false,
            subject: Subject {
                local: None,
                peer: Some(peer.to_string()),
                ..owner
            },
            fact: evidence::fact("sock_diag SYN_SENT, packets", fact),
            does,
        })
    })
    .collect()
}

/// Attempts that waited before the watch and were given up in it, although their answers came: a rule is heard to throw them
/// away, or, where that cannot be heard, they came again.
fn given_up(case: &Case<'_>) -> Vec<Victim> {
    let later = sockets::by_cookie(case.span.after);
    let ends = |local, peer| (sockets::plain(local), sockets::plain(peer));
    let mut came: HashMap<_, u64> = HashMap::new();
    let answers = case
        .notices
        .of(Direction::Received, |what| what == What::SynAck);
    for notice in answers {
        *came.entry(ends(notice.local, notice.peer)).or_default() += notice.count;
    }
    let strays = case.notices.strays.iter();
    let thrown_away: HashSet<_> = strays.map(|stray| ends(stray.local, stray.peer)).collect();
    let is_unheard = |flow: &(SocketAddr, SocketAddr)| {
        let times = came.get(flow).copied().unwrap_or(0);
        times > 0 && thrown_away.contains(flow) || times > 1 && case.notices.hears_no_drops
    };
    let waited = sockets::tcp(case.span.before, SocketState::SYN_SENT);
    let over = waited.filter(|(_, socket)| {
        let again = socket.tcp.as_ref().map_or(0, |info| info.total_retrans);
        again > 0 && sockets::again(&later, socket).is_none()
    });
    let mut by_peer: BTreeMap<SocketAddr, (usize, u64)> = BTreeMap::new();
    for (place, socket) in over {
        let flow = socket.local.inet().zip(socket.peer.inet());
        if let Some(flow) = flow
            .map(|(local, peer)| ends(local, peer))
            .filter(is_unheard)
        {
            by_peer.entry(flow.1).or_insert((place, 0)).1 += 1;
        }
    }
    if not_taken::is_bad(case) {
        return Vec::new();
    }
    let told = by_peer.into_iter().map(|(peer, (place, count))| {
        let owner = subject::of_socket(&case.span.before.snapshot, place, "destination");
        Victim {
            is_through: false,
            subject: Subject {
                local: None,
                peer: Some(peer.to_string()),
                ..owner
            },
            fact: evidence::fact(
                "sock_diag SYN_SENT, packets",
                format!(
                    "the SYN-ACKs of {peer} came to this host, and {} given up without having heard them",
                    if count == 1 {
                        "an attempt was".to_owned()
                    } else {
                        format!("{count} attempts were")
                    }
                ),
            ),
            does: format!("keeps the answers of {peer} from coming in"),
        }
    });
    told.collect()
}

/// Destinations in whose name our own host answers.
fn rejected(case: &Case<'_>) -> Vec<Victim> {
    if !case.span.after.can_reject() {
        return Vec::new();
    }
    let mut by_peer: BTreeMap<SocketAddr, (u64, u8)> = BTreeMap::new();
    let forged = case.notices.of(Direction::Received, |_| true);
    for notice in forged.filter(|notice| own_word::is_forged(case, notice)) {
        let told = by_peer.entry(sockets::plain(notice.peer)).or_default();
        told.0 += notice.count;
        told.1 = notice.protocol;
    }
    let enough = |peer: IpAddr| {
        if case.focus.counts_each(peer) {
            1
        } else {
            SEVERAL
        }
    };
    let many = by_peer
        .into_iter()
        .filter(|(peer, (count, _))| *count >= enough(peer.ip()));
    many.map(|(peer, (count, protocol))| Victim {
        is_through: false,
        subject: Subject {
            kind: "destination",
            peer: Some(peer.to_string()),
            protocol: Some(if protocol == 17 { "udp" } else { "tcp" }),
            ..Subject::default()
        },
        fact: evidence::fact(
            "packets received: RST or ICMP destination unreachable, from this host",
            format!(
                "{count} packets to {peer} were answered by this host itself in {:.1} s",
                case.span.seconds()
            ),
        ),
        does: format!("rejects what is sent to {peer}"),
    })
    .collect()
}

/// Connections with segments to send, room for them at the peer, and none on the way: TCP is told at once that
/// they could not leave, and tries again by the timer of window probes.
fn stuck(case: &Case<'_>) -> Vec<Victim> {
    let kept = lasting(case).filter(|flow| flow.cannot_send() && is_routed(case, flow));
    kept.map(|flow| {
        let owner = subject::of_socket(&case.span.after.snapshot, flow.place, "destination");
        let peer = owner.peer.clone().unwrap_or_default();
        Victim {
            is_through: false,
            subject: Subject {
                local: None,
                ..owner
            },
            fact: evidence::fact(
                "sock_diag send-q, timer, tcp_info.tcpi_unacked, tcpi_snd_wnd",
                format!(
                    "{} bytes wait, {peer} lets us send {}, and none left this host",
                    flow.unsent(),
                    flow.is.snd_wnd
                ),
            ),
            does: format!("keeps segments to {peer} from leaving"),
        }
    })
    .collect()
}

/// Name servers whose answers come to this host and that are asked the same again.
fn name_servers(case: &Case<'_>) -> Vec<Victim> {
    let servers = case.notices.name_servers.iter();
    let unheard =
        servers.filter(|server| server.unheard > 0 && server.unheard * 2 >= server.answers);
    unheard
        .map(|server| Victim {
            is_through: false,
            subject: Subject {
                kind: "destination",
                peer: Some(server.server.to_string()),
                protocol: Some("udp"),
                ..Subject::default()
            },
            fact: evidence::fact(
                "packets to and from port 53",
                format!(
                    "{} of {} answers came to this host, and the same was asked again",
                    server.unheard, server.answers
                ),
            ),
            does: format!(
                "keeps the answers of the name server {} from coming in",
                server.server
            ),
        })
        .collect()
}

/// Says whether there is a route to the peer, and its interface can send: otherwise that is why.
fn is_routed(case: &Case<'_>, flow: &Flow<'_>) -> bool {
    let sample = case.span.after;
    let peer = flow.after.peer.inet().map(|peer| peer.ip().to_canonical());
    let mut routes = sample.destinations.iter();
    let to = routes.find(|to| Some(to.ip) == peer);
    let Some(Ok(route)) = to.map(|to| to.route.as_ref()) else {
        return false;
    };
    let mut links = sample.links.iter().map(|link| &link.base);
    links.any(|link| Some(link.index) == route.interface && link.is_up() && link.has_carrier())
}

#[cfg(test)]
mod tests {
    use plumb_model::Known;
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::firewall::{Refuser, Verdict, Wants};
    use plumb_model::notice::{Filtered, Notice, Notices};
    use plumb_model::sample::Sample;

    use crate::made_up;

    use super::*;

    /// What is told where an attempt from 10.0.0.1:40000 to 10.0.0.2:80 was given up in the watch.
    fn told(answers: u64, thrown_away: bool, hears_no_drops: bool) -> Vec<&'static str> {
        let info = TcpInfo {
            total_retrans: 1,
            ..TcpInfo::default()
        };
        let mut before = made_up::sample(1_000_000, &info);
        before.snapshot.sockets[0].state = SocketState::SYN_SENT;
        let mut after = Sample {
            at_us: 3_000_000,
            ..before.clone()
        };
        after.snapshot.sockets.clear();
        after.refusers = vec![Refuser {
            family: "ip",
            table: b"t".to_vec(),
            chain: b"c".to_vec(),
            handle: 4,
            verdict: Verdict::Drop,
            packets: Known::Known(0),
            by_chance: false,
            hook: None,
            wants: Wants::default(),
        }];
        let (local, peer) = (([10, 0, 0, 1], 40_000).into(), ([10, 0, 0, 2], 80).into());
        let answer = Notice {
            what: What::SynAck,
            direction: Direction::Received,
            protocol: 6,
            local,
            peer,
            interface: 2,
            count: answers,
            age_us: 900_000,
            last_age_us: 0,
        };
        let stray = Filtered {
            protocol: 6,
            local,
            peer,
            count: answers,
        };
        let notices = Notices {
            all: Some(answer).filter(|_| answers > 0).into_iter().collect(),
            strays: Some(stray).filter(|_| thrown_away).into_iter().collect(),
            hears_no_drops,
            ..Notices::default()
        };
        let case = Case {
            notices: &notices,
            ..made_up::between(&before, &after)
        };
        let found = super::super::check(&case).into_iter();
        found.map(|found| found.kind).collect()
    }

    #[test]
    fn answers_that_are_thrown_away_until_the_attempt_is_given_up_are_told() {
        assert_eq!(told(1, true, false), [super::super::ID]);
        assert_eq!(told(2, false, true), [super::super::ID]);
        // It was heard, for all that is known.
        assert_eq!(told(2, false, false), [""; 0]);
        assert_eq!(told(1, false, true), [""; 0]);
        assert_eq!(told(0, false, false), [""; 0]);
    }
}
