//! docs/json-ss.md and the JSON of ss say the same keys, and JSON and text the same values.
//!
//! Rows of every family are made by hand with everything a kernel could tell, because no kernel has
//! all families; live rows have to stay within the page.

mod needs_root;

use plumb_model::Known;
use plumb_model::btf::Storage;
use plumb_model::diag::attribute::RawAttribute;
use plumb_model::diag::congestion::{Bbr, Congestion, Dctcp, Vegas};
use plumb_model::diag::inet::{
    AF_INET6, DiagEndpoint, DiagTimer, Extensions, InetDiag, Info, Md5Key, MemInfo, ProcDetails,
    ProcTcp, Protocol, SctpAddress, SkMemInfo,
};
use plumb_model::diag::mptcp_info::MptcpInfo;
use plumb_model::diag::netlink::{NetlinkDiag, NetlinkPeer, NetlinkProc};
use plumb_model::diag::packet::{BpfInstruction, PacketDiag, PacketFanout, PacketInfo, PacketRing};
use plumb_model::diag::sctp_info::SctpInfo;
use plumb_model::diag::tcp_info::TcpInfo;
use plumb_model::diag::tipc::{TipcConnection, TipcDiag, TipcService, TipcStatistics};
use plumb_model::diag::ulp::{MptcpSubflow, Tls, Ulp};
use plumb_model::diag::unix::{UnixDiag, UnixFile, UnixQueues};
use plumb_model::diag::vsock::{VsockDiag, VsockEndpoint};
use plumb_model::diag::xdp::{XdpBinding, XdpDiag, XdpStatistics, XdpUmem};
use plumb_model::holder::Holder;
use plumb_model::socket_totals::SocketTotals;
use plumb_present::json::Netns;
use plumb_present::json::diag::inet::{InetRow, Names};
use plumb_present::json::diag::netlink::NetlinkRow;
use plumb_present::json::diag::packet::PacketRow;
use plumb_present::json::diag::summary::Summary;
use plumb_present::json::diag::tipc::TipcRow;
use plumb_present::json::diag::unix::UnixRow;
use plumb_present::json::diag::vsock::VsockRow;
use plumb_present::json::diag::xdp::XdpRow;
use plumb_present::json::diag::{Company, Holders};
use plumb_present::json::document::Document;
use plumb_present::json::sockets::EndNames;
use serde_json::{Value, json};

use crate::json_keys::{Keys, collect_row, differences};

const PAGE: &str = "json-ss.md";
const UNKNOWN: RawAttribute<'_> = RawAttribute {
    kind: 99,
    payload: &[1],
};

/// Adds the keys of a document: of the envelope, and of each row to those of its family.
fn collect(document: &Value, seen: &mut Keys) {
    let mut envelope = document.clone();
    if let Some(rows) = envelope.get_mut("sockets") {
        *rows = json!([]);
    }
    collect_row(&envelope, "", seen.entry(String::new()).or_default());
    for row in document["sockets"].as_array().into_iter().flatten() {
        // Two sections of one text.
        let sections = match row["family"].as_str() {
            None | Some("inet" | "inet6") => vec!["inet", "inet6"],
            Some(family) => vec![family],
        };
        for section in sections {
            collect_row(row, "", seen.entry(section.to_owned()).or_default());
        }
    }
}

/// A document with the given rows.
fn document(rows: &[Value]) -> Value {
    let mut out = Vec::new();
    let mut document = Document::begin(&mut out, "plumb.ss/1", "2026-01-01T00:00:00Z", "h");
    document.declare(&mut out, "sockets");
    for row in rows {
        document.push(&mut out, "sockets", row);
    }
    document.member("summary", &Summary::new(&SocketTotals::default()));
    document.finish(&mut out);
    serde_json::from_slice(&out).expect("a document is JSON")
}

/// A socket of `family` with every attribute, those of other protocols too.
fn inet(family: u8, info: &Info, protocol: Protocol) -> InetDiag<'static> {
    const KEY: Md5Key<'_> = Md5Key {
        family: 2,
        prefix_len: 32,
        address: [1; 16],
        key: b"key",
    };
    let address = SctpAddress {
        family: 40,
        ip: None,
    };
    InetDiag {
        protocol,
        family,
        state: 10,
        timer: DiagTimer::default(),
        local: DiagEndpoint::default(),
        peer: DiagEndpoint::default(),
        interface: 1,
        cookie: 1,
        recv_q: 0,
        send_q: 0,
        uid: 0,
        inode: 7,
        extensions: Extensions {
            meminfo: Some(MemInfo::default()),
            skmeminfo: Some(SkMemInfo::default()),
            info: Some(*info),
            congestion: Congestion {
                name: Some(b"bbr"),
                vegas: Some(Vegas::default()),
                dctcp: Some(Dctcp::default()),
                bbr: Some(Bbr::default()),
            },
            tos: Some(0),
            tclass: Some(0),
            class_id: Some(0),
            shutdown: Some(0),
            v6only: Some(0),
            mark: Some(0),
            cgroup_id: Some(1),
            sockopt: Some(0),
            md5_keys: Some(vec![KEY]),
            ulp: Some(Ulp {
                name: Some(b"tls"),
                tls: Some(Tls::default()),
                mptcp: Some(MptcpSubflow::default()),
                trailing: None,
            }),
            locals: Some(vec![address]),
            peers: Some(vec![address]),
            bpf_storages: Some(Vec::new()),
            unknown: vec![UNKNOWN],
        },
        trailing: None,
        from_proc: Some(ProcDetails {
            tcp: Some(ProcTcp::default()),
            ..ProcDetails::default()
        }),
    }
}

fn inet_rows(company: Company<'_>) -> Vec<Value> {
    let tcp = &Info::Tcp(TcpInfo::default());
    let mptcp = &Info::Mptcp(MptcpInfo::default());
    let sctp = &Info::Sctp(SctpInfo::default());
    let end = EndNames {
        host: Some("h"),
        service: Some("s"),
    };
    let names = Names {
        local: end,
        peer: end,
        user: Some("root"),
        interface: Some("lo"),
        cgroup: Some("/"),
    };
    let mut sockets = vec![
        inet(AF_INET6, tcp, Protocol::TCP),
        inet(2, tcp, Protocol::TCP),
    ];
    // The last is a family without a name.
    for family in [2, AF_INET6, 99] {
        sockets.push(inet(family, mptcp, Protocol::MPTCP));
        sockets.push(inet(family, sctp, Protocol::SCTP));
    }
    let row = |socket| {
        json!(InetRow {
            storages: &[Storage {
                map_id: 1,
                bytes: &[1],
                typed: None,
            }],
            table: Protocol::TCP,
            socket,
            names,
            admin: true,
            company,
        })
    };
    sockets.iter().map(row).collect()
}

fn unix_and_vsock_rows(company: Company<'_>) -> [Value; 2] {
    let unix = UnixDiag {
        state: 10,
        inode: 7,
        cookie: Some(1),
        file: Some(UnixFile {
            inode: 1,
            device: 1,
        }),
        queues: Some(UnixQueues { recv: 0, send: 0 }),
        memory: Some(SkMemInfo::default()),
        shutdown: Some(0),
        unknown: vec![UNKNOWN],
        ..UnixDiag::default()
    };
    let end = VsockEndpoint { cid: 2, port: 1 };
    let vsock = VsockDiag {
        kind: VsockDiag::STREAM,
        state: 1,
        shutdown: 0,
        local: end,
        peer: end,
        inode: 7,
        cookie: 1,
    };
    [
        json!(UnixRow {
            socket: &unix,
            company,
        }),
        json!(VsockRow {
            socket: &vsock,
            company,
        }),
    ]
}

fn packet_row(company: Company<'_>) -> Value {
    let ring = PacketRing {
        block_bytes: 1,
        blocks: 1,
        frame_bytes: 1,
        frames: 1,
        retire_ms: 1,
        private_bytes: 1,
        features: 1,
    };
    let packet = PacketDiag {
        inode: 7,
        info: Some(PacketInfo {
            version: 0,
            reserve_bytes: 0,
            copy_threshold_bytes: 0,
            timestamp: 0,
            flags: 0,
        }),
        memberships: Some(&[1]),
        rx_ring: Some(ring),
        tx_ring: Some(ring),
        fanout: Some(PacketFanout { id: 1, kind: 0 }),
        memory: Some(SkMemInfo::default()),
        filter: Some(vec![BpfInstruction {
            code: 0,
            jump_true: 0,
            jump_false: 0,
            operand: 0,
        }]),
        unknown: vec![UNKNOWN],
        ..PacketDiag::default()
    };
    json!(PacketRow {
        socket: &packet,
        protocol: None,
        interface: None,
        user: Some("root"),
        company,
    })
}

fn netlink_row(company: Company<'_>) -> Value {
    let netlink = NetlinkDiag {
        inode: Some(7),
        peer: Some(NetlinkPeer {
            port_id: 1,
            group: 1,
        }),
        memory: Some(SkMemInfo::default()),
        from_proc: Some(NetlinkProc::default()),
        unknown: vec![UNKNOWN],
        ..NetlinkDiag::default()
    };
    json!(NetlinkRow {
        socket: &netlink,
        protocol: None,
        comm: Some("ss"),
        context: Some("c"),
        company,
    })
}

fn tipc_row(company: Company<'_>) -> Value {
    let tipc = TipcDiag {
        inode: Some(7),
        connection: Some(TipcConnection {
            service: Some(TipcService::default()),
            ..TipcConnection::default()
        }),
        statistics: Some(TipcStatistics::default()),
        group: Some(&[1]),
        unknown: vec![UNKNOWN],
        ..TipcDiag::default()
    };
    json!(TipcRow {
        socket: &tipc,
        user: Some("root"),
        company,
    })
}

fn xdp_row(company: Company<'_>) -> Value {
    let xdp = XdpDiag {
        inode: 7,
        binding: Some(XdpBinding {
            interface: 1,
            queue: 1,
        }),
        umem: Some(XdpUmem {
            size_bytes: 1,
            id: 1,
            pages: 1,
            chunk_bytes: 1,
            headroom_bytes: 1,
            interface: 1,
            queue: 1,
            flags: 1,
            references: 1,
        }),
        memory: Some(SkMemInfo::default()),
        statistics: Some(XdpStatistics {
            rx_dropped: 1,
            rx_invalid: 1,
            rx_ring_full: 1,
            fill_ring_empty: 1,
            tx_invalid: 1,
            tx_ring_empty: 1,
        }),
        unknown: vec![UNKNOWN],
        ..XdpDiag::default()
    };
    json!(XdpRow {
        socket: &xdp,
        interface: None,
        user: Some("root"),
        company,
    })
}

#[test]
fn every_key_is_documented_and_every_documented_key_is_there() {
    let holder = Holder {
        pid: 1,
        tid: 1,
        fd: 3,
        name: b"a",
        process_context: Some(b"c"),
        socket_context: Some(b"c"),
    };
    let netns = Netns {
        inode: 1,
        name: None,
    };
    let company = Company {
        holders: Some(Holders {
            found: Known::Known(&[holder]),
            threads: true,
        }),
        creation: None,
        netns: Some(&netns),
    };
    let mut rows = inet_rows(company);
    rows.extend(unix_and_vsock_rows(company));
    rows.extend([
        packet_row(company),
        netlink_row(company),
        tipc_row(company),
        xdp_row(company),
    ]);
    let mut seen = Keys::new();
    collect(&document(&rows), &mut seen);
    let found = differences(&seen, PAGE, &[]);
    assert!(found.is_empty(), "{}", found.join("\n"));
    let all = crate::json_keys::documented(PAGE).0;
    let never: Vec<_> = all
        .iter()
        .flat_map(|(section, keys)| keys.iter().map(move |key| (section, key)))
        .filter(|(section, key)| !key.ends_with("_unknown") && !seen[*section].contains(*key))
        .filter(|(section, _)| !section.is_empty())
        .collect();
    assert!(never.is_empty(), "optional, and never there: {never:?}");
}
