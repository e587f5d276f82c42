//! Events as the recorder tells them, and the refusals that they make.

use plumb_model::event::Ends;

use super::*;

const PID: Pid = Pid(7);
const CLOSE: SocketState = SocketState::CLOSE;
const SYN_SENT: SocketState = SocketState::SYN_SENT;

fn end(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

fn event(what: What, (local, peer): (u16, u16)) -> Event {
    Event {
        time_ns: 0,
        cookie: Some(Cookie(1)),
        netns: Some(NetnsId(4)),
        ends: Some(Ends {
            protocol: TCP,
            local: end(local),
            peer: end(peer),
        }),
        owner: Some(PID),
        task: Some(Task {
            pid: PID,
            tid: PID.0,
            comm: b"client".to_vec(),
        }),
        stack: None,
        what,
    }
}

/// A call about a port of 127.0.0.1, as it is given: `struct sockaddr_in`.
fn call(name: &str, port: u16, result: i64) -> Event {
    let is_it = |number: &u32| calls::find(*number).is_some_and(|call| call.name == name);
    let number = (0..512).find(is_it).expect("a call of the network");
    let mut address = vec![2, 0];
    address.extend(port.to_be_bytes());
    address.extend([127, 0, 0, 1]);
    let call = Call {
        number,
        end_ns: Some(1),
        args: [0; 6],
        state: None,
        result,
        interface: None,
        receives: false,
        address: if name == "listen" {
            Vec::new()
        } else {
            address
        },
        payload: Vec::new(),
    };
    let (local, peer) = if name == "connect" {
        (40_000, port)
    } else {
        (port, 0)
    };
    event(What::Call(Box::new(call)), (local, peer))
}

fn change(old: SocketState, new: SocketState, errno: i32) -> Event {
    let change = StateChange {
        old,
        new,
        errno,
        totals: None,
        by_exit: false,
        older: false,
        untouched: true,
    };
    event(What::State(change), (40_000, 6379))
}

/// A kernel in which a drop by a rule has this number.
fn by_rule(number: u32) -> Reasons {
    Reasons {
        by_rule: Some(number),
        martian: vec![70],
    }
}

fn refused(events: &[Event]) -> Vec<RefusedCall> {
    let mut heard = Heard::default();
    for event in events {
        heard.hear(event, &Reasons::default());
    }
    let refused = heard.finish();
    refused.calls.into_iter().map(|(_, call)| call).collect()
}

#[test]
fn who_waits_for_his_refusal_and_who_does_not_are_counted_once_each() {
    let begins = || change(CLOSE, SYN_SENT, 0);
    let fails = || change(SYN_SENT, CLOSE, 111);
    for (what, events) in [
        ("waits", [begins(), fails(), call("connect", 6379, -111)]),
        ("at once", [begins(), fails(), call("connect", 6379, -115)]),
        ("later", [begins(), call("connect", 6379, -115), fails()]),
    ] {
        // As some do who do not wait.
        let asks_again = call("connect", 6379, -111);
        let events = events
            .into_iter()
            .chain((what != "waits").then_some(asks_again));
        let events: Vec<Event> = events.collect();
        let found = refused(&events);
        let told: Vec<_> = found
            .iter()
            .map(|call| (call.call, call.pid, call.address, call.errno, call.count))
            .collect();
        assert_eq!(told, [("connect", PID, end(6379), 111, 1)], "{what}");
    }
    // What is given up by its own program was not refused, nor was what is made.
    let given_up = [
        begins(),
        call("connect", 6379, -115),
        change(SYN_SENT, CLOSE, 0),
    ];
    assert_eq!(refused(&given_up), []);
    let made = change(SYN_SENT, SocketState::ESTABLISHED, 0);
    let reset = change(SocketState::ESTABLISHED, CLOSE, 104);
    assert_eq!(refused(&[begins(), made, reset]), []);
}

#[test]
fn a_packet_that_was_thrown_away_is_a_flow_s_or_a_stray() {
    let dropped = |of_socket: bool, netns: Option<u64>| Event {
        netns: netns.map(NetnsId),
        owner: None,
        ..event(
            What::Dropped {
                reason: 9,
                of_socket,
                interface: None,
            },
            (80, 40_000),
        )
    };
    let mut heard = Heard::default();
    let here = Some(4);
    for event in [
        dropped(true, here),
        dropped(true, here),
        dropped(false, here),
        dropped(false, None),
        // Of a process that is followed.
        Event {
            owner: Some(PID),
            ..dropped(false, here)
        },
    ] {
        heard.hear(&event, &by_rule(9));
        // For another reason.
        heard.hear(&event, &by_rule(2));
    }
    let refused = heard.finish();
    let flows: Vec<_> = refused
        .filtered
        .iter()
        .map(|(_, flow)| flow.count)
        .collect();
    let strays: Vec<_> = refused.strays.iter().map(|(netns, _)| *netns).collect();
    assert_eq!((flows, strays), (vec![3], vec![None, here.map(NetnsId)]));
}

#[test]
fn who_finds_no_room_at_a_unix_listener_is_told_with_the_name() {
    let tries = |errno: i64| {
        let mut event = call("connect", 0, -errno);
        if let What::Call(call) = &mut event.what {
            call.address = b"\x01\0/run/web\0".to_vec();
        }
        event
    };
    let mut heard = Heard::default();
    for errno in [11, 11, 2] {
        heard.hear(&tries(errno), &Reasons::default());
    }
    let refused = heard.finish();
    let told: Vec<_> = refused
        .unix
        .iter()
        .map(|(_, refused)| (refused.pid, refused.name.as_slice(), refused.count))
        .collect();
    assert_eq!(told, [(PID, &b"/run/web"[..], 2)]);
}

#[test]
fn who_turns_to_a_name_server_is_remembered() {
    let mut event = call("connect", NAMES, 0);
    if let Some(ends) = &mut event.ends {
        ends.protocol = UDP;
    }
    let mut heard = Heard::default();
    for event in [&event, &event, &call("connect", NAMES, 0)] {
        heard.hear(event, &Reasons::default());
    }
    let server = end(NAMES);
    let expected = [(Some(NetnsId(4)), Resolving { pid: PID, server })];
    assert_eq!(heard.finish().resolving, expected);
}

#[test]
fn what_a_process_takes_instead_is_what_it_names_or_listens_at_after_its_refusal() {
    let instead = |events: &[Event]| {
        let mut found = refused(events);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0).instead
    };
    let fails = || call("bind", 3000, -98);
    let next = || call("bind", 3001, 0);
    assert_eq!(instead(&[fails(), next()]), Some(end(3001)));
    assert_eq!(instead(&[next(), fails()]), None);
    assert_eq!(instead(&[fails(), next(), fails()]), None);
    // A client's socket may have any port; who listens there serves it.
    let any = || call("bind", 0, 0);
    assert_eq!(instead(&[fails(), any()]), None);
    let listens = call("listen", 45_000, 0);
    assert_eq!(instead(&[fails(), any(), listens]), Some(end(45_000)));
    // Who tries again may get it; who had it may have given it away.
    let again = || call("bind", 3000, 0);
    assert_eq!(instead(&[fails(), again()]), Some(end(3000)));
    assert_eq!(instead(&[again(), fails()]), None);
}

#[test]
fn whose_own_socket_is_in_the_way_has_the_port() {
    let at = |mut event: Event, ip: [u8; 4]| {
        if let What::Call(call) = &mut event.what {
            call.address.splice(4..8, ip);
        }
        event
    };
    let instead = |first: [u8; 4], second: [u8; 4]| {
        let events = [
            at(call("bind", 3000, 0), first),
            at(call("bind", 3000, -98), second),
        ];
        refused(&events).remove(0).instead
    };
    // As who binds 0.0.0.0 and then [::], which takes IPv4 too.
    assert!(instead([0, 0, 0, 0], [127, 0, 0, 1]).is_some());
    assert!(instead([127, 0, 0, 1], [0, 0, 0, 0]).is_some());
    // Somebody else is in the way there.
    assert_eq!(instead([127, 0, 0, 1], [10, 0, 0, 1]), None);
}

#[test]
fn a_datagram_that_is_refused_has_its_destination_and_its_source() {
    let sent = |name: &str, to: Option<u16>, source: [u8; 4]| {
        let mut event = call(name, to.unwrap_or(1), -113);
        let ends = event.ends.as_mut().expect("it has ends");
        ends.protocol = UDP;
        ends.local = (source, 40_000).into();
        ends.peer = match to {
            Some(_) => ([0; 4], 0).into(),
            None => ([10, 0, 0, 2], 53).into(),
        };
        if let (What::Call(call), None) = (&mut event.what, to) {
            call.address.clear();
        }
        event
    };
    let told = |event| {
        let calls = refused(&[event]);
        let of = |call: RefusedCall| (call.is_send(), call.address, call.source);
        calls.into_iter().map(of).collect::<Vec<_>>()
    };
    let source = Some(([10, 0, 0, 1]).into());
    let named = told(sent("sendto", Some(8125), [10, 0, 0, 1]));
    assert_eq!(named, [(true, end(8125), source)]);
    // Nobody chose a source.
    let unbound = told(sent("sendmsg", Some(8125), [0; 4]));
    assert_eq!(unbound, [(true, end(8125), None)]);
    let peer: SocketAddr = ([10, 0, 0, 2], 53).into();
    let connected = told(sent("write", None, [10, 0, 0, 1]));
    assert_eq!(connected, [(true, peer, source)]);
}

#[test]
fn a_packet_from_a_sender_that_cannot_be_there_is_told_with_its_interface() {
    let dropped = |reason, interface| {
        let what = What::Dropped {
            reason,
            of_socket: false,
            interface,
        };
        event(what, (5060, 40_000))
    };
    let mut heard = Heard::default();
    for told in [
        dropped(70, Some(3)),
        dropped(70, Some(3)),
        dropped(71, Some(3)),
        dropped(70, None),
    ] {
        heard.hear(&told, &by_rule(9));
    }
    let martians = heard.finish().martians;
    let told: Vec<_> = martians
        .iter()
        .map(|(netns, martian)| (*netns, martian.interface, martian.source, martian.count))
        .collect();
    assert_eq!(told, [(Some(NetnsId(4)), 3, end(0).ip(), 2)]);
}
