//! The time of a connection, split where the program and the kernel did something.

use plumb_model::event::{Ends, StateChange};
use plumb_model::socket::SocketState;

use super::*;

const SERVER: &str = "10.0.0.1:443";
const DNS: &str = "10.0.0.53:53";

fn event(time_ns: u64, cookie: u64, peer: &str, what: What) -> Event {
    Event {
        time_ns,
        cookie: Some(Cookie(cookie)),
        netns: None,
        ends: Some(Ends {
            protocol: 6,
            local: "10.0.0.2:40000".parse().expect("an address"),
            peer: peer.parse().expect("an address"),
        }),
        owner: Some(Pid(7)),
        task: None,
        stack: None,
        what,
    }
}

fn state(time_ns: u64, old: SocketState, new: SocketState) -> Event {
    let change = StateChange {
        old,
        new,
        errno: 0,
        totals: None,
        by_exit: false,
        older: false,
        untouched: false,
    };
    event(time_ns, 1, SERVER, What::State(change))
}

fn call(start: u64, end: u64, cookie: u64, peer: &str, receives: bool, payload: &[u8]) -> Event {
    let call = Call {
        number: 0,
        end_ns: Some(end),
        state: None,
        args: [0; 6],
        result: i64::try_from(payload.len()).expect("it is short"),
        interface: None,
        receives,
        address: Vec::new(),
        payload: payload.to_vec(),
    };
    event(start, cookie, peer, What::Call(Box::new(call)))
}

fn told(events: &[Event]) -> Vec<Connection> {
    let mut waterfalls = Waterfalls::default();
    for event in events {
        waterfalls.take(event);
    }
    waterfalls.finish()
}

#[test]
fn each_phase_begins_where_something_happened() {
    let connections = told(&[
        call(10, 11, 9, DNS, false, b"question"),
        call(12, 30, 9, DNS, true, b"answer"),
        state(40, SocketState::CLOSE, SocketState::SYN_SENT),
        state(60, SocketState::SYN_SENT, SocketState::ESTABLISHED),
        call(65, 66, 1, SERVER, false, &[22, 3, 1, 0, 9, 1]),
        call(67, 90, 1, SERVER, true, b"x"),
        call(91, 95, 1, SERVER, true, b"y"),
        state(99, SocketState::LAST_ACK, SocketState::CLOSE),
    ]);
    let [connection] = connections.as_slice() else {
        panic!("one connection, not {}", connections.len());
    };
    assert_eq!(connection.moments.tls_hello, Some(65));
    assert_eq!((connection.start(), connection.end()), (10, 99));
    let phases: Vec<_> = connection
        .phases()
        .iter()
        .map(|p| (p.name, p.start, p.end))
        .collect();
    assert_eq!(
        phases,
        [
            ("lookup", 10, 30),
            ("connect", 40, 60),
            ("send", 60, 65),
            ("wait", 65, 90),
            ("receive", 90, 95),
            ("rest", 95, 99),
        ]
    );
}

#[test]
fn only_the_next_connection_has_the_lookup() {
    let again = |event: Event| Event {
        cookie: Some(Cookie(2)),
        ..event
    };
    let connections = told(&[
        call(10, 30, 9, DNS, true, b"answer"),
        state(40, SocketState::CLOSE, SocketState::SYN_SENT),
        again(state(50, SocketState::CLOSE, SocketState::SYN_SENT)),
    ]);
    let lookups: Vec<_> = connections
        .iter()
        .map(|connection| connection.lookup)
        .collect();
    assert_eq!(lookups, [Some((10, 30)), None]);
}

#[test]
fn what_is_no_handshake_is_no_hello() {
    assert!(!is_client_hello(b"GET / HTTP/1.1"));
    assert!(!is_client_hello(&[23, 3, 3, 0, 1, 1]));
    assert!(is_client_hello(&[22, 3, 1, 2, 0, 1]));
}
