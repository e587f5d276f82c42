//! Resets where the wire cannot be watched: what the kernel counts, and the connections that have gone.
//!
//! `Tcp.EstabResets` counts every connection that ends at once: by a reset of the peer, by one of ours
//! (`TCPAbortOnClose`, `TCPAbortOnData`), by a timer (`TCPAbortOnTimeout`) (`tcp_set_state`). What is left without our own is
//! the peers' doing. Whose connections they were tell the sockets of the first sample of which nothing is left in the second,
//! not even TIME_WAIT. A connection that the peer closes first leaves nothing either, so that many have gone is no evidence
//! of resets: no more of them may have gone than resets explain.

use std::collections::{BTreeMap, HashMap, HashSet};

use plumb_model::finding::{Confidence, Evidence, Finding, Severity};
use plumb_model::snapshot::Kind;
use plumb_model::socket::SocketState;

use super::{
    BY_PEER, BY_US, Case, Cause, End, RARE, SEVERAL, Servers, end, evidence, hints_by_peer,
    is_lingering_alone, is_local, plain_flow, restarted, sockets, subject_of,
};

/// Where the counts stand.
const SOURCE: &str = "/proc/net/snmp, /proc/net/netstat, sock_diag of both samples";
/// So many resets a second are no check of whether somebody is there.
const URGENT_PER_S: f64 = 2.0;

/// Whose connections most of those that have gone were.
struct Gone {
    end: End,
    count: u64,
    /// Nothing else has gone that resets do not explain.
    is_sure: bool,
    /// Both ends are of this host: which of them ended the connections is not known.
    is_within: bool,
}

/// Tells of our own.
pub(super) fn by_us(case: &Case<'_>, causes: &[Cause]) -> Vec<Finding> {
    let sent = grown(case, "Tcp", "OutRsts").min(ours(case));
    let Some(gone) = gone(case, sent, true) else {
        return Vec::new();
    };
    let mut found = finding(case, BY_US, &gone, sent);
    let means: Vec<&str> = causes.iter().map(|(_, means, _)| *means).collect();
    let is_client = gone.is_within || matches!(gone.end, End::To(_));
    let leaves = is_client && is_lingering_alone(causes);
    if leaves || restarted(case, &gone.end) {
        found.severity = Severity::Info;
    }
    found.summary = format!(
        "we reset connections {}: {}",
        gone.end.words(),
        means.join("; ")
    );
    found
        .evidence
        .extend(causes.iter().map(|(fact, ..)| fact.clone()));
    found.hints = causes.iter().map(|(.., hint)| (*hint).to_owned()).collect();
    vec![found]
}

/// Tells of those of peers.
pub(super) fn by_peer(case: &Case<'_>, ended: &Evidence) -> Vec<Finding> {
    let own = ours(case) + grown(case, "TcpExt", "TCPAbortOnTimeout");
    let came = grown(case, "Tcp", "EstabResets").saturating_sub(own);
    let Some(gone) = gone(case, came, false) else {
        return Vec::new();
    };
    let mut found = finding(case, BY_PEER, &gone, came);
    found.summary = format!("the peers reset connections {}", gone.end.words());
    found.evidence.push(ended.clone());
    found.hints = hints_by_peer();
    vec![found]
}

/// Counts the connections that our own processes ended with a reset.
fn ours(case: &Case<'_>) -> u64 {
    grown(case, "TcpExt", "TCPAbortOnClose") + grown(case, "TcpExt", "TCPAbortOnData")
}

fn grown(case: &Case<'_>, group: &str, name: &str) -> u64 {
    case.span.grown(group, name).ok().unwrap_or(0)
}

/// Finds whose connections have gone, where so many were reset; of resets that come those of other hosts alone, because
/// within this host who sends them is told.
fn gone(case: &Case<'_>, resets: u64, is_within: bool) -> Option<Gone> {
    let opened = grown(case, "Tcp", "ActiveOpens") + grown(case, "Tcp", "PassiveOpens");
    if resets < SEVERAL || resets.saturating_mul(RARE) < opened {
        return None;
    }
    let sockets = case.span.after.snapshot.sockets.iter();
    let left: HashSet<_> = sockets
        .filter(|socket| socket.kind == Kind::Tcp)
        .filter_map(|socket| Some(plain_flow(socket.local.inet()?, socket.peer.inet()?)))
        .collect();
    let servers = [case.span.after, case.span.before].map(Servers::of);
    let mut locals = HashMap::new();
    let mut ends: BTreeMap<End, u64> = BTreeMap::new();
    for state in [SocketState::ESTABLISHED, SocketState::CLOSE_WAIT] {
        let there = sockets::tcp(case.span.before, state);
        for (local, peer) in
            there.filter_map(|(_, socket)| Some((socket.local.inet()?, socket.peer.inet()?)))
        {
            if left.contains(&plain_flow(local, peer))
                || !is_within && is_local(case, &mut locals, peer.ip())
            {
                continue;
            }
            *ends.entry(end(&servers, local, peer)).or_default() += 1;
        }
    }
    let all: u64 = ends.values().sum();
    let Some((end, count)) = sockets::most(&ends) else {
        return only_server(case, resets).filter(|_| is_within);
    };
    let is_sure = count >= SEVERAL && all <= resets.saturating_mul(2);
    // Of a few that were there for a moment each, who was seen is a guess, unless nobody else was.
    (is_sure && count * 2 >= all || count == all && count <= resets).then_some(Gone {
        end,
        count,
        is_sure,
        is_within: is_local(case, &mut locals, end.at().ip())
            && ends.contains_key(&End::To(end.at())),
    })
}

/// Gives the listener, where there is one alone, connections came that resets of ours may have ended, and too few were
/// made.
fn only_server(case: &Case<'_>, resets: u64) -> Option<Gone> {
    let came = grown(case, "Tcp", "PassiveOpens") >= resets;
    let made = grown(case, "Tcp", "ActiveOpens") >= resets;
    let mut listeners = sockets::listeners(case.span.after);
    let end = listeners.next()?.1.local.inet()?;
    (came && !made && listeners.next().is_none()).then_some(Gone {
        end: End::At(sockets::plain(end)),
        count: 0,
        is_sure: false,
        is_within: false,
    })
}

fn finding(case: &Case<'_>, kind: &'static str, gone: &Gone, resets: u64) -> Finding {
    let seconds = case.span.seconds();
    #[expect(clippy::cast_precision_loss, reason = "resets of a watch")]
    let is_urgent = resets as f64 >= URGENT_PER_S * seconds;
    let verb = if kind == BY_US { "sent" } else { "received" };
    let whose = match gone.count {
        0 => "too short to be seen in a sample, and there is one listener alone".to_owned(),
        count => format!(
            "of those of the first sample {count} {} have gone and left nothing",
            gone.end.words()
        ),
    };
    Finding {
        kind,
        severity: if is_urgent {
            Severity::Warning
        } else {
            Severity::Info
        },
        subject: subject_of(case, &gone.end),
        summary: String::new(),
        evidence: vec![evidence::fact(
            SOURCE,
            format!(
                "{resets} connections ended with a reset that was {verb} in {seconds:.1} s: {whose}"
            ),
        )],
        hints: Vec::new(),
        confidence: if gone.is_sure {
            Confidence::Likely
        } else {
            Confidence::Possible
        },
    }
}
