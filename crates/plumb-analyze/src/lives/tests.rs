//! Lives told from events, in the orders in which the kernel tells them.

use plumb_model::event::Task;

use super::*;

const CLOSE: SocketState = SocketState::CLOSE;
const SYN_SENT: SocketState = SocketState::SYN_SENT;
const ESTABLISHED: SocketState = SocketState::ESTABLISHED;

fn event(time_ns: u64, cookie: u64, what: What) -> Event {
    Event {
        time_ns,
        cookie: (cookie != 0).then_some(Cookie(cookie)),
        netns: Some(NetnsId(1)),
        ends: None,
        owner: Some(Pid(7)),
        task: None,
        stack: None,
        what,
    }
}

fn state(time_ns: u64, old: SocketState, new: SocketState, errno: i32) -> Event {
    let change = StateChange {
        old,
        new,
        errno,
        totals: None,
        by_exit: false,
        older: false,
        untouched: false,
    };
    event(time_ns, 5, What::State(change))
}

fn all(events: &[Event]) -> (Vec<Life>, Lives) {
    let mut lives = Lives::default();
    let ended = events.iter().flat_map(|event| lives.take(event)).collect();
    (ended, lives)
}

#[test]
fn a_connection_is_one_life_from_connect_to_close() {
    let mut begin = state(10, CLOSE, SYN_SENT, 0);
    begin.stack = Some(StackId(3));
    begin.task = Some(Task {
        pid: Pid(7),
        tid: 8,
        comm: b"curl".to_vec(),
    });
    let (ended, lives) = all(&[
        begin,
        state(20, SYN_SENT, ESTABLISHED, 0),
        event(
            21,
            5,
            What::ConnectReturned {
                result: 0,
                state: ESTABLISHED,
            },
        ),
        state(30, ESTABLISHED, SocketState::FIN_WAIT1, 0),
        state(40, SocketState::FIN_WAIT2, CLOSE, 0),
    ]);
    assert_eq!(lives.open().count(), 0);
    let [life] = ended.as_slice() else {
        panic!("one life, not {}", ended.len());
    };
    assert_eq!(life.origin, Origin::Connected);
    assert_eq!(
        (life.made_by, life.comm.as_slice()),
        (Some(StackId(3)), b"curl".as_slice())
    );
    assert_eq!(life.at.established, Some(20));
    assert_eq!((life.at.let_go, life.at.closed), (Some(30), Some(40)));
}

#[test]
fn an_attempt_that_ended_waits_for_what_connect_returns() {
    let failed = |result| {
        event(
            12,
            5,
            What::ConnectReturned {
                result,
                state: CLOSE,
            },
        )
    };
    let (ended, _) = all(&[state(10, CLOSE, SYN_SENT, 0), state(11, SYN_SENT, CLOSE, 0)]);
    assert!(
        ended.is_empty(),
        "what connect() returns was not waited for"
    );
    let (ended, _) = all(&[
        state(10, CLOSE, SYN_SENT, 0),
        state(11, SYN_SENT, CLOSE, 0),
        failed(-99),
    ]);
    assert_eq!(ended.first().and_then(|life| life.returned), Some(-99));
    // It never comes where connect() is not recorded, or was lost.
    let late = state(11 + RETURN_NS + 1, ESTABLISHED, SocketState::CLOSE_WAIT, 0);
    let late = Event {
        cookie: Some(Cookie(6)),
        ..late
    };
    let (ended, _) = all(&[
        state(10, CLOSE, SYN_SENT, 0),
        state(11, SYN_SENT, CLOSE, 0),
        late,
    ]);
    assert_eq!(ended.first().map(|life| life.returned), Some(None));
}

#[test]
fn a_socket_that_connects_again_begins_another_life() {
    let (ended, lives) = all(&[
        state(10, CLOSE, SYN_SENT, 0),
        state(11, SYN_SENT, CLOSE, 111),
        state(12, CLOSE, SYN_SENT, 0),
    ]);
    assert_eq!(ended.len(), 1);
    assert_eq!(ended.first().map(|life| life.errno), Some(111));
    assert_eq!(
        lives.open().map(|life| life.at.begun).collect::<Vec<_>>(),
        [12]
    );
}

#[test]
fn an_attempt_without_a_route_never_has_a_socket_and_is_told() {
    let (ended, _) = all(&[event(
        10,
        0,
        What::ConnectReturned {
            result: -101,
            state: CLOSE,
        },
    )]);
    assert_eq!(
        ended.first().map(|life| (life.cookie, life.returned)),
        Some((None, Some(-101)))
    );
}

#[test]
fn a_connection_that_came_in_is_its_accepter_s_from_then_on() {
    let mut accept = event(30, 5, What::Accepted { fd: 4 });
    accept.owner = Some(Pid(9));
    accept.stack = Some(StackId(1));
    let mut incoming = state(20, SocketState::SYN_RECV, ESTABLISHED, 0);
    incoming.owner = None;
    let (_, lives) = all(&[incoming.clone()]);
    assert_eq!(
        lives.get(Cookie(5)).map(|life| life.origin),
        Some(Origin::Incoming)
    );
    let (_, lives) = all(&[incoming, accept]);
    let life = lives.get(Cookie(5)).expect("it lives");
    assert_eq!((life.origin, life.owner), (Origin::Accepted, Some(Pid(9))));
    assert_eq!(
        (life.made_by, life.at.accepted),
        (Some(StackId(1)), Some(30))
    );
}

#[test]
fn the_end_of_a_process_does_not_close_what_was_closed_before() {
    let mut closed = state(40, SocketState::FIN_WAIT2, CLOSE, 0);
    if let What::State(change) = &mut closed.what {
        change.by_exit = true;
    }
    let (ended, _) = all(&[
        state(10, SYN_SENT, ESTABLISHED, 0),
        state(30, ESTABLISHED, SocketState::FIN_WAIT1, 0),
        closed,
    ]);
    assert_eq!(ended.first().map(|life| life.by_exit), Some(false));
}

#[test]
fn what_was_met_first_in_the_middle_is_older() {
    let (_, lives) = all(&[state(10, ESTABLISHED, SocketState::CLOSE_WAIT, 0)]);
    let life = lives.get(Cookie(5)).expect("it lives");
    assert_eq!((life.origin, life.at.peer_done), (Origin::Older, Some(10)));
    assert_eq!(life.made_by, None);
}

#[test]
fn faults_are_counted_by_their_kind() {
    let (_, lives) = all(&[
        state(10, CLOSE, SYN_SENT, 0),
        event(11, 5, What::Retransmitted { state: SYN_SENT }),
        event(12, 5, What::Retransmitted { state: SYN_SENT }),
        event(
            13,
            5,
            What::Dropped {
                reason: 8,
                of_socket: true,
                interface: None,
            },
        ),
        event(
            14,
            5,
            What::Dropped {
                reason: 8,
                of_socket: true,
                interface: None,
            },
        ),
        event(15, 5, What::ResetSent { reason: Some(2) }),
    ]);
    let faults = &lives.get(Cookie(5)).expect("it lives").faults;
    assert_eq!((faults.retransmits, faults.syn_retransmits), (2, 2));
    assert_eq!(faults.drops, [(8, 2)]);
    assert_eq!(faults.reset_sent, Some(Some(2)));
}

#[test]
fn an_attempt_that_ends_between_two_syns_is_told_once() {
    let returned = What::ConnectReturned {
        result: -104,
        state: CLOSE,
    };
    let (ended, _) = all(&[
        state(10, CLOSE, SYN_SENT, 0),
        state(20, SocketState::SYN_RECV, CLOSE, 104),
        event(21, 5, returned),
    ]);
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert_eq!((ended[0].errno, ended[0].returned), (104, Some(-104)));
}
