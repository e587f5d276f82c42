//! Attempts to connect that are under way: what every check of the path asks about them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use plumb_model::id::Cookie;
use plumb_model::notice::{Direction, Notice, What};
use plumb_model::rtnl::{Neighbour, Route};
use plumb_model::snapshot::{Kind, Socket};
use plumb_model::socket::SocketState;

use super::{Case, sockets};

/// After so long a SYN is sent again for the first time (`TCP_TIMEOUT_INIT`), microseconds.
const FIRST_RETRY_US: u64 = 1_000_000;
/// Until then an answer comes from nearly everywhere on Earth, microseconds.
const ANSWERED_US: u64 = 400_000;
/// So many repetitions without an answer are no chance.
const TWICE: u32 = 2;

/// The attempts to one destination.
pub(super) struct Attempts<'s> {
    /// Where to.
    pub peer: SocketAddr,
    /// The sockets that wait, each with its place in the later sample.
    pub sockets: Vec<(usize, &'s Socket)>,
    /// SYNs that left this host during the watch.
    pub syns: u64,
    /// Answers of any kind that came during the watch for attempts of the watch, or that waited when it began.
    pub answers: u64,
    /// What else came from there: for connections that are older, whatever it says of them.
    pub others: u64,
    /// How many of the sockets sent their SYN again.
    pub again: usize,
    /// Those of them that agreed to an attempt that still waits.
    pub syn_acks: u64,
    /// Retransmissions of the SYN so far, of the socket with most.
    pub retransmits: u32,
    /// Whether a SYN was sent again between the samples.
    pub retried: bool,
    /// Whether there is one that began during the watch and whose SYN was not seen to leave.
    pub is_kept: bool,
}

/// Gathers the attempts under way by destination.
pub(super) fn all<'s>(case: &Case<'s>) -> Vec<Attempts<'s>> {
    let mut by_peer: BTreeMap<SocketAddr, Vec<(usize, &'s Socket)>> = BTreeMap::new();
    for (place, socket) in sockets::tcp(case.span.after, SocketState::SYN_SENT) {
        if let Some(peer) = socket.peer.inet() {
            by_peer
                .entry(sockets::plain(peer))
                .or_default()
                .push((place, socket));
        }
    }
    let wire = Wire::of(case);
    let earlier = sockets::by_cookie(case.span.before);
    by_peer
        .into_iter()
        .map(|(peer, waiting)| gather(case, &wire, &earlier, peer, waiting))
        .collect()
}

/// What passed on the wire, by end: a host that tries many destinations has many of both.
struct Wire {
    syns: BTreeMap<SocketAddr, u64>,
    answers: BTreeMap<SocketAddr, u64>,
    others: BTreeMap<SocketAddr, u64>,
    /// By both ends, ours first: of several attempts at one end each has its answer.
    syn_acks: BTreeMap<(SocketAddr, SocketAddr), u64>,
    /// Our own ends of SYNs that left.
    began: BTreeSet<SocketAddr>,
}

impl Wire {
    fn of(case: &Case<'_>) -> Self {
        let mut syns: BTreeMap<SocketAddr, u64> = BTreeMap::new();
        let mut began = BTreeSet::new();
        for notice in case.notices.of(Direction::Sent, |what| what == What::Syn) {
            *syns.entry(sockets::plain(notice.peer)).or_default() += notice.count;
            began.insert(sockets::plain(notice.local));
        }
        let (answers, others) = heard(case, &began);
        let agreed = case
            .notices
            .of(Direction::Received, |what| what == What::SynAck);
        let mut syn_acks = BTreeMap::new();
        // What came while the second sample was taken may have been heard behind it.
        for notice in agreed.filter(|notice| notice.age_us >= FIRST_RETRY_US) {
            let ends = (sockets::plain(notice.local), sockets::plain(notice.peer));
            *syn_acks.entry(ends).or_default() += notice.count;
        }
        Self {
            syns,
            answers,
            others,
            syn_acks,
            began,
        }
    }
}

/// Counts what came, by who sent it: for attempts that began in the watch or waited in one of the samples, and for
/// connections that are older. A server that accepts nobody goes on agreeing to those that it has in its queue.
fn heard(
    case: &Case<'_>,
    began: &BTreeSet<SocketAddr>,
) -> (BTreeMap<SocketAddr, u64>, BTreeMap<SocketAddr, u64>) {
    let samples = [case.span.before, case.span.after];
    let waiting = samples
        .into_iter()
        .flat_map(|sample| sockets::tcp(sample, SocketState::SYN_SENT));
    let waiting: BTreeSet<SocketAddr> = waiting
        .filter_map(|(_, socket)| socket.local.inet().map(sockets::plain))
        .collect();
    let mut answers: BTreeMap<SocketAddr, u64> = BTreeMap::new();
    let mut others: BTreeMap<SocketAddr, u64> = BTreeMap::new();
    for notice in case.notices.of(Direction::Received, |_| true) {
        let local = sockets::plain(notice.local);
        let of_connection = notice.what == What::SynAck || notice.what.is_reset();
        let is_answer = !of_connection || began.contains(&local) || waiting.contains(&local);
        let counts = if is_answer { &mut answers } else { &mut others };
        *counts.entry(sockets::plain(notice.peer)).or_default() += notice.count;
    }
    (answers, others)
}

fn gather<'s>(
    case: &Case<'_>,
    wire: &Wire,
    earlier: &HashMap<Cookie, &Socket>,
    peer: SocketAddr,
    waiting: Vec<(usize, &'s Socket)>,
) -> Attempts<'s> {
    let of_peer = |counts: &BTreeMap<SocketAddr, u64>| counts.get(&peer).copied().unwrap_or(0);
    let tries = |socket: &Socket| {
        let info = socket.tcp.as_ref();
        info.map_or(socket.timer.retransmits, |info| info.total_retrans)
    };
    let retried = waiting
        .iter()
        .any(|(_, socket)| tries(socket) > sockets::again(earlier, socket).map_or(0, tries));
    let seen = |socket: &Socket| {
        let local = socket.local.inet().map(sockets::plain);
        local.is_some_and(|local| wire.began.contains(&local))
    };
    let is_new =
        |socket: &Socket| socket.cookie.ok().is_some() && sockets::again(earlier, socket).is_none();
    let watched = !case.notices.is_blind && case.notices.lost == 0;
    let is_kept = watched
        && waiting
            .iter()
            .any(|(_, socket)| is_new(socket) && !seen(socket));
    let locals = waiting.iter().filter_map(|(_, socket)| socket.local.inet());
    let syn_acks = locals
        .filter_map(|local| wire.syn_acks.get(&(sockets::plain(local), peer)))
        .sum();
    Attempts {
        peer,
        is_kept,
        syns: of_peer(&wire.syns),
        answers: of_peer(&wire.answers),
        others: of_peer(&wire.others),
        again: waiting
            .iter()
            .filter(|(_, socket)| tries(socket) > 0)
            .count(),
        syn_acks,
        retransmits: waiting
            .iter()
            .map(|(_, socket)| tries(socket))
            .max()
            .unwrap_or(0),
        retried,
        sockets: waiting,
    }
}

/// Gives the ends at a host that this host tried to connect to during the watch.
pub(super) fn tried<'s>(case: &Case<'s>, ip: IpAddr) -> impl Iterator<Item = SocketAddr> + 's {
    let syns = case.notices.of(Direction::Sent, |what| what == What::Syn);
    let ends = syns.map(|notice| sockets::plain(notice.peer));
    ends.filter(move |end| end.ip() == ip)
}

/// Says after how long without an answer an attempt counts, microseconds: when its SYN is sent again; of a command, which
/// may give up before, when an answer comes from nearly everywhere.
pub(super) fn given_up_us(case: &Case<'_>) -> u64 {
    if case.focus.is_command {
        ANSWERED_US
    } else {
        FIRST_RETRY_US
    }
}

/// Counts the SYNs without an answer, by destination from which nothing came at all and where an attempt began so long
/// ago ([`given_up_us`]). Who tries once a second has no two as old in a watch; younger ones that could
/// have been answered count beside it.
pub(super) fn given_up(case: &Case<'_>) -> BTreeMap<SocketAddr, u64> {
    let mut silent: BTreeMap<SocketAddr, u64> = BTreeMap::new();
    let mut old: HashSet<SocketAddr> = HashSet::new();
    let old_us = given_up_us(case);
    let ours = |notice: &&Notice| sockets::is_local(case.span.after, notice.local.ip());
    for notice in case
        .notices
        .of(Direction::Sent, |what| what == What::Syn)
        .filter(ours)
        .filter(|notice| notice.age_us >= ANSWERED_US)
    {
        let peer = sockets::plain(notice.peer);
        *silent.entry(peer).or_default() += notice.count;
        if notice.age_us >= old_us {
            old.insert(peer);
        }
    }
    silent.retain(|peer, _| old.contains(peer));
    let came = case.notices.of(Direction::Received, |_| true);
    for notice in came {
        silent.remove(&sockets::plain(notice.peer));
    }
    silent
}

/// Counts the attempts whose SYN had been sent again before the watch and that were given up in it, by destination from
/// which nothing came at all although SYNs left for it.
pub(super) fn abandoned(case: &Case<'_>) -> BTreeMap<SocketAddr, u64> {
    let later = sockets::by_cookie(case.span.after);
    let ends = |direction, is: fn(What) -> bool| -> BTreeSet<SocketAddr> {
        let notices = case.notices.of(direction, is);
        notices.map(|notice| sockets::plain(notice.peer)).collect()
    };
    let (left, came) = if case.notices.is_blind {
        unwatched(case)
    } else {
        let left = ends(Direction::Sent, |what| what == What::Syn);
        (left, ends(Direction::Received, |_| true))
    };
    let waited = sockets::tcp(case.span.before, SocketState::SYN_SENT);
    let mut abandoned = BTreeMap::new();
    for (_, socket) in waited {
        let again = socket
            .tcp
            .as_ref()
            .is_some_and(|info| info.total_retrans > 0);
        let peer = socket.peer.inet().map(sockets::plain);
        let is_gone = sockets::again(&later, socket).is_none();
        if let Some(peer) = peer.filter(|_| again && is_gone)
            && left.contains(&peer)
            && !came.contains(&peer)
        {
            *abandoned.entry(peer).or_default() += 1;
        }
    }
    abandoned
}

/// Gives the same where the wire is not watched, as sockets tell it: to whom there are attempts again, and with whom there is
/// or was a connection. An attempt whose SYN was sent again may have been answered all the same, twice is no chance.
fn unwatched(case: &Case<'_>) -> (BTreeSet<SocketAddr>, BTreeSet<SocketAddr>) {
    let peer = |socket: &Socket| socket.peer.inet().map(sockets::plain);
    let mut repeated: BTreeMap<SocketAddr, u32> = BTreeMap::new();
    for (_, socket) in sockets::tcp(case.span.before, SocketState::SYN_SENT) {
        let again = socket.tcp.as_ref().map_or(0, |info| info.total_retrans);
        if let Some(peer) = peer(socket) {
            *repeated.entry(peer).or_default() += again;
        }
    }
    let again = sockets::tcp(case.span.after, SocketState::SYN_SENT);
    let again = again.filter(|(_, socket)| {
        let peer = peer(socket);
        peer.is_some_and(|peer| repeated.get(&peer).is_some_and(|&times| times >= TWICE))
    });
    let all = [case.span.before, case.span.after].into_iter();
    let connected = all.flat_map(|sample| &sample.snapshot.sockets);
    let connected = connected
        .filter(|socket| socket.kind == Kind::Tcp && socket.state != SocketState::SYN_SENT);
    (
        again.filter_map(|(_, socket)| peer(socket)).collect(),
        connected.filter_map(peer).collect(),
    )
}

/// Gives the next hop towards an address that did not tell its link layer address.
pub(super) fn silent_next_hop<'s>(case: &Case<'s>, peer: SocketAddr) -> Option<&'s Neighbour> {
    let mut destinations = case.span.after.destinations.iter();
    let destination = destinations.find(|to| to.ip == peer.ip())?;
    silent_hop_of(case, destination.route.as_ref().ok()?, peer.ip())
}

/// Gives a next hop of a route to an address that does not answer.
pub(super) fn silent_hop_of<'s>(
    case: &Case<'s>,
    route: &Route,
    ip: IpAddr,
) -> Option<&'s Neighbour> {
    let hops = next_hops(route, ip);
    let mut neighbours = case.span.after.neighbours.iter();
    neighbours.find(|neighbour| {
        hops.contains(&(neighbour.ip, neighbour.interface)) && neighbour.is_unresolved()
    })
}

/// Gives where packets for an address may be handed on, each with the interface: one place, or several of a route
/// with several next hops.
fn next_hops(route: &Route, to: IpAddr) -> Vec<(IpAddr, u32)> {
    let one = route.interface.map(|index| (route.gateway, index));
    let several = route.next_hops.iter();
    let several = several.map(|hop| (hop.gateway, hop.interface));
    one.into_iter()
        .chain(several)
        .map(|(gateway, index)| (gateway.unwrap_or(to), index))
        .collect()
}

/// What became of the attempts at one destination, each known by our own end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shares {
    /// Those that something came back for.
    pub answered: u64,
    /// Those whose SYN left more than once, and that nothing came back for.
    pub silent: u64,
}

/// Tells by destination how many attempts of ours something came back for, and how many nothing.
pub(super) fn shares(case: &Case<'_>) -> BTreeMap<SocketAddr, Shares> {
    let flow = |notice: &Notice| (sockets::plain(notice.local), sockets::plain(notice.peer));
    let came: HashSet<_> = case
        .notices
        .of(Direction::Received, |_| true)
        .map(flow)
        .collect();
    let mut shares: BTreeMap<SocketAddr, Shares> = BTreeMap::new();
    let ours = |notice: &&Notice| sockets::is_local(case.span.after, notice.local.ip());
    let syns = case.notices.of(Direction::Sent, |what| what == What::Syn);
    for notice in syns.filter(ours) {
        let of_peer = shares.entry(sockets::plain(notice.peer)).or_default();
        if came.contains(&flow(notice)) {
            of_peer.answered += 1;
        } else if notice.count > 1 {
            of_peer.silent += 1;
        }
    }
    shares
}
