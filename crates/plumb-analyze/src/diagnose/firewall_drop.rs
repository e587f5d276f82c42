//! `firewall-drop`: the local firewall throws away or rejects what somebody waits for.
//!
//! A firewall that drops is doing its work; it is a trouble when there is a victim. Victims are looked for where
//! they wait: among our own attempts and connections ([`outgoing`]), at ports that are served here
//! ([`incoming`]), among what this host should forward ([`forwarded`]). The counter of the rule convicts it;
//! without a counter it is only suspected ([`suspects`]).

mod datagrams;
mod deaf;
mod filtered;
mod forwarded;
mod incoming;
mod midway;
mod outgoing;
mod strays;
mod suspects;
mod unheard;
mod unlisted;

use std::collections::BTreeSet;

use plumb_model::Known;
use plumb_model::finding::{Confidence, Evidence, Finding, Severity, Subject};
use plumb_model::firewall::Refuser;

pub(super) use self::forwarded::swallowed;
use super::{Case, evidence};

/// The id of the finding.
pub const ID: &str = "firewall-drop";

/// Somebody who waits for packets that were thrown away.
struct Victim {
    subject: Subject,
    fact: Evidence,
    /// What the firewall does, in words.
    does: String,
    /// Whether the packets are those of others.
    is_through: bool,
}

/// Looks for victims, then for the rule.
pub fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut victims = Vec::new();
    // Rules of iptables-legacy are not listed, but what they do is heard.
    if !case.span.after.refusers.is_empty() {
        victims.extend(outgoing::victims(case));
        more(&mut victims, unheard::victims(case));
        victims.extend(incoming::victims(case));
        victims.extend(forwarded::victims(case));
    }
    // Such rules are a way that loses packets, and no policy.
    if !case.span.after.refuses_by_chance() {
        victims.extend(filtered::victims(case));
        victims.extend(deaf::victims(case, &peers(&victims)));
        victims.extend(strays::victims(case, &peers(&victims)));
        more(&mut victims, midway::victims(case));
        more(&mut victims, datagrams::victims(case));
        more(&mut victims, unlisted::victims(case));
    }
    let victims = victims.into_iter();
    victims.map(|victim| finding(case, victim)).collect()
}

/// Adds those of whom nothing is told yet.
fn more(victims: &mut Vec<Victim>, others: Vec<Victim>) {
    let ends = |victim: &Victim| (victim.subject.local.clone(), victim.subject.peer.clone());
    for other in others {
        let (local, peer) = ends(&other);
        let is_told = victims
            .iter()
            .map(ends)
            .any(|(at, to)| local.is_some() && at == local || peer.is_some() && to == peer);
        if !is_told {
            victims.push(other);
        }
    }
}

/// Gives the ends of which something is told already.
fn peers(victims: &[Victim]) -> BTreeSet<String> {
    let peers = victims.iter();
    peers
        .filter_map(|victim| victim.subject.peer.clone())
        .collect()
}

/// Says whether most of `refusals` that left this host were the firewall's: those of the kernel's own
/// transports are counted.
pub(super) fn refuses_itself(case: &Case<'_>, refusals: u64, group: &str, counter: &str) -> bool {
    let counted = case.span.grown(group, counter).ok().unwrap_or(u64::MAX);
    case.span.after.can_reject() && counted.saturating_mul(2) < refusals
}

fn finding(case: &Case<'_>, victim: Victim) -> Finding {
    let guilty = guilty(case);
    let suspects = suspects::of(case, &victim.subject, victim.is_through);
    let who = who(case, &suspects);
    let severity = severity(&victim);
    let mut facts = vec![victim.fact];
    let confidence = if case.span.after.refusers.is_empty() {
        facts.push(evidence::fact(
            "nftables",
            "no rule that throws packets away is listed: the verdicts of maps and iptables-legacy are not",
        ));
        Confidence::Likely
    } else if guilty.is_empty() {
        facts.push(suspects::told(&suspects));
        Confidence::Likely
    } else {
        facts.extend(guilty);
        Confidence::Certain
    };
    Finding {
        kind: ID,
        severity,
        summary: format!("{who} {}", victim.does),
        subject: victim.subject,
        evidence: facts,
        hints: vec![
            "see the rules with their handles: nft -a list ruleset".to_owned(),
            "give a suspected rule a counter and look again: … counter drop".to_owned(),
        ],
        confidence,
    }
}

/// Says how bad it is. Of the datagrams of others a router may well be meant to throw some away.
fn severity(victim: &Victim) -> Severity {
    if victim.is_through && victim.subject.protocol == Some("udp") {
        Severity::Info
    } else {
        Severity::Critical
    }
}

/// Names the firewall, with the chain where rules of one alone counted packets, or are suspected.
fn who(case: &Case<'_>, suspects: &[&Refuser]) -> String {
    let counted: Vec<&Refuser> = grown(case).into_iter().map(|(rule, _)| rule).collect();
    let rules = if counted.is_empty() {
        suspects
    } else {
        &counted
    };
    let chain = only_chain(rules).map(|chain| format!(" ({chain})"));
    format!("the local firewall{}", chain.unwrap_or_default())
}

/// Names the chain of rules, if they are all in one.
fn only_chain(rules: &[&Refuser]) -> Option<String> {
    let chains: BTreeSet<String> = rules.iter().map(|rule| chain(rule)).collect();
    let mut chains = chains.into_iter();
    chains.next().filter(|_| chains.next().is_none())
}

/// Counts the packets that met rules with a counter.
fn counted(case: &Case<'_>) -> u64 {
    grown(case).into_iter().map(|(_, more)| more).sum()
}

/// Gives the rules whose counters grew, as evidence.
fn guilty(case: &Case<'_>) -> Vec<Evidence> {
    let met = |(rule, more): (&Refuser, u64)| {
        evidence::fact(
            "nftables counter",
            format!(
                "{more} packets met {} in {:.1} s",
                place(rule),
                case.span.seconds()
            ),
        )
    };
    grown(case).into_iter().map(met).collect()
}

/// Gives the rules whose counters grew, each with by how much.
fn grown<'s>(case: &Case<'s>) -> Vec<(&'s Refuser, u64)> {
    let before = &case.span.before.refusers;
    let grown = case.span.after.refusers.iter().filter_map(|rule| {
        let now: u64 = rule.packets.ok()?;
        let same = |other: &&Refuser| {
            (other.family, &other.table, &other.chain, other.handle)
                == (rule.family, &rule.table, &rule.chain, rule.handle)
        };
        let then = match before.iter().find(same).map(|other| other.packets) {
            Some(Known::Known(then)) => then,
            _ => 0,
        };
        let more = now.checked_sub(then).filter(|&more| more > 0)?;
        Some((rule, more))
    });
    grown.collect()
}

/// Names a chain as `nft` would be asked for it.
fn chain(rule: &Refuser) -> String {
    let table = String::from_utf8_lossy(&rule.table);
    let chain = String::from_utf8_lossy(&rule.chain);
    format!("{} {table} {chain}", rule.family)
}

/// Names a rule as `nft` would be asked for it.
fn place(rule: &Refuser) -> String {
    let chain = chain(rule);
    let what = rule.verdict.word();
    match rule.handle {
        0 => format!("{chain} policy {what}"),
        handle => format!("{chain} handle {handle} ({what})"),
    }
}
