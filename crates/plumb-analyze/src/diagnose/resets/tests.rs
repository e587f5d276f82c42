//! Resets, by what is noticed and what the kernel counts.
use plumb_model::notice::Notices;
use plumb_model::sample::Sample;
use plumb_model::snapshot::End as SocketEnd;

use super::*;

use crate::made_up;

/// Gives what is found where four connections were reset both ways, so long before the end of the watch.
fn found(by_us_ms: u64, by_peer_ms: u64) -> Vec<&'static str> {
    let found = found_by("TCPAbortOnClose", by_us_ms, by_peer_ms).into_iter();
    found.map(|(kind, _)| kind).collect()
}

/// The same, with how bad it is, by what the kernel counts of ours.
fn found_by(cause: &str, by_us_ms: u64, by_peer_ms: u64) -> Vec<(&'static str, Severity)> {
    let sample = |value| {
        let mut sample = Sample::default();
        for (group, name) in [("TcpExt", cause), ("Tcp", "EstabResets")] {
            made_up::count(&mut sample, group, name, value);
        }
        sample
    };
    let (before, after) = (sample(0), sample(4));
    let reset = |place: u16, direction, ms: u64| Notice {
        what: What::Reset,
        direction,
        protocol: 6,
        local: ([10, 0, 0, 1], 40_000 + place).into(),
        peer: ([10, 0, 0, 2], 80).into(),
        interface: 2,
        count: 1,
        age_us: ms * 1000 + u64::from(place),
        last_age_us: ms * 1000,
    };
    let both = |place| {
        let ways = [
            (Direction::Sent, by_us_ms),
            (Direction::Received, by_peer_ms),
        ];
        ways.map(|(direction, ms)| reset(place, direction, ms))
    };
    let notices = Notices {
        all: (0..4).flat_map(both).collect(),
        ..Notices::default()
    };
    let found = made_up::found(&before, &after, &notices).into_iter();
    found.map(|found| (found.kind, found.severity)).collect()
}

#[test]
fn a_client_may_leave_with_a_reset_and_may_not_leave_what_came_unread() {
    assert_eq!(
        found_by("TCPAbortOnData", 900, 500),
        [(BY_US, Severity::Info)]
    );
    assert_eq!(
        found_by("TCPAbortOnClose", 900, 500),
        [(BY_US, Severity::Warning)]
    );
}

#[test]
fn who_reset_a_connection_first_did_it() {
    assert_eq!(found(500, 900), [BY_PEER]);
    assert_eq!(found(900, 500), [BY_US]);
}

/// What is told of connections to 10.0.0.2:80 that have gone, where the wire is not watched.
fn gone(
    connections: u16,
    others: u16,
    counted: &[(&str, &str, u64)],
) -> Vec<(&'static str, Severity, Confidence)> {
    let sample = |at_us, value: fn(u64) -> u64, connections, others| {
        let mut sample = made_up::sample(at_us, &plumb_model::diag::tcp_info::TcpInfo::default());
        let one = sample.snapshot.sockets.remove(0);
        for place in 0..connections + others {
            let mut socket = one.clone();
            let host = if place < connections { 2 } else { 3 };
            socket.local = SocketEnd::Inet(([10, 0, 0, 1], 40_000 + place).into());
            socket.peer = SocketEnd::Inet(([10, 0, 0, host], 80).into());
            sample.snapshot.sockets.push(socket);
        }
        for (group, name, by) in counted {
            made_up::count(&mut sample, group, name, value(*by));
        }
        sample
    };
    let before = sample(1_000_000, |_| 0, connections, others);
    let after = sample(3_000_000, |by| by, 0, 0);
    let notices = Notices {
        is_blind: true,
        ..Notices::default()
    };
    let found = made_up::found(&before, &after, &notices).into_iter();
    found
        .map(|found| (found.kind, found.severity, found.confidence))
        .collect()
}

#[test]
fn resets_are_told_without_the_right_to_watch_the_wire() {
    let ended = |by| ("Tcp", "EstabResets", by);
    let likely = (BY_PEER, Severity::Warning, Confidence::Likely);
    assert_eq!(gone(6, 0, &[ended(6)]), [likely]);
    // Nothing was reset: the peers have closed.
    assert_eq!(gone(6, 0, &[ended(0)]), []);
    // Many more have gone than were reset, to others as well.
    assert_eq!(gone(20, 19, &[ended(4)]), []);
    // Some of many are no trouble.
    assert_eq!(gone(6, 0, &[ended(6), ("Tcp", "ActiveOpens", 1000)]), []);
}

#[test]
fn our_own_resets_are_not_taken_for_those_of_peers_without_the_right_to_watch_the_wire() {
    let counted = |name| {
        [
            ("Tcp", "EstabResets", 6),
            ("Tcp", "OutRsts", 6),
            ("TcpExt", name, 6),
        ]
    };
    let told = |severity| [(BY_US, severity, Confidence::Likely)];
    assert_eq!(
        gone(6, 0, &counted("TCPAbortOnClose")),
        told(Severity::Warning)
    );
    assert_eq!(gone(6, 0, &counted("TCPAbortOnData")), told(Severity::Info));
    // Who gives up after retransmissions sends none, or one that says so.
    let given_up = [
        ("Tcp", "EstabResets", 6),
        ("TcpExt", "TCPAbortOnTimeout", 6),
    ];
    assert_eq!(gone(6, 0, &given_up), []);
}

#[test]
fn peers_that_leave_before_a_byte_was_sent_are_info_and_others_are_not() {
    let told = |used: u16, unused: u16| {
        let sample = |value| {
            let mut sample = Sample::default();
            made_up::count(&mut sample, "Tcp", "EstabResets", value);
            sample.snapshot.sockets.push(listener());
            sample
        };
        let (before, after) = (sample(0), sample(4));
        let reset = |place: u16| Notice {
            what: if place < used {
                What::Reset
            } else {
                What::ResetUnused
            },
            direction: Direction::Received,
            protocol: 6,
            local: ([10, 0, 0, 1], 80).into(),
            peer: ([10, 0, 0, 2], 40_000 + place).into(),
            interface: 2,
            count: 1,
            age_us: 10_000,
            last_age_us: 10_000,
        };
        let notices = Notices {
            all: (0..used + unused).map(reset).collect(),
            ..Notices::default()
        };
        let case = Case {
            notices: &notices,
            ..made_up::between(&before, &after)
        };
        let found = check_by_peer(&case).into_iter();
        found.map(|found| found.severity).collect::<Vec<_>>()
    };
    assert_eq!(told(0, 5), [Severity::Info]);
    assert_eq!(told(2, 5), [Severity::Info]);
    assert_eq!(told(5, 0), [Severity::Warning]);
    assert_eq!(told(5, 5), [Severity::Warning]);
}

fn listener() -> plumb_model::snapshot::Socket {
    plumb_model::snapshot::Socket {
        state: SocketState::LISTEN,
        local: SocketEnd::Inet(([10, 0, 0, 1], 80).into()),
        peer: SocketEnd::Inet(([0, 0, 0, 0], 0).into()),
        tcp: None,
        ..made_up::connection(&plumb_model::diag::tcp_info::TcpInfo::default())
    }
}

#[test]
fn connections_without_room_for_time_wait_are_not_told_as_resets() {
    let counted = |overflow| {
        let sample = |by: u64| {
            let mut sample = Sample::default();
            sample.snapshot.sockets.push(listener());
            for (group, name, by) in [
                ("Tcp", "OutRsts", by),
                ("TcpExt", "TCPTimeWaitOverflow", by * overflow),
            ] {
                made_up::count(&mut sample, group, name, by);
            }
            sample
        };
        let (before, after) = (sample(0), sample(4));
        let packet = |what, place: u16| Notice {
            what,
            direction: if what == What::Syn {
                Direction::Received
            } else {
                Direction::Sent
            },
            protocol: 6,
            local: ([10, 0, 0, 1], 80).into(),
            peer: ([10, 0, 0, 2], 40_000 + place).into(),
            interface: 2,
            count: 1,
            age_us: 10_000,
            last_age_us: 10_000,
        };
        let both = |place| [What::Syn, What::Reset].map(|what| packet(what, place));
        let notices = Notices {
            all: (0..4).flat_map(both).collect(),
            ..Notices::default()
        };
        let case = Case {
            notices: &notices,
            ..made_up::between(&before, &after)
        };
        check_by_us(&case).len()
    };
    assert_eq!(counted(0), 1);
    assert_eq!(counted(1), 0);
}

#[test]
fn of_two_ends_within_this_host_the_client_may_have_left_without_the_right_to_watch_the_wire() {
    let judged = |name: &'static str| {
        let sample = |at_us, value, pairs: u16| {
            let mut sample =
                made_up::sample(at_us, &plumb_model::diag::tcp_info::TcpInfo::default());
            let one = sample.snapshot.sockets.remove(0);
            sample.snapshot.sockets.push(listener());
            for place in 0..pairs {
                let ends =
                    [80, 40_000 + place].map(|port| SocketEnd::Inet(([10, 0, 0, 1], port).into()));
                for (local, peer) in [(0, 1), (1, 0)] {
                    let mut socket = one.clone();
                    (socket.local, socket.peer) = (ends[local].clone(), ends[peer].clone());
                    sample.snapshot.sockets.push(socket);
                }
            }
            for (group, name) in [("Tcp", "OutRsts"), ("Tcp", "EstabResets"), ("TcpExt", name)] {
                made_up::count(&mut sample, group, name, value);
            }
            sample
        };
        let (before, after) = (sample(1_000_000, 0, 5), sample(3_000_000, 5, 0));
        let notices = Notices {
            is_blind: true,
            ..Notices::default()
        };
        let case = Case {
            notices: &notices,
            ..made_up::between(&before, &after)
        };
        let found = check_by_us(&case).into_iter();
        found.map(|found| found.severity).collect::<Vec<_>>()
    };
    assert_eq!(judged("TCPAbortOnData"), [Severity::Info]);
    assert_eq!(judged("TCPAbortOnClose"), [Severity::Warning]);
}

#[test]
fn what_comes_behind_the_end_of_a_connection_within_this_host_is_told_where_it_harmed_somebody() {
    let told = |client: [u8; 4], ended| {
        let sample = |by: u64| {
            let mut sample = Sample::default();
            sample.snapshot.sockets.push(listener());
            made_up::count(&mut sample, "Tcp", "OutRsts", by);
            made_up::count(&mut sample, "Tcp", "EstabResets", by * ended);
            sample
        };
        let (before, after) = (sample(0), sample(4));
        let packet = |what, direction, place: u16| Notice {
            what,
            direction,
            protocol: 6,
            local: ([10, 0, 0, 1], 80).into(),
            peer: (client, 40_000 + place).into(),
            interface: 2,
            count: 1,
            age_us: 10_000,
            last_age_us: 10_000,
        };
        let both = |place| {
            [
                packet(What::Syn, Direction::Received, place),
                packet(What::Reset, Direction::Sent, place),
            ]
        };
        let notices = Notices {
            all: (0..4).flat_map(both).collect(),
            ..Notices::default()
        };
        let case = Case {
            notices: &notices,
            ..made_up::between(&before, &after)
        };
        check_by_us(&case).len()
    };
    assert_eq!(told([10, 0, 0, 1], 1), 1);
    assert_eq!(told([10, 0, 0, 1], 0), 0);
    // What it did to others is not known.
    assert_eq!(told([10, 0, 0, 2], 0), 1);
}
