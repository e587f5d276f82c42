//! Who answers in the destination's name: a firewall that resets what it rejects, a proxy that accepts it.
//!
//! A TCP reset has the destination's address whoever made it, so what convicts is the distance: packets of another kind
//! come, at the TTL of that answer, to a router that passes them on. Who made it is told by the TTL with
//! which the answer came, which is that of the router's own answers: what comes from further away has lost more.

use std::net::IpAddr;

use super::hops::{BEGINNINGS, Heard, Hop, Word, hops_back};

/// Whoever may have given an answer that has the destination's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspects {
    /// The TTL at which it is given.
    ttl: u8,
    /// The last router before that: a rule on what it forwards is met one TTL later than the router itself.
    before: Option<Heard>,
    /// What packets of another kind are told at that TTL: a router that passes them on, or the destination itself.
    at: Option<Heard>,
}

/// Somebody who answers in the destination's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Impostor {
    /// The first TTL at which he may be.
    pub first_ttl: u8,
    /// The last: the same where it is known who he is.
    pub last_ttl: u8,
    /// His own address, where that is known.
    pub from: Option<IpAddr>,
    /// Who gets packets of another kind; none where nobody says so: then the distance alone speaks against him.
    pub goes_on_to: Option<IpAddr>,
}

/// Gathers who may have answered at a TTL. `others` are the hops of probes of another kind at that TTL and before; they
/// count where they go the same way so far.
pub fn suspects(hops: &[Hop], others: &[Hop], ttl: u8) -> Suspects {
    let (ours, theirs) = (passing(hops, ttl - 1), passing(others, ttl - 1));
    let common = |heard: &&Heard| theirs.iter().any(|other| other.from == heard.from);
    let common = ours.iter().find(common).copied();
    // Where nobody is before, both are on the same way, be it that nobody can be.
    let same_way = common.is_some() || ours.is_empty() && theirs.is_empty();
    Suspects {
        ttl,
        before: common.or(ours.first().copied()),
        at: said_at(others, ttl).find(|heard| same_way && is_at(heard)),
    }
}

fn said_at(hops: &[Hop], at: u8) -> impl Iterator<Item = Heard> {
    let hop = hops.iter().find(move |hop| hop.ttl == at);
    hop.into_iter().flat_map(|hop| hop.heard.iter().copied())
}

fn passing(hops: &[Hop], at: u8) -> Vec<Heard> {
    said_at(hops, at).filter(passes).collect()
}

fn passes(heard: &Heard) -> bool {
    heard.word == Word::TimeExceeded
}

/// Who says it got the packet, to pass it on or for itself.
fn is_at(heard: &Heard) -> bool {
    let own = matches!(heard.word, Word::Reply | Word::PortUnreachable);
    own || passes(heard)
}

impl Suspects {
    /// Says whether packets of another kind go on, so that it is certain that somebody answers in the destination's name.
    pub fn is_certain(&self) -> bool {
        self.at.is_some_and(|heard| passes(&heard))
    }

    /// Says whether the TTL of the answer can tell anything.
    pub fn is_worth_a_look(&self) -> bool {
        self.is_certain() || self.backs()[0].is_some()
    }

    /// Gives the TTLs with which the answer may have come, by rising number: of which it is, the last that it is not below
    /// tells.
    pub fn ttls_to_try(&self) -> Vec<u8> {
        let backs = self.backs().into_iter().flatten();
        let all = backs.flat_map(|back| {
            // One more than either would have, so that what comes from elsewhere is told apart.
            BEGINNINGS.into_iter().flat_map(move |beginning| {
                let ttl = beginning.checked_sub(back.saturating_sub(1));
                [ttl, ttl.and_then(|ttl| ttl.checked_add(1))]
            })
        });
        let mut all: Vec<u8> = all.flatten().filter(|&ttl| ttl > 0).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Says over how many hops the answers of the two come; of one who does not answer it is what lies behind the other.
    fn backs(&self) -> [Option<u8>; 2] {
        let back = |heard: Heard| heard.ttl.and_then(hops_back);
        let before = self.before.and_then(back);
        let behind = before.map(|back| back.saturating_add(1));
        [before, self.at.and_then(back).or(behind)]
    }

    /// Says who it is, by the TTL with which the answer came; `None` where it may be the destination's own.
    pub fn convict(&self, came_with: Option<u8>) -> Option<Impostor> {
        let came_over = came_with.and_then(hops_back);
        let is_of = |back: Option<u8>| back.is_some() && back == came_over;
        let [before, at] = self.backs();
        let last = self.ttl.saturating_sub(1).max(1);
        let (first_ttl, last_ttl, from) = match (is_of(before), is_of(at)) {
            (true, false) => (last, last, self.before),
            _ if !self.is_certain() => return None,
            (false, true) => (self.ttl, self.ttl, self.at),
            _ if self.ttl == 1 => (1, 1, self.at),
            _ => (last, self.ttl, None),
        };
        Some(Impostor {
            first_ttl,
            last_ttl,
            from: from.map(|heard| heard.from),
            goes_on_to: self.at.map(|heard| heard.from),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    /// Routers on a way, each of whose answers lose one for each hop back.
    fn routers(from: &[u8]) -> Vec<Hop> {
        let heard = |(ttl, &last): (u8, &u8)| Hop {
            ttl,
            heard: (last != 0)
                .then_some(Heard {
                    from: ip(last),
                    word: Word::TimeExceeded,
                    ttl: Some(65 - ttl),
                })
                .into_iter()
                .collect(),
        };
        (1..).zip(from).map(heard).collect()
    }

    #[test]
    fn who_resets_is_told_by_the_ttl_of_the_reset() {
        let found = suspects(&routers(&[1, 2, 3]), &routers(&[1, 2, 3, 4]), 4);
        assert_eq!(
            found.ttls_to_try(),
            [61, 62, 63, 125, 126, 127, 252, 253, 254]
        );
        let told = |ttl| {
            let found = found.convict(ttl).expect("others go on");
            assert_eq!(found.goes_on_to, Some(ip(4)));
            (found.first_ttl, found.last_ttl, found.from)
        };
        assert_eq!(told(Some(62)), (3, 3, Some(ip(3))));
        assert_eq!(told(Some(253)), (3, 3, Some(ip(3))));
        assert_eq!(told(Some(61)), (4, 4, Some(ip(4))));
        assert_eq!(told(Some(63)), (3, 4, None));
        assert_eq!(told(None), (3, 4, None));
        assert!(!suspects(&[], &[], 1).is_worth_a_look(), "a neighbour");
        let first = suspects(&[], &routers(&[1]), 1).convict(None);
        assert_eq!(first.and_then(|found| found.from), Some(ip(1)));
    }

    #[test]
    fn another_way_convicts_nobody() {
        let certain = |hops: &[u8], others: &[u8], ttl| {
            suspects(&routers(hops), &routers(others), ttl).is_certain()
        };
        assert!(!certain(&[1, 2], &[1, 5, 6], 3));
        assert!(!certain(&[1, 2], &[1, 2], 3), "nobody passes it on");
        assert!(!certain(&[1, 0], &[1, 5, 6], 3));
        assert!(
            certain(&[1, 0], &[1, 0, 6], 3),
            "both ways are silent there"
        );
    }

    #[test]
    fn the_last_router_refuses_in_the_name_of_who_is_behind_it() {
        let mut others = routers(&[1, 2, 9]);
        others[2].heard[0].word = Word::Reply;
        let found = suspects(&routers(&[1, 2]), &others, 3);
        assert!(!found.is_certain());
        let convicted = found.convict(Some(63)).expect("it came over one hop less");
        assert_eq!(
            (convicted.from, convicted.goes_on_to),
            (Some(ip(2)), Some(ip(9)))
        );
        assert_eq!(found.convict(Some(62)), None, "as far as the destination");
        assert_eq!(found.convict(Some(64)), None);
        assert_eq!(found.convict(None), None);
        // Where other packets are not answered there, the distance alone tells.
        let alone = suspects(&routers(&[1, 2]), &routers(&[1, 2]), 3);
        assert_eq!(alone.convict(Some(62)), None);
        let convicted = alone.convict(Some(63)).expect("it came over one hop less");
        assert_eq!((convicted.from, convicted.goes_on_to), (Some(ip(2)), None));
    }
}
