//! Input that no kernel writes, and every decoder there is: nothing may end the program.

use plumb_model::diag::inet::Protocol;
use plumb_model::socket::IpVersion;
use plumb_wire::netlink::frame::{Frame, Frames, attributes};
use plumb_wire::netlink::inet_diag::{INET_DIAG_INFO, decode_inet_diag, find_attribute};
use plumb_wire::netlink::inet_diag_record::decode_inet_diag_record;
use plumb_wire::netlink::netlink_diag::decode_netlink_diag;
use plumb_wire::netlink::packet_diag::decode_packet_diag;
use plumb_wire::netlink::skmeminfo::decode_skmeminfo;
use plumb_wire::netlink::tipc_diag::decode_tipc_diag;
use plumb_wire::netlink::unix_diag::decode_unix_diag;
use plumb_wire::netlink::vsock_diag::decode_vsock_diag;
use plumb_wire::netlink::xdp_diag::decode_xdp_diag;
use plumb_wire::proc::cgroup::decode_cgroup;
use plumb_wire::proc::dev::decode_dev;
use plumb_wire::proc::groups::decode_groups;
use plumb_wire::proc::if_inet6::decode_if_inet6;
use plumb_wire::proc::inet::InetRows;
use plumb_wire::proc::io_uring::decode_user_files;
use plumb_wire::proc::legacy::ax25::decode_ax25;
use plumb_wire::proc::legacy::ipx::decode_ipx;
use plumb_wire::proc::legacy::netrom::decode_netrom;
use plumb_wire::proc::legacy::rose::decode_rose;
use plumb_wire::proc::legacy::x25::decode_x25;
use plumb_wire::proc::masquerade::decode_masquerade;
use plumb_wire::proc::mounts::hides_processes;
use plumb_wire::proc::netlink::NetlinkRows;
use plumb_wire::proc::nstat::{SourceName, decode_paired, decode_rated};
use plumb_wire::proc::packet::PacketRows;
use plumb_wire::proc::process::{
    decode_argv0, decode_boottime_offset, decode_number_name, decode_socket_link,
};
use plumb_wire::proc::process_stat::{decode_effective_uid, decode_stat};
use plumb_wire::proc::routes::{
    RouteMemory, Table6, check_old_cache_header, decode_route_cache, decode_routes, decode_routes6,
    inspect_cache_header,
};
use plumb_wire::proc::sctp::{decode_association, decode_endpoint};
use plumb_wire::proc::snmp::{decode_paired_counters, decode_sctp_counters, decode_snmp6};
use plumb_wire::proc::sockstat::{decode_numbers, decode_pressure, decode_sockstat, find_counter};
use plumb_wire::proc::ss_inet::InetLines;
use plumb_wire::proc::unix::UnixRows;
use plumb_wire::proc::unix_diag::UnixDiagRows;
use plumb_wire::workload::decode_workload;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::{PROTOCOLS, config};

/// What a kernel wrote, to be damaged.
const FILES: [&[u8]; 14] = [
    include_bytes!("../golden/dev"),
    include_bytes!("../golden/if_inet6"),
    include_bytes!("../golden/igmp"),
    include_bytes!("../golden/igmp6"),
    include_bytes!("../golden/ipv6_route"),
    include_bytes!("../golden/netstat"),
    include_bytes!("../golden/route"),
    include_bytes!("../golden/snmp"),
    include_bytes!("../golden/snmp6"),
    include_bytes!("../golden/sockstat"),
    include_bytes!("../golden/tcp"),
    include_bytes!("../golden/tcp6"),
    include_bytes!("../golden/tcp.diag"),
    include_bytes!("../golden/unix"),
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

pub(crate) fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
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
    let mut of_ss = (UnixDiagRows::new(), PacketRows::new(), NetlinkRows::new());
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        for rows in &mut inet {
            let _ = rows.decode(line).map(|row| (row.inode(), row.uid()));
        }
        for rows in &mut unix {
            let _ = rows.decode(line).map(|row| row.is_listening());
        }
        let _ = (of_ss.0.decode(line), of_ss.1.decode(line));
        let _ = of_ss.2.decode(line);
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
    let _ = (
        decode_paired(bytes),
        decode_rated(bytes, &mut SourceName::default()),
    );
    let _ = (decode_ax25(bytes), decode_ipx(bytes), decode_netrom(bytes));
    let _ = (decode_rose(bytes), decode_x25(bytes));
    for version in [IpVersion::V4, IpVersion::V6] {
        let _ = InetLines::new(bytes, Protocol::TCP, version).count();
    }
    let _ = find_counter(&decode_sockstat(bytes), "TCP", "mem");
    let _ = (decode_stat(bytes), decode_effective_uid(bytes));
    let _ = (decode_user_files(bytes), hides_processes(bytes));
    let _ = decode_boottime_offset(bytes);
    let _ = (decode_cgroup(bytes), decode_workload(bytes));
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
    for table in [Protocol::TCP, Protocol::SCTP, Protocol::MPTCP] {
        let _ = decode_inet_diag_record(bytes, table);
    }
    let _ = (decode_unix_diag(bytes), decode_packet_diag(bytes));
    let _ = (decode_netlink_diag(bytes), decode_vsock_diag(bytes));
    let _ = (decode_tipc_diag(bytes), decode_xdp_diag(bytes));
    let _ = attributes(bytes).count();
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
    fn no_attribute_ends_the_program(
        attributes in vec((0..24_u16, vec(any::<u8>(), 0..140)), 0..12),
        cut in any::<Index>(),
        fixed in select(&[0_usize, 16, 28, 72][..]),
    ) {
        let mut message = vec![0; fixed];
        for (kind, payload) in attributes {
            let len = u16::try_from(payload.len() + 4).unwrap_or(4);
            message.extend(len.to_ne_bytes());
            message.extend(kind.to_ne_bytes());
            message.extend(payload);
            message.resize(message.len().next_multiple_of(4), 0);
        }
        decode_datagram(&message);
        message.truncate(cut.index(message.len() + 1));
        decode_datagram(&message);
    }
}
