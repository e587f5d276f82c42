//! What is told, and what is not, of attempts and datagrams that got an error.

use std::net::IpAddr;

use plumb_model::notice::{Notice, Notices, Probed, ProbedImpostor};
use plumb_model::sample::{Sample, Span};

use super::super::super::{Focus, diagnose};
use super::super::tests::{found, packet};
use super::*;
use crate::made_up;

#[test]
fn errors_of_routers_are_what_connect_makes_of_them() {
    let by = IpAddr::from([10, 0, 0, 9]);
    let told = |code| {
        let what = What::Unreachable { code, by };
        found(
            vec![packet(what, Direction::Received, 2, 0)],
            &Focus::default(),
        )
    };
    assert_eq!(told(3), [(REFUSED, Some("10.0.0.2:80".to_owned()))]);
    for code in [0, 1, 9, 10, 13] {
        assert_eq!(told(code), [("no-route", Some("10.0.0.2".to_owned()))]);
    }
}

#[test]
fn who_looks_once_a_second_expects_a_no_and_datagrams_are_told_at_any_pace() {
    let severities = |protocol, spread_us: u64| {
        let refused = if protocol == 6 {
            What::Refusal
        } else {
            let by = IpAddr::from([10, 0, 0, 2]);
            What::Unreachable { code: 3, by }
        };
        let sample = Sample::default();
        let notices = Notices {
            all: vec![Notice {
                protocol,
                age_us: spread_us,
                ..packet(refused, Direction::Received, 4, 0)
            }],
            ..Notices::default()
        };
        let span = Span {
            before: &sample,
            after: &sample,
        };
        let focus = &Focus::default();
        let notices = &notices;
        let found = check_refused(&Case {
            span,
            notices,
            focus,
        });
        let all: Vec<_> = found.iter().map(|found| found.severity).collect();
        all
    };
    assert_eq!(severities(6, 3_000_000), [Severity::Info]);
    assert_eq!(severities(6, 300_000), [Severity::Critical]);
    assert_eq!(severities(17, 3_000_000), [Severity::Warning]);
}

#[test]
fn datagrams_to_a_client_that_is_gone_are_no_refusal() {
    let by = IpAddr::from([10, 0, 0, 2]);
    let told = |local: u16, peer: u16| {
        let what = What::Unreachable { code: 3, by };
        found(
            vec![Notice {
                protocol: 17,
                local: ([127, 0, 0, 1], local).into(),
                peer: ([10, 0, 0, 2], peer).into(),
                ..packet(what, Direction::Received, 3, 0)
            }],
            &Focus::default(),
        )
    };
    assert_eq!(told(40_000, 514).len(), 1);
    assert_eq!(told(443, 51_000), []);
    // Traceroute, and a name server.
    assert_eq!(told(40_000, 33_440), []);
    assert_eq!(told(40_000, 53), []);
}

#[test]
fn one_word_of_a_router_is_enough_where_nothing_else_is_heard() {
    let by = IpAddr::from([10, 0, 0, 9]);
    let what = What::Unreachable { code: 13, by };
    let told = |more: &[Notice]| {
        let mut all = vec![
            packet(what, Direction::Received, 1, 0),
            packet(What::Syn, Direction::Sent, 4, 900_000),
        ];
        all.extend(more.iter().cloned());
        found(all, &Focus::default())
    };
    assert_eq!(told(&[]), [("no-route", Some("10.0.0.2".to_owned()))]);
    let answer = packet(What::SynAck, Direction::Received, 1, 0);
    assert_eq!(told(&[answer]), []);
}

#[test]
fn one_refusal_is_an_accident_unless_it_was_asked_for() {
    let once = || vec![packet(What::Refusal, Direction::Received, 1, 0)];
    assert_eq!(found(once(), &Focus::default()), []);
    let asked = Focus {
        hosts: vec![[10, 0, 0, 2].into()],
        ..Focus::default()
    };
    assert_eq!(found(once(), &asked).len(), 1);
}

#[test]
fn what_our_own_attempts_were_told_needs_no_watch() {
    let refused = |is_blind, hosts: &[IpAddr]| {
        let sample = Sample::default();
        let notices = Notices {
            is_blind,
            probed: Probed {
                refused: vec![([10, 0, 0, 2], 25).into(); 3],
                ..Probed::default()
            },
            ..Notices::default()
        };
        let focus = Focus {
            hosts: hosts.to_vec(),
            ..Focus::default()
        };
        let case = Case {
            notices: &notices,
            focus: &focus,
            ..made_up::between(&sample, &sample)
        };
        let found = diagnose(&case).into_iter();
        found
            .map(|found| (found.kind, found.severity))
            .collect::<Vec<_>>()
    };
    let host = [IpAddr::from([10, 0, 0, 2])];
    assert_eq!(refused(true, &host), [(REFUSED, Severity::Critical)]);
    // Where the wire is watched it tells more, or forged packets less.
    assert_eq!(refused(false, &host), []);
}

#[test]
fn who_refuses_on_the_way_is_not_the_host() {
    let told = |all: Vec<Notice>, impostors: Vec<ProbedImpostor>| {
        let sample = Sample::default();
        let notices = Notices {
            all,
            probed: Probed {
                impostors,
                ..Probed::default()
            },
            ..Notices::default()
        };
        let case = Case {
            notices: &notices,
            ..made_up::between(&sample, &sample)
        };
        let found = diagnose(&case);
        let [found] = &found[..] else {
            panic!("{found:?}")
        };
        assert_eq!(found.kind, REFUSED);
        assert_eq!(found.subject.peer.as_deref(), Some("10.0.0.2:80"));
        found.summary.clone()
    };
    let by = |last| {
        let by = IpAddr::from([10, 0, 0, last]);
        let what = What::Unreachable { code: 3, by };
        vec![packet(what, Direction::Received, 2, 0)]
    };
    let firewall =
        "a firewall on the way, 10.0.0.9, refuses what is sent to TCP port 80 of 10.0.0.2";
    assert_eq!(told(by(9), vec![]), firewall);
    let host = "10.0.0.2 is there, but nothing listens on its port 80";
    assert_eq!(told(by(2), vec![]), host);
    // A reset has the address of the host whoever made it.
    let resets = || vec![packet(What::Refusal, Direction::Received, 2, 0)];
    assert_eq!(told(resets(), vec![]), host);
    let impostor = ProbedImpostor {
        end: ([10, 0, 0, 2], 80).into(),
        hops: (3, 3),
        from: Some([10, 0, 0, 9].into()),
        goes_on_to: [10, 0, 0, 10].into(),
    };
    let firewall =
        "a firewall on the way, 10.0.0.9 at hop 3, refuses what is sent to TCP port 80 of 10.0.0.2";
    assert_eq!(told(resets(), vec![impostor]), firewall);
}
