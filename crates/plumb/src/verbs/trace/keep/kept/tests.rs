//! Sockets that are there, that ended, that were there before.

use plumb_model::creation::How;
use plumb_model::event::Task;
use plumb_model::id::Pid;

use super::*;

const NETNS: NetnsId = NetnsId(7);
const SECOND: u64 = 1_000_000_000;
const HOST: Extent = Extent {
    host: true,
    stateless: true,
};

fn ends(port: u16) -> Ends {
    let local: [u8; 4] = [127, 0, 0, 1];
    Ends {
        protocol: IPPROTO_TCP,
        local: SocketAddr::from((local, port)),
        peer: SocketAddr::from((local, 80)),
    }
}

fn event(time_ns: u64, cookie: u64, what: What) -> Event {
    let port = u16::try_from(cookie).expect("cookies of tests are small");
    Event {
        time_ns,
        cookie: Some(Cookie(cookie)),
        netns: Some(NETNS),
        ends: Some(ends(port)),
        owner: Some(Pid(42)),
        task: Some(Task {
            pid: Pid(42),
            tid: 43,
            comm: b"leak".to_vec(),
        }),
        stack: Some(StackId(cookie + 100)),
        what,
    }
}

fn state(time_ns: u64, cookie: u64, old: SocketState, new: SocketState) -> Event {
    let change = StateChange {
        old,
        new,
        errno: 0,
        totals: None,
        by_exit: false,
        older: false,
        untouched: false,
    };
    event(time_ns, cookie, What::State(change))
}

fn connected(kept: &mut Kept, time_ns: u64, cookie: u64) {
    kept.take(&state(
        time_ns,
        cookie,
        SocketState::CLOSE,
        SocketState::SYN_SENT,
    ));
    kept.take(&state(
        time_ns,
        cookie,
        SocketState::SYN_SENT,
        SocketState::ESTABLISHED,
    ));
}

fn key(cookie: u64, port: u16) -> Key {
    Key {
        cookie: Cookie(cookie),
        netns: NETNS,
        ends: ends(port),
    }
}

fn made(kept: &Kept, key: &Key) -> Result<(How, Option<StackId>), Absence> {
    let answer = kept.answer(key).made;
    answer.map(|creation| (creation.how, creation.code))
}

#[test]
fn a_socket_is_known_by_its_cookie_in_its_namespace() {
    let mut kept = Kept::new(HashSet::new(), HOST);
    connected(&mut kept, SECOND, 1);
    let answer = kept.answer(&key(1, 1));
    let creation = answer.made.expect("it was made before our eyes");
    assert_eq!((creation.pid, creation.tid), (Some(Pid(42)), Some(43)));
    assert_eq!(creation.comm, b"leak");
    assert_eq!(creation.code, Some(StackId(101)));
    let elsewhere = Key {
        netns: NetnsId(8),
        ..key(1, 1)
    };
    assert_eq!(made(&kept, &elsewhere), Err(Absence::Older));
}

/// What the kernel keeps of it has a cookie of its own.
#[test]
fn a_connection_in_time_wait_is_known_by_its_ends_until_that_is_over() {
    let mut kept = Kept::new(HashSet::new(), HOST);
    connected(&mut kept, SECOND, 1);
    kept.take(&state(
        2 * SECOND,
        1,
        SocketState::FIN_WAIT2,
        SocketState::CLOSE,
    ));
    assert_eq!(
        made(&kept, &key(999, 1)),
        Ok((How::Connect, Some(StackId(101))))
    );
    assert!(kept.stacks().contains(&StackId(101)));
    connected(&mut kept, 200 * SECOND, 2);
    assert_eq!(made(&kept, &key(999, 1)), Err(Absence::Older));
    assert!(!kept.stacks().contains(&StackId(101)));
}

/// The same ends again, while the first still waits for its end: the second is not taken away with it.
#[test]
fn ends_that_are_used_again_stay_as_long_as_the_second_time_needs() {
    let mut kept = Kept::new(HashSet::new(), HOST);
    for start in [1, 100] {
        connected(&mut kept, start * SECOND, 1);
        let end = (start + 1) * SECOND;
        kept.take(&state(end, 1, SocketState::FIN_WAIT2, SocketState::CLOSE));
    }
    connected(&mut kept, 130 * SECOND, 2);
    assert!(made(&kept, &key(999, 1)).is_ok());
}

#[test]
fn who_closes_second_leaves_nothing() {
    let mut kept = Kept::new(HashSet::new(), HOST);
    connected(&mut kept, SECOND, 1);
    kept.take(&state(
        2 * SECOND,
        1,
        SocketState::LAST_ACK,
        SocketState::CLOSE,
    ));
    assert_eq!(made(&kept, &key(1, 1)), Err(Absence::Older));
    assert!(kept.stacks().is_empty());
}

#[test]
fn what_is_not_known_says_why() {
    let mut kept = Kept::new(
        HashSet::from([Cookie(5)]),
        Extent {
            host: false,
            ..HOST
        },
    );
    assert_eq!(made(&kept, &key(5, 5)), Err(Absence::Older));
    assert_eq!(made(&kept, &key(6, 6)), Err(Absence::NotFollowed));
    let mut udp = key(6, 6);
    udp.ends.protocol = 17;
    assert_eq!(made(&kept, &udp), Err(Absence::NotFollowed));
    kept.extent.stateless = false;
    assert_eq!(made(&kept, &udp), Err(Absence::NotRecorded));
    kept.extent.host = true;
    assert_eq!(made(&kept, &key(6, 6)), Err(Absence::Older));
    kept.note_losses(1);
    assert_eq!(made(&kept, &key(6, 6)), Err(Absence::Lost));
    kept.take(&state(
        SECOND,
        7,
        SocketState::SYN_RECV,
        SocketState::ESTABLISHED,
    ));
    assert_eq!(made(&kept, &key(7, 7)), Err(Absence::NotAccepted));
    kept.take(&event(SECOND, 7, What::Accepted { fd: 3 }));
    assert_eq!(
        made(&kept, &key(7, 7)),
        Ok((How::Accept, Some(StackId(107))))
    );
}

/// Told of the end, although nobody saw it begin.
#[test]
fn the_code_that_was_told_of_the_end_is_known_of_older_sockets_too() {
    let mut kept = Kept::new(HashSet::from([Cookie(5)]), HOST);
    let totals = plumb_model::event::Totals::default();
    kept.take(&event(SECOND, 5, What::EndOfFile(totals)));
    let answer = kept.answer(&key(5, 5));
    assert_eq!(answer.made, Err(Absence::Older));
    assert_eq!(answer.told.and_then(|told| told.code), Some(StackId(105)));
}

#[test]
fn sockets_whose_end_was_lost_go_when_they_are_not_there() {
    let mut kept = Kept::new(HashSet::from([Cookie(5)]), HOST);
    connected(&mut kept, SECOND, 1);
    connected(&mut kept, SECOND, 2);
    kept.keep_only(&HashSet::from([Cookie(2)]));
    assert_eq!(kept.count(), 1);
    assert!(made(&kept, &key(2, 2)).is_ok());
    assert!(kept.older.is_empty());
}

/// Kernels before 5.12: the recorder is told an address, who lists it a cookie, and so is the recorder later.
#[test]
fn a_socket_without_a_name_is_known_by_its_ends_until_it_ends() {
    let mut kept = Kept::new(HashSet::new(), HOST);
    let unnamed = |event: Event| Event {
        cookie: event.cookie.map(|cookie| Cookie(cookie.0 | 1 << 63)),
        ..event
    };
    let (syn, open) = (SocketState::SYN_SENT, SocketState::ESTABLISHED);
    kept.take(&unnamed(state(SECOND, 1, SocketState::CLOSE, syn)));
    kept.take(&unnamed(state(SECOND, 1, syn, open)));
    let connected = Ok((How::Connect, Some(StackId(101))));
    assert_eq!(made(&kept, &key(999, 1)), connected);
    let totals = plumb_model::event::Totals::default();
    let told = event(SECOND, 1, What::EndOfFile(totals));
    kept.take(&Event {
        cookie: Some(Cookie(999)),
        ..told
    });
    assert!(kept.answer(&key(999, 1)).told.is_some());
    kept.keep_only(&HashSet::new());
    assert_eq!((kept.count(), made(&kept, &key(999, 1))), (1, connected));
    let end = state(SECOND, 1, SocketState::LAST_ACK, SocketState::CLOSE);
    kept.take(&Event {
        cookie: Some(Cookie(999)),
        ..end
    });
    assert_eq!(kept.count(), 0);
    assert_eq!(made(&kept, &key(999, 1)), Err(Absence::Older));
}

/// A wrong function is worse than none.
#[test]
fn listeners_without_a_name_that_share_a_port_are_not_told_apart() {
    let mut kept = Kept::new(HashSet::new(), HOST);
    let listens = |id: u64| Event {
        cookie: Some(Cookie(id | 1 << 63)),
        ..state(SECOND, 1, SocketState::CLOSE, SocketState::LISTEN)
    };
    kept.take(&listens(1));
    assert!(made(&kept, &key(999, 1)).is_ok());
    kept.take(&listens(2));
    assert_eq!(made(&kept, &key(999, 1)), Err(Absence::NoCookie));
}

fn udp(cookie: u64) -> Key {
    let mut key = key(cookie, 1);
    key.ends.protocol = 17;
    key
}

fn datagrams(time_ns: u64, cookie: u64, what: What) -> Event {
    let ends = Some(udp(cookie).ends);
    let event = event(time_ns, cookie, what);
    Event { ends, ..event }
}

#[test]
fn a_socket_of_udp_has_the_code_that_made_it_and_that_bound_it_until_it_is_closed() {
    let mut kept = Kept::new(HashSet::from([Cookie(5)]), HOST);
    let protocol = 17;
    kept.take(&datagrams(SECOND, 1, What::Made { protocol }));
    let chosen = false;
    let mut bound = datagrams(2 * SECOND, 1, What::Bound { protocol, chosen });
    bound.stack = Some(StackId(9));
    kept.take(&bound);
    let answer = kept.answer(&udp(1));
    let creation = answer.made.expect("it was made before our eyes");
    assert_eq!(
        (creation.how, creation.code, creation.pid),
        (How::Socket, Some(StackId(101)), Some(Pid(42)))
    );
    assert_eq!(answer.bound.and_then(|bound| bound.code), Some(StackId(9)));
    assert_eq!(
        kept.stacks(),
        HashSet::from([StackId(9), StackId(101)]),
        "both are kept"
    );
    // Older ones have a maker that nobody saw; who binds them is known.
    kept.take(&datagrams(SECOND, 5, What::Bound { protocol, chosen }));
    let older = kept.answer(&udp(5));
    assert_eq!(
        (older.made, older.bound.is_some()),
        (Err(Absence::Older), true)
    );
    assert_eq!(made(&kept, &udp(6)), Err(Absence::Older));
    let by_exit = false;
    kept.take(&datagrams(
        3 * SECOND,
        1,
        What::Closed { protocol, by_exit },
    ));
    assert_eq!(
        (kept.count(), made(&kept, &udp(1))),
        (1, Err(Absence::Older))
    );
    kept.keep_only(&HashSet::new());
    assert_eq!(kept.count(), 0, "its end was lost");
}

/// A connection has had the same ends, and an answer about UDP is none about TCP.
#[test]
fn a_socket_of_udp_is_not_taken_for_a_connection_with_its_ends() {
    let mut kept = Kept::new(HashSet::new(), HOST);
    connected(&mut kept, SECOND, 1);
    let (old, new) = (SocketState::FIN_WAIT2, SocketState::CLOSE);
    kept.take(&state(2 * SECOND, 1, old, new));
    assert!(made(&kept, &key(999, 1)).is_ok());
    assert_eq!(made(&kept, &udp(999)), Err(Absence::Older));
}
