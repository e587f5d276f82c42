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
        .filter_map(|(end, counts)| {
            let what = counts.words()?;
            let (place, _) = sockets::server_of(case.span.after, end)?;
            let fact = evidence::fact(
                SOURCE,
                format!(
                    "{what} in {:.1} s, although {end} is served",
                    case.span.seconds()
                ),
            );
            Some(incoming::at(case, place, end, fact))
        })
        .collect()
}

/// What was thrown away of the attempts at an end.
#[derive(Default)]
struct Counts {
    /// SYNs of clients that got no answer at all.
    of_silent: u64,
    /// Attempts that came again and again in vain, of clients whose others were answered, and their SYNs.
    repeated: (u64, u64),
}

impl Counts {
    /// Says what of it is no accident.
    fn words(&self) -> Option<String> {
        let (attempts, packets) = self.repeated;
        if self.of_silent >= SEVERAL {
            let count = self.of_silent;
            return Some(format!(
                "{count} attempts came and were thrown away by a rule"
            ));
        }
        (attempts >= SEVERAL).then(|| {
            format!(
                "{attempts} attempts came again and again and were thrown away by a rule each time ({packets} packets), while others were let in,"
            )
        })
    }
}

/// Counts attempts that came and were thrown away, by the end they were for. Who was answered at that end is let in, and what
/// he lost once he may have lost by chance; what is lost each time it comes is over a rate.
fn thrown_away(case: &Case<'_>) -> BTreeMap<SocketAddr, Counts> {
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
    let answers = || case.notices.of(Direction::Sent, incoming::answers);
    let answered: HashSet<_> = answers()
        .map(|notice| ends(notice.local, notice.peer))
        .collect();
    let let_in: HashSet<_> = answers().map(of_client).collect();
    let dice = case.span.after.refusers.iter().any(|rule| rule.by_chance);
    let mut by_end: BTreeMap<SocketAddr, Counts> = BTreeMap::new();
    let syns = case
        .notices
        .of(Direction::Received, |what| what == What::Syn);
    for syn in syns {
        let (local, peer) = ends(syn.local, syn.peer);
        let Some(thrown_away) = strays
            .get(&(local, peer))
            .map(|count| syn.count.min(*count))
        else {
            continue;
        };
        let counts = by_end.entry(local).or_default();
        // The two are not heard by the same ear.
        let each_time = syn.count > 1 && thrown_away + 1 >= syn.count && thrown_away > 1;
        if !let_in.contains(&of_client(syn)) {
            counts.of_silent += thrown_away;
        } else if each_time && !dice && !answered.contains(&(local, peer)) {
            counts.repeated.0 += 1;
            counts.repeated.1 += thrown_away;
        }
    }
    by_end
}

#[cfg(test)]
mod tests {
    use plumb_model::diag::tcp_info::TcpInfo;
    use plumb_model::firewall::{Refuser, Verdict, Wants};
    use plumb_model::notice::{Filtered, Notices};
    use plumb_model::snapshot::End;
    use plumb_model::socket::SocketState;
    use plumb_model::{Known, Reason};

    use crate::made_up;

    use super::*;

    const END: ([u8; 4], u16) = ([10, 0, 0, 1], 1883);

    /// Attempts of one client, each from a port of its own.
    struct Watch {
        thrown_away: u16,
        came: u16,
        /// Each so often.
        times: u64,
        answered: bool,
        port: u16,
        by_chance: bool,
    }

    const WATCH: Watch = Watch {
        thrown_away: 3,
        came: 3,
        times: 1,
        answered: false,
        port: END.1,
        by_chance: false,
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
            let numbers = Refuser {
                family: "ip",
                table: b"t".to_vec(),
                chain: b"c".to_vec(),
                handle: 4,
                verdict: Verdict::Drop,
                packets: Known::Unknown(Reason::NotInSource),
                by_chance: true,
                hook: None,
                wants: Wants::default(),
            };
            let another = Refuser {
                by_chance: false,
                ..numbers.clone()
            };
            if watch.by_chance {
                sample.refusers = vec![numbers, another];
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
            count: watch.times,
            age_us: 500_000,
            last_age_us: 500_000,
        };
        let came = (1..=watch.came).map(|port| notice(What::Syn, Direction::Received, port));
        let answer = Some(notice(What::SynAck, Direction::Sent, 9)).filter(|_| watch.answered);
        let stray = |port| Filtered {
            protocol: TCP,
            local,
            peer: client(port),
            count: watch.times,
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

    #[test]
    fn attempts_that_are_thrown_away_each_time_they_come_are_told_although_the_same_client_has_others()
     {
        let over_a_rate = Watch {
            times: 2,
            answered: true,
            ..WATCH
        };
        let told = [(super::super::ID, Some("10.0.0.1:1883".to_owned()))];
        assert_eq!(found(&over_a_rate), told);
        // Once may be chance, as may be anything where a rule rolls dice; two attempts are few.
        let silent = [
            Watch {
                times: 1,
                ..over_a_rate
            },
            Watch {
                by_chance: true,
                ..over_a_rate
            },
            Watch {
                thrown_away: 2,
                ..over_a_rate
            },
        ];
        for watch in &silent {
            assert_eq!(found(watch), []);
        }
    }
}
