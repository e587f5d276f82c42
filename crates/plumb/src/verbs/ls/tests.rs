//! Rows of sockets that nobody has: how they look at every width, and in which order.

use std::net::SocketAddr;

use plumb_model::attribution::{Attribution, Holding, How, Process};
use plumb_model::diag::inet::DiagTimer;
use plumb_model::snapshot::{End, Kind, Namespace, Snapshot, Socket};
use plumb_model::socket::SocketState;
use plumb_model::{Cookie, Inode, Known, NetnsId, Pid, Reason, Uid};
use plumb_present::report::Column;
use plumb_present::report::table::{self, Style};

use super::columns::{self, Spec};
use super::row::{Row, View};
use super::sort;

const UNKNOWN: Known<u64> = Known::Unknown(Reason::NotInSource);

fn socket(kind: Kind, state: SocketState, local: &str, peer: &str) -> Socket {
    let end = |text: &str| {
        let end: SocketAddr = text.parse().expect("an endpoint");
        End::Inet(end)
    };
    Socket {
        netns: NetnsId(4_026_531_840),
        cookie: Known::Known(Cookie(1)),
        inode: Known::Known(Inode(1)),
        kind,
        state,
        local: end(local),
        peer: end(peer),
        interface: 0,
        recv_q: Known::Known(0),
        send_q: UNKNOWN,
        uid: Known::Known(Uid(0)),
        cgroup: UNKNOWN,
        mark: Known::Unknown(Reason::NotInSource),
        timer: DiagTimer::default(),
        v6only: false,
        shutdown: Known::Unknown(Reason::NotInSource),
        memory: None,
        tcp: None,
    }
}

/// Sockets of all lengths, the second one held by a process with a long name.
fn snapshot() -> Snapshot {
    let sockets = vec![
        socket(Kind::Udp, SocketState::CLOSE, "0.0.0.0:54321", "0.0.0.0:0"),
        socket(
            Kind::Tcp,
            SocketState::ESTABLISHED,
            "[2001:db8:1111:2222:3333:4444:5555:6666]:54321",
            "[::ffff:192.0.2.1]:443",
        ),
        socket(Kind::Tcp, SocketState::LISTEN, "[::]:54321", "[::]:0"),
        socket(
            Kind::Tcp,
            SocketState::TIME_WAIT,
            "255.255.255.255:54321",
            "255.255.255.255:65535",
        ),
    ];
    let mut process = Process::unknown(Pid(4_194_304), Reason::ProcessEnded);
    process.comm = "a-name-15-chars".into();
    let mut owners = Attribution::new(vec![process]);
    for place in 0..sockets.len() {
        let holding = Holding {
            process: 0,
            how: How::Descriptor(65_535),
        };
        owners.push((place == 1).then_some(holding), Reason::OtherPidNamespace);
    }
    Snapshot {
        namespaces: vec![Namespace {
            id: NetnsId(4_026_531_840),
            name: None,
            is_own: true,
            interfaces: Vec::new(),
            buffers: None,
        }],
        sockets,
        owners,
        ..Snapshot::default()
    }
}

fn written(view: &View<'_>, width: usize, wide: bool) -> String {
    let rows: Vec<Row<'_>> = (0..4).filter_map(|place| view.row(place)).collect();
    let columns: Vec<Column<Row<'_>>> = columns::all()
        .into_iter()
        .map(|spec| spec.column)
        .filter(|column| wide || !column.wide_only)
        .collect();
    let columns: Vec<&Column<Row<'_>>> = columns.iter().collect();
    let style = Style {
        width: Some(width),
        ..Style::default()
    };
    let mut out = Vec::new();
    table::write(&mut out, &columns, &rows, style);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn nothing_wraps_from_20_to_300_columns_and_every_port_is_whole() {
    let snapshot = snapshot();
    let view = View::new(&snapshot);
    for width in 20..=300 {
        for wide in [false, true] {
            let text = written(&view, width, wide);
            assert_eq!(text.lines().count(), 5);
            for line in text.lines().skip(1) {
                assert!(line.chars().count() <= width, "{width}: {line}");
                assert!(line.contains(":54321"), "{width}: {line}");
            }
        }
    }
}

#[test]
fn what_matters_least_leaves_first() {
    let snapshot = snapshot();
    let view = View::new(&snapshot);
    let head = |width| {
        written(&view, width, false)
            .lines()
            .next()
            .map(str::to_owned)
    };
    let heads: Vec<String> = [160, 100, 60, 30].into_iter().filter_map(head).collect();
    assert!(
        heads[0].contains("Netns") && heads[0].contains("FD"),
        "{heads:?}"
    );
    assert!(
        heads[1].contains("State") && !heads[1].contains("FD"),
        "{heads:?}"
    );
    assert!(
        heads[2].contains("Peer") && !heads[2].contains("Recv-Q"),
        "{heads:?}"
    );
    let left: Vec<&str> = heads[3].split_whitespace().collect();
    assert_eq!(left, ["Local", "Process"]);
}

#[test]
fn ends_are_written_as_ss_writes_them() {
    let snapshot = snapshot();
    let view = View::new(&snapshot);
    let ends = |place: usize| {
        let row = view.row(place).expect("there are four");
        (row.local_text(), row.peer_text())
    };
    assert_eq!(ends(0), ("0.0.0.0:54321".into(), "0.0.0.0:*".into()));
    assert_eq!(ends(1).1, "[::ffff:192.0.2.1]:443");
    assert_eq!(ends(2), ("*:54321".into(), "*:*".into()));
}

#[test]
fn listeners_stand_first_and_the_unknown_last_in_either_direction() {
    let snapshot = snapshot();
    let view = View::new(&snapshot);
    let specs: Vec<Spec<'_>> = columns::all();
    let order = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let keys = sort::keys(&words, &specs).expect("they are columns");
        let mut rows: Vec<Row<'_>> = (0..4).filter_map(|place| view.row(place)).collect();
        sort::sort(&mut rows, &keys, &specs);
        rows.iter()
            .map(|row| row.state_word().into_owned())
            .collect::<Vec<_>>()
    };
    let usual = order(&[]);
    assert_eq!(usual[0], "LISTEN");
    assert_eq!(usual[3], "UNCONN", "kinds stand together");
    for word in ["pid", "-pid"] {
        assert_eq!(order(&[word])[0], "ESTABLISHED", "{word}");
    }
    assert!(sort::keys(&["-nonsense".to_owned()], &specs).is_err());
}

#[test]
fn every_column_has_a_test_of_its_own_name() {
    let names: Vec<&str> = plumb_filter::entries()
        .iter()
        .flat_map(|entry| entry.names.iter().copied())
        .chain(["cgroup"])
        .collect();
    for spec in columns::all() {
        // Every holder is asked by `process` and `pid` anyway; code has to be asked of somebody else.
        let key = spec.column.key;
        let has_none = ["owners", "made-by"].contains(&key);
        assert!(has_none || names.contains(&key), "{key}");
        assert!(!spec.column.about.is_empty(), "{key}");
    }
}
