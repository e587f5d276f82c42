//! Connections through this host of which a rule throws the segments away again and again, although they were let begin
//! before: a rule that knows connections sees one direction alone where the answers take another way, and what it has not
//! seen answered is invalid.
//!
//! Of what is forwarded the network namespace is not always known; the counters of the rules here say that it was they.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use plumb_model::notice::{Direction, Filtered, What};

use super::super::turned_away::TCP;
use super::super::{Case, evidence, sockets};
use super::{Victim, forwarded, strays};

/// So many segments of one connection are one that repeats itself, and not a late one.
const AGAIN: u64 = 3;
/// Of a connection that nothing is heard of not many more are sent: a first window, and what is sent again ever more seldom.
/// One that loses more goes on, at the pace that a rule lets it have.
const MOST: u64 = 40;

pub(super) fn victims(case: &Case<'_>) -> Vec<Victim> {
    if !forwarded::forwards(case) {
        return Vec::new();
    }
    let mut by_server: BTreeMap<SocketAddr, u64> = BTreeMap::new();
    for stray in case.notices.strays.iter().filter(|stray| {
        (AGAIN..=MOST).contains(&stray.count) && is_between_others(case, stray, TCP)
    }) {
        *by_server.entry(server(case, stray)).or_default() += stray.count;
    }
    // What is thrown away by chance comes when it is sent again.
    let by_rule = super::grown(case).into_iter();
    let by_rule = by_rule.filter(|(rule, _)| !rule.by_chance);
    let counted: u64 = by_rule.map(|(_, more)| more).sum();
    // The counters are read a little after the watch begins and before it ends.
    let ours = by_server
        .into_iter()
        .filter(|(_, count)| counted.saturating_mul(4) >= count * 3);
    ours.map(|(server, count)| {
        let fact = evidence::fact(
            strays::SOURCE,
            format!(
                "{count} segments of connections with {server}, again and again of the same ones, were thrown away by a rule in {:.1} s",
                case.span.seconds()
            ),
        );
        strays::through(server, fact)
    })
    .collect()
}

/// Says whether packets of a protocol that were thrown away are those between two others.
pub(super) fn is_between_others(case: &Case<'_>, stray: &Filtered, protocol: u8) -> bool {
    let sample = case.span.after;
    let is_other = |end: SocketAddr| {
        let ip = end.ip().to_canonical();
        end.port() != 0 && !ip.is_multicast() && !sockets::is_local(sample, ip)
    };
    stray.protocol == protocol && is_other(stray.local) && is_other(stray.peer)
}

/// Gives the server's end of a connection: whose attempt was seen is the client, else who has the larger port.
fn server(case: &Case<'_>, stray: &Filtered) -> SocketAddr {
    let (to, from) = (sockets::plain(stray.local), sockets::plain(stray.peer));
    let mut syns = case
        .notices
        .of(Direction::Received, |what| what == What::Syn);
    let is_client = syns.any(|syn| sockets::plain(syn.peer) == from);
    if is_client || from.port() > to.port() {
        to
    } else {
        from
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::Known;
    use plumb_model::firewall::{Refuser, Verdict, Wants};
    use plumb_model::notice::Notices;
    use plumb_model::sample::{Sample, Settings};

    use crate::made_up;

    use super::*;

    /// A router's rule counted so many packets, and the kernel told of so many of each of the connections.
    struct Watch {
        counted: u64,
        of_each: u64,
        forwards: u64,
        from_server: bool,
        by_chance: bool,
    }

    const WATCH: Watch = Watch {
        counted: 8,
        of_each: 4,
        forwards: 1,
        from_server: false,
        by_chance: false,
    };

    fn found(watch: &Watch) -> Vec<(&'static str, Option<String>)> {
        let sample = |packets| {
            let rule = |handle, packets, by_chance| Refuser {
                family: "inet",
                table: b"t".to_vec(),
                chain: b"forward".to_vec(),
                handle,
                verdict: Verdict::Drop,
                packets: Known::Known(packets),
                by_chance,
                hook: None,
                wants: Wants::default(),
            };
            Sample {
                settings: Settings::new(vec![("net.ipv4.ip_forward", vec![watch.forwards])]),
                refusers: vec![rule(4, packets, watch.by_chance), rule(5, 0, false)],
                ..Sample::default()
            }
        };
        let (before, after) = (sample(0), sample(watch.counted));
        let server = SocketAddr::from(([10, 2, 0, 2], 8080));
        let stray = |port| {
            let client = SocketAddr::from(([10, 1, 0, 2], port));
            let (local, peer) = if watch.from_server {
                (client, server)
            } else {
                (server, client)
            };
            Filtered {
                protocol: TCP,
                local,
                peer,
                count: watch.of_each,
            }
        };
        let notices = Notices {
            strays: vec![stray(40_000), stray(40_001)],
            ..Notices::default()
        };
        let found = made_up::found(&before, &after, &notices).into_iter();
        found
            .map(|found| (found.kind, found.subject.peer))
            .collect()
    }

    #[test]
    fn segments_that_are_invalid_to_a_router_that_saw_no_answer_are_told_of_the_server() {
        let told = [(super::super::ID, Some("10.2.0.2:8080".to_owned()))];
        assert_eq!(found(&WATCH), told);
        let answers = Watch {
            from_server: true,
            ..WATCH
        };
        assert_eq!(found(&answers), told);
        let silent = [
            // Late segments of two connections.
            Watch {
                counted: 4,
                of_each: 2,
                ..WATCH
            },
            // They go on, over a rate.
            Watch {
                counted: 200,
                of_each: 100,
                ..WATCH
            },
            // By chance, beside a rule that nothing meets.
            Watch {
                by_chance: true,
                ..WATCH
            },
            // Rules of another network namespace.
            Watch {
                counted: 0,
                ..WATCH
            },
            // No router.
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
