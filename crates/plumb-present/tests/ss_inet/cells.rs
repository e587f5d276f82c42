//! Addresses, ports, queues, states: the columns.

use plumb_model::diag::inet::{AF_INET6, Extensions, InetDiag, Protocol};
use plumb_present::ss::view::{Release, View};

use super::{numeric, row, write};

/// The local address of an IPv6 row, as it stands in its cell.
fn local6(octets: [u8; 16], v6only: Option<u8>) -> String {
    let mut row = InetDiag {
        family: AF_INET6,
        extensions: Extensions {
            v6only,
            ..Extensions::default()
        },
        ..row()
    };
    row.local.octets = octets;
    let text = write(&[row], &numeric()).table;
    let cell = text.split_whitespace().nth(4).expect("five cells");
    cell.trim_end_matches(":1").to_owned()
}

#[test]
fn ipv6_addresses_stand_in_brackets_unless_unspecified() {
    let mut mapped = [0; 16];
    mapped[10..].copy_from_slice(&[255, 255, 9, 8, 7, 6]);
    let mut compatible = [0; 16];
    compatible[13..].copy_from_slice(&[2, 3, 4]);
    assert_eq!(local6(mapped, None), "[::ffff:9.8.7.6]");
    assert_eq!(local6(compatible, None), "[::0.2.3.4]");
    assert_eq!(local6([0; 16], None), "*");
    assert_eq!(local6([0; 16], Some(0)), "*");
    assert_eq!(local6([0; 16], Some(1)), "[::]");
    assert_eq!(local6([0; 16], Some(2)), "[::]");
}

#[test]
fn queues_are_signed_and_a_device_stands_at_the_local_end() {
    let row = InetDiag {
        recv_q: 1 << 31,
        send_q: u32::MAX,
        interface: 77,
        ..row()
    };
    assert_eq!(
        write(&[row], &numeric()).table,
        "tcp ESTAB -2147483648 -1     1.1.1.1%if77:1 2.2.2.2:2\n"
    );
}

#[test]
fn names_are_asked_for_unless_n() {
    let mut row = row();
    row.local.octets[..4].copy_from_slice(&[127, 0, 0, 1]);
    row.local.port = 22;
    row.peer.port = 0;
    let view = View {
        resolve: true,
        ..View::default()
    };
    let rows = [row];
    assert_eq!(
        write(&rows, &view).table,
        "tcp ESTAB 0      0      localhost:ssh 2.2.2.2:*\n"
    );
    let view = View {
        numeric: true,
        ..view
    };
    assert_eq!(
        write(&rows, &view).table,
        "tcp ESTAB 0      0      localhost:22 2.2.2.2:*\n"
    );
}

#[test]
fn mapped_addresses_are_asked_for_as_ipv4() {
    let mut row = InetDiag {
        family: AF_INET6,
        ..row()
    };
    row.local.octets = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1];
    row.peer.octets = [0; 16];
    let view = View {
        resolve: true,
        ..numeric()
    };
    assert_eq!(
        write(&[row], &view).table,
        "tcp ESTAB 0      0      localhost:1 *:2\n"
    );
}

#[test]
fn tables_and_states_have_names_and_unknown_ones_do_not_fail() {
    let kind = |protocol, state, release| {
        let row = InetDiag {
            protocol: Protocol(protocol),
            state,
            ..row()
        };
        let view = View {
            release,
            ..numeric()
        };
        let text = write(&[row], &view).table;
        let words: Vec<_> = text.split_whitespace().take(2).collect();
        words.join(" ")
    };
    let default = |protocol, state| kind(protocol, state, Release::DEFAULT);
    assert_eq!(default(6, 0), "tcp UNKNOWN");
    assert_eq!(default(17, 7), "udp UNCONN");
    assert_eq!(default(0, 2), "raw SYN-SENT");
    assert_eq!(default(33, 3), "dccp SYN-RECV");
    assert_eq!(default(58, 4), "icmp6 FIN-WAIT-1");
    assert_eq!(default(132, 5), "sctp FIN-WAIT-2");
    assert_eq!(default(262, 6), "mptcp TIME-WAIT");
    assert_eq!(default(1, 11), "??? CLOSING");
    assert_eq!(default(6, 13), "tcp UNKNOWN");
    assert_eq!(kind(6, 13, Release::new(6, 8)), "tcp UNCONN");
    assert_eq!(default(6, u32::MAX), "tcp UNKNOWN");
}

#[test]
fn owners_are_asked_for_sockets_that_have_an_inode() {
    let view = View {
        owners: true,
        details: true,
        ..numeric()
    };
    let owned = InetDiag {
        inode: 7,
        uid: 9,
        ..row()
    };
    assert_eq!(
        write(std::slice::from_ref(&owned), &view).table,
        "tcp ESTAB 0      0      1.1.1.1:1 2.2.2.2:2 users:((\"sshd\",pid=1,fd=3)) uid:9 ino:7 sk:1\n"
    );
    let newest = View {
        release: Release::NEWEST,
        ..view
    };
    let both = write(&[owned, row()], &newest).table;
    assert_eq!(
        both,
        "tcp ESTAB 0      0      1.1.1.1:1 2.2.2.2:2 users:((\"sshd\",pid=1,fd=3)) uid:9 ino:7 sk:1\n\
         tcp ESTAB 0      0      1.1.1.1:1 2.2.2.2:2 ino:0 sk:1      \n"
    );
}
