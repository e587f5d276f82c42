//! What others turn away with an ICMP error "destination unreachable", by destination.
//!
//! What such an error means is what `connect()` makes of its code (`icmp_err_convert`, `tab_unreach` of the kernel): "port
//! unreachable" is ECONNREFUSED, a refusal like a reset; all others say that there is no way, because a router
//! knows none, its next hop is silent, or somebody forbids it. From outside a firewall that rejects and a
//! `prohibit` route are the same. Errors of our own host are the firewall's or the neighbour table's.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use plumb_model::notice::{Direction, Notice, What};

use super::tries::Tries;
use super::{Case, sockets};

/// `IPPROTO_TCP`, `IPPROTO_UDP`.
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
/// The port of name servers, and where the ports of clients begin (`ip_local_port_range`).
const NAMES: u16 = 53;
const EPHEMERAL: u16 = 32_768;
/// Ports that traceroute sends to: it wants to be turned away.
const TRACED: std::ops::RangeInclusive<u16> = 33_434..=33_634;

/// Says whether it is "port unreachable": code 3 of ICMP, 4 of ICMPv6 (RFC 792, 4443).
pub(super) fn is_port_unreachable(notice: &Notice) -> bool {
    let port = if sockets::plain(notice.peer).is_ipv4() {
        3
    } else {
        4
    };
    matches!(notice.what, What::Unreachable { code, .. } if code == port)
}

/// Errors about one destination.
#[derive(Debug, Default)]
pub(super) struct Errors {
    /// How many, and when.
    pub tries: Tries,
    /// Their codes in words.
    pub words: BTreeSet<&'static str>,
    /// Who sent them.
    pub by: BTreeSet<IpAddr>,
}

impl Errors {
    fn add(&mut self, notice: &Notice, code: u8, by: IpAddr) {
        self.tries.add(notice);
        self.words.insert(word(code, by));
        self.by.insert(by);
    }

    /// Says who sent what.
    pub fn told(&self) -> String {
        let words: Vec<&str> = self.words.iter().copied().collect();
        let by: Vec<String> = self.by.iter().take(4).map(IpAddr::to_string).collect();
        format!("{} ({})", words.join(", "), by.join(", "))
    }
}

/// Gives the ends that refused what was sent to them by "port unreachable", each with the transport.
pub(super) fn refused(case: &Case<'_>) -> BTreeMap<(u8, SocketAddr), Errors> {
    gather(case, |notice, code, by| {
        let peer = sockets::plain(notice.peer);
        let wanted = notice.protocol == TCP || notice.protocol == UDP && is_wanted(notice);
        (wanted && is_port(code, by)).then_some((notice.protocol, peer))
    })
}

/// Says whether a datagram was for somebody who should be there. Traceroute is not, a question to a name server is another
/// finding's, and an answer to a client that is gone by now harms nobody: clients have ephemeral ports and their servers
/// have not.
fn is_wanted(notice: &Notice) -> bool {
    let (local, peer) = (notice.local.port(), notice.peer.port());
    let answers = peer >= EPHEMERAL && local < EPHEMERAL;
    !TRACED.contains(&peer) && peer != NAMES && !answers
}

/// Gives the hosts to which there is no way, with an end for which that was told.
pub(super) fn no_way(case: &Case<'_>) -> BTreeMap<IpAddr, Errors> {
    gather(case, |notice, code, by| {
        let traced = notice.protocol == UDP && TRACED.contains(&notice.peer.port());
        (!is_port(code, by) && !traced).then(|| notice.peer.ip().to_canonical())
    })
}

/// Gathers the errors of others about traffic of ours.
fn gather<K: Ord>(
    case: &Case<'_>,
    key: impl Fn(&Notice, u8, IpAddr) -> Option<K>,
) -> BTreeMap<K, Errors> {
    let sample = case.span.after;
    let mut gathered: BTreeMap<K, Errors> = BTreeMap::new();
    let unreachable = |what| matches!(what, What::Unreachable { .. });
    for notice in case.notices.of(Direction::Received, unreachable) {
        let What::Unreachable { code, by } = notice.what else {
            continue;
        };
        let ours = sockets::is_local(sample, notice.local.ip());
        if ours
            && !sockets::is_local(sample, by)
            && let Some(key) = key(notice, code, by)
        {
            gathered.entry(key).or_default().add(notice, code, by);
        }
    }
    gathered
}

fn is_port(code: u8, by: IpAddr) -> bool {
    code == if by.is_ipv4() { 3 } else { 4 }
}

/// Gives the words of a code (RFC 792, 1122, 1812; RFC 4443).
fn word(code: u8, by: IpAddr) -> &'static str {
    match (by.is_ipv4(), code) {
        (true, 0 | 6 | 11) => "network unreachable",
        (true, 1 | 7 | 12) => "host unreachable",
        (true, 2) => "protocol unreachable",
        (true, 3) | (false, 4) => "port unreachable",
        (true, 9 | 10 | 13) | (false, 1) => "administratively prohibited",
        (false, 0) => "no route to destination",
        (false, 3) => "address unreachable",
        (false, 5) => "source address failed policy",
        (false, 6) => "route rejected",
        _ => "unreachable",
    }
}
