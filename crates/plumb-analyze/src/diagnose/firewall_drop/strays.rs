//! Packets that a rule threw away before any socket had them: what this host should forward, also under another address
//! than the one it came for (DNAT), and datagrams for a port that is served here.
//!
//! Of some the network namespace is not known. What is forwarded is known by an attempt of the same sender that was
//! seen to come; a datagram by its address and the socket that waits for it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use plumb_model::finding::{Evidence, Subject};
use plumb_model::notice::{Direction, Filtered, What};

use super::super::turned_away::{TCP, UDP};
use super::super::{Case, evidence, sockets};
use super::{Victim, filtered, incoming};

/// So many packets for one end are no accident.
const SEVERAL: u64 = 3;
/// Where it was heard.
pub(super) const SOURCE: &str = "skb:kfree_skb NETFILTER_DROP";

/// `known` are ends of which the same is told already.
pub(super) fn victims(case: &Case<'_>, known: &BTreeSet<String>) -> Vec<Victim> {
    let mut victims = forwarded(case);
    victims.extend(datagrams(case));
    victims.retain(|victim| {
        let told = victim.subject.peer.as_ref();
        told.is_none_or(|peer| !known.contains(peer))
    });
    victims
}

/// Segments of clients that were seen to come to this host, for a server that is elsewhere.
fn forwarded(case: &Case<'_>) -> Vec<Victim> {
    let sample = case.span.after;
    // Who came, and for which end.
    let syns = case
        .notices
        .of(Direction::Received, |what| what == What::Syn);
    let came: BTreeMap<SocketAddr, SocketAddr> = syns
        .map(|notice| (sockets::plain(notice.peer), sockets::plain(notice.local)))
        .collect();
    let mut by_server: BTreeMap<SocketAddr, (u64, SocketAddr)> = BTreeMap::new();
    for stray in of_protocol(case, TCP) {
        let (server, client) = (sockets::plain(stray.local), sockets::plain(stray.peer));
        if let Some(asked) = came.get(&client)
            && !sockets::is_local(sample, server.ip())
        {
            by_server.entry(server).or_insert((0, *asked)).0 += stray.count;
        }
    }
    let many = by_server
        .into_iter()
        .filter(|(_, (count, _))| *count >= SEVERAL);
    many.map(|(server, (count, asked))| {
        let seconds = case.span.seconds();
        let named = if asked == server {
            String::new()
        } else {
            format!(", which came for {asked}")
        };
        let fact = evidence::fact(
            SOURCE,
            format!(
                "{count} packets for {server}{named} were thrown away by a rule in {seconds:.1} s"
            ),
        );
        through(server, fact)
    })
    .collect()
}

/// A server that others cannot reach through this host.
pub(super) fn through(server: SocketAddr, fact: Evidence) -> Victim {
    Victim {
        is_through: true,
        subject: Subject {
            kind: "destination",
            peer: Some(server.to_string()),
            protocol: Some("tcp"),
            ..Subject::default()
        },
        fact,
        does: format!("keeps others from connecting to {server} through this host"),
    }
}

/// Datagrams of one sender after the other for a port that is served here.
fn datagrams(case: &Case<'_>) -> Vec<Victim> {
    let sample = case.span.after;
    let mut by_end: BTreeMap<SocketAddr, (u64, SocketAddr)> = BTreeMap::new();
    for stray in of_protocol(case, UDP) {
        let end = sockets::plain(stray.local);
        let is_ours =
            filtered::is_one_host(sample, end.ip()) && sockets::is_local(sample, end.ip());
        if is_ours && !end.ip().is_loopback() && stray.count >= SEVERAL {
            let told = by_end.entry(end).or_insert((0, sockets::plain(stray.peer)));
            told.0 += stray.count;
        }
    }
    by_end
        .into_iter()
        .filter_map(|(end, (count, sender))| {
            let place = incoming::served(case, UDP, end)?;
            let fact = evidence::fact(
                SOURCE,
                format!(
                    "{count} datagrams for {end}, of {sender} and others, were thrown away by a rule in {:.1} s",
                    case.span.seconds()
                ),
            );
            Some(incoming::at(case, place, end, fact))
        })
        .collect()
}

fn of_protocol<'s>(case: &Case<'s>, protocol: u8) -> impl Iterator<Item = &'s Filtered> {
    let strays = case.notices.strays.iter();
    strays.filter(move |stray| stray.protocol == protocol && stray.local.port() != 0)
}

#[cfg(test)]
mod tests {
    use plumb_model::notice::{Notice, Notices};
    use plumb_model::sample::Sample;

    use super::*;
    use crate::made_up;

    /// A client's SYN for 127.0.0.1:8080, which is ours, and a packet of it that was thrown away on its way to a container.
    fn found(came: bool, count: u64) -> Vec<(&'static str, Option<String>)> {
        let client: SocketAddr = ([10, 0, 0, 9], 40_000).into();
        let syn = Notice {
            what: What::Syn,
            direction: Direction::Received,
            protocol: TCP,
            local: ([127, 0, 0, 1], 8080).into(),
            peer: client,
            interface: 2,
            count,
            age_us: 0,
            last_age_us: 0,
        };
        let notices = Notices {
            all: Some(syn).filter(|_| came).into_iter().collect(),
            strays: vec![Filtered {
                protocol: TCP,
                local: ([172, 17, 0, 2], 80).into(),
                peer: client,
                count,
            }],
            ..Notices::default()
        };
        let sample = Sample::default();
        let found = made_up::found(&sample, &sample, &notices).into_iter();
        found
            .map(|found| (found.kind, found.subject.peer))
            .collect()
    }

    #[test]
    fn what_is_translated_and_then_thrown_away_is_told_of_the_server_and_only_where_it_came() {
        let told = [(super::super::ID, Some("172.17.0.2:80".to_owned()))];
        assert_eq!(found(true, 3), told);
        assert_eq!(found(true, 2), []);
        // It came to another network namespace.
        assert_eq!(found(false, 3), []);
    }
}
