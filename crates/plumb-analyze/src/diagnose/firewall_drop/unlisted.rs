//! Clients whose attempts at a port that is served here a rule threw away, as the kernel itself tells where drops can be
//! heard. No rule needs to be listed for it: the verdicts of maps are elements of a set, and those of iptables-legacy are
//! kept elsewhere.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;

use plumb_model::notice::{Direction, Notice, What};

use super::super::turned_away::TCP;
use super::super::{Case, evidence, sockets};
use super::{Victim, incoming};

/// So many SYNs that were thrown away are no accident.
const SEVERAL: u64 = 3;
/// Where it was heard.
const SOURCE: &str = "skb:kfree_skb NETFILTER_DROP, packets received: SYN";

pub(super) fn victims(case: &Case<'_>) -> Vec<Victim> {
    let kept_out = thrown_away(case).into_iter();
    kept_out
        .filter(|(_, count)| *count >= SEVERAL)
        .filter_map(|(end, count)| {
            let (place, _) = sockets::server_of(case.span.after, end)?;
            let fact = evidence::fact(
                SOURCE,
                format!(
                    "{count} attempts at {end} came and were thrown away by a rule in {:.1} s, although it is served",
                    case.span.seconds()
                ),
            );
            Some(incoming::at(case, place, end, fact))
        })
        .collect()
}

/// Counts SYNs that came and were thrown away, by the end they were for. Who was answered at that end is let in, and what he
/// lost he lost by chance.
fn thrown_away(case: &Case<'_>) -> BTreeMap<SocketAddr, u64> {
    let ends = |local, peer| (sockets::plain(local), sockets::plain(peer));
    let mut strays: HashMap<_, u64> = HashMap::new();
    for stray in &case.notices.strays {
        if stray.protocol == TCP {
            *strays.entry(ends(stray.local, stray.peer)).or_default() += stray.count;
        }
    }
    let of_client = |notice: &Notice| {
        let (local, peer) = ends(notice.local, notice.peer);
        (local, peer.ip())
    };
    let answers = case.notices.of(Direction::Sent, incoming::answers);
    let answered: HashSet<_> = answers.map(of_client).collect();
    let mut by_end = BTreeMap::new();
    let syns = case
        .notices
        .of(Direction::Received, |what| what == What::Syn);
    for syn in syns.filter(|syn| !answered.contains(&of_client(syn))) {
        let (local, peer) = ends(syn.local, syn.peer);
        if let Some(count) = strays.get(&(local, peer)) {
            *by_end.entry(local).or_default() += syn.count.min(*count);
        }
    }
    by_end
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::notice::{Filtered, Notices};
    use plumb_model::snapshot::End;
    use plumb_model::socket::SocketState;

    use crate::made_up;

    use super::*;

    const END: ([u8; 4], u16) = ([10, 0, 0, 1], 1883);

    /// Attempts of one client, each from a port of its own.
    struct Watch {
        thrown_away: u16,
        came: u16,
        answered: bool,
        port: u16,
    }

    const WATCH: Watch = Watch {
        thrown_away: 3,
        came: 3,
        answered: false,
        port: END.1,
    };

    /// What is found where no rule is listed.
    fn found(watch: &Watch) -> Vec<(&'static str, Option<String>)> {
        let sample = |at_us| {
            let mut sample = made_up::sample(at_us, &TcpInfo::default());
            for socket in &mut sample.snapshot.sockets {
                socket.state = SocketState::LISTEN;
                socket.local = End::Inet(END.into());
                socket.peer = End::Inet(([0, 0, 0, 0], 0).into());
            }
            sample
        };
        let (before, after) = (sample(1_000_000), sample(3_000_000));
        let local = SocketAddr::from((END.0, watch.port));
        let client = |port| SocketAddr::from(([10, 0, 0, 9], port));
        let notice = |what, direction, port| Notice {
            what,
            direction,
            protocol: TCP,
            local,
            peer: client(port),
            interface: 2,
            count: 1,
            age_us: 500_000,
            last_age_us: 500_000,
        };
        let came = (1..=watch.came).map(|port| notice(What::Syn, Direction::Received, port));
        let answer = Some(notice(What::SynAck, Direction::Sent, 9)).filter(|_| watch.answered);
        let stray = |port| Filtered {
            protocol: TCP,
            local,
            peer: client(port),
            count: 1,
        };
        let notices = Notices {
            all: came.chain(answer).collect(),
            strays: (1..=watch.thrown_away).map(stray).collect(),
            ..Notices::default()
        };
        let found = made_up::found(&before, &after, &notices).into_iter();
        found
            .map(|found| (found.kind, found.subject.local))
            .collect()
    }

    #[test]
    fn attempts_that_the_verdict_of_a_map_throws_away_are_told_although_no_rule_is_listed() {
        let told = [(super::super::ID, Some("10.0.0.1:1883".to_owned()))];
        assert_eq!(found(&WATCH), told);
        let silent = [
            Watch {
                thrown_away: 2,
                ..WATCH
            },
            // They came to another network namespace.
            Watch { came: 0, ..WATCH },
            // By chance: another attempt of the same client was let in.
            Watch {
                answered: true,
                ..WATCH
            },
            // Nobody serves it.
            Watch { port: 23, ..WATCH },
        ];
        for watch in &silent {
            assert_eq!(found(watch), []);
        }
    }
}
