//! Attempts of ours whose answers came to this host and were not heard, although none waits any more when the second sample
//! is taken: a SYN was sent again after its SYN-ACK had come.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use plumb_model::finding::Subject;
use plumb_model::notice::{Direction, What};

use super::super::{Case, evidence, not_taken, sockets};
use super::Victim;

/// So much later an answer that was heard would have kept the SYN from being sent again, microseconds.
const HEARD_US: u64 = 200_000;
/// Fewer are an accident.
const SEVERAL: u64 = 2;

pub(super) fn victims(case: &Case<'_>) -> Vec<Victim> {
    // A filter of another kind threw them away.
    if not_taken::is_bad(case) {
        return Vec::new();
    }
    let came = case
        .notices
        .of(Direction::Received, |what| what == What::SynAck);
    let came: HashMap<_, u64> = came
        .map(|notice| ((notice.local, notice.peer), notice.age_us))
        .collect();
    let mut unheard: BTreeMap<SocketAddr, u64> = BTreeMap::new();
    for syn in case.notices.of(Direction::Sent, |what| what == What::Syn) {
        let answered = came.get(&(syn.local, syn.peer));
        let again = |&answered: &u64| syn.count > 1 && syn.last_age_us + HEARD_US < answered;
        if answered.is_some_and(again) {
            *unheard.entry(sockets::plain(syn.peer)).or_default() += 1;
        }
    }
    unheard.retain(|_, attempts| *attempts >= SEVERAL);
    let victims = unheard.into_iter();
    victims
        .map(|(peer, attempts)| Victim {
            subject: Subject {
                kind: "destination",
                protocol: Some("tcp"),
                peer: Some(peer.to_string()),
                ..Subject::default()
            },
            fact: evidence::fact(
                "packets: SYN, SYN-ACK",
                format!(
                    "{} at {peer} sent the SYN again although the SYN-ACK had come",
                    evidence::attempts(attempts)
                ),
            ),
            does: format!("keeps the answers of {peer} from coming in"),
            is_through: false,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use plumb_model::firewall::Verdict;
    use plumb_model::notice::{Notice, Notices};
    use plumb_model::sample::Sample;

    use super::*;
    use crate::made_up;

    /// What is found where so many attempts sent their SYN again so long ago, and were answered 2.5 s ago.
    fn found(attempts: u16, again_us: u64) -> Vec<(&'static str, Option<String>)> {
        let notice = |port, what, direction, last_age_us| Notice {
            what,
            direction,
            protocol: 6,
            local: ([10, 0, 0, 1], port).into(),
            peer: ([10, 0, 0, 2], 6379).into(),
            interface: 2,
            count: 2,
            age_us: 2_500_000,
            last_age_us,
        };
        let of_one = |port| {
            [
                notice(port, What::Syn, Direction::Sent, again_us),
                notice(port, What::SynAck, Direction::Received, 500_000),
            ]
        };
        let heard = Notices {
            all: (40_000..40_000 + attempts).flat_map(of_one).collect(),
            ..Notices::default()
        };
        let sample = Sample {
            refusers: vec![made_up::rule("input", Verdict::Drop)],
            ..Sample::default()
        };
        let found = made_up::found(&sample, &sample, &heard).into_iter();
        found
            .map(|found| (found.kind, found.subject.peer))
            .collect()
    }

    #[test]
    fn who_tries_again_although_he_was_answered_was_not_heard() {
        let told = [(super::super::ID, Some("10.0.0.2:6379".to_owned()))];
        assert_eq!(found(2, 1_500_000), told);
        assert_eq!(found(1, 1_500_000), []);
        // The answer came after the second SYN: the way is long.
        assert_eq!(found(2, 2_600_000), []);
    }
}
