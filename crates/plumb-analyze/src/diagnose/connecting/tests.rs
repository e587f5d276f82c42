//! What is told, and what is not, of attempts that got nothing, or an answer.

use plumb_model::Known;
use plumb_model::diag::tcp_info::TcpInfo;
use plumb_model::id::Cookie;
use plumb_model::notice::{Direction, Notice, Notices, What};
use plumb_model::sample::Sample;
use plumb_model::snapshot::{End, Snapshot};

use super::super::{Focus, diagnose};
use super::*;
use crate::made_up;

/// A packet between 127.0.0.1:40000, which is ours without asking, and 10.0.0.2:80.
pub(super) fn packet(what: What, direction: Direction, count: u64, age_us: u64) -> Notice {
    Notice {
        what,
        direction,
        protocol: 6,
        local: ([127, 0, 0, 1], 40_000).into(),
        peer: ([10, 0, 0, 2], 80).into(),
        interface: 2,
        count,
        age_us,
        last_age_us: 0,
    }
}

pub(super) fn found(all: Vec<Notice>, focus: &Focus) -> Vec<(&'static str, Option<String>)> {
    let sample = Sample::default();
    let notices = Notices {
        all,
        ..Notices::default()
    };
    let case = Case {
        notices: &notices,
        focus,
        ..made_up::between(&sample, &sample)
    };
    let found = diagnose(&case).into_iter();
    found
        .map(|found| (found.kind, found.subject.peer))
        .collect()
}

#[test]
fn a_share_of_attempts_that_stay_without_an_answer_is_told() {
    let attempt = |port: u16, syns: u64, is_answered: bool| {
        let local = ([127, 0, 0, 1], port).into();
        let syn = Notice {
            local,
            ..packet(What::Syn, Direction::Sent, syns, 1_500_000)
        };
        let answer = Notice {
            local,
            ..packet(What::SynAck, Direction::Received, 1, 0)
        };
        let answer = is_answered.then_some(answer);
        [Some(syn), answer].into_iter().flatten()
    };
    let told = |silent: u16, answered: u16, syns: u64| {
        let silent = (0..silent).flat_map(|port| attempt(40_000 + port, syns, false));
        let answered = (0..answered).flat_map(|port| attempt(50_000 + port, 1, true));
        found(silent.chain(answered).collect(), &Focus::default())
    };
    let timeout = [(TIMEOUT, Some("10.0.0.2:80".to_owned()))];
    assert_eq!(told(3, 30, 2), timeout);
    // One is an accident, a few of very many are, and so is a SYN that was not sent again yet.
    assert_eq!(told(1, 3, 2), []);
    assert_eq!(told(2, 90, 2), []);
    assert_eq!(told(3, 30, 1), []);
}

#[test]
fn attempts_that_ended_in_the_watch_are_told_where_nothing_came() {
    let waiting = TcpInfo {
        total_retrans: 2,
        ..TcpInfo::default()
    };
    let mut before = made_up::sample(1_000_000, &waiting);
    for socket in &mut before.snapshot.sockets {
        socket.state = SocketState::SYN_SENT;
    }
    let after = Sample {
        at_us: 3_000_000,
        ..Sample::default()
    };
    let told = |all: Vec<Notice>| {
        let notices = Notices {
            all,
            ..Notices::default()
        };
        let case = Case {
            notices: &notices,
            ..made_up::between(&before, &after)
        };
        check_timeout(&case).len()
    };
    // The next attempt has only just begun.
    let fresh = packet(What::Syn, Direction::Sent, 1, 200_000);
    let answer = packet(What::SynAck, Direction::Received, 1, 0);
    assert_eq!(told(vec![fresh.clone()]), 1);
    assert_eq!(told(vec![fresh, answer]), 0);
    // Whether anything left is not known.
    assert_eq!(told(Vec::new()), 0);
}

#[test]
fn what_a_full_listener_repeats_for_an_older_connection_is_no_answer_to_new_attempts() {
    let told = |waiting: u16, answered: u16| {
        let sockets = (0..waiting).map(|place| {
            let again = TcpInfo {
                total_retrans: 2,
                ..TcpInfo::default()
            };
            let mut socket = made_up::connection(&again);
            socket.state = SocketState::SYN_SENT;
            socket.local = End::Inet(([127, 0, 0, 1], 40_000 + place).into());
            socket.cookie = Known::Known(Cookie(u64::from(place) + 1));
            socket
        });
        let after = Sample {
            at_us: 3_000_000,
            snapshot: Snapshot {
                sockets: sockets.collect(),
                ..Snapshot::default()
            },
            ..Sample::default()
        };
        let from = |port| ([127, 0, 0, 1], port).into();
        let answer = Notice {
            local: from(answered),
            ..packet(What::SynAck, Direction::Received, 2, 0)
        };
        let syns = (0..waiting).map(|place| Notice {
            local: from(40_000 + place),
            ..packet(What::Syn, Direction::Sent, 2, 1_500_000)
        });
        let notices = Notices {
            all: syns.chain([answer]).collect(),
            ..Notices::default()
        };
        let before = Sample::default();
        let case = Case {
            notices: &notices,
            ..made_up::between(&before, &after)
        };
        check_timeout(&case).len()
    };
    assert_eq!(told(8, 39_000), 1);
    // It is there, and one SYN may be lost.
    assert_eq!(told(1, 39_000), 0);
    // One of those that wait is answered at this moment.
    assert_eq!(told(1, 40_000), 0);
}

#[test]
fn attempts_given_up_early_are_told_and_fresh_ones_are_not() {
    let syns = |age_us| vec![packet(What::Syn, Direction::Sent, 2, age_us)];
    let nothing = Focus::default();
    assert_eq!(found(syns(200_000), &nothing), []);
    let old = found(syns(1_500_000), &nothing);
    assert_eq!(old, [(TIMEOUT, Some("10.0.0.2:80".to_owned()))]);
    let mut answered = syns(1_500_000);
    answered.push(packet(What::SynAck, Direction::Received, 1, 0));
    assert_eq!(found(answered, &nothing), []);
}

#[test]
fn a_command_that_gives_up_its_one_attempt_within_a_second_is_told() {
    let command = Focus {
        is_command: true,
        ..Focus::default()
    };
    let told = |age_us| {
        found(
            vec![packet(What::Syn, Direction::Sent, 1, age_us)],
            &command,
        )
    };
    assert_eq!(told(600_000), [(TIMEOUT, Some("10.0.0.2:80".to_owned()))]);
    // An answer may still be on its way.
    assert_eq!(told(300_000), []);
}

#[test]
fn attempts_given_up_for_others_are_told_without_the_right_to_watch_the_wire() {
    let told = |retransmits, connected: bool| {
        let sample = |at_us, cookie, total_retrans| {
            let mut sample = made_up::sample(
                at_us,
                &TcpInfo {
                    total_retrans,
                    ..TcpInfo::default()
                },
            );
            let socket = &mut sample.snapshot.sockets[0];
            socket.state = SocketState::SYN_SENT;
            socket.cookie = Known::Known(Cookie(cookie));
            if connected {
                let older = made_up::connection(&TcpInfo::default());
                sample.snapshot.sockets.push(older);
            }
            sample
        };
        let before = sample(1_000_000, 40, retransmits);
        let after = sample(3_000_000, 41, 0);
        let notices = Notices {
            is_blind: true,
            ..Notices::default()
        };
        let case = Case {
            notices: &notices,
            ..made_up::between(&before, &after)
        };
        check_timeout(&case).len()
    };
    assert_eq!(told(2, false), 1);
    // Once may be chance, and somebody answers.
    assert_eq!(told(1, false), 0);
    assert_eq!(told(2, true), 0);
}

#[test]
fn who_tries_once_a_second_and_gives_up_sooner_is_told_in_a_short_watch() {
    let one = |port, age_us| Notice {
        local: ([127, 0, 0, 1], port).into(),
        ..packet(What::Syn, Direction::Sent, 1, age_us)
    };
    let told = |ages: [u64; 2]| {
        let syns = vec![one(40_000, ages[0]), one(40_001, ages[1])];
        found(syns, &Focus::default())
    };
    let silent = [(TIMEOUT, Some("10.0.0.2:80".to_owned()))];
    assert_eq!(told([1_500_000, 500_000]), silent);
    // What is on its way may be answered yet, and none waited for long.
    assert_eq!(told([1_500_000, 100_000]), []);
    assert_eq!(told([900_000, 500_000]), []);
}

#[test]
fn attempts_whose_syns_are_lost_like_other_segments_are_no_trouble_of_their_own() {
    let told = |lost: u32, syns: u64| {
        let info = |segments: u32, lost: u32| TcpInfo {
            snd_mss: 1448,
            data_segs_out: segments,
            total_retrans: lost,
            bytes_acked: u64::from(segments) * 1000,
            ..TcpInfo::default()
        };
        let before = made_up::sample(1_000_000, &info(0, 0));
        let after = made_up::sample(3_000_000, &info(200, lost));
        let silent = Notice {
            local: ([10, 0, 0, 1], 40_001).into(),
            ..packet(What::Syn, Direction::Sent, syns, 1_500_000)
        };
        let notices = Notices {
            all: vec![silent],
            ..Notices::default()
        };
        let found = made_up::found(&before, &after, &notices).into_iter();
        found.map(|found| found.kind).collect::<Vec<_>>()
    };
    assert_eq!(told(0, 2), [TIMEOUT]);
    assert_eq!(told(40, 2), ["packet-loss"]);
    // So many in a row are lost for another reason.
    assert_eq!(told(40, 30), [TIMEOUT, "packet-loss"]);
}
