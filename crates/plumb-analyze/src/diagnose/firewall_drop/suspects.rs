//! Which rules without a counter may be the one: those whose chain the packets pass, and that ask for nothing else than
//! what they are.

use std::net::SocketAddr;

use plumb_model::finding::{Evidence, Subject};
use plumb_model::firewall::Refuser;

use super::super::turned_away::{TCP, UDP};
use super::super::{Case, evidence};
use super::{only_chain, place};

/// `NF_INET_LOCAL_IN`, `NF_INET_FORWARD`, `NF_INET_LOCAL_OUT`.
const INPUT: u32 = 1;
const FORWARD: u32 = 2;
const OUTPUT: u32 = 3;
/// So many are named.
const MOST: usize = 5;

/// Gives the rules that may have thrown away packets of `subject`.
pub(super) fn of<'s>(case: &Case<'s>, subject: &Subject, is_through: bool) -> Vec<&'s Refuser> {
    let all = case.span.after.refusers.iter();
    let fit = all
        .clone()
        .filter(|rule| passes(rule, is_through) && fits(rule, subject));
    let fit: Vec<&Refuser> = fit.collect();
    // What fits none met one that asks in another way.
    if fit.is_empty() { all.collect() } else { fit }
}

/// Names suspected rules.
pub(super) fn told(suspects: &[&Refuser]) -> Evidence {
    let text = match suspects {
        [only] => format!(
            "of the rules that throw packets away one fits such ones, and no counter says so: {}",
            place(only)
        ),
        [_, _, ..] => {
            let at = only_chain(suspects)
                .map(|chain| format!(" all in chain {chain},"))
                .unwrap_or_default();
            let named = suspects.iter().take(MOST).map(|rule| place(rule));
            format!(
                "rules that throw such packets away,{at} none of them counted: {}",
                named.collect::<Vec<_>>().join("; ")
            )
        }
        [] => "no rule that throws packets away is listed".to_owned(),
    };
    evidence::fact("nftables", text)
}

/// Says whether packets of others, or of this host, pass the chain of a rule. Where that is not known they may.
fn passes(rule: &Refuser, is_through: bool) -> bool {
    match rule.hook {
        Some(INPUT | OUTPUT) => !is_through,
        Some(FORWARD) => is_through,
        _ => true,
    }
}

/// Says whether a rule asks for nothing else than the protocol and the port of a server. A rule for answers does not name
/// the server's port as where they go.
fn fits(rule: &Refuser, subject: &Subject) -> bool {
    let protocol = match subject.protocol {
        Some("tcp") => Some(TCP),
        Some("udp") => Some(UDP),
        _ => None,
    };
    let port = |end: &Option<String>| Some(end.as_ref()?.parse::<SocketAddr>().ok()?.port());
    let [local, peer] = [&subject.local, &subject.peer].map(port);
    let asks = rule.wants;
    let is_protocol = asks.protocol.is_none() || protocol.is_none() || asks.protocol == protocol;
    let knows_ports = local.or(peer).is_some();
    let is_port = asks.port.is_none() || !knows_ports || [local, peer].contains(&asks.port);
    is_protocol && is_port
}

#[cfg(test)]
mod tests {
    use plumb_model::firewall::{Verdict, Wants};
    use plumb_model::sample::Sample;
    use plumb_model::{Known, Reason};

    use super::*;
    use crate::made_up;

    /// A rule of a chain at a hook, for a protocol and a port.
    fn rule(handle: u64, hook: Option<u32>, protocol: u8, port: u16) -> Refuser {
        Refuser {
            family: "ip",
            table: b"t".to_vec(),
            chain: if hook == Some(INPUT) { b"in" } else { b"fw" }.to_vec(),
            handle,
            verdict: Verdict::Drop,
            packets: Known::Unknown(Reason::NotInSource),
            by_chance: false,
            hook,
            wants: Wants {
                protocol: Some(protocol),
                port: Some(port),
            },
        }
    }

    /// What is said of others' attempts at port 80 of a server.
    fn said(rules: Vec<Refuser>) -> String {
        let sample = Sample {
            refusers: rules,
            ..Sample::default()
        };
        let subject = Subject {
            peer: Some("10.2.0.1:80".to_owned()),
            protocol: Some("tcp"),
            ..Subject::default()
        };
        told(&of(&made_up::between(&sample, &sample), &subject, true)).text
    }

    #[test]
    fn the_rule_that_alone_fits_what_was_thrown_away_is_named() {
        let other = || {
            vec![
                rule(2, Some(FORWARD), UDP, 80),
                rule(3, Some(FORWARD), TCP, 443),
                rule(4, Some(INPUT), TCP, 80),
            ]
        };
        let mut rules = other();
        rules.push(rule(5, Some(FORWARD), TCP, 80));
        let told = said(rules.clone());
        assert!(
            told.starts_with("of the rules") && told.contains("ip t fw handle 5 (drop)"),
            "{told}"
        );
        rules.push(rule(6, Some(FORWARD), TCP, 80));
        let told = said(rules.clone());
        assert!(told.contains("all in chain ip t fw,"), "{told}");
        assert!(
            told.contains("handle 5") && !told.contains("handle 4"),
            "{told}"
        );
        // One to which others jump may be passed by anybody.
        rules.push(rule(7, None, TCP, 80));
        assert!(said(rules).contains("handle 7"));
        // What fits none met one that asks in another way.
        assert!(said(other()).contains("handle 2"));
    }
}
