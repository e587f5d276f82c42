//! Verdicts, and where none may be given.

use super::*;

const SECOND: u64 = 1_000_000_000;

fn held(state: SocketState) -> Held {
    Held {
        cookie: None,
        ends: Some(Ends {
            protocol: 6,
            local: "127.0.0.1:8080".parse().expect("an address"),
            peer: "10.0.0.9:50000".parse().expect("an address"),
        }),
        incoming: true,
        state,
        pid: Some(Pid(42)),
        process: b"server".to_vec(),
        made_by: Some(StackId(1)),
        told_by: None,
        likely_made_by: None,
        waited_by: Vec::new(),
        older: false,
        age_ns: Some(100 * SECOND),
        peer_done_ns: Some(90 * SECOND),
        idle_ns: Some(80 * SECOND),
        used: Some(true),
        recv_q: Some(0),
        by_exit: false,
    }
}

fn question(older_than_s: u64) -> Question {
    Question {
        older_than_ns: older_than_s * SECOND,
        idle: false,
    }
}

fn verdict(held: &Held) -> Option<Verdict> {
    judge(held, &question(30)).map(|(verdict, _)| verdict)
}

#[test]
fn the_receive_queue_tells_whether_the_program_was_told() {
    let mut socket = held(SocketState::CLOSE_WAIT);
    assert_eq!(verdict(&socket), Some(Verdict::ToldNotClosed));
    socket.recv_q = Some(1);
    assert_eq!(verdict(&socket), Some(Verdict::NeverReadAgain));
}

#[test]
fn what_the_peer_ended_just_now_is_nobody_s_fault_yet() {
    let mut socket = held(SocketState::CLOSE_WAIT);
    socket.peer_done_ns = Some(29 * SECOND);
    assert_eq!(verdict(&socket), None);
}

#[test]
fn a_connection_in_use_is_no_leak_and_an_idle_one_only_when_asked() {
    let socket = held(SocketState::ESTABLISHED);
    assert_eq!(verdict(&socket), None);
    let idle = Question {
        idle: true,
        ..question(30)
    };
    assert_eq!(
        judge(&socket, &idle),
        Some((Verdict::Idle, Some(80 * SECOND)))
    );
    let unused = Held {
        used: Some(false),
        ..socket
    };
    assert_eq!(verdict(&unused), Some(Verdict::NeverUsed));
}

#[test]
fn what_is_not_known_is_not_judged() {
    let mut socket = held(SocketState::ESTABLISHED);
    socket.used = None;
    assert_eq!(verdict(&socket), None);
    let mut socket = held(SocketState::CLOSE_WAIT);
    socket.recv_q = None;
    assert_eq!(verdict(&socket), None);
}

#[test]
fn groups_are_of_one_verdict_and_one_code_and_the_largest_comes_first() {
    let bad = held(SocketState::CLOSE_WAIT);
    let mut deaf = bad.clone();
    deaf.recv_q = Some(7);
    deaf.peer_done_ns = Some(40 * SECOND);
    let mut other = bad.clone();
    other.made_by = Some(StackId(2));
    let sockets = [deaf.clone(), bad.clone(), deaf.clone(), other, deaf];
    let groups = groups(&sockets, &question(30));
    let seen: Vec<_> = groups
        .iter()
        .map(|g| (g.verdict, g.made_by, g.count))
        .collect();
    assert_eq!(
        seen,
        [
            (Verdict::NeverReadAgain, Some(StackId(1)), 3),
            (Verdict::ToldNotClosed, Some(StackId(1)), 1),
            (Verdict::ToldNotClosed, Some(StackId(2)), 1),
        ]
    );
    let deaf = groups.first().expect("three groups");
    assert_eq!(
        deaf.unread_bytes,
        Some(3 * 6),
        "the end of the stream is no byte to read"
    );
    assert_eq!(deaf.oldest_ns, Some(40 * SECOND));
    assert_eq!(deaf.peers, [(String::from("10.0.0.9 to :8080"), 3)]);
}

#[test]
fn the_code_that_was_told_is_that_of_most() {
    let mut sockets = vec![held(SocketState::CLOSE_WAIT); 3];
    for (socket, code) in sockets.iter_mut().zip([7, 9, 9]) {
        socket.told_by = Some(StackId(code));
    }
    let groups = groups(&sockets, &question(30));
    assert_eq!(
        groups.first().and_then(|group| group.told_by),
        Some(StackId(9))
    );
}

#[test]
fn older_sockets_of_two_processes_are_two_groups() {
    let mut one = held(SocketState::CLOSE_WAIT);
    one.made_by = None;
    let mut two = one.clone();
    two.pid = Some(Pid(43));
    assert_eq!(groups(&[one, two], &question(30)).len(), 2);
}

#[test]
fn a_steady_rise_is_growth_and_breathing_is_none() {
    let rise: Vec<(f64, f64)> = (0..10)
        .map(|s| (f64::from(s), f64::from(20 + 2 * s)))
        .collect();
    let growth = growth(&rise, Some(100)).expect("it grows");
    assert!((growth.per_s - 2.0).abs() < 1e-9);
    assert_eq!(growth.full_in_s.map(f64::round), Some(50.0));
    let breath = [
        (0.0, 20.0),
        (1.0, 28.0),
        (2.0, 21.0),
        (3.0, 29.0),
        (4.0, 20.0),
        (5.0, 24.0),
    ];
    assert_eq!(super::growth(&breath, Some(100)), None);
    assert_eq!(super::growth(&rise[..3], Some(100)), None);
}

#[test]
fn an_older_socket_was_likely_made_by_what_makes_others_like_it() {
    let mut makers = Makers::default();
    let mut older = held(SocketState::CLOSE_WAIT);
    (older.older, older.made_by) = (true, None);
    let ends = |port: u16| Ends {
        protocol: 6,
        local: std::net::SocketAddr::from(([127, 0, 0, 1], 8080)),
        peer: std::net::SocketAddr::from(([10, 0, 0, 1], port)),
    };
    assert_eq!(makers.likely(&older), None);
    for (pid, port, incoming, maker) in [
        (42, 1, true, 7),
        (42, 2, true, 7),
        (42, 3, true, 8),
        // Another process, and connections that we made.
        (43, 4, true, 9),
        (42, 50_000, false, 9),
    ] {
        makers.note(Pid(pid), &ends(port), incoming, StackId(maker));
    }
    assert_eq!(makers.likely(&older), Some(StackId(7)));
    older.incoming = false;
    assert_eq!(makers.likely(&older), None, "nobody else went there");
    let mut other = older.clone();
    other.likely_made_by = Some(StackId(7));
    (older.waited_by, other.waited_by) = (vec![3, 1], vec![1]);
    let groups = groups(&[older.clone(), other, older], &question(30));
    let counts: Vec<(u64, Option<StackId>)> = groups
        .iter()
        .map(|group| (group.count, group.likely_made_by))
        .collect();
    assert_eq!(counts, [(2, None), (1, Some(StackId(7)))]);
    assert_eq!(groups[0].waited_by, [1, 3]);
}
