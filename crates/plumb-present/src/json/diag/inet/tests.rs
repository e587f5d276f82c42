//! Rows of hand-made sockets: what is there, what is null, and which reason stands beside it.

use plumb_model::diag::congestion::Congestion;
use plumb_model::diag::inet::{
    DiagTimer, Extensions, ProcDetails, ProcTcp, RawAttribute, SkMemInfo,
};
use plumb_model::diag::tcp_info::TcpInfo;
use serde_json::{Value, json};

use super::*;

fn socket() -> InetDiag<'static> {
    let end = |port| DiagEndpoint {
        octets: [127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        port,
    };
    InetDiag {
        protocol: Protocol::TCP,
        family: AF_INET,
        state: 1,
        timer: DiagTimer {
            code: 4,
            retransmits: 3,
            expires_ms: 250,
        },
        local: end(22),
        peer: end(40000),
        interface: 1,
        cookie: 9,
        recv_q: 5,
        send_q: 6,
        uid: 0,
        inode: 77,
        extensions: Extensions::default(),
        from_proc: None,
        trailing: None,
    }
}

fn written(socket: &InetDiag<'_>, admin: bool) -> Value {
    let names = Names {
        interface: Some("lo"),
        cgroup: Some("/user.slice"),
        user: Some("root"),
        ..Names::default()
    };
    json!(InetRow {
        storages: &[],
        table: Protocol::TCP,
        socket,
        names,
        admin,
        company: Company::default(),
    })
}

#[test]
fn a_connection_with_all_its_attributes() {
    let mut socket = socket();
    socket.extensions = Extensions {
        skmeminfo: Some(SkMemInfo::default()),
        info: Some(Info::Tcp(TcpInfo::default())),
        congestion: Congestion {
            name: Some(b"cubic"),
            ..Congestion::default()
        },
        tos: Some(0),
        shutdown: Some(1),
        mark: Some(0x1200),
        cgroup_id: Some(4),
        sockopt: Some(0b101_0000_0010),
        unknown: vec![RawAttribute {
            kind: 99,
            payload: &[1, 0xab],
        }],
        ..Extensions::default()
    };
    let mut row = written(&socket, true);
    let fields = row.as_object_mut().map(|row| {
        let objects = ["tcp_info", "skmem"].map(|key| row.remove(key));
        assert!(objects.iter().all(Option::is_some));
    });
    assert!(fields.is_some());
    assert_eq!(
        row,
        json!({
            "family": "inet", "protocol": "tcp", "protocol_code": 6,
            "state": "ESTABLISHED", "state_code": 1, "recv_q_bytes": 5, "send_q_bytes": 6,
            "local": {"address": "127.0.0.1", "port": 22},
            "peer": {"address": "127.0.0.1", "port": 40000},
            "interface": "lo", "interface_index": 1, "uid": 0, "user": "root",
            "inode": 77, "cookie": 9,
            "timer": {"name": "probe", "code": 4, "expires_ms": 250, "retransmits": null, "probes": 3},
            "shutdown": {"recv": true, "send": false}, "tos": 0, "class_id": null,
            "cgroup": {"id": 4, "path": "/user.slice"},
            "sockopt": ["is_icsk", "bind_address_no_port", "defer_connect"],
            "sockopt_code": 0b101_0000_0010, "mark": 0x1200,
            "congestion": {"name": "cubic"},
            "unknown_attributes": [{"type": 99, "hex": "01ab"}],
        })
    );
}

#[test]
fn time_wait_says_why_it_knows_so_little() {
    let socket = InetDiag {
        state: 6,
        inode: 0,
        interface: 0,
        ..socket()
    };
    let row = written(&socket, true);
    for key in [
        "uid", "inode", "skmem", "tcp_info", "mark", "cgroup", "shutdown", "sockopt",
    ] {
        assert_eq!(row[key], Value::Null, "{key}");
        assert_eq!(row[format!("{key}_unknown")], "time-wait", "{key}");
    }
    assert!(row.get("user").is_none(), "nobody owns it, not even root");
    assert_eq!(row["interface_index"], Value::Null);
    assert!(row.get("md5_keys").is_none());
}

#[test]
fn without_privilege_marks_and_keys_are_unknown_not_absent() {
    let row = written(&socket(), false);
    assert_eq!(row["mark_unknown"], "permission-denied");
    assert_eq!(row["md5_keys_unknown"], "permission-denied");
    let row = written(&socket(), true);
    assert_eq!(row["mark"], Value::Null);
    assert!(row.get("mark_unknown").is_none());
}

#[test]
fn a_listener_of_proc_has_no_limit_and_its_own_details() {
    let socket = InetDiag {
        state: 10,
        from_proc: Some(ProcDetails {
            tcp: Some(ProcTcp {
                ssthresh: -1,
                rto_ticks: 20,
                ..ProcTcp::default()
            }),
            ..ProcDetails::default()
        }),
        ..socket()
    };
    let row = written(&socket, false);
    assert_eq!(row["accept_queue"], 5);
    assert_eq!(row["accept_queue_limit_unknown"], "not-in-source");
    assert_eq!(row["cookie_unknown"], "not-in-source");
    assert_eq!(row["mark_unknown"], "not-in-source");
    assert_eq!(row["interface_index_unknown"], "not-in-source");
    assert_eq!(row["proc"]["rto_ms"], 200);
    assert_eq!(row["proc"]["snd_ssthresh_unknown"], "no-limit");
}

#[test]
fn a_raw_socket_is_raw_whatever_it_carries_and_damage_is_kept() {
    let socket = InetDiag {
        protocol: Protocol(1),
        family: 99,
        ..socket()
    };
    let row = json!(InetRow {
        storages: &[],
        table: Protocol::IPPROTO_RAW,
        socket: &socket,
        names: Names::default(),
        admin: true,
        company: Company::default(),
    });
    assert_eq!(
        (&row["protocol"], &row["protocol_code"]),
        (&"raw".into(), &1.into())
    );
    assert_eq!(
        (&row["family"], &row["family_code"]),
        (&Value::Null, &99.into())
    );
    assert!(row.get("tcp_info").is_none());
}
