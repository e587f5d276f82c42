//! Refused calls and sockets in, who is in whose way out.

use plumb_model::id::Pid;
use plumb_model::notice::Notices;
use plumb_model::sample::{Sample, Span};

use super::super::Focus;
use super::*;
use crate::made_up;

#[test]
fn a_service_that_is_started_again_and_again_is_one_trouble() {
    let call = |comm: &str, pid, port| RefusedCall {
        call: "bind",
        pid: Pid(pid),
        comm: comm.into(),
        protocol: 6,
        address: ([127, 0, 0, 1], port).into(),
        source: None,
        interface: None,
        errno: IN_USE,
        count: 2,
        instead: None,
    };
    let notices = Notices {
        refused_calls: vec![
            call("web", 7, 80),
            call("web", 8, 80),
            call("other", 9, 80),
            call("web", 10, 81),
        ],
        ..Notices::default()
    };
    let sample = Sample::default();
    let found = check(&Case {
        notices: &notices,
        ..made_up::between(&sample, &sample)
    });
    let told: Vec<_> = found
        .iter()
        .map(|found| (found.subject.local.as_deref(), found.subject.pid))
        .collect();
    let [first, second] = [Some("127.0.0.1:80"), Some("127.0.0.1:81")];
    let expected = [
        (first, Some(Pid(8))),
        (first, Some(Pid(9))),
        (second, Some(Pid(10))),
    ];
    assert_eq!(told, expected);
    assert!(found[0].evidence[0].text.contains("4 times"), "{found:?}");
}

#[test]
fn time_wait_in_the_way_is_called_so_with_how_long() {
    let mut sample = Sample::default();
    for left_ms in [8_500, 41_200] {
        let mut socket = made_up::connection(&plumb_model::diag::tcp_info::TcpInfo::default());
        socket.state = SocketState::TIME_WAIT;
        socket.timer.expires_ms = left_ms;
        sample.snapshot.sockets.push(socket);
    }
    let notices = Notices {
        refused_calls: vec![RefusedCall {
            call: "bind",
            pid: Pid(7),
            comm: b"web".to_vec(),
            protocol: 6,
            address: ([10, 0, 0, 1], 40_000).into(),
            source: None,
            interface: None,
            errno: IN_USE,
            count: 1,
            instead: None,
        }],
        ..Notices::default()
    };
    let found = check(&Case {
        notices: &notices,
        ..made_up::between(&sample, &sample)
    });
    let said =
        "web cannot bind 10.0.0.1:40000: 2 connections in TIME_WAIT, for 42 s more, are in the way";
    assert_eq!(found[0].summary, said);
}

#[test]
fn who_took_another_port_is_in_no_trouble_and_who_has_none_is() {
    let call = |pid, instead: Option<u16>| RefusedCall {
        call: "bind",
        pid: Pid(pid),
        comm: b"dev".to_vec(),
        protocol: 6,
        address: ([127, 0, 0, 1], 3000).into(),
        source: None,
        interface: None,
        errno: IN_USE,
        count: 1,
        instead: instead.map(|port| ([127, 0, 0, 1], port).into()),
    };
    let judged = |refused_calls| {
        let notices = Notices {
            refused_calls,
            ..Notices::default()
        };
        let sample = Sample::default();
        let span = Span {
            before: &sample,
            after: &sample,
        };
        let found = check(&Case {
            span,
            notices: &notices,
            focus: &Focus::default(),
        });
        found[0].severity
    };
    assert_eq!(judged(vec![call(7, Some(3001))]), Severity::Info);
    assert_eq!(judged(vec![call(7, None)]), Severity::Critical);
    let one_of_two = vec![call(7, Some(3001)), call(8, None)];
    assert_eq!(judged(one_of_two), Severity::Critical);
}
