//! Queues of a UNIX listener in two samples, and what its clients tell of the time between.

use plumb_model::Known;
use plumb_model::diag::tcp_info::TcpInfo;
use plumb_model::id::{Inode, Pid};
use plumb_model::notice::Notices;
use plumb_model::sample::Sample;
use plumb_model::snapshot::{End, Kind};
use plumb_model::socket::SocketState;

use super::*;
use crate::diagnose::{Focus, diagnose};
use crate::made_up;

const NAME: &[u8] = b"/run/web";

/// A listener at which so many wait and so many may.
fn sample((waiting, limit): (u64, u64)) -> Sample {
    let mut sample = made_up::sample(0, &TcpInfo::default());
    let socket = &mut sample.snapshot.sockets[0];
    socket.kind = Kind::UnixStream;
    socket.state = SocketState::LISTEN;
    socket.tcp = None;
    socket.recv_q = Known::Known(waiting);
    socket.send_q = Known::Known(limit);
    let end = |name: Option<&[u8]>| End::Unix {
        name: name.map(<[u8]>::to_vec),
        inode: Inode(7),
    };
    // As it is given to bind().
    socket.local = end(Some(b"/run/web\0"));
    socket.peer = end(None);
    sample
}

fn client(refused: u64, waited_us: Option<u64>) -> UnixClient {
    UnixClient {
        pid: Pid(9),
        comm: b"client".to_vec(),
        listener: NAME.to_vec(),
        refused,
        waited_us,
    }
}

/// Gives how bad it is.
fn found(
    before: (u64, u64),
    after: (u64, u64),
    client: Option<UnixClient>,
    focus: &Focus,
) -> Option<Severity> {
    let notices = Notices {
        unix_clients: client.into_iter().collect(),
        ..Notices::default()
    };
    let (before, after) = (sample(before), sample(after));
    let found = diagnose(&Case {
        notices: &notices,
        focus,
        ..made_up::between(&before, &after)
    });
    let all: Vec<&Finding> = found.iter().filter(|found| found.kind == ID).collect();
    assert!(all.len() <= 1, "{all:?}");
    all.first().map(|found| found.severity)
}

#[test]
fn one_more_than_may_wait_is_full_also_where_none_may() {
    let host = |before, after| found(before, after, None, &Focus::default());
    assert_eq!(host((2, 1), (2, 1)), Some(Severity::Critical));
    assert_eq!(host((0, 1), (2, 1)), None);
    // With room for one it is full whenever somebody comes, who may be another each time.
    assert_eq!(host((1, 0), (1, 0)), None);
    assert_eq!(host((3, 2), (3, 2)), Some(Severity::Critical));
    assert_eq!(host((2, 2), (2, 2)), None);
}

#[test]
fn a_queue_that_filled_up_meanwhile_is_full_for_who_waits_long() {
    let host = |waited_us| {
        found(
            (0, 0),
            (1, 0),
            Some(client(0, waited_us)),
            &Focus::default(),
        )
    };
    assert_eq!(host(Some(1_500_000)), Some(Severity::Critical));
    assert_eq!(host(Some(20_000)), None);
}

#[test]
fn who_is_sent_away_several_times_or_asked_about_is_told_though_the_queue_has_room_again() {
    let asked = |pids: &[u32]| Focus {
        pids: pids.to_vec(),
        ..Focus::default()
    };
    let by = |refused, focus: &Focus| found((0, 0), (0, 0), Some(client(refused, None)), focus);
    assert_eq!(by(5, &asked(&[])), Some(Severity::Critical));
    assert_eq!(by(1, &asked(&[])), None);
    // The listener is told of its client, although another process has it.
    assert_eq!(by(1, &asked(&[9])), Some(Severity::Warning));
    let port = Focus {
        port: Some(80),
        ..Focus::default()
    };
    assert_eq!(by(5, &port), None);
}

#[test]
fn a_queue_that_is_full_of_others_each_time_is_emptied_between() {
    let full_of = |cookie: u64| {
        let mut sample = sample((1, 0));
        let mut client = sample.snapshot.sockets[0].clone();
        client.state = SocketState::ESTABLISHED;
        client.cookie = Known::Known(plumb_model::id::Cookie(cookie));
        let end = |inode| End::Unix {
            name: None,
            inode: Inode(inode),
        };
        (client.local, client.peer) = (end(cookie), end(0));
        sample.snapshot.sockets.push(client);
        sample
    };
    let is_told = |before, after| {
        let (before, after) = (full_of(before), full_of(after));
        let found = check(&made_up::between(&before, &after));
        !found.is_empty()
    };
    assert!(is_told(40, 40));
    assert!(!is_told(40, 41));
    // He was let in while the second sample was taken, and was not seen there.
    let (before, mut after) = (full_of(40), full_of(41));
    after.snapshot.sockets.pop();
    assert!(check(&made_up::between(&before, &after)).is_empty());
}
