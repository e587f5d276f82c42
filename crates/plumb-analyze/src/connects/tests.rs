//! Every outcome, with the evidence it needs and without.

use plumb_model::event::{Event, What};
use plumb_model::socket::SocketState;

use super::*;
use crate::lives::Faults;

fn life() -> Life {
    let event = Event {
        time_ns: 1_000,
        cookie: None,
        netns: None,
        ends: None,
        owner: None,
        task: None,
        stack: None,
        what: What::ConnectReturned {
            result: 0,
            state: SocketState::CLOSE,
        },
    };
    Life::new(&event, Origin::Connected)
}

fn names(reason: u32) -> Option<String> {
    (reason == 8).then(|| String::from("NETFILTER_DROP"))
}

fn judged(change: impl FnOnce(&mut Life)) -> Attempt {
    let mut life = life();
    change(&mut life);
    judge(&life, &names).expect("it is an attempt")
}

/// An attempt that ended with this error left at the socket.
fn died(errno: i32, faults: Faults) -> Outcome {
    judged(|life| {
        life.at.closed = Some(5_000);
        life.errno = errno;
        life.faults = faults;
    })
    .outcome
}

/// An attempt that connect() refused itself.
fn returned(errno: i32) -> Outcome {
    judged(|life| {
        life.at.closed = Some(1_500);
        life.returned = Some(-errno);
    })
    .outcome
}

#[test]
fn a_reset_of_the_host_is_told_from_a_refusal_on_the_way() {
    let reset = Faults {
        reset_received: true,
        ..Faults::default()
    };
    assert_eq!(died(111, reset), Outcome::Refused);
    assert_eq!(died(111, Faults::default()), Outcome::Firewall);
}

#[test]
fn silence_is_a_timeout_unless_our_own_rules_dropped_the_packets() {
    let dropped = |reason| Faults {
        drops: vec![(reason, 3)],
        ..Faults::default()
    };
    assert_eq!(died(110, Faults::default()), Outcome::TimedOut);
    assert_eq!(died(110, dropped(9)), Outcome::TimedOut);
    assert_eq!(died(110, dropped(8)), Outcome::Firewall);
}

#[test]
fn errors_of_connect_itself_have_their_causes() {
    assert_eq!(returned(101), Outcome::NoRoute);
    assert_eq!(returned(113), Outcome::Unreachable);
    assert_eq!(returned(99), Outcome::NoPort);
    assert_eq!(returned(1), Outcome::Firewall);
    assert_eq!(returned(97), Outcome::Other);
}

#[test]
fn who_gives_up_before_the_answer_is_told_from_who_still_waits() {
    let in_progress = |closed: Option<u64>| {
        judged(|life| {
            life.returned = Some(-115);
            life.at.closed = closed;
        })
    };
    assert_eq!(in_progress(None).outcome, Outcome::Pending);
    assert_eq!(in_progress(None).latency_ns, None);
    assert_eq!(in_progress(Some(9_000)).outcome, Outcome::GivenUp);
    assert_eq!(in_progress(Some(9_000)).errno, 0);
}

#[test]
fn a_connection_that_broke_later_was_a_connection() {
    let attempt = judged(|life| {
        life.at.established = Some(3_000);
        life.at.closed = Some(9_000);
        life.errno = 104;
    });
    assert_eq!((attempt.outcome, attempt.errno), (Outcome::Connected, 0));
    assert_eq!(attempt.latency_ns, Some(2_000));
}

/// A connection that a reset of the peer ended.
fn reset_behind_the_handshake(change: impl FnOnce(&mut Life)) -> Outcome {
    let attempt = judged(|life| {
        life.at.established = Some(3_000);
        life.at.closed = Some(9_000);
        life.errno = 104;
        life.faults.reset_received = true;
        life.untouched = true;
        change(life);
    });
    attempt.outcome
}

#[test]
fn a_handshake_that_a_reset_ends_before_any_byte_is_no_connection() {
    assert_eq!(reset_behind_the_handshake(|_| ()), Outcome::Reset);
    let heard = reset_behind_the_handshake(|life| life.untouched = false);
    assert_eq!(heard, Outcome::Connected, "bytes had arrived");
    let let_go = reset_behind_the_handshake(|life| life.at.let_go = Some(5_000));
    assert_eq!(let_go, Outcome::Connected, "we were done with it");
    let done = reset_behind_the_handshake(|life| life.at.peer_done = Some(5_000));
    assert_eq!(
        done,
        Outcome::Connected,
        "the peer had taken it, and closed it"
    );
    let ours = reset_behind_the_handshake(|life| life.faults.reset_received = false);
    assert_eq!(ours, Outcome::Connected, "the reset was ours");
}

#[test]
fn a_reset_in_the_handshake_is_one() {
    let reset = Faults {
        reset_received: true,
        ..Faults::default()
    };
    assert_eq!(died(104, reset), Outcome::Reset);
}

#[test]
fn only_lives_that_connected_are_attempts() {
    let mut accepted = life();
    accepted.origin = Origin::Accepted;
    assert_eq!(judge(&accepted, &names), None);
}

#[test]
fn paths_with_failures_come_first() {
    let mut paths = Paths::default();
    for _ in 0..3 {
        paths.count(Some(StackId(1)), Outcome::Connected);
    }
    paths.count(Some(StackId(2)), Outcome::Refused);
    paths.count(None, Outcome::Pending);
    let paths = paths.finish();
    let codes: Vec<_> = paths.iter().map(|path| path.code).collect();
    assert_eq!(codes, [Some(StackId(2)), Some(StackId(1)), None]);
    assert_eq!(
        paths.first().map(|path| (path.attempts, path.failed)),
        Some((1, 1))
    );
}
