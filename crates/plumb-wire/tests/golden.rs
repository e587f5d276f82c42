//! Golden bytes: what one real kernel said of one namespace (`golden/README.md` says how it was
//! asked). The two sources of sockets have to agree, and no line of a table may get lost.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use plumb_model::counter::CounterBlock;
use plumb_model::route::RouteFlags;
use plumb_model::socket::{Endpoint, InetProtocol, InetSocket, SocketState, Timer};
use plumb_model::{Inode, Known, Port, Reason, Uid};
use plumb_wire::netlink::frame::{Frame, Frames};
use plumb_wire::netlink::inet_diag::{SOCK_DIAG_BY_FAMILY, decode_inet_diag};
use plumb_wire::proc::dev::decode_dev;
use plumb_wire::proc::groups::{GroupItem, decode_groups};
use plumb_wire::proc::if_inet6::decode_if_inet6;
use plumb_wire::proc::inet::InetRows;
use plumb_wire::proc::routes::{RouteMemory, Table6, decode_routes, decode_routes6};
use plumb_wire::proc::snmp::{decode_paired_counters, decode_snmp6};
use plumb_wire::proc::sockstat::{decode_sockstat, find_counter};
use plumb_wire::proc::unix::UnixRows;

macro_rules! golden {
    ($name:literal) => {
        &include_bytes!(concat!("golden/", $name))[..]
    };
}

/// Decodes a whole dump; it has to end as dumps end.
fn from_diag(dump: &[u8]) -> Vec<InetSocket> {
    let mut sockets = Vec::new();
    let mut frames = Frames::new(dump);
    for frame in frames.by_ref() {
        match frame {
            Frame::Data {
                kind: SOCK_DIAG_BY_FAMILY,
                interrupted: false,
                payload,
            } => sockets.push(decode_inet_diag(payload).expect("a kernel's message decodes")),
            Frame::Done => break,
            other => panic!("a dump has no {other:?}"),
        }
    }
    assert_eq!(frames.next(), None, "nothing stands behind the end");
    sockets
}

fn from_proc(text: &[u8], protocol: InetProtocol) -> Vec<InetSocket> {
    let mut rows = InetRows::new(protocol);
    lines(text)
        .skip(1)
        .map(|line| rows.decode(line).expect("a kernel's row decodes"))
        .collect()
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|&b| b == b'\n')
}

/// What both sources know: time passed between the two, and `/proc` has no cookie.
fn comparable(sockets: &[InetSocket]) -> Vec<InetSocket> {
    let mut sockets = sockets.to_vec();
    for socket in &mut sockets {
        socket.timer.expires_ticks = 0;
        socket.cookie = Known::Unknown(Reason::NotInSource);
    }
    sockets
}

/// Compares the sources, and gives the dump's sockets.
fn agreed(dump: &[u8], text: &[u8], protocol: InetProtocol) -> Vec<InetSocket> {
    let sockets = from_diag(dump);
    let rows = from_proc(text, protocol);
    assert_eq!(comparable(&sockets), comparable(&rows));
    for (socket, row) in sockets.iter().zip(&rows) {
        let apart = socket.timer.expires_ticks.abs_diff(row.timer.expires_ticks);
        assert!(apart <= 100, "a second is longer than both readings took");
    }
    let cookies: HashSet<_> = sockets
        .iter()
        .map(|socket| match socket.cookie {
            Known::Known(cookie) => cookie,
            Known::Unknown(reason) => panic!("a dump has cookies: {reason:?}"),
        })
        .collect();
    assert_eq!(cookies.len(), sockets.len(), "cookies tell sockets apart");
    sockets
}

fn endpoint(addr: impl Into<IpAddr>, port: u32) -> Endpoint {
    Endpoint {
        addr: addr.into(),
        port: Port(port),
    }
}

fn of_port(sockets: &[InetSocket], port: u32) -> &InetSocket {
    let mut found = sockets.iter().filter(|s| s.local.port == Port(port));
    found.next().expect("the capture has this port")
}

#[test]
fn tcp_is_the_same_by_both_sources() {
    let sockets = agreed(golden!("tcp.diag"), golden!("tcp"), InetProtocol::Tcp);
    assert_eq!(sockets.len(), 15);
    let listener = of_port(&sockets, 8080);
    assert_eq!(listener.local, endpoint(Ipv4Addr::LOCALHOST, 8080));
    assert_eq!(listener.peer, endpoint(Ipv4Addr::UNSPECIFIED, 0));
    assert_eq!(listener.state, SocketState::LISTEN);
    // The message has the limit of 5 where the send queue of others stands.
    assert_eq!((listener.recv_q, listener.send_q), (3, 0));
    assert_eq!(listener.raw_inode, Inode(9_983_713));
    assert_eq!(of_port(&sockets, 8083).raw_uid, Uid(1000));
    let waiting = sockets.iter().filter(|s| {
        s.local.port == Port(8080) && s.state == SocketState::ESTABLISHED && s.raw_inode == Inode(0)
    });
    assert_eq!(waiting.count(), 3, "nobody accepted them yet");
    let reader = sockets.iter().find(|s| s.peer.port == Port(40001));
    assert_eq!(reader.map(|s| s.recv_q), Some(777));
}

#[test]
fn timers_of_tcp_are_those_of_the_capture() {
    let sockets = agreed(golden!("tcp.diag"), golden!("tcp"), InetProtocol::Tcp);
    let timer = |port| of_port(&sockets, port).timer;
    let pending = |code, expires_ticks| Timer {
        code,
        expires_ticks,
        retransmits: 0,
        probes: 0,
    };
    assert_eq!(timer(40001), pending(0, 0));
    assert_eq!(timer(40004), pending(2, 719_968), "keepalive in two hours");
    assert_eq!(timer(40005), pending(3, 5_968), "TIME_WAIT lasts a minute");
    assert_eq!(timer(40009), pending(4, 36), "the peer's window is closed");
    let ended = of_port(&sockets, 40005);
    assert_eq!(ended.state, SocketState::TIME_WAIT);
    assert_eq!(ended.peer, endpoint(Ipv4Addr::LOCALHOST, 8081));
    assert_eq!(ended.inode(), Known::Unknown(Reason::TimeWait));
    let blocked = of_port(&sockets, 40009);
    assert_eq!((blocked.recv_q, blocked.send_q), (0, 14_336));
}

#[test]
fn tcp6_is_the_same_by_both_sources() {
    let sockets = agreed(golden!("tcp6.diag"), golden!("tcp6"), InetProtocol::Tcp);
    assert_eq!(sockets.len(), 7);
    let listener = of_port(&sockets, 9090);
    assert_eq!(listener.local, endpoint(Ipv6Addr::UNSPECIFIED, 9090));
    assert_eq!((listener.state, listener.send_q), (SocketState::LISTEN, 0));
    let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
    assert_eq!(of_port(&sockets, 40007).local, endpoint(mapped, 40007));
    assert_eq!(of_port(&sockets, 40007).peer, endpoint(mapped, 9090));
    let plain = of_port(&sockets, 40006);
    assert_eq!(plain.peer, endpoint(Ipv6Addr::LOCALHOST, 9090));
    let reader = sockets.iter().find(|s| s.peer == plain.local);
    assert_eq!(reader.map(|s| (s.recv_q, s.local)), Some((42, plain.peer)));
    assert_eq!(of_port(&sockets, 40008).state, SocketState::TIME_WAIT);
}

#[test]
fn udp_is_the_same_by_both_sources() {
    let sockets = agreed(golden!("udp.diag"), golden!("udp"), InetProtocol::Udp);
    let sockets6 = agreed(golden!("udp6.diag"), golden!("udp6"), InetProtocol::Udp);
    for (sockets, addr, bound, connected) in [
        (&sockets, IpAddr::from(Ipv4Addr::LOCALHOST), 5353, 5354),
        (&sockets6, IpAddr::from(Ipv6Addr::LOCALHOST), 6000, 6001),
    ] {
        assert_eq!(sockets.len(), 2);
        // One small datagram with the kernel's own bookkeeping.
        assert_eq!(of_port(sockets, bound).recv_q, 832);
        assert_eq!(of_port(sockets, bound).state, SocketState::CLOSE);
        assert_eq!(of_port(sockets, connected).peer, endpoint(addr, bound));
        assert_eq!(of_port(sockets, connected).state, SocketState::ESTABLISHED);
    }
}

#[test]
fn unix_rows_all_decode() {
    let mut all = lines(golden!("unix"));
    let mut rows = UnixRows::new(all.next().expect("a first line"));
    let sockets: Vec<_> = all
        .map(|line| rows.decode(line).expect("a kernel's row decodes"))
        .collect();
    let seen: Vec<_> = sockets
        .iter()
        .map(|s| (s.kind, s.state, s.ref_count, s.is_listening(), &s.path[..]))
        .collect();
    assert_eq!(
        seen,
        [
            (2, 3, 3, false, &b""[..]),
            (5, 1, 2, true, b"/tmp/plumb-golden.sock"),
            (2, 3, 3, false, b""),
            (1, 1, 2, true, b"@plumb-golden"),
        ]
    );
    assert_eq!(sockets[3].inode, Some(Inode(9_983_737)));
}

/// Writes the blocks as the kernel writes `snmp` and `netstat`.
fn rebuilt(blocks: &[CounterBlock]) -> String {
    let mut text = String::new();
    for block in blocks {
        let name = String::from_utf8_lossy(&block.name);
        let _ = write!(text, "{name}:");
        for counter in &block.counters {
            let _ = write!(text, " {}", String::from_utf8_lossy(&counter.name));
        }
        let _ = write!(text, "\n{name}:");
        for counter in &block.counters {
            // MaxConn is -1; no other counter is negative.
            let _ = write!(text, " {}", counter.value.cast_signed());
        }
        text.push('\n');
    }
    text
}

#[test]
fn counter_files_come_back_to_the_byte() {
    for (file, blocks) in [(golden!("snmp"), 5), (golden!("netstat"), 3)] {
        let decoded = decode_paired_counters(file);
        assert!(!decoded.is_damaged);
        assert_eq!(decoded.blocks.len(), blocks);
        assert_eq!(rebuilt(&decoded.blocks), String::from_utf8_lossy(file));
    }
    let blocks = decode_snmp6(golden!("snmp6"));
    let names: Vec<_> = blocks.iter().map(|block| &block.name[..]).collect();
    assert_eq!(names, [&b"Ip6"[..], b"Icmp6", b"Udp6", b"UdpLite6"]);
    let mut text = String::new();
    for counter in blocks.iter().flat_map(|block| &block.counters) {
        let name = String::from_utf8_lossy(&counter.name);
        let _ = writeln!(text, "{name:<32}\t{}", counter.value);
    }
    assert_eq!(text, String::from_utf8_lossy(golden!("snmp6")));
}

#[test]
fn interfaces_keep_their_numbers() {
    let found = decode_dev(golden!("dev"));
    let [lo] = &found[..] else {
        panic!("one interface: {found:?}")
    };
    let (rx, tx) = (lo.statistics.rx, lo.statistics.tx);
    assert_eq!(lo.name, b"lo");
    assert_eq!((rx.bytes, rx.packets), (7_708, 47));
    assert_eq!((tx.bytes, tx.packets), (7_708, 47));
    let assigned = decode_if_inet6(golden!("if_inet6"));
    let seen: Vec<_> = assigned
        .iter()
        .map(|a| (a.address, a.prefix_len, &a.interface[..]))
        .collect();
    assert_eq!(seen, [(Ipv6Addr::LOCALHOST, 128, &b"lo"[..])]);
}

#[test]
fn routes_all_decode() {
    let routes = decode_routes(golden!("route"), &mut RouteMemory::default())
        .expect("a kernel's head is known");
    let seen: Vec<_> = routes
        .iter()
        .map(|r| (r.destination, r.gateway, r.mask, r.common.metric))
        .collect();
    let mask = Ipv4Addr::new(255, 255, 0, 0);
    assert_eq!(
        seen,
        [
            (Ipv4Addr::new(127, 9, 0, 0), Ipv4Addr::UNSPECIFIED, mask, 0),
            (Ipv4Addr::new(127, 10, 0, 0), Ipv4Addr::LOCALHOST, mask, 5),
        ]
    );
    assert!(routes[1].common.flags.contains(RouteFlags::GATEWAY));
    let file = golden!("ipv6_route");
    let routes6 = decode_routes6(file, Table6::Routes);
    assert_eq!(routes6.len(), lines(file).count());
    assert_eq!(routes6[1].destination, Ipv6Addr::LOCALHOST);
    assert_eq!(
        (routes6[1].prefix_length, routes6[0].prefix_length),
        (128, 0)
    );
    assert!(routes6.iter().all(|r| r.common.interface == b"lo"));
    assert!(routes6[1].common.flags.contains(RouteFlags::LOCAL));
    assert_eq!(decode_routes6(file, Table6::Cache), []);
}

#[test]
fn groups_all_decode() {
    let members = |file: &[u8]| -> Vec<(String, i32)> {
        decode_groups(file)
            .into_iter()
            .map(|item| match item {
                GroupItem::Member(member) => {
                    assert_eq!(member.interface.trim_ascii_end(), b"lo");
                    (member.group.to_string(), member.users)
                }
                GroupItem::Bogus { table, line } => panic!("{table} has a bad line {line}"),
            })
            .collect()
    };
    assert_eq!(members(golden!("igmp")), [("224.0.0.1".to_owned(), 1)]);
    let six = ["ff02::1", "ff01::1"].map(|group| (group.to_owned(), 1));
    assert_eq!(members(golden!("igmp6")), six);
}

#[test]
fn memory_counters_all_decode() {
    for file in [golden!("sockstat"), golden!("sockstat6")] {
        let numbers = file
            .split(u8::is_ascii_whitespace)
            .filter(|word| word.first().is_some_and(u8::is_ascii_digit));
        assert_eq!(decode_sockstat(file).len(), numbers.count());
    }
    let counters = decode_sockstat(golden!("sockstat"));
    assert_eq!(find_counter(&counters, "sockets", "used"), Some(28));
    assert_eq!(find_counter(&counters, "TCP", "tw"), Some(2));
    assert_eq!(find_counter(&counters, "TCP", "mem"), Some(287));
    assert_eq!(find_counter(&counters, "UDP", "inuse"), Some(2));
}
