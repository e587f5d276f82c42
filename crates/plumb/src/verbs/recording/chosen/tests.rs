//! Events in, those of wanted connections out. Process ids are beyond every process's, so nobody is looked at.

use plumb_filter::Piece;
use plumb_model::event::{Ends, StateChange, Task, Totals};
use plumb_model::id::{NetnsId, Pid};

use super::*;
use crate::verbs::ls::plan;

/// No process can have it.
const NOBODY: u32 = 4_194_400;

fn chosen(filter: &str) -> Chosen {
    let pieces = Piece::arguments([filter.as_bytes()]);
    let parsed = plan::parse(&pieces).expect("it is a filter");
    let chosen = Chosen::new(parsed).expect("events can answer");
    chosen.expect("it has tests")
}

fn event(cookie: u64, time_ns: u64, what: What) -> Event {
    let end = |port: u16| std::net::SocketAddr::from(([127, 0, 0, 1], port));
    Event {
        time_ns,
        cookie: Some(Cookie(cookie)),
        netns: Some(NetnsId(1)),
        ends: Some(Ends {
            protocol: 6,
            local: end(80),
            peer: end(40_000 + u16::try_from(cookie).unwrap_or(0)),
        }),
        owner: None,
        task: None,
        stack: None,
        what,
    }
}

fn state(old: SocketState, new: SocketState, sent_bytes: Option<u64>) -> What {
    What::State(StateChange {
        old,
        new,
        errno: 0,
        totals: sent_bytes.map(|sent_bytes| Totals {
            sent_bytes,
            ..Totals::default()
        }),
        by_exit: false,
        older: false,
        untouched: false,
    })
}

fn came_in(cookie: u64, time_ns: u64) -> Event {
    let what = state(SocketState::SYN_RECV, SocketState::ESTABLISHED, None);
    event(cookie, time_ns, what)
}

fn closed(cookie: u64, time_ns: u64, sent_bytes: u64) -> Event {
    let what = state(SocketState::LAST_ACK, SocketState::CLOSE, Some(sent_bytes));
    event(cookie, time_ns, what)
}

fn accepted(cookie: u64, time_ns: u64, comm: &str) -> Event {
    let mut event = event(cookie, time_ns, What::Accepted { fd: 4 });
    event.owner = Some(Pid(NOBODY));
    event.task = Some(Task {
        pid: Pid(NOBODY),
        tid: NOBODY,
        comm: comm.as_bytes().to_vec(),
    });
    event
}

/// Gives cookie and time of what is handed on.
fn told(chosen: &mut Chosen, events: Vec<Event>) -> Vec<(u64, u64)> {
    let mut told = Vec::new();
    for event in events {
        chosen.take(event, &mut |event| {
            told.push((event.cookie.map_or(0, |cookie| cookie.0), event.time_ns));
        });
    }
    told
}

#[test]
fn what_happened_before_accept_is_told_with_it() {
    let mut nginx = chosen("process = nginx");
    let events = vec![
        came_in(1, 10),
        came_in(2, 11),
        accepted(2, 12, "sshd"),
        accepted(1, 13, "nginx"),
        closed(1, 14, 0),
        closed(2, 15, 0),
    ];
    assert_eq!(told(&mut nginx, events), [(1, 10), (1, 13), (1, 14)]);
    assert_eq!(nginx.reasons(), Vec::<String>::new());
    assert_eq!(nginx.waiting, 0, "what is refused keeps nothing");
}

#[test]
fn a_connection_is_wanted_as_soon_as_what_is_asked_is_known() {
    let mut large = chosen("bytes-sent > 5k");
    let events = vec![
        came_in(1, 10),
        came_in(2, 11),
        closed(1, 12, 6000),
        closed(2, 13, 100),
    ];
    assert_eq!(told(&mut large, events), [(1, 10), (1, 12)]);
}

#[test]
fn what_stays_unknown_is_counted() {
    let mut nginx = chosen("process != nginx");
    assert_eq!(told(&mut nginx, vec![came_in(1, 10), closed(1, 11, 0)]), []);
    let after = vec![came_in(2, 2 * AFTER_END_NS)];
    assert_eq!(told(&mut nginx, after), []);
    assert_eq!(
        nginx.reasons(),
        ["2 connections were left out: what the filter asks of them is not known (yet)"]
    );
    assert_eq!(nginx.sockets.len(), 1, "what ended is forgotten");
}

#[test]
fn ends_decide_at_once_and_a_socket_that_connects_again_begins_anew() {
    let mut port = chosen("sport = :80 and retrans = 0");
    let first = vec![came_in(1, 10), closed(1, 20, 0)];
    assert_eq!(told(&mut port, first), [(1, 10), (1, 20)]);
    let begins = state(SocketState::CLOSE, SocketState::SYN_SENT, None);
    let again = vec![event(1, 30, begins)];
    assert_eq!(told(&mut port, again), [(1, 30)]);
    assert_eq!(told(&mut chosen("sport = :81"), vec![came_in(1, 10)]), []);
}

#[test]
fn a_test_that_no_event_answers_is_refused_by_its_name() {
    for (filter, name) in [
        ("rtt > 20ms", "rtt"),
        ("dport = :80 or not peer-process = x", "peer-process"),
        ("fwmark = 1", "fwmark"),
        ("fd = 3", "fd"),
        ("owner = unknown", "owner"),
        ("recv-q > 0", "recv-q"),
    ] {
        let pieces = Piece::arguments([filter.as_bytes()]);
        let parsed = plan::parse(&pieces).expect("it is a filter");
        let refused = Chosen::new(parsed).err().expect("no event tells this");
        assert!(refused.starts_with(&format!("`{name}` ")), "{refused}");
    }
}
