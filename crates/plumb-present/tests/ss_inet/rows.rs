//! What a row shows behind its addresses, and what rows have to do with each other.

use plumb_model::diag::attribute::Trailing;
use plumb_model::diag::inet::{
    AF_INET6, DiagTimer, Extensions, InetDiag, ProcDetails, ProcTcp, Protocol,
};
use plumb_model::diag::ulp::{Tls, Ulp};
use plumb_present::ss::view::View;

use super::{extras, internals, numeric, row, write};

fn details() -> View {
    View {
        details: true,
        options: true,
        ..numeric()
    }
}

#[test]
fn details_come_in_their_order() {
    let row = InetDiag {
        family: AF_INET6,
        uid: 1000,
        inode: 500,
        timer: DiagTimer {
            code: 4,
            retransmits: 2,
            expires_ms: 61_000,
        },
        extensions: Extensions {
            mark: Some(0x1200),
            cgroup_id: Some(1),
            v6only: Some(0),
            shutdown: Some(2),
            tos: Some(0),
            tclass: Some(0x10),
            class_id: Some(0),
            sockopt: Some(0b100_0001_0010),
            ..Extensions::default()
        },
        ..row()
    };
    let view = View {
        tos: true,
        cgroup: true,
        inet_sockopt: true,
        ..details()
    };
    let text = write(&[row], &view).table;
    let (_, extras) = text.split_once("]:2").expect("the peer is in the row");
    assert_eq!(
        extras,
        " timer:(persist,1min1sec,2) uid:1000 ino:500 sk:1 fwmark:0x1200 cgroup:/ v6only:0 <-- \
         tos:0 tclass:0x10 class_id:0 cgroup:/\n\tinet-sockopt: ( is_icsk mc_loop defer_connect)\n"
    );
}

#[test]
fn what_is_zero_is_shown_by_its_own_option_only() {
    let row = InetDiag {
        extensions: Extensions {
            mark: Some(0),
            cgroup_id: Some(0),
            shutdown: Some(3),
            sockopt: Some(0),
            ..Extensions::default()
        },
        ..row()
    };
    assert_eq!(extras(&row, &details()), " ino:0 sk:1 ---");
    let view = View {
        cgroup: true,
        inet_sockopt: true,
        oneline: true,
        ..numeric()
    };
    assert_eq!(
        extras(&row, &view),
        " cgroup:unreachable:2 inet-sockopt: ()"
    );
}

#[test]
fn an_sctp_row_with_the_inode_before_it_is_an_association() {
    let of = |protocol, inode, state| InetDiag {
        protocol,
        inode,
        state,
        ..row()
    };
    let rows = [
        of(Protocol::SCTP, 0, 1),
        of(Protocol::SCTP, 0, 1),
        of(Protocol::TCP, 7, 1),
        of(Protocol::SCTP, 7, 3),
        of(Protocol::SCTP, 8, 0),
        of(Protocol::SCTP, 8, 1),
        of(Protocol::SCTP, 8, 99),
        // As kernel 6.12 repeats a listener.
        of(Protocol::SCTP, 8, 10),
    ];
    let text = write(&rows, &numeric()).table;
    let kinds: Vec<_> = text
        .lines()
        .map(|line| line.split(" 0 ").next().unwrap_or("").trim_end())
        .collect();
    assert_eq!(
        kinds,
        [
            "sctp ESTAB",
            "sctp ESTAB",
            "tcp  ESTAB",
            "     `- ESTAB",
            "sctp UNKNOWN",
            "     `- COOKIE_WAIT",
            "     `- UNKNOWN",
            "     `- (null)"
        ]
    );
}

#[test]
fn trailing_bytes_are_complained_about_where_they_are_read() {
    let trailing = |remaining| {
        Some(Trailing {
            remaining,
            claimed: 513,
        })
    };
    let row = InetDiag {
        trailing: trailing(4),
        extensions: Extensions {
            ulp: Some(Ulp {
                trailing: trailing(-3),
                tls: Some(Tls {
                    trailing: trailing(8),
                    ..Tls::default()
                }),
                ..Ulp::default()
            }),
            ..Extensions::default()
        },
        ..row()
    };
    let complaints = |view: &View| {
        let written = write(std::slice::from_ref(&row), view);
        String::from_utf8(written.rows.complaints).expect("complaints are text")
    };
    assert_eq!(complaints(&numeric()), "!!!Deficit 4, rta_len=513\n");
    assert_eq!(
        complaints(&internals(View::default().release)),
        "!!!Deficit 4, rta_len=513\n!!!Deficit -3, rta_len=513\n!!!Deficit 8, rta_len=513\n"
    );
}

/// The expected text is what `PROC_NET_TCP` gave for such a line.
#[test]
fn rows_of_proc_tell_seconds_and_the_rest_of_their_line() {
    let row = InetDiag {
        uid: 500,
        inode: 678,
        timer: DiagTimer {
            code: 1,
            retransmits: 1,
            expires_ms: 1230,
        },
        from_proc: Some(ProcDetails {
            refcount: 3,
            pointer: 0xffff_ffff_abcd_0000,
            tcp: Some(ProcTcp {
                rto_ticks: 20,
                ato_ticks: 4,
                quick: 31,
                cwnd: 10,
                ssthresh: 7,
            }),
            rest: b"extra words here",
        }),
        ..row()
    };
    let view = View {
        info: true,
        memory: true,
        ..details()
    };
    assert_eq!(
        extras(&row, &view),
        " timer:(on,1.230ms,1) uid:500 ino:678 sk:ffffffffabcd0000 opt:\"extra words here\" \
         rto:0.2 ato:0.04 qack:15 bidir cwnd:10 ssthresh:7 retrans:1/0 reordering:0"
    );
    let short = InetDiag {
        from_proc: Some(ProcDetails::default()),
        timer: DiagTimer::default(),
        ..row.clone()
    };
    let info = View {
        info: true,
        ..numeric()
    };
    assert_eq!(extras(&short, &info), " cwnd:2 reordering:0");
    let udp = InetDiag {
        protocol: Protocol::UDP,
        ..row
    };
    assert_eq!(extras(&udp, &view), "");
}
