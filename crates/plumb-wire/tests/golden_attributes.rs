//! Golden bytes: every attribute one real kernel sent for a few sockets (`golden/README.md` says for
//! which), and the rows of ss from both of its sources, which have to agree.

use plumb_model::diag::inet::{InetDiag, Info, Protocol};
use plumb_model::socket::IpVersion;
use plumb_wire::netlink::frame::{Frame, Frames};
use plumb_wire::netlink::inet_diag_record::decode_inet_diag_record;
use plumb_wire::proc::ss_inet::InetLines;

macro_rules! golden {
    ($name:literal) => {
        &include_bytes!(concat!("golden/", $name))[..]
    };
}

/// States a row of sock_diag and its line in `/proc` tell alike: established, close, close-wait.
const ALIKE: [u32; 3] = [1, 7, 8];

fn rows(dump: &[u8], table: Protocol) -> Vec<InetDiag<'_>> {
    Frames::new(dump)
        .filter_map(|frame| match frame {
            Frame::Data { payload, .. } => decode_inet_diag_record(payload, table),
            _ => None,
        })
        .collect()
}

fn find<'a, 'b>(rows: &'b [InetDiag<'a>], local: u32, peer: u32) -> &'b InetDiag<'a> {
    rows.iter()
        .find(|row| (row.local.port, row.peer.port) == (local, peer))
        .expect("the socket is in the dump")
}

#[test]
fn a_kernel_sends_nothing_unknown_and_nothing_trailing() {
    let tcp = rows(golden!("tcp-attributes.diag"), Protocol::TCP);
    let mptcp = rows(golden!("mptcp-attributes.diag"), Protocol::MPTCP);
    assert_eq!((tcp.len(), mptcp.len()), (7, 3));
    for row in tcp.iter().chain(&mptcp) {
        let extensions = &row.extensions;
        assert_eq!((&extensions.unknown[..], row.trailing), (&[][..], None));
        assert_eq!(
            extensions.skmeminfo.map(|memory| memory.sent_bytes),
            Some(36)
        );
        assert_eq!(extensions.cgroup_id, Some(1));
        let sent = match &extensions.info {
            Some(Info::Tcp(info)) => ("tcp", info.sent_bytes),
            Some(Info::Mptcp(info)) => ("mptcp", info.sent_bytes),
            Some(Info::Sctp(_)) | None => ("none", 0),
        };
        let expected = match row.protocol {
            Protocol::TCP => ("tcp", 280),
            _ => ("mptcp", 96),
        };
        assert_eq!(sent, expected, "port {}", row.local.port);
    }
}

#[test]
fn marks_and_keys_are_those_that_were_set() {
    let rows = rows(golden!("tcp-attributes.diag"), Protocol::TCP);
    let listener = &find(&rows, 8101, 0).extensions;
    assert_eq!(listener.mark, Some(0x1200));
    let keys = listener.md5_keys.as_deref().unwrap_or_default();
    assert_eq!(keys.len(), 1);
    assert_eq!((keys[0].family, keys[0].prefix_len), (2, 32));
    assert_eq!(keys[0].address[..4], [127, 0, 0, 1]);
    assert_eq!(keys[0].key, b"secret");
    let closing = find(&rows, 40101, 8102);
    assert_eq!(closing.state, 5);
    assert_eq!(closing.extensions.tos, Some(0x10));
    assert_eq!(closing.extensions.shutdown, Some(2));
    assert_eq!(closing.extensions.congestion.name, Some(&b"cubic"[..]));
    assert_eq!(find(&rows, 8102, 40101).extensions.shutdown, Some(1));
}

#[test]
fn a_subflow_and_its_connection_share_their_token() {
    let tcp = rows(golden!("tcp-attributes.diag"), Protocol::TCP);
    let mptcp = rows(golden!("mptcp-attributes.diag"), Protocol::MPTCP);
    let ulp = find(&tcp, 40100, 8100).extensions.ulp;
    assert_eq!(ulp.and_then(|ulp| ulp.name), Some(&b"mptcp"[..]));
    let local = ulp.and_then(|ulp| ulp.mptcp?.token_loc);
    let Some(Info::Mptcp(info)) = find(&mptcp, 40100, 8100).extensions.info else {
        panic!("an MPTCP connection has its info");
    };
    assert_eq!(local, Some(info.token));
    assert_eq!((info.bytes_sent, info.subflows_total), (777, 1));
    let Some(Info::Tcp(info)) = find(&tcp, 8100, 40100).extensions.info else {
        panic!("a TCP connection has its info");
    };
    assert_eq!((info.bytes_received, info.state), (777, 1));
}

#[test]
fn both_sources_of_ss_say_the_same() {
    for (dump, text, version) in [
        (golden!("tcp.diag"), golden!("tcp"), IpVersion::V4),
        (golden!("tcp6.diag"), golden!("tcp6"), IpVersion::V6),
    ] {
        let rows = rows(dump, Protocol::TCP);
        let lines: Vec<_> = InetLines::new(text, Protocol::TCP, version).collect();
        assert_eq!(rows.len(), lines.len());
        let mut compared = 0;
        for line in &lines {
            assert_eq!(line.selected_as, line.row.state);
            let row = rows
                .iter()
                .find(|row| (row.local, row.peer) == (line.row.local, line.row.peer))
                .expect("both sources list the socket");
            assert_eq!(row.state, line.row.state);
            if ALIKE.contains(&row.state) && row.inode != 0 {
                assert_eq!(row.inode, line.row.inode);
                assert_eq!((row.uid, row.family), (line.row.uid, line.row.family));
                assert_eq!((row.recv_q, row.send_q), (line.row.recv_q, line.row.send_q));
                compared += 1;
            }
        }
        assert!(compared >= 2, "{version:?}: only {compared} rows compared");
    }
}
