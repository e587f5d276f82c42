//! `reset-by-us`, `reset-by-peer`: connections that exist are torn down by resets.
//!
//! Resets of this host are seen as they leave, with their ends; why they were sent the kernel counts:
//! `TCPAbortOnClose` (closed with data unread, `tcp_close`), `TCPAbortOnData` (SO_LINGER 0, or data for
//! a socket that was closed), `TCPAbortOnTimeout`. What comes for a connection of which TIME_WAIT alone is left is
//! answered by a reset that only `Tcp.OutRsts` counts (`tcp_timewait_state_process`); that it is no stray segment tells
//! the connection, which was there or began in the watch. What comes from peers must also have ended a
//! connection (`Tcp.EstabResets`). A server that was replaced meanwhile leaves resets behind, and so does a check
//! that looks once a second whether the server is there: both are told, and neither is a trouble. Nor is a client that opens
//! a connection and leaves with a reset before either side has sent a byte, as the checks of load balancers do. Where the
//! wire cannot be watched, [`counted`] looks at what is left.

mod counted;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::notice::{Direction, Notice, What};
use plumb_model::snapshot::Kind;
use plumb_model::socket::SocketState;

use super::sockets::Servers;
use super::tries::Tries;
use super::{Case, evidence, sockets, subject};

/// The id of the finding: we send them.
pub const BY_US: &str = "reset-by-us";
/// The id of the finding: peers send them.
pub const BY_PEER: &str = "reset-by-peer";
/// So many are no accident.
const SEVERAL: u64 = 3;
/// One connection of more than so many ends so everywhere: a user leaves a page, a laptop is shut.
const RARE: u64 = 50;

/// What the kernel counts when it sends a reset, and what that means.
const CAUSES: [(&str, &str, &str); 3] = [
    (
        "TCPAbortOnClose",
        "sockets are closed while received data is still unread",
        "read until recv() returns 0 before close(), or shutdown(SHUT_WR) first",
    ),
    (
        "TCPAbortOnData",
        "SO_LINGER with time 0, or data comes for sockets that were closed",
        "leave SO_LINGER alone; let both sides agree on who closes",
    ),
    (
        "TCPAbortOnTimeout",
        "connections are given up after retransmissions",
        "find out where packets are lost: plumb path HOST",
    ),
];

/// The same, where none of these counters grew.
const LATE: (&str, &str) = (
    "data comes for connections that were closed before",
    "let both sides agree on who closes: shutdown(SHUT_WR), and read until recv() returns 0 before close()",
);

/// What grew, what it means, and what to do.
type Cause = (Evidence, &'static str, &'static str);

/// Looks for resets that we send.
pub fn check_by_us(case: &Case<'_>) -> Vec<Finding> {
    let causes: Vec<Cause> = CAUSES
        .iter()
        .filter_map(|(name, means, hint)| {
            Some((evidence::grown(case.span, "TcpExt", name)?, *means, *hint))
        })
        .collect();
    // A reset alone may be the answer to a stray segment.
    let alone = causes.is_empty();
    let causes = match evidence::grown(case.span, "Tcp", "OutRsts") {
        Some(sent) if alone => vec![(sent, LATE.0, LATE.1)],
        _ => causes,
    };
    // Connections that got no TIME_WAIT, because there are too many, are not known when their peers close: that is the
    // root.
    let has_no_room = evidence::grown(case.span, "TcpExt", "TCPTimeWaitOverflow").is_some();
    if causes.is_empty() || alone && has_no_room {
        return Vec::new();
    }
    if case.notices.is_blind {
        return counted::by_us(case, &causes);
    }
    // What comes behind the end of a connection may harm nobody; of a client of this host it is known.
    let harmed = case.span.grown("Tcp", "EstabResets").ok().unwrap_or(0) >= SEVERAL;
    groups(case, Direction::Sent)
        .into_iter()
        .filter(|(_, group)| !alone || group.known >= SEVERAL && (!group.is_local || harmed))
        .map(|(end, group)| {
            if group.is_left_unused() {
                return unused(BY_US, case, &end, &group);
            }
            let means: Vec<&str> = causes.iter().map(|(_, means, _)| *means).collect();
            let mut found = finding(BY_US, case, &end, &group);
            // What the old process had open ended with it; who has what it came for may leave so, as those that check
            // whether a server is there and proxies do.
            let leaves = matches!(end, End::To(_)) && is_lingering_alone(&causes);
            if restarted(case, &end) || leaves {
                found.severity = Severity::Info;
            }
            found.summary = format!("we reset connections {}: {}", end.words(), means.join("; "));
            found
                .evidence
                .extend(causes.iter().map(|(fact, ..)| fact.clone()));
            found.hints = causes.iter().map(|(.., hint)| (*hint).to_owned()).collect();
            found
        })
        .collect()
}

/// Says whether nothing but SO_LINGER explains the resets.
fn is_lingering_alone(causes: &[Cause]) -> bool {
    causes.iter().all(|(_, means, _)| *means == CAUSES[1].1)
}

/// Looks for resets that come from peers.
pub fn check_by_peer(case: &Case<'_>) -> Vec<Finding> {
    let Some(ended) = evidence::grown(case.span, "Tcp", "EstabResets") else {
        return Vec::new();
    };
    if case.notices.is_blind {
        return counted::by_peer(case, &ended);
    }
    groups(case, Direction::Received)
        .into_iter()
        .filter(|(_, group)| !group.is_local)
        .map(|(end, group)| {
            if group.is_left_unused() {
                return unused(BY_PEER, case, &end, &group);
            }
            let mut found = finding(BY_PEER, case, &end, &group);
            found.summary = format!("the peers reset connections {}", end.words());
            found.evidence.push(ended.clone());
            found.hints = hints_by_peer();
            found
        })
        .collect()
}

fn hints_by_peer() -> Vec<String> {
    vec![
        "the reason is on the other side: its process, its host, or something between that gives up idle connections".to_owned(),
        "see what was sent before: plumb trace 'dst HOST'".to_owned(),
    ]
}

/// Tells of who connects and leaves, with nothing said.
fn unused(kind: &'static str, case: &Case<'_>, end: &End, group: &Group) -> Finding {
    let who = if kind == BY_US { "we" } else { "clients" };
    Finding {
        severity: Severity::Info,
        summary: format!(
            "{who} connect to {} and leave with a reset before a byte was sent, as checks do whether a server is there",
            end.at()
        ),
        hints: vec![
            "leave it alone, unless who does it should ask for more than a connection".to_owned(),
        ],
        ..finding(kind, case, end, group)
    }
}

/// Whose connections they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// Accepted by this listener.
    At(SocketAddr),
    /// Made to this destination.
    To(SocketAddr),
}

impl End {
    fn at(self) -> SocketAddr {
        let (Self::At(end) | Self::To(end)) = self;
        end
    }

    fn words(&self) -> String {
        match self {
            Self::At(end) => format!("at {end}"),
            Self::To(end) => format!("to {end}"),
        }
    }
}

#[derive(Default)]
struct Group {
    /// The resets of connections that were used, or of which that is not known.
    tries: Tries,
    flows: u64,
    /// Flows of which it is known that they were not.
    unused: u64,
    /// Flows that were connections.
    known: u64,
    is_local: bool,
    /// The hosts at the other end.
    hosts: BTreeSet<IpAddr>,
}

impl Group {
    /// Says whether too few others are among the connections that were not used.
    fn is_left_unused(&self) -> bool {
        self.unused > 0 && self.flows < SEVERAL
    }
}

fn groups(case: &Case<'_>, direction: Direction) -> BTreeMap<End, Group> {
    let servers = [case.span.after, case.span.before].map(Servers::of);
    let resets = case.notices.all.iter();
    let other_way: HashMap<(SocketAddr, SocketAddr), u64> = resets
        .filter(|notice| notice.direction != direction && notice.what.is_reset())
        .map(|notice| ((notice.local, notice.peer), notice.age_us))
        .collect();
    let known = connected(case);
    let mut locals: HashMap<IpAddr, bool> = HashMap::new();
    let mut own = HashMap::new();
    let mut groups: BTreeMap<End, Group> = BTreeMap::new();
    // What still comes for a connection that a reset has ended is answered by one: who reset it first did it.
    let answers = |notice: &Notice| {
        let first = other_way.get(&(notice.local, notice.peer));
        // Nobody but a peer that was reset at the same moment answers so fast; then it was not we.
        let is_sent = notice.direction == Direction::Sent;
        first.is_some_and(|&age_us| age_us > notice.age_us || is_sent && age_us == notice.age_us)
    };
    let resets = case.notices.of(direction, What::is_reset);
    // What a router forges in the name of others, or hands on, is no reset of ours.
    let knows_own = !case.span.after.addresses.is_empty();
    let mut is_ours = |notice: &&Notice| !knows_own || is_local(case, &mut own, notice.local.ip());
    let resets: Vec<&Notice> = resets.filter(|notice| !answers(notice)).collect();
    for notice in resets.into_iter().filter(|notice| is_ours(notice)) {
        let group = groups.entry(end_of(&servers, notice)).or_default();
        if notice.what == What::ResetUnused {
            group.unused += 1;
        } else {
            group.tries.add(notice);
            group.flows += 1;
        }
        group.known += u64::from(known.contains(&plain_flow(notice.local, notice.peer)));
        let is_within = is_local(case, &mut locals, notice.peer.ip());
        group.hosts.insert(notice.peer.ip().to_canonical());
        group.is_local |= is_within || other_way.contains_key(&(notice.peer, notice.local));
    }
    groups.retain(|_, group| group.flows + group.unused >= SEVERAL);
    let whole = connections(case, &servers);
    groups.retain(|end, group| {
        let all = whole.get(end).copied().unwrap_or(0);
        (group.flows + group.unused).saturating_mul(RARE) >= all
    });
    groups
}

/// Says whether an address is one of this host, and remembers it.
fn is_local(case: &Case<'_>, known: &mut HashMap<IpAddr, bool>, ip: IpAddr) -> bool {
    let look = || sockets::is_local(case.span.after, ip) || sockets::is_local(case.span.before, ip);
    *known.entry(ip).or_insert_with(look)
}

/// Gives the connections there were, of any state, and those that came or were made.
fn connected(case: &Case<'_>) -> HashSet<(SocketAddr, SocketAddr)> {
    let sockets = case.span.before.snapshot.sockets.iter();
    let there = sockets
        .filter(|socket| socket.kind == Kind::Tcp && !socket.is_listener())
        .filter_map(|socket| Some((socket.local.inet()?, socket.peer.inet()?)));
    let began = case.notices.all.iter();
    let began = began.filter(|notice| matches!(notice.what, What::Syn | What::SynAck));
    let began = began.map(|notice| (notice.local, notice.peer));
    there
        .chain(began)
        .map(|(local, peer)| plain_flow(local, peer))
        .collect()
}

fn plain_flow(local: SocketAddr, peer: SocketAddr) -> (SocketAddr, SocketAddr) {
    (sockets::plain(local), sockets::plain(peer))
}

/// Counts the connections of each end: those there were, and those that came.
fn connections(case: &Case<'_>, servers: &[Servers<'_>]) -> BTreeMap<End, u64> {
    let there = sockets::tcp(case.span.before, SocketState::ESTABLISHED)
        .filter_map(|(_, socket)| Some((socket.local.inet()?, socket.peer.inet()?)));
    let came = case.notices.all.iter();
    let came = came.filter(|notice| notice.what == What::Syn);
    let mut counts: BTreeMap<End, u64> = BTreeMap::new();
    for (local, peer) in there.chain(came.map(|notice| (notice.local, notice.peer))) {
        *counts.entry(end(servers, local, peer)).or_default() += 1;
    }
    counts
}

/// Says whether another socket listens there now than at the beginning.
fn restarted(case: &Case<'_>, end: &End) -> bool {
    let End::At(local) = end else { return false };
    let cookies = |sample| {
        let listeners = sockets::listeners(sample);
        let here = listeners.filter(|(_, listener)| sockets::serves(listener, *local));
        here.filter_map(|(_, listener)| listener.cookie.ok())
            .collect::<HashSet<_>>()
    };
    let (before, after) = (cookies(case.span.before), cookies(case.span.after));
    !before.is_empty() && before.is_disjoint(&after)
}

fn end_of(servers: &[Servers<'_>], notice: &Notice) -> End {
    match (notice.what, notice.direction) {
        // Who leaves is who came.
        (What::ResetUnused, Direction::Received) => End::At(sockets::plain(notice.local)),
        (What::ResetUnused, Direction::Sent) => End::To(sockets::plain(notice.peer)),
        _ => end(servers, notice.local, notice.peer),
    }
}

fn end(servers: &[Servers<'_>], local: SocketAddr, peer: SocketAddr) -> End {
    let (local, peer) = (sockets::plain(local), sockets::plain(peer));
    let serves = servers.iter().any(|servers| servers.serve(local));
    // Without a listener the lower port is the server's more often than not.
    if serves || local.port() < peer.port() {
        End::At(local)
    } else {
        End::To(peer)
    }
}

fn finding(kind: &'static str, case: &Case<'_>, end: &End, group: &Group) -> Finding {
    let who = if kind == BY_US { "sent" } else { "received" };
    let of_unused = match group.unused {
        0 => String::new(),
        some => format!(", on {some} of which nothing had been sent"),
    };
    let mut subject = subject_of(case, end);
    if let (End::At(_), Some(host), 1) = (end, group.hosts.first(), group.hosts.len()) {
        subject.peer = Some(host.to_string());
    }
    Finding {
        kind,
        severity: group.tries.severity(),
        subject,
        summary: String::new(),
        evidence: vec![evidence::fact(
            &format!("packets {who}: RST"),
            format!(
                "{} resets {who} in {:.1} s on {} connections{of_unused}",
                group.tries.count + group.unused,
                case.span.seconds(),
                group.flows + group.unused
            ),
        )],
        hints: Vec::new(),
        confidence: Confidence::Likely,
    }
}

fn subject_of(case: &Case<'_>, end: &End) -> Subject {
    let sample = case.span.after;
    match end {
        End::At(local) => {
            let listener = sockets::server_of(sample, *local);
            let named =
                listener.map(|(place, _)| subject::of_socket(&sample.snapshot, place, "listener"));
            Subject {
                kind: "listener",
                local: Some(local.to_string()),
                protocol: Some("tcp"),
                ..named.unwrap_or_default()
            }
        }
        End::To(peer) => Subject {
            kind: "destination",
            peer: Some(peer.to_string()),
            protocol: Some("tcp"),
            ..Subject::default()
        },
    }
}

#[cfg(test)]
mod tests;
