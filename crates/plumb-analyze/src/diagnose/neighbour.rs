//! `neighbor-unresolved`, `neighbor-table-full`: the next hop has no link layer address for us.
//!
//! Before a packet leaves, its next hop is asked for by ARP or neighbour discovery (RFC 826, 4861). Who
//! does not answer is FAILED, packets for it are thrown away, and their sender gets "host unreachable"
//! from its own host; who sends datagrams without connecting his socket gets nothing, and the table alone tells ([`in_vain`]).
//! A table that is full (`gc_thresh3`) cannot even ask (`table_fulls`).

mod in_vain;

use std::net::IpAddr;

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::notice::{Direction, What};
use plumb_model::rtnl::Neighbour;
use plumb_model::socket::SocketState;

use super::{Case, attempts, evidence, firewall_drop, sockets};

/// The id of the finding: no answer.
pub const UNRESOLVED: &str = "neighbor-unresolved";
/// The id of the finding: no room.
pub const FULL: &str = "neighbor-table-full";
/// The tables, of IPv4 and of IPv6, with what limits them, and the counter of those that found no room.
const TABLES: [(&str, &str); 2] = [
    ("arp_cache", "net.ipv4.neigh.default.gc_thresh3"),
    ("ndisc_cache", "net.ipv6.neigh.default.gc_thresh3"),
];
const FULLS: &str = "table_fulls";
/// Fewer packets of others that cannot be forwarded are an accident.
const SEVERAL: u64 = 2;

/// Looks for next hops that somebody needs and that do not answer.
pub fn check_unresolved(case: &Case<'_>) -> Vec<Finding> {
    // Who is asked for again and again because there is no room for the answer has another trouble.
    let is_full = TABLES.map(|(table, _)| evidence::grown(case.span, table, FULLS).is_some());
    let has_room = |neighbour: &&Neighbour| !is_full[usize::from(neighbour.ip.is_ipv6())];
    let neighbours = case.span.after.neighbours.iter();
    let silent = neighbours.filter(|neighbour| neighbour.is_unresolved());
    let (needed, others): (Vec<_>, Vec<_>) = silent
        .filter(has_room)
        .map(|neighbour| (neighbour, needed_by(case, neighbour)))
        .partition(|(_, needed)| needed.is_some());
    let needed = needed.into_iter();
    let mut found: Vec<Finding> = needed
        .filter_map(|(neighbour, needed)| Some(unresolved(case, neighbour, &needed?)))
        .collect();
    found.extend(in_vain::check(
        case,
        others.into_iter().map(|(other, _)| other),
    ));
    found
}

/// Says whether packets for an unresolved neighbour go on to be sent.
pub(super) fn is_sent_in_vain(case: &Case<'_>, neighbour: &Neighbour) -> bool {
    in_vain::goes_on(case, neighbour).is_some()
}

/// Says who needs a next hop: an attempt that waits for it, or packets that came back.
fn needed_by(case: &Case<'_>, neighbour: &Neighbour) -> Option<String> {
    let waiting = attempts::all(case).into_iter().find(|attempts| {
        attempts::silent_next_hop(case, attempts.peer).is_some_and(|hop| hop == neighbour)
    });
    if let Some(attempts) = waiting {
        return Some(format!(
            "{} attempts to {} wait for it",
            attempts.sockets.len(),
            attempts.peer
        ));
    }
    let sample = case.span.after;
    let towards = |ip| is_next_hop(case, neighbour, ip);
    let unreachable = |what| matches!(what, What::Unreachable { code: 1 | 3, .. });
    // At the moment of the second sample all attempts may just have been given up.
    let earlier = sockets::tcp(case.span.before, SocketState::SYN_SENT);
    let earlier = earlier
        .filter_map(|(_, socket)| socket.peer.inet())
        .filter(|peer| towards(peer.ip().to_canonical()));
    let count = earlier.count();
    if count > 0 {
        return Some(format!(
            "{count} attempts waited for it in the first sample"
        ));
    }
    let back = case
        .notices
        .of(Direction::Received, unreachable)
        .filter(|notice| {
            let What::Unreachable { by, .. } = notice.what else {
                return false;
            };
            // The error is our own host's.
            sockets::is_local(sample, by) && towards(notice.peer.ip().to_canonical())
        });
    let count: u64 = back.map(|notice| notice.count).sum();
    if count > 0 {
        return Some(format!("{count} packets for it came back"));
    }
    // Of what this host forwards the sender is told, who is another: `local` is the end that the packet was for.
    let told = case
        .notices
        .of(Direction::Sent, unreachable)
        .filter(|notice| {
            let What::Unreachable { by, .. } = notice.what else {
                return false;
            };
            sockets::is_local(sample, by) && towards(notice.local.ip().to_canonical())
        });
    let count: u64 = told.map(|notice| notice.count).sum();
    if count >= SEVERAL {
        return Some(format!(
            "{count} senders of packets for it were told that it cannot be reached"
        ));
    }
    let kept = firewall_drop::swallowed(case).into_iter();
    let kept = kept.filter(|(server, _)| towards(server.ip()));
    let count: u64 = kept.map(|(_, count)| count).sum();
    (count >= SEVERAL).then(|| {
        format!("{count} attempts of others at it came to this host and were not handed on")
    })
}

/// Says whether packets for an address are handed to a neighbour.
fn is_next_hop(case: &Case<'_>, neighbour: &Neighbour, ip: IpAddr) -> bool {
    let destination = case.span.after.destinations.iter().find(|to| to.ip == ip);
    let route = destination.and_then(|to| to.route.as_ref().ok());
    ip == neighbour.ip || route.is_some_and(|route| route.gateway == Some(neighbour.ip))
}

fn unresolved(case: &Case<'_>, neighbour: &Neighbour, needed: &str) -> Finding {
    let links = &case.span.after.links;
    let link = links
        .iter()
        .find(|link| link.base.index == neighbour.interface);
    let interface = link.map(|link| String::from_utf8_lossy(&link.base.name).into_owned());
    let on = interface.clone().unwrap_or_default();
    let asked = if neighbour.ip.is_ipv4() {
        "ARP"
    } else {
        "neighbour discovery"
    };
    Finding {
        kind: UNRESOLVED,
        severity: Severity::Critical,
        summary: format!("{} on {on} does not answer {asked}", neighbour.ip),
        subject: Subject {
            kind: "destination",
            peer: Some(neighbour.ip.to_string()),
            interface,
            ..Subject::default()
        },
        evidence: vec![
            evidence::fact(
                "rtnetlink RTM_GETNEIGH",
                format!(
                    "its state is {}",
                    neighbour.state_word().unwrap_or("unknown")
                ),
            ),
            evidence::fact("sock_diag, packets", needed.to_owned()),
        ],
        hints: vec![
            "the host is down, has another address, or is not on this network at all".to_owned(),
            format!(
                "see the route that leads there: plumb path {}",
                neighbour.ip
            ),
        ],
        confidence: Confidence::Certain,
    }
}

/// Looks for a table that is full.
pub fn check_full(case: &Case<'_>) -> Vec<Finding> {
    let full = TABLES.iter().filter_map(|(table, limit)| {
        let grown = evidence::grown(case.span, table, FULLS)?;
        Some(Finding {
            kind: FULL,
            severity: Severity::Critical,
            summary: format!(
                "the neighbour table ({table}) is full: new neighbours cannot be reached"
            ),
            subject: Subject {
                kind: "host",
                ..Subject::default()
            },
            evidence: vec![grown],
            hints: vec![
                format!("raise {limit}, and gc_thresh2 with it"),
                "a network that large is better routed than switched".to_owned(),
            ],
            confidence: Confidence::Certain,
        })
    });
    full.collect()
}
