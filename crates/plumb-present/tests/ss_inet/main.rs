//! Rows of Internet sockets as ss writes them. What is expected of the default release was printed
//! by ss of iproute2 6.1 for hand-made dumps of the same rows (`TCPDIAG_FILE`), or, where it says
//! so, for a hand-made `/proc/net/tcp`; newer releases are held to the reference.

mod block;
mod cells;
mod layers;
mod rows;

use std::net::IpAddr;

use plumb_model::diag::inet::{AF_INET, DiagEndpoint, DiagTimer, Extensions, InetDiag, Protocol};
use plumb_present::ss::inet::{InetRows, write_row};
use plumb_present::ss::layout::{Alignment, COLUMNS, Layout, Table};
use plumb_present::ss::lookup::{Lookup, PortKind};
use plumb_present::ss::view::{Release, View};

/// Knows one host, one service, one interface, one owner and one path.
struct Names;

impl Lookup for Names {
    fn host(&mut self, addr: IpAddr) -> Option<&[u8]> {
        (addr == IpAddr::from([127, 0, 0, 1])).then_some(b"localhost")
    }

    fn port(&mut self, kind: PortKind, port: u32) -> Option<&[u8]> {
        (kind == PortKind::Tcp && port == 22).then_some(b"ssh")
    }

    fn interface(&mut self, index: u32) -> &[u8] {
        if index == 1 { b"lo" } else { b"if77" }
    }

    fn append_users(&mut self, out: &mut Vec<u8>, inode: u64) {
        if inode == 7 {
            out.extend_from_slice(b" users:((\"sshd\",pid=1,fd=3))");
        }
    }

    fn cgroup(&mut self, id: u64) -> &[u8] {
        if id == 1 { b"/" } else { b"unreachable:2" }
    }

    fn process_name(&mut self, _pid: u32) -> Option<&[u8]> {
        None
    }

    fn process_context(&mut self, _pid: u32) -> &[u8] {
        b"unavailable"
    }

    fn netlink_protocol(&mut self, _protocol: u32) -> Option<&[u8]> {
        None
    }
}

/// 1.1.1.1:1 to 2.2.2.2:2, established, with cookie 1.
fn row() -> InetDiag<'static> {
    let end = |octet, port| {
        let mut octets = [0; 16];
        octets[..4].fill(octet);
        DiagEndpoint { octets, port }
    };
    InetDiag {
        protocol: Protocol::TCP,
        family: AF_INET,
        state: 1,
        timer: DiagTimer::default(),
        local: end(1, 1),
        peer: end(2, 2),
        interface: 0,
        cookie: 1,
        recv_q: 0,
        send_q: 0,
        uid: 0,
        inode: 0,
        extensions: Extensions::default(),
        trailing: None,
        from_proc: None,
    }
}

/// The same with attributes.
fn with(extensions: Extensions<'static>) -> InetDiag<'static> {
    InetDiag {
        extensions,
        ..row()
    }
}

/// A view of -n and nothing else.
fn numeric() -> View {
    View {
        numeric: true,
        ..View::default()
    }
}

/// Everything -i and -o and -n show, on one line.
fn internals(release: Release) -> View {
    View {
        release,
        info: true,
        options: true,
        oneline: true,
        ..numeric()
    }
}

/// What a few rows come to.
struct Written {
    table: String,
    rows: InetRows,
}

/// Writes rows without a header, all columns, as wide as they must be.
fn write(rows: &[InetDiag<'_>], view: &View) -> Written {
    let mut table = Table::new(Layout {
        enabled: [true; COLUMNS],
        alignment: Alignment::Compact,
        release: view.release,
    });
    let mut out = Vec::new();
    let mut sink = |piece: &[u8]| out.extend_from_slice(piece);
    let mut state = InetRows::default();
    state.port_kind = PortKind::Tcp;
    for row in rows {
        table.begin_row(&mut sink);
        write_row(&mut table, row, &mut state, view, &mut Names);
    }
    table.flush(&mut sink);
    Written {
        table: String::from_utf8(out).expect("these rows are text"),
        rows: state,
    }
}

/// Writes one row and gives what stands behind its addresses, without padding.
fn extras(row: &InetDiag<'_>, view: &View) -> String {
    let written = write(std::slice::from_ref(row), view).table;
    let (_, extras) = written
        .split_once("2.2.2.2:2")
        .expect("the peer is in the row");
    extras.trim_end_matches([' ', '\n']).to_owned()
}
