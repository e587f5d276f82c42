//! Sums over sockets that stay, come, go, and both.

use plumb_model::diag::tcp_info::TcpInfo;
use plumb_model::id::{Inode, NetnsId};
use plumb_model::known::Known;
use plumb_model::snapshot::{End, Kind};
use plumb_model::socket::SocketState;

use super::*;
use crate::made_up::connection;

fn ends() -> Ends {
    Ends {
        protocol: 6,
        local: "10.0.0.1:8080".parse().expect("an address"),
        peer: "10.0.0.9:50000".parse().expect("an address"),
    }
}

fn socket(cookie: u64, kind: Kind, state: SocketState, received: u64, sent: u64) -> Socket {
    let listens = state == SocketState::LISTEN;
    let peer = if listens {
        "0.0.0.0:0"
    } else {
        "10.0.0.9:50000"
    };
    let info = TcpInfo {
        bytes_received: received,
        bytes_sent: sent,
        ..TcpInfo::default()
    };
    Socket {
        cookie: Known::Known(Cookie(cookie)),
        inode: Known::Known(Inode(cookie)),
        kind,
        state,
        local: End::Inet("10.0.0.1:8080".parse().expect("an address")),
        peer: End::Inet(peer.parse().expect("an address")),
        tcp: (kind == Kind::Tcp).then(|| Box::new(info)),
        ..connection(&info)
    }
}

fn tcp(cookie: u64, received: u64, sent: u64) -> Socket {
    socket(cookie, Kind::Tcp, SocketState::ESTABLISHED, received, sent)
}

fn snapshot(sockets: Vec<Socket>) -> Snapshot {
    Snapshot {
        sockets,
        ..Snapshot::default()
    }
}

fn measured(
    before: Vec<Socket>,
    after: Vec<Socket>,
    ended: &HashMap<Cookie, Ended>,
    by: By,
) -> Vec<Flow> {
    let none = HashMap::new();
    let interval = Interval {
        before: &snapshot(before),
        after: &snapshot(after),
        ended,
        ways: &HashMap::new(),
        moved_before: &none,
        moved_after: &none,
        names: &HashMap::new(),
        wanted: None,
    };
    flows(&interval, by)
}

fn ended(cookie: u64, received_bytes: u64) -> HashMap<Cookie, Ended> {
    let totals = Totals {
        received_bytes,
        ..Totals::default()
    };
    let ended = Ended {
        netns: Some(NetnsId(1)),
        ends: Some(ends()),
        owner: Some(Pid(7)),
        totals,
    };
    HashMap::from([(Cookie(cookie), ended)])
}

#[test]
fn what_stays_counts_its_growth_and_what_is_new_counts_whole() {
    let flows = measured(
        vec![tcp(1, 100, 10)],
        vec![tcp(1, 150, 10), tcp(2, 7, 3)],
        &HashMap::new(),
        By::Peer,
    );
    let [flow] = flows.as_slice() else {
        panic!("one peer, not {}", flows.len());
    };
    assert_eq!(flow.name, "10.0.0.9");
    assert_eq!((flow.received_bytes, flow.sent_bytes), (57, 3));
    assert_eq!((flow.sockets, flow.opened, flow.closed), (2, 1, 0));
}

#[test]
fn what_ended_counts_what_it_had_carried_since() {
    let flows = measured(vec![tcp(1, 100, 0)], Vec::new(), &ended(1, 130), By::Peer);
    assert_eq!(
        flows
            .first()
            .map(|flow| (flow.received_bytes, flow.opened, flow.closed)),
        Some((30, 0, 1))
    );
    let flows = measured(Vec::new(), Vec::new(), &ended(5, 130), By::Peer);
    assert_eq!(
        flows
            .first()
            .map(|flow| (flow.received_bytes, flow.opened, flow.closed)),
        Some((130, 1, 1))
    );
}

#[test]
fn what_ended_while_it_was_read_counts_once() {
    let now = vec![tcp(1, 110, 0)];
    let flows = measured(vec![tcp(1, 100, 0)], now, &ended(1, 130), By::Peer);
    assert_eq!(flows.len(), 1);
    assert_eq!(
        (flows[0].received_bytes, flows[0].closed, flows[0].sockets),
        (30, 1, 0)
    );
}

#[test]
fn connections_to_a_listener_are_its_port_s() {
    let listener = || socket(9, Kind::Tcp, SocketState::LISTEN, 0, 0);
    let flows = measured(
        vec![listener()],
        vec![listener(), tcp(1, 5, 0)],
        &ended(2, 6),
        By::Port,
    );
    let names: Vec<_> = flows
        .iter()
        .map(|flow| (flow.name.as_str(), flow.received_bytes))
        .collect();
    assert_eq!(names, [("tcp :8080", 11)]);
    let flows = measured(Vec::new(), vec![tcp(1, 5, 0)], &HashMap::new(), By::Port);
    assert_eq!(
        flows.first().map(|flow| flow.name.as_str()),
        Some("tcp to :50000")
    );
}

#[test]
fn the_end_of_a_stream_is_no_byte() {
    let done = socket(1, Kind::Tcp, SocketState::CLOSE_WAIT, 101, 0);
    let flows = measured(vec![tcp(1, 100, 0)], vec![done], &HashMap::new(), By::Peer);
    assert_eq!(flows.first().map(|flow| flow.received_bytes), Some(0));
}

#[test]
fn bytes_of_datagrams_are_those_that_were_counted() {
    let udp = || socket(3, Kind::Udp, SocketState::ESTABLISHED, 0, 0);
    let moved = |received_bytes| {
        let moved = Moved {
            received_bytes,
            ..Moved::default()
        };
        HashMap::from([(Cookie(3), moved)])
    };
    let interval = Interval {
        before: &snapshot(vec![udp()]),
        after: &snapshot(vec![udp()]),
        ended: &HashMap::new(),
        ways: &HashMap::new(),
        moved_before: &moved(40),
        moved_after: &moved(90),
        names: &HashMap::new(),
        wanted: None,
    };
    let flows = flows(&interval, By::Socket);
    assert_eq!(flows.first().map(|flow| flow.received_bytes), Some(50));
}

#[test]
fn a_connection_that_came_in_is_the_port_s_also_after_its_listener_went() {
    let (none, ended) = (HashMap::new(), ended(2, 6));
    let of = |ways: &HashMap<Cookie, Way>| {
        let interval = Interval {
            before: &snapshot(Vec::new()),
            after: &snapshot(Vec::new()),
            ended: &ended,
            ways,
            moved_before: &none,
            moved_after: &none,
            names: &HashMap::new(),
            wanted: None,
        };
        let flows = flows(&interval, By::Port);
        flows.first().map(|flow| flow.name.clone())
    };
    let way = |way| HashMap::from([(Cookie(2), way)]);
    assert_eq!(of(&way(Way::In)).as_deref(), Some("tcp :8080"));
    assert_eq!(of(&way(Way::Out)).as_deref(), Some("tcp to :50000"));
    assert_eq!(of(&HashMap::new()).as_deref(), Some("tcp to :50000"));
}

#[test]
fn datagrams_of_a_socket_that_no_reading_saw_are_counted() {
    let moved = |kind, peer: &str| {
        let ends = Ends {
            protocol: 17,
            peer: peer.parse().expect("an address"),
            ..ends()
        };
        let moved = Moved {
            received_bytes: 90,
            sent_bytes: 10,
            owner: Some(Pid(7)),
            kind,
            netns: Some(NetnsId(1)),
            ends: Some(ends),
        };
        HashMap::from([(Cookie(4), moved)])
    };
    let of = |moved_after: &HashMap<Cookie, Moved>, by| {
        let interval = Interval {
            before: &snapshot(Vec::new()),
            after: &snapshot(Vec::new()),
            ended: &HashMap::new(),
            ways: &HashMap::new(),
            moved_before: &HashMap::new(),
            moved_after,
            names: &HashMap::new(),
            wanted: None,
        };
        let flows = flows(&interval, by);
        flows
            .first()
            .map(|flow| (flow.name.clone(), flow.received_bytes, flow.sent_bytes))
    };
    let connected = moved(Some(Kind::Udp), "10.0.0.9:53");
    let told = |name: &str| Some((name.to_owned(), 90, 10));
    assert_eq!(of(&connected, By::Port), told("udp to :53"));
    assert_eq!(of(&connected, By::Process), told("(ended) 7"));
    let open = moved(Some(Kind::Udp), "0.0.0.0:0");
    assert_eq!(of(&open, By::Port), told("udp :8080"));
    assert_eq!(of(&open, By::Peer), told("(udp)"));
    assert_eq!(of(&moved(None, "0.0.0.0:0"), By::Port), None);
}

/// Its descriptor was closed, or not yet there, when holders were looked for.
#[test]
fn a_socket_whose_holder_was_missed_belongs_to_who_moved_its_bytes() {
    let udp = || vec![socket(4, Kind::Udp, SocketState::ESTABLISHED, 0, 0)];
    let moved = |received_bytes| {
        let moved = Moved {
            received_bytes,
            owner: Some(Pid(7)),
            kind: Some(Kind::Udp),
            ..Moved::default()
        };
        HashMap::from([(Cookie(4), moved)])
    };
    for (before, after) in [(Vec::new(), udp()), (udp(), Vec::new())] {
        let interval = Interval {
            before: &snapshot(before),
            after: &snapshot(after),
            ended: &HashMap::new(),
            ways: &HashMap::new(),
            moved_before: &moved(10),
            moved_after: &moved(90),
            names: &HashMap::new(),
            wanted: None,
        };
        let flows = flows(&interval, By::Process);
        let told = flows
            .first()
            .map(|flow| (flow.name.as_str(), flow.received_bytes));
        assert_eq!(told, Some(("(ended) 7", 80)));
        let interval = Interval {
            names: &HashMap::from([(Pid(7), b"curl".to_vec())]),
            ..interval
        };
        assert_eq!(super::flows(&interval, By::Process)[0].name, "curl 7");
    }
}
