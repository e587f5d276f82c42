//! Properties of the decoders: no input ends the program, and what the kernel would have written of
//! a value decodes to that value.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use plumb_model::memory::SocketMemory;
use plumb_model::socket::{Endpoint, InetProtocol, InetSocket, SocketState, Timer};
use plumb_model::{Cookie, Inode, Known, Port, Reason, Uid};
use plumb_wire::lines::{before_nul, pieces};
use plumb_wire::netlink::frame::{Frame, Frames, attributes};
use plumb_wire::netlink::inet_diag::{INET_DIAG_INFO, decode_inet_diag, find_attribute};
use plumb_wire::netlink::skmeminfo::decode_skmeminfo;
use plumb_wire::proc::dev::decode_dev;
use plumb_wire::proc::groups::decode_groups;
use plumb_wire::proc::if_inet6::decode_if_inet6;
use plumb_wire::proc::inet::InetRows;
use plumb_wire::proc::legacy::ax25::decode_ax25;
use plumb_wire::proc::legacy::ipx::decode_ipx;
use plumb_wire::proc::legacy::netrom::decode_netrom;
use plumb_wire::proc::legacy::rose::decode_rose;
use plumb_wire::proc::legacy::x25::decode_x25;
use plumb_wire::proc::masquerade::decode_masquerade;
use plumb_wire::proc::process::{decode_argv0, decode_number_name, decode_socket_link};
use plumb_wire::proc::routes::{
    RouteMemory, Table6, check_old_cache_header, decode_route_cache, decode_routes, decode_routes6,
    inspect_cache_header,
};
use plumb_wire::proc::sctp::{decode_association, decode_endpoint};
use plumb_wire::proc::snmp::{decode_paired_counters, decode_sctp_counters, decode_snmp6};
use plumb_wire::proc::sockstat::{decode_numbers, decode_pressure, decode_sockstat, find_counter};
use plumb_wire::proc::unix::UnixRows;
use plumb_wire::scan::Scanner;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

const PROTOCOLS: [InetProtocol; 4] = [
    InetProtocol::Tcp,
    InetProtocol::Udp,
    InetProtocol::UdpLite,
    InetProtocol::Raw,
];

/// What a kernel wrote, to be damaged.
const FILES: [&[u8]; 14] = [
    include_bytes!("golden/dev"),
    include_bytes!("golden/if_inet6"),
    include_bytes!("golden/igmp"),
    include_bytes!("golden/igmp6"),
    include_bytes!("golden/ipv6_route"),
    include_bytes!("golden/netstat"),
    include_bytes!("golden/route"),
    include_bytes!("golden/snmp"),
    include_bytes!("golden/snmp6"),
    include_bytes!("golden/sockstat"),
    include_bytes!("golden/tcp"),
    include_bytes!("golden/tcp6"),
    include_bytes!("golden/tcp.diag"),
    include_bytes!("golden/unix"),
];

/// What the tables are made of, so that random text gets far enough to do harm.
const WORDS: [&[u8]; 40] = [
    b" ",
    b"  ",
    b"\t",
    b"\n",
    b"\n",
    b"\0",
    b":",
    b": ",
    b"-",
    b"+",
    b"0",
    b"0x",
    b"00",
    b"01",
    b"-1",
    b"0A",
    b"7F",
    b"99999999999999999999",
    b"FFFFFFFFFFFFFFFFF",
    b"0100007F:0016",
    b"00000000:0000",
    b"00000000:00000000",
    b"00000000000000000000000001000000:1F90",
    b"lo",
    b"eth0",
    b"Inode",
    b"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU",
    b"Device",
    b"Tcp: InSegs\nTcp: 7\n",
    b"Icmp6InMsgs 7\n",
    b"TCP: inuse 1",
    b"press",
    b"yes",
    b"(nil)",
    b"socket:[",
    b"]",
    b"[0000]:",
    b"10.0.0.1",
    b"Prc FromIP   FPrt ToIP     TPrt",
    b"2WYYYY-15",
];

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let words = vec(select(&WORDS[..]), 0..120).prop_map(|words| words.concat());
    let changes = vec((any::<Index>(), any::<u8>()), 0..8);
    let damaged = (select(&FILES[..]), any::<Index>(), changes);
    let damaged = damaged.prop_map(|(file, end, changes)| {
        let mut file = file.to_vec();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        file.truncate(end.index(file.len()) + 1);
        file
    });
    prop_oneof![1 => vec(any::<u8>(), 0..700), 2 => words, 2 => damaged]
}

/// The decoders that take one line.
fn decode_lines(bytes: &[u8]) {
    let mut inet = PROTOCOLS.map(InetRows::new);
    let mut unix = [&b"Num Path"[..], b"Num Inode Path"].map(UnixRows::new);
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        for rows in &mut inet {
            let _ = rows.decode(line).map(|row| (row.inode(), row.uid()));
        }
        for rows in &mut unix {
            let _ = rows.decode(line).map(|row| row.is_listening());
        }
        let _ = (decode_endpoint(line), decode_association(line));
        let _ = (decode_socket_link(line), decode_number_name(line));
        let _ = decode_argv0(line);
    }
}

/// The decoders that take a whole file.
fn decode_files(bytes: &[u8]) {
    let _ = (decode_dev(bytes), decode_if_inet6(bytes));
    let _ = decode_routes(bytes, &mut RouteMemory::default());
    let _ = (inspect_cache_header(bytes), check_old_cache_header(bytes));
    let _ = decode_route_cache(bytes);
    for table in [Table6::Routes, Table6::Cache] {
        let _ = decode_routes6(bytes, table);
    }
    let _ = (decode_groups(bytes), decode_masquerade(bytes));
    let _ = (decode_paired_counters(bytes), decode_snmp6(bytes));
    let _ = decode_sctp_counters(bytes);
    let _ = (decode_ax25(bytes), decode_ipx(bytes), decode_netrom(bytes));
    let _ = (decode_rose(bytes), decode_x25(bytes));
    let _ = find_counter(&decode_sockstat(bytes), "TCP", "mem");
    let _ = (decode_pressure(bytes, "TCP"), decode_numbers::<3>(bytes));
}

/// The decoders of netlink.
fn decode_datagram(bytes: &[u8]) {
    for frame in Frames::new(bytes) {
        if let Frame::Data { payload, .. } = frame {
            let _ = decode_inet_diag(payload);
            let _ = find_attribute(payload, INET_DIAG_INFO).and_then(decode_skmeminfo);
        }
    }
    let _ = (decode_inet_diag(bytes), decode_skmeminfo(bytes));
    let _ = attributes(bytes).count();
}

fn endpoints() -> impl Strategy<Value = (Endpoint, Endpoint)> {
    let end = |addr: IpAddr, port: u16| Endpoint {
        addr,
        port: Port(u32::from(port)),
    };
    let v4 = any::<(Ipv4Addr, u16, Ipv4Addr, u16)>()
        .prop_map(move |(a, p, b, q)| (end(a.into(), p), end(b.into(), q)));
    let v6 = any::<(Ipv6Addr, u16, Ipv6Addr, u16)>()
        .prop_map(move |(a, p, b, q)| (end(a.into(), p), end(b.into(), q)));
    let mapped = any::<(Ipv4Addr, u16)>().prop_map(move |(a, p)| {
        let end = end(a.to_ipv6_mapped().into(), p);
        (end, end)
    });
    prop_oneof![v4, v6, mapped]
}

/// Sockets as `/proc` can tell of them.
fn proc_sockets() -> impl Strategy<Value = InetSocket> {
    let timer = (0..=4_u32, any::<u64>(), any::<u32>(), any::<i32>());
    let rest = (0..=12_u32, any::<(u32, u32, u32, u64)>());
    (endpoints(), rest, timer).prop_map(|((local, peer), (state, row), timer)| InetSocket {
        local,
        peer,
        state: SocketState(state),
        recv_q: u64::from(row.0),
        send_q: u64::from(row.1),
        timer: Timer {
            code: timer.0,
            expires_ticks: timer.1,
            retransmits: u64::from(timer.2),
            probes: i64::from(timer.3),
        },
        raw_uid: Uid(row.2),
        raw_inode: Inode(row.3),
        cookie: Known::Unknown(Reason::NotInSource),
    })
}

/// Sockets as sock_diag can tell of them.
fn diag_sockets() -> impl Strategy<Value = InetSocket> {
    let timer = (0..=u32::MAX / 10, any::<u8>(), any::<u8>());
    (proc_sockets(), any::<u32>(), any::<u64>(), timer).prop_map(|(row, inode, cookie, timer)| {
        InetSocket {
            send_q: match row.state {
                SocketState::LISTEN => 0,
                _ => row.send_q,
            },
            timer: Timer {
                code: row.timer.code,
                expires_ticks: u64::from(timer.0),
                retransmits: u64::from(timer.1),
                probes: i64::from(timer.2),
            },
            raw_inode: Inode(u64::from(inode)),
            cookie: Known::Known(Cookie(cookie)),
            ..row
        }
    })
}

/// `ADDRESS:PORT` of a `/proc` row: 32-bit words of the host's byte order.
fn proc_endpoint(end: Endpoint) -> String {
    let octets = match end.addr {
        IpAddr::V4(addr) => addr.octets().to_vec(),
        IpAddr::V6(addr) => addr.octets().to_vec(),
    };
    let words = octets.as_chunks::<4>().0.iter();
    let words: String = words
        .map(|word| format!("{:08X}", u32::from_ne_bytes(*word)))
        .collect();
    format!("{words}:{:04X}", end.port.0)
}

/// The row of a socket, as the kernel writes it.
fn proc_line(slot: u32, row: &InetSocket) -> String {
    format!(
        "{slot:4}: {} {} {:02X} {:08X}:{:08X} {:02X}:{:08X} {:08X} {:5} {:8} {} 1 0 20 4 30 10 -1\n",
        proc_endpoint(row.local),
        proc_endpoint(row.peer),
        row.state.0,
        row.send_q,
        row.recv_q,
        row.timer.code,
        row.timer.expires_ticks,
        row.timer.retransmits,
        row.raw_uid.0,
        row.timer.probes,
        row.raw_inode.0,
    )
}

fn low<const N: usize>(value: u64) -> [u8; N] {
    let bytes = if cfg!(target_endian = "little") {
        value.to_le_bytes()
    } else {
        let mut bytes = value.to_be_bytes();
        bytes.rotate_left(8 - N);
        bytes
    };
    *bytes.first_chunk().expect("at most 8 bytes are asked for")
}

fn attribute(kind: u16, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len() + 4).expect("a small attribute");
    let mut bytes = [len.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// `struct inet_diag_msg` and a `tcp_info` of a socket; `limit` is the backlog limit of a listener.
fn diag_message(row: &InetSocket, limit: u32, left_ms: u32) -> Vec<u8> {
    let narrow = |value: u64| u8::try_from(value).expect("the strategy gives a byte");
    let (family, octets) = match row.local.addr {
        IpAddr::V4(_) => (2, 4),
        IpAddr::V6(_) => (10, 16),
    };
    let mut bytes = vec![
        family,
        narrow(row.state.0.into()),
        narrow(row.timer.code.into()),
        0,
    ];
    for end in [row.local, row.peer] {
        bytes.extend(u16::try_from(end.port.0).expect("a port").to_be_bytes());
    }
    for end in [row.local, row.peer] {
        match end.addr {
            IpAddr::V4(addr) => bytes.extend(addr.octets()),
            IpAddr::V6(addr) => bytes.extend(addr.octets()),
        }
        bytes.resize(bytes.len() + 16 - octets, 0);
    }
    let Known::Known(Cookie(cookie)) = row.cookie else {
        panic!("the strategy gives a cookie")
    };
    let send_q = match row.state {
        SocketState::LISTEN => u64::from(limit),
        _ => row.send_q,
    };
    let expires_ms = row.timer.expires_ticks * 10 + u64::from(left_ms);
    // The interface, the two halves of the cookie, then the counters.
    for word in [
        7,
        cookie,
        cookie >> 32,
        expires_ms.min(u32::MAX.into()),
        row.recv_q,
        send_q,
    ] {
        bytes.extend(low::<4>(word));
    }
    bytes.extend(row.raw_uid.0.to_ne_bytes());
    bytes.extend(low::<4>(row.raw_inode.0));
    assert_eq!(bytes.len(), 72);
    let probes = u64::try_from(row.timer.probes).expect("the strategy gives a byte");
    let info = [1, 0, narrow(row.timer.retransmits), narrow(probes), 0, 0];
    bytes.extend(attribute(5, b"cubic\0"));
    bytes.extend(attribute(INET_DIAG_INFO, &info));
    bytes
}

/// One netlink message: type, flags, payload.
fn message(kind: u16, interrupted: bool, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(16 + payload.len()).expect("a small message");
    let mut bytes = len.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(if interrupted { 0x12_u16 } else { 2 }.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Messages of any kind, each with what it has to be split into; 2 and 3 are errors and ends.
fn messages() -> impl Strategy<Value = Vec<(u16, bool, Vec<u8>)>> {
    let kinds = prop_oneof![4 => 16..=u16::MAX, 1 => Just(2), 1 => Just(3)];
    vec((kinds, any::<bool>(), vec(any::<u8>(), 4..90)), 0..12)
}

fn expected(kind: u16, interrupted: bool, payload: &[u8]) -> Frame<'_> {
    let number = payload.first_chunk().copied().map_or(0, i32::from_ne_bytes);
    match kind {
        3 if number >= 0 => Frame::Done,
        2 | 3 => Frame::Error(number.saturating_neg()),
        _ => Frame::Data {
            kind,
            interrupted,
            payload,
        },
    }
}

fn config() -> ProptestConfig {
    ProptestConfig {
        // A failure prints its input; a file of seeds beside the sources adds nothing.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_line_ends_the_program(bytes in any_bytes()) {
        decode_lines(&bytes);
    }

    #[test]
    fn no_file_ends_the_program(bytes in any_bytes()) {
        decode_files(&bytes);
    }

    #[test]
    fn no_datagram_ends_the_program(bytes in any_bytes()) {
        decode_datagram(&bytes);
    }

    #[test]
    fn lines_lose_nothing(bytes in any_bytes(), longest in 1_usize..60) {
        let all: Vec<&[u8]> = pieces(&bytes, longest).collect();
        for piece in &all {
            prop_assert!((1..=longest).contains(&piece.len()));
            let before_last = piece.split_last().map_or(&[][..], |(_, rest)| rest);
            prop_assert!(!before_last.contains(&b'\n'));
            prop_assert!(!before_nul(piece).contains(&0));
        }
        prop_assert_eq!(all.concat(), bytes);
    }

    #[test]
    fn numbers_are_read_as_rust_reads_them(
        unsigned in any::<u64>(),
        signed in any::<i64>(),
        blanks in "[ \t]{0,3}",
    ) {
        let decimal = format!("{blanks}{unsigned} x");
        let mut scanner = Scanner::new(decimal.as_bytes());
        prop_assert_eq!(scanner.decimal(), decimal.split_whitespace().next().and_then(|d| d.parse().ok()));
        prop_assert_eq!(scanner.rest(), b" x");
        let signed_text = format!("{blanks}{signed}:");
        let mut scanner = Scanner::new(signed_text.as_bytes());
        prop_assert_eq!(scanner.signed(), Some(signed));
        prop_assert_eq!(scanner.rest(), b":");
        for hex in [format!("{blanks}{unsigned:X}\n"), format!("{blanks}{unsigned:#018x}\n")] {
            let mut scanner = Scanner::new(hex.as_bytes());
            prop_assert_eq!(scanner.hex(), Some(unsigned));
            prop_assert_eq!(scanner.rest(), b"\n");
        }
    }

    #[test]
    fn numbers_out_of_range_are_the_largest(digits in "[1-9][0-9]{20,40}") {
        prop_assert_eq!(Scanner::new(digits.as_bytes()).decimal(), Some(u64::MAX));
        prop_assert_eq!(Scanner::new(digits.as_bytes()).signed(), Some(i64::MAX));
        let negative = format!("-{digits}");
        prop_assert_eq!(Scanner::new(negative.as_bytes()).signed(), Some(i64::MIN));
        prop_assert_eq!(Scanner::new(digits.as_bytes()).hex(), Some(u64::MAX));
    }

    #[test]
    fn rows_of_proc_decode_to_their_sockets(sockets in vec(proc_sockets(), 1..6)) {
        for protocol in PROTOCOLS {
            let mut rows = InetRows::new(protocol);
            for (slot, socket) in (0..).zip(&sockets) {
                let line = proc_line(slot, socket);
                prop_assert_eq!(rows.decode(line.as_bytes()), Some(*socket), "{}", line);
            }
        }
    }

    #[test]
    fn rows_of_proc_do_not_depend_on_the_row_before(
        before in any_bytes(),
        socket in proc_sockets(),
    ) {
        let mut rows = InetRows::new(InetProtocol::Tcp);
        for line in before.split(|&b| b == b'\n') {
            let _ = rows.decode(line);
        }
        prop_assert_eq!(rows.decode(proc_line(0, &socket).as_bytes()), Some(socket));
    }

    #[test]
    fn messages_of_sock_diag_decode_to_their_sockets(
        socket in diag_sockets(),
        limit in any::<u32>(),
        left_ms in 0..10_u32,
    ) {
        let bytes = diag_message(&socket, limit, left_ms);
        prop_assert_eq!(decode_inet_diag(&bytes), Some(socket));
        prop_assert_eq!(find_attribute(&bytes, 5), Some(&b"cubic\0"[..]));
        prop_assert_eq!(decode_inet_diag(&bytes[..71]), None);
    }

    #[test]
    fn datagrams_split_into_their_messages(messages in messages(), cut in any::<Index>()) {
        let mut datagram = Vec::new();
        for (kind, interrupted, payload) in &messages {
            datagram.extend(message(*kind, *interrupted, payload));
        }
        let wanted: Vec<Frame<'_>> = messages.iter().map(|(k, i, p)| expected(*k, *i, p)).collect();
        let frames: Vec<Frame<'_>> = Frames::new(&datagram).collect();
        prop_assert_eq!(&frames, &wanted);
        // A datagram that was cut gives its first messages, and says that it is broken.
        let mut part: Vec<Frame<'_>> = Frames::new(&datagram[..cut.index(datagram.len() + 1)]).collect();
        part.pop_if(|last| *last == Frame::Malformed);
        prop_assert!(wanted.starts_with(&part));
    }

    #[test]
    fn attributes_split_as_they_were_joined(
        all in vec((0..0x4000_u16, vec(any::<u8>(), 0..40)), 0..10),
    ) {
        let bytes: Vec<u8> = all.iter().flat_map(|(kind, payload)| attribute(*kind, payload)).collect();
        let found: Vec<(u16, Vec<u8>)> =
            attributes(&bytes).map(|(kind, payload)| (kind, payload.to_vec())).collect();
        prop_assert_eq!(found, all);
    }

    #[test]
    fn memory_counters_keep_their_places(words in any::<[u32; 9]>(), longer in vec(any::<u8>(), 0..9)) {
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        bytes.extend(longer);
        let [rmem_alloc_bytes, rcvbuf_bytes, wmem_alloc_bytes, sndbuf_bytes, forward, ..] = words;
        let [.., wmem_queued_bytes, optmem_bytes, backlog_bytes, drops] = words;
        let wanted = SocketMemory {
            rmem_alloc_bytes,
            rcvbuf_bytes,
            wmem_alloc_bytes,
            sndbuf_bytes,
            forward_alloc_bytes: forward.cast_signed(),
            wmem_queued_bytes,
            optmem_bytes,
            backlog_bytes,
            drops,
        };
        prop_assert_eq!(decode_skmeminfo(&bytes), Some(wanted));
    }

    #[test]
    fn links_to_sockets_give_their_inode(inode in 10_u64..u64::MAX) {
        let link = format!("socket:[{inode}]");
        prop_assert_eq!(decode_socket_link(link.as_bytes()), Some(Inode(inode)));
    }

    #[test]
    fn names_of_folders_are_numbers_or_not(number in any::<u32>(), other in "[0-9]*[a-z][0-9]*") {
        prop_assert_eq!(decode_number_name(number.to_string().as_bytes()), Some(number));
        prop_assert_eq!(decode_number_name(other.as_bytes()), None);
    }
}
