//! The cross-check of who answers at a port: whether packets of another kind go on where the destination seems to be,
//! and with which TTL its answer came.

use plumb_analyze::path::{End, Hop, Impostor, Suspects, Word, suspects};
use plumb_collect::probe::{self, Method, Probe, icmp_method};

use super::trace::{Plan, Trace, heard};

/// Looks for somebody who answers in the destination's name; of a port alone, because nobody else says so.
pub fn check(plan: &Plan, trace: &Trace) -> Option<Impostor> {
    let End::Reached { ttl, word } = trace.end else {
        return None;
    };
    if plan.destination.port() == 0 || !matches!(plan.method, Method::Tcp | Method::Udp) {
        return None;
    }
    let plan = Plan {
        wait: trace.patience(plan),
        ..*plan
    };
    let hops: Vec<Hop> = trace
        .hops
        .iter()
        .map(|measured| measured.hop.clone())
        .collect();
    let others = others(&plan, ttl);
    let suspects = suspects(&hops, &others, ttl);
    // A connection that is accepted is no reason to begin more.
    let may_ask = word != Word::Reply || suspects.is_certain();
    if !may_ask || !suspects.is_worth_a_look() {
        return None;
    }
    // An ICMP error tells its TTL, a segment does not.
    let came_with = match word {
        Word::Refused | Word::Reply if plan.method == Method::Tcp => came_with(&plan, &suspects),
        _ => hops.last()?.heard.first()?.ttl,
    };
    suspects.convict(came_with)
}

/// Asks the hop at a TTL and the one before with packets of other kinds, until somebody answers at it.
fn others(plan: &Plan, ttl: u8) -> Vec<Hop> {
    let icmp = icmp_method(plan.destination.is_ipv6());
    let udp = (plan.method != Method::Udp).then_some(Method::Udp);
    let mut all = Vec::new();
    for method in icmp.into_iter().chain(udp) {
        all = ask(plan, method, ttl);
        if all.last().is_some_and(|hop| !hop.heard.is_empty()) {
            break;
        }
    }
    all
}

fn ask(plan: &Plan, method: Method, ttl: u8) -> Vec<Hop> {
    let mut plan = Plan { method, ..*plan };
    plan.destination.set_port(0);
    let ttls = ttl.saturating_sub(1).max(1)..=ttl;
    let probes: Vec<Probe> = ttls.map(|ttl| plan.probe(ttl, u16::MAX)).collect();
    let answers = probe::run(&probes, plan.wait);
    let hop = |(probe, answer): (&Probe, _)| {
        let answer: Result<Option<probe::Answer>, _> = answer;
        let answer = answer.ok().flatten();
        Hop {
            ttl: probe.ttl,
            heard: answer
                .and_then(|answer| heard(&plan, &answer).ok())
                .into_iter()
                .collect(),
        }
    };
    probes.iter().zip(answers).map(hop).collect()
}

/// Finds out with which TTL an answer comes: the kernel throws away what comes with less than a socket allows.
fn came_with(plan: &Plan, suspects: &Suspects) -> Option<u8> {
    let least = suspects.ttls_to_try();
    let probe = |&least_ttl: &u8| Probe {
        ttl: 0,
        least_ttl,
        ..plan.probe(0, 0)
    };
    let probes: Vec<Probe> = least.iter().map(probe).collect();
    let answers = probe::run(&probes, plan.wait);
    let is_answered = |answer: &Result<Option<probe::Answer>, _>| {
        let answer = answer.as_ref().ok().and_then(Option::as_ref);
        let heard = answer.and_then(|answer| heard(plan, answer).ok());
        heard.is_some_and(|heard| matches!(heard.word, Word::Refused | Word::Reply))
    };
    let answered = answers.iter().rposition(is_answered)?;
    least.get(answered).copied()
}
