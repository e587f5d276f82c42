//! Attempts without an answer on a way that loses segments anyhow: the losses are the trouble, as long as they explain it.
//!
//! A SYN has no answer when it or the answer to it is lost. What connections to the same host lose says how likely that is.

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use plumb_model::finding::Finding;
use plumb_model::notice::{Direction, Notice, What};
use plumb_model::socket::SocketState;

use crate::diagnose::{Case, sockets};

/// What is less likely is no chance.
const CHANCE: f64 = 0.001;
/// So many times as many attempts as are expected to get no answer, and so many more, are chance.
const TIMES: f64 = 2.0;
const MORE: f64 = 2.0;

/// The attempts at one end.
#[derive(Default)]
struct Attempts {
    answered: u32,
    silent: u32,
    /// SYNs of those without an answer.
    syns: u32,
}

/// Says whether losses explain that attempts got no answer; `lossy` is what is lost on the way to each host.
pub(super) fn is_lost(case: &Case<'_>, lossy: &BTreeMap<IpAddr, f64>, found: &Finding) -> bool {
    let peer = found.subject.peer.as_deref();
    let Some(peer) = peer.and_then(|peer| peer.parse::<SocketAddr>().ok()) else {
        return false;
    };
    let Some(share) = lossy.get(&peer.ip()) else {
        return false;
    };
    // Both ways are taken to be equally bad.
    let unanswered = 1.0 - (1.0 - share).powi(2);
    let attempts = attempts(case, peer);
    if attempts.answered == 0 {
        let syns = i32::try_from(attempts.syns).unwrap_or(i32::MAX);
        return unanswered.powi(syns) >= CHANCE;
    }
    // One that counts as silent has sent its SYN twice.
    let all = f64::from(attempts.answered + attempts.silent);
    f64::from(attempts.silent) <= TIMES * all * unanswered.powi(2) + MORE
}

fn attempts(case: &Case<'_>, peer: SocketAddr) -> Attempts {
    let at_peer = |notice: &&Notice| sockets::plain(notice.peer) == peer;
    let came = case.notices.of(Direction::Received, |_| true);
    let heard: HashSet<_> = came
        .filter(at_peer)
        .map(|notice| sockets::plain(notice.local))
        .collect();
    let mut attempts = Attempts::default();
    let syns = case.notices.of(Direction::Sent, |what| what == What::Syn);
    for notice in syns.filter(at_peer) {
        let count = u32::try_from(notice.count).unwrap_or(u32::MAX);
        if heard.contains(&sockets::plain(notice.local)) {
            attempts.answered += 1;
        } else {
            attempts.silent += u32::from(count > 1);
            attempts.syns = attempts.syns.saturating_add(count);
        }
    }
    // What was sent before the watch is known of who still waits.
    let waiting = sockets::tcp(case.span.after, SocketState::SYN_SENT)
        .filter(|(_, socket)| socket.peer.inet().map(sockets::plain) == Some(peer));
    let sent = waiting.map(|(_, socket)| {
        let again = socket.tcp.as_ref().map(|info| info.total_retrans);
        again.unwrap_or(0).saturating_add(1)
    });
    attempts.syns = attempts.syns.max(sent.sum());
    attempts
}
