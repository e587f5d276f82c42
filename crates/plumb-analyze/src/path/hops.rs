//! What the answers of the hops mean: where the way ends and what was said there, loops, and hops that
//! cannot be right.

use std::net::IpAddr;

/// An answer's meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word {
    /// The destination itself.
    Reply,
    /// The destination itself refused (TCP reset).
    Refused,
    /// ICMP port unreachable: of the destination, where nobody has the port; of others, a rule that rejects.
    PortUnreachable,
    /// A router passed it no further because its TTL was over.
    TimeExceeded,
    /// It says that it cannot be reached: ICMP code, of IPv6 or not.
    Unreachable {
        /// The code.
        code: u8,
        /// `ICMPv6`.
        ipv6: bool,
    },
    /// The packet was too big to go on.
    TooBig,
    /// Another ICMP message, raw.
    Other {
        /// Its type.
        kind: u8,
        /// Its code.
        code: u8,
    },
}

/// One answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Heard {
    /// Who gave it.
    pub from: IpAddr,
    /// What it means.
    pub word: Word,
    /// TTL with which it came.
    pub ttl: Option<u8>,
}

/// The answers to probes of one TTL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hop {
    /// The TTL.
    pub ttl: u8,
    /// Them.
    pub heard: Vec<Heard>,
}

/// How the way ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The destination answers.
    Reached {
        /// At this TTL.
        ttl: u8,
        /// What.
        word: Word,
    },
    /// Somebody says that it goes no further.
    Stopped {
        /// At this TTL.
        ttl: u8,
        /// The TTL at which he himself is: a router refuses one later than he answers.
        router_ttl: u8,
        /// Who.
        from: IpAddr,
        /// What.
        word: Word,
    },
    /// Routers send it in a circle.
    Loop {
        /// From this TTL on.
        ttl: u8,
        /// So many routers.
        period: u8,
    },
    /// Behind this TTL nobody answers any more; 0: nobody did.
    Silent {
        /// The last that answered.
        ttl: u8,
    },
}

/// A circle must have been gone so many times before it is called one.
const ROUNDS: usize = 2;

impl Word {
    /// Understands an ICMP error.
    pub fn of_icmp(ipv6: bool, kind: u8, code: u8) -> Self {
        match (ipv6, kind, code) {
            (false, 3, 3) | (true, 1, 4) => Self::PortUnreachable,
            (false, 3, 4) | (true, 2, _) => Self::TooBig,
            (false, 3, code) | (true, 1, code) => Self::Unreachable { code, ipv6 },
            (false, 11, 0) | (true, 3, 0) => Self::TimeExceeded,
            _ => Self::Other { kind, code },
        }
    }

    /// Says what it is, in the words of the RFCs.
    pub fn text(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Refused => "refused",
            Self::PortUnreachable => "port unreachable",
            Self::TimeExceeded => "ttl exceeded",
            Self::TooBig => "packet too big",
            Self::Other { .. } => "other icmp",
            Self::Unreachable { code, ipv6: false } => match code {
                0 => "net unreachable",
                1 => "host unreachable",
                2 => "protocol unreachable",
                5 => "source route failed",
                6 => "net unknown",
                7 => "host unknown",
                9 => "net prohibited",
                10 => "host prohibited",
                13 => "admin prohibited",
                14 => "host precedence violation",
                15 => "precedence cutoff",
                _ => "unreachable",
            },
            Self::Unreachable { code, ipv6: true } => match code {
                0 => "no route",
                1 => "admin prohibited",
                2 => "beyond scope",
                3 => "address unreachable",
                5 => "source address failed policy",
                6 => "reject route",
                _ => "unreachable",
            },
        }
    }
}

/// Judges the hops, by rising TTL. Where some probes are stopped and others go on, as over several ways at the same
/// time, those that go on count.
pub fn verdict(hops: &[Hop], destination: IpAddr) -> End {
    let mut all = heard(hops);
    if let Some((ttl, heard)) = all.find(|(_, heard)| is_there(heard, destination)) {
        return End::Reached {
            ttl,
            word: heard.word,
        };
    }
    let mut all = heard(hops).filter(|(_, heard)| stops(heard, destination));
    if let Some((ttl, stop)) = all.find(|&(ttl, _)| !goes_on(hops, ttl)) {
        return End::Stopped {
            ttl,
            router_ttl: ttl - u8::from(answers_at(hops, ttl - 1, stop.from)),
            from: stop.from,
            word: stop.word,
        };
    }
    if let Some((ttl, period)) = circle(hops) {
        return End::Loop { ttl, period };
    }
    let last = hops.iter().rev().find(|hop| !hop.heard.is_empty());
    End::Silent {
        ttl: last.map_or(0, |hop| hop.ttl),
    }
}

fn heard(hops: &[Hop]) -> impl Iterator<Item = (u8, &Heard)> {
    hops.iter()
        .flat_map(|hop| hop.heard.iter().map(|heard| (hop.ttl, heard)))
}

/// The destination itself answers.
fn is_there(heard: &Heard, destination: IpAddr) -> bool {
    let refuses = matches!(heard.word, Word::Refused | Word::PortUnreachable);
    heard.word == Word::Reply || refuses && heard.from == destination
}

/// Somebody says that it goes no further.
fn stops(heard: &Heard, destination: IpAddr) -> bool {
    let refuses = matches!(
        heard.word,
        Word::Unreachable { .. } | Word::Refused | Word::PortUnreachable
    );
    refuses && !is_there(heard, destination)
}

/// Somebody at this TTL or behind it passed other probes on.
fn goes_on(hops: &[Hop], ttl: u8) -> bool {
    heard(hops).any(|(at, heard)| at >= ttl && heard.word == Word::TimeExceeded)
}

/// Somebody answers at a TTL. Further ones say nothing of him: behind a translation all have one address.
fn answers_at(hops: &[Hop], ttl: u8, from: IpAddr) -> bool {
    let mut all = heard(hops);
    all.any(|(at, heard)| at == ttl && heard.from == from)
}

/// Finds a circle of routers at the end of the way: the same addresses in the same order, several times.
fn circle(hops: &[Hop]) -> Option<(u8, u8)> {
    let addresses: Vec<Option<IpAddr>> = hops
        .iter()
        .map(|hop| hop.heard.first().map(|heard| heard.from))
        .collect();
    let longest = addresses.len() / (ROUNDS + 1);
    for period in 2..=longest {
        let needed = period * (ROUNDS + 1);
        let tail = addresses.get(addresses.len() - needed..)?;
        let known = tail.iter().flatten().count() * 2 > needed;
        // A silent router is silent each time.
        let repeats = tail
            .iter()
            .zip(tail.iter().skip(period))
            .all(|(a, b)| a == b);
        let differ = tail.iter().take(period).any(|address| address != &tail[0]);
        if known && repeats && differ {
            let mut first = addresses.len() - needed;
            while first > 0 && addresses.get(first - 1) == addresses.get(first - 1 + period) {
                first -= 1;
            }
            return Some((hops.get(first)?.ttl, u8::try_from(period).ok()?));
        }
    }
    None
}

/// Something about the hops that cannot be as it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strange {
    /// Some probes are stopped here, others go on: one of several ways is broken.
    SomeStop {
        /// The TTL at which it is said.
        ttl: u8,
        /// Who says it.
        from: IpAddr,
        /// What.
        word: Word,
    },
    /// Routers answer with the destination's address: somebody before them translates addresses.
    Translated {
        /// The first of them.
        ttl: u8,
        /// The last of them.
        last: u8,
    },
    /// One router answers for several TTLs on end: one of them lets packets pass without counting them, or
    /// hides others behind it.
    SameTwice {
        /// The first of them.
        ttl: u8,
        /// Who.
        from: IpAddr,
    },
    /// An answer came back over more hops than lie on the way there: routers on the way are hidden, or the
    /// way back is another.
    LongerWayBack {
        /// At this TTL.
        ttl: u8,
        /// Hops there.
        there: u8,
        /// Hops back, guessed from the TTL of the answer.
        back: u8,
    },
}

/// Of a longer way back it is spoken from so many hops on.
const FURTHER: u8 = 2;
/// TTLs that hosts and routers begin with.
pub(super) const BEGINNINGS: [u8; 3] = [64, 128, 255];

/// Finds what is strange about the hops.
pub fn strange(hops: &[Hop], destination: IpAddr) -> Vec<Strange> {
    let mut found = Vec::new();
    if !matches!(verdict(hops, destination), End::Stopped { .. }) {
        let mut all = heard(hops);
        let stop = all.find(|(_, heard)| stops(heard, destination));
        found.extend(
            stop.map(|(ttl, &Heard { from, word, .. })| Strange::SomeStop { ttl, from, word }),
        );
    }
    let passes_as_destination =
        |(_, heard): &(u8, &Heard)| heard.word == Word::TimeExceeded && heard.from == destination;
    let translated: Vec<u8> = heard(hops)
        .filter(passes_as_destination)
        .map(|(ttl, _)| ttl)
        .collect();
    if let (Some(&ttl), Some(&last)) = (translated.first(), translated.last()) {
        found.push(Strange::Translated { ttl, last });
    }
    // Where ways of different length lie side by side, a router is at several distances.
    let one_way = !hops.iter().any(has_several);
    for (hop, next) in hops.iter().zip(hops.iter().skip(1)).filter(|_| one_way) {
        let (Some(one), Some(other)) = (hop.heard.first(), next.heard.first()) else {
            continue;
        };
        let passed_on = one.word == Word::TimeExceeded && other.word == Word::TimeExceeded;
        if one.from == other.from && passed_on && one.from != destination {
            found.push(Strange::SameTwice {
                ttl: hop.ttl,
                from: one.from,
            });
        }
    }
    if let Some(last) = hops.iter().rev().find(|hop| !hop.heard.is_empty())
        && let Some(back) = last.heard.first().and_then(|heard| hops_back(heard.ttl?))
        && back >= last.ttl.saturating_add(FURTHER)
    {
        found.push(Strange::LongerWayBack {
            ttl: last.ttl,
            there: last.ttl,
            back,
        });
    }
    found
}

/// Several routers pass probes on at one TTL: there are several ways.
fn has_several(hop: &Hop) -> bool {
    let mut passing = hop
        .heard
        .iter()
        .filter(|heard| heard.word == Word::TimeExceeded);
    let first = passing.next();
    passing.any(|heard| first.is_some_and(|first| first.from != heard.from))
}

/// Guesses over how many hops an answer came: the next higher usual beginning less what is left.
pub(super) fn hops_back(ttl: u8) -> Option<u8> {
    let beginning = BEGINNINGS.into_iter().find(|&beginning| ttl <= beginning)?;
    Some(beginning - ttl + 1)
}

#[cfg(test)]
mod tests;
