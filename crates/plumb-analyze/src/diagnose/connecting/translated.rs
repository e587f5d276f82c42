//! `connection-refused` of an address that this host translates on its way (NAT), as for the services of Kubernetes: on the
//! wire another end refuses, and only what the call was told says what the program had asked for.
//!
//! On a whole host the end that refuses is told; who asks about the address or its port is told of that.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use plumb_model::finding::{Confidence, Finding, Severity, Subject};
use plumb_model::notice::{Direction, RefusedCall, What};

use super::super::tries::Tries;
use super::super::{Case, evidence, sockets, turned_away};
use super::{REFUSED, destination};

/// `ECONNREFUSED`.
const ERRNO: i32 = 111;

/// Looks for addresses that were asked about, that calls were refused at, and that no packet went to.
pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let focus = case.focus;
    if case.notices.is_blind || focus.hosts.is_empty() && focus.port.is_none() {
        return Vec::new();
    }
    let Some((behind, tries)) = most(case) else {
        return Vec::new();
    };
    let calls = case.notices.refused_calls.iter();
    let calls = calls.filter(|call| is_translated(case, call));
    let found = calls.map(|call| finding(case, call, behind, &tries));
    found
        .filter(|found| focus.concerns(&found.subject))
        .collect()
}

/// Gives the other host's end that refused most, with what it refused, of those that no call asked for.
fn most(case: &Case<'_>) -> Option<(SocketAddr, Tries)> {
    let mut by_end: BTreeMap<SocketAddr, Tries> = BTreeMap::new();
    let refusals = case
        .notices
        .of(Direction::Received, |what| what == What::Refusal);
    for notice in refusals {
        let end = sockets::plain(notice.peer);
        let mut calls = case.notices.refused_calls.iter();
        let is_asked = calls.any(|call| sockets::plain(call.address) == end);
        if !is_asked && !sockets::is_local(case.span.after, end.ip()) {
            by_end.entry(end).or_default().add(notice);
        }
    }
    by_end.into_iter().max_by_key(|(_, tries)| tries.count)
}

/// Says whether a call was refused at an address that nothing was sent to and nothing came from.
fn is_translated(case: &Case<'_>, call: &RefusedCall) -> bool {
    let asked = sockets::plain(call.address);
    let mut seen = case.notices.all.iter();
    call.call == "connect"
        && call.errno == ERRNO
        && call.protocol == turned_away::TCP
        && !sockets::is_local(case.span.after, asked.ip())
        && !seen.any(|notice| notice.peer.ip().to_canonical() == asked.ip())
}

fn finding(case: &Case<'_>, call: &RefusedCall, behind: SocketAddr, tries: &Tries) -> Finding {
    let asked = sockets::plain(call.address);
    let who = String::from_utf8_lossy(&call.comm).into_owned();
    let seconds = case.span.seconds();
    Finding {
        kind: REFUSED,
        severity: Severity::Critical,
        summary: format!(
            "{asked} refuses: packets for it are translated, and at {behind} nothing listens"
        ),
        subject: Subject {
            protocol: Some("tcp"),
            pid: Some(call.pid),
            process: Some(who.clone()),
            ..destination(asked)
        },
        evidence: vec![
            evidence::fact(
                "connect() returned",
                format!(
                    "{} of {who} at {asked} failed in {seconds:.1} s: ECONNREFUSED",
                    evidence::attempts(call.count)
                ),
            ),
            evidence::fact(
                "packets received: RST in answer to SYN",
                format!(
                    "no packet for {asked} left this host; {behind} refused {} in {seconds:.1} s",
                    evidence::attempts(tries.count)
                ),
            ),
        ],
        hints: vec![
            format!("start the server at {behind}, or translate {asked} to one that runs"),
            "what is translated: nft list ruleset, conntrack -L".to_owned(),
        ],
        confidence: Confidence::Likely,
    }
}

#[cfg(test)]
mod tests {
    use plumb_model::id::Pid;
    use plumb_model::notice::{Notice, Notices};
    use plumb_model::sample::Sample;

    use super::super::super::{Focus, diagnose};
    use super::*;
    use crate::made_up;

    const SERVICE: [u8; 4] = [10, 96, 0, 10];
    const BEHIND: ([u8; 4], u16) = ([10, 9, 2, 2], 8080);

    fn call(address: SocketAddr) -> RefusedCall {
        RefusedCall {
            call: "connect",
            pid: Pid(7),
            comm: b"client".to_vec(),
            protocol: 6,
            address,
            source: None,
            interface: None,
            errno: ERRNO,
            count: 20,
            instead: None,
        }
    }

    /// What is found where calls at a service were refused, perhaps others at 10.9.2.2:8080, too, and packets there.
    fn found(others: bool, asked: [u8; 4]) -> Vec<(&'static str, Option<String>)> {
        let heard = Notices {
            all: vec![Notice {
                what: What::Refusal,
                direction: Direction::Received,
                protocol: 6,
                local: ([127, 0, 0, 1], 40_000).into(),
                peer: BEHIND.into(),
                interface: 2,
                count: 20,
                age_us: 0,
                last_age_us: 0,
            }],
            refused_calls: [(SERVICE, 80), BEHIND]
                .into_iter()
                .take(if others { 2 } else { 1 })
                .map(|end| call(end.into()))
                .collect(),
            ..Notices::default()
        };
        let focus = Focus {
            hosts: vec![asked.into()],
            port: Some(80),
            ..Focus::default()
        };
        let sample = Sample::default();
        let found = diagnose(&Case {
            focus: &focus,
            notices: &heard,
            ..made_up::between(&sample, &sample)
        });
        let found = found.into_iter();
        found
            .map(|found| (found.kind, found.subject.peer))
            .collect()
    }

    #[test]
    fn an_address_whose_packets_go_elsewhere_is_told_as_refused() {
        let told = [(REFUSED, Some("10.96.0.10:80".to_owned()))];
        assert_eq!(found(false, SERVICE), told);
        // Another one was asked about; who refuses was called by its own name.
        assert_eq!(found(false, [10, 96, 0, 11]), []);
        assert_eq!(found(true, SERVICE), []);
    }
}
