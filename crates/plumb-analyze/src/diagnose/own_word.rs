//! What this host says itself, by loopback, in the name of hosts that its programs try to reach: so does a rule of its
//! own firewall that rejects.

use std::net::IpAddr;

use plumb_model::notice::{Direction, Notice, What};

use super::{Case, sockets};

/// Says whether programs here that try to reach a host were answered by this one.
pub(super) fn answers_for(case: &Case<'_>, ip: IpAddr) -> bool {
    let mut received = case.notices.of(Direction::Received, |_| true);
    case.span.after.can_reject()
        && received.any(|notice| notice.peer.ip().to_canonical() == ip && is_forged(case, notice))
}

/// Says whether our own host answered for a remote one.
pub(super) fn is_forged(case: &Case<'_>, notice: &Notice) -> bool {
    let sample = case.span.after;
    let theirs = !sockets::is_local(sample, notice.peer.ip());
    let by_us = match notice.what {
        What::Refusal | What::Reset | What::ResetUnused => {
            sockets::is_loopback(sample, notice.interface)
        }
        // A next hop that does not answer makes our host say "host unreachable", too.
        What::Unreachable { code, by } => {
            code != (if by.is_ipv4() { 1 } else { 3 }) && sockets::is_local(sample, by)
        }
        _ => false,
    };
    theirs && by_us && sockets::is_local(sample, notice.local.ip())
}

#[cfg(test)]
mod tests {
    use plumb_model::firewall::Verdict;
    use plumb_model::id::Pid;
    use plumb_model::notice::{Notices, RefusedCall};
    use plumb_model::rtnl::RouteType;
    use plumb_model::sample::{Destination, Sample};

    use super::super::{firewall_drop, no_route};
    use super::*;
    use crate::made_up;

    /// What is found of calls that got EACCES, where a rule may have rejected, and where this host answered or not.
    fn found(answers: u64) -> Vec<(&'static str, String)> {
        let peer = ([0xfd00, 0, 0, 0, 0, 0, 0, 2], 9200).into();
        let own: IpAddr = [0xfd00, 0, 0, 0, 0, 0, 0, 1].into();
        let by_us = Notice {
            what: What::Unreachable { code: 1, by: own },
            direction: Direction::Received,
            protocol: 6,
            local: (own, 40_000).into(),
            peer,
            interface: 1,
            count: answers,
            age_us: 0,
            last_age_us: 0,
        };
        let heard = Notices {
            all: Some(by_us).filter(|_| answers > 0).into_iter().collect(),
            refused_calls: vec![RefusedCall {
                call: "connect",
                pid: Pid(7),
                comm: b"client".to_vec(),
                protocol: 6,
                address: peer,
                source: None,
                interface: None,
                errno: 13,
                count: 8,
                instead: None,
            }],
            ..Notices::default()
        };
        let sample = Sample {
            refusers: vec![made_up::rule("output", Verdict::Reject)],
            addresses: vec![plumb_model::rtnl::Address {
                interface: 3,
                ip: own,
                prefix_len: 64,
                scope: 0,
                flags: 0,
            }],
            destinations: vec![Destination {
                ip: peer.ip(),
                route: Ok(made_up::route(RouteType::UNICAST)),
            }],
            ..Sample::default()
        };
        let found = made_up::found(&sample, &sample, &heard).into_iter();
        found.map(|found| (found.kind, found.summary)).collect()
    }

    #[test]
    fn a_rule_that_rejects_is_not_taken_for_a_route_that_forbids() {
        let told = "the local firewall (inet filter output) rejects what is sent to [fd00::2]:9200";
        let by_rule = found(32);
        assert_eq!(by_rule.len(), 1, "{by_rule:?}");
        assert_eq!(by_rule[0], (firewall_drop::ID, told.to_owned()));
        // Somebody who speaks for himself is another matter.
        assert_eq!(found(0)[0].0, no_route::ID);
    }
}
