//! SYNs, their cookies, the accept queue, Fast Open, migration of requests.

use super::super::entry::{Concerns, Explanation, bad, good, neutral};

pub(super) const COUNTERS: &[Explanation] = &[
    bad(
        "SyncookiesSent",
        "SYN cookies sent: the SYN queue of a listener was full, so the connection request was not stored.",
        "cookie_init_sequence() in tcp_conn_request(), net/ipv4/tcp_input.c",
    )
    .when("It grows: a SYN flood, or a listener whose queue is too short for its load.")
    .hint("Raise the backlog of listen(), net.core.somaxconn and net.ipv4.tcp_max_syn_backlog.")
    .of(Concerns::Requests),
    good(
        "SyncookiesRecv",
        "Connections saved by a SYN cookie: the peer came back with a right one.",
        "__cookie_v4_check() callers, net/ipv4/syncookies.c",
    ),
    neutral(
        "SyncookiesFailed",
        "Acknowledgements that came in for a SYN cookie and whose cookie is wrong or too old.",
        "cookie_v4_check(), net/ipv4/syncookies.c",
    )
    .when("It grows fast: forged acknowledgements, or peers that answer after minutes."),
    neutral(
        "EmbryonicRsts",
        "Resets that came for connections still in the handshake (SYN_RECV).",
        "tcp_check_req(), net/ipv4/tcp_minisocks.c",
    )
    .when("It grows fast: peers give up, or somebody scans ports (SYN, then reset)."),
    bad(
        "ListenOverflows",
        "Connections that could not enter a listener's accept queue because it was full.",
        "tcp_v4_syn_recv_sock(), net/ipv4/tcp_ipv4.c; tcp_conn_request(), net/ipv4/tcp_input.c",
    )
    .when("It grows at all: the program does not accept() fast enough, or its backlog is too small; clients see long connects.")
    .hint("Accept faster; raise the backlog of listen() and net.core.somaxconn (the smaller of both counts).")
    .of(Concerns::Listeners),
    bad(
        "ListenDrops",
        "SYNs and last parts of handshakes that a listener dropped for whatever reason; ListenOverflows are among them.",
        "tcp_listendrop(), include/net/tcp.h",
    )
    .when("It grows: clients have to send their SYN again, which costs them a second or more.")
    .hint("If ListenOverflows grows as fast, see there; else look at memory and at TCPReqQFullDrop.")
    .of(Concerns::Listeners),
    bad(
        "TCPReqQFullDoCookies",
        "SYNs answered by a cookie because the listener's SYN queue was full.",
        "tcp_syn_flood_action(), net/ipv4/tcp_input.c",
    )
    .when("It grows: a SYN flood, or a SYN queue that is too short.")
    .hint("Raise net.ipv4.tcp_max_syn_backlog and the backlog of listen().")
    .of(Concerns::Requests),
    bad(
        "TCPReqQFullDrop",
        "SYNs dropped because the listener's SYN queue was full and cookies are off (net.ipv4.tcp_syncookies=0).",
        "tcp_syn_flood_action(), net/ipv4/tcp_input.c",
    )
    .when("It grows: clients cannot connect.")
    .hint("Set net.ipv4.tcp_syncookies=1; raise net.ipv4.tcp_max_syn_backlog and the backlog.")
    .of(Concerns::Requests),
    neutral(
        "TCPDeferAcceptDrop",
        "Last parts of handshakes dropped on purpose: the listener waits for data (TCP_DEFER_ACCEPT).",
        "tcp_check_req(), net/ipv4/tcp_minisocks.c",
    ),
    bad(
        "TCPSynRetrans",
        "SYNs and SYN/ACKs sent again because nobody answered.",
        "__tcp_retransmit_skb(), net/ipv4/tcp_output.c; tcp_rtx_synack()",
    )
    .above(20, &[("Tcp", "ActiveOpens"), ("Tcp", "PassiveOpens")])
    .when("More than 2 % of all connections: SYNs are lost, dropped by a firewall, or the other side's queue is full.")
    .hint("plumb connects --failed shows the destinations; plumb path HOST --tcp how far SYNs come."),
    neutral(
        "TCPSYNChallenge",
        "SYNs that came for an established connection and were answered by a challenge (RFC 5961).",
        "tcp_validate_incoming(), net/ipv4/tcp_input.c",
    )
    .when("It grows: peers that rebooted reuse ports, or somebody forges SYNs."),
    good(
        "TCPFastOpenActive",
        "Connections from here whose data in the SYN was accepted (Fast Open).",
        "tcp_rcv_fastopen_synack(), net/ipv4/tcp_input.c",
    ),
    neutral(
        "TCPFastOpenActiveFail",
        "Connections from here whose data in the SYN was not accepted; it was sent again.",
        "tcp_rcv_fastopen_synack(), net/ipv4/tcp_input.c; tcp_retransmit_timer()",
    )
    .when("It grows as fast as attempts: a device in between drops SYNs with data."),
    good(
        "TCPFastOpenPassive",
        "Connections from others whose data in the SYN was taken.",
        "tcp_try_fastopen(), net/ipv4/tcp_fastopen.c",
    ),
    neutral(
        "TCPFastOpenPassiveFail",
        "SYNs with a wrong Fast Open cookie; the usual handshake followed.",
        "tcp_try_fastopen(), net/ipv4/tcp_fastopen.c",
    ),
    bad(
        "TCPFastOpenListenOverflow",
        "Fast Open requests refused because the listener had too many of them; the usual handshake followed.",
        "tcp_fastopen_queue_check(), net/ipv4/tcp_fastopen.c",
    )
    .when("It grows: the queue given with TCP_FASTOPEN is too short.")
    .hint("Raise the number given to setsockopt(TCP_FASTOPEN).")
    .of(Concerns::Listeners),
    neutral(
        "TCPFastOpenCookieReqd",
        "SYNs of others that asked for a Fast Open cookie.",
        "tcp_try_fastopen(), net/ipv4/tcp_fastopen.c",
    ),
    bad(
        "TCPFastOpenBlackhole",
        "Times Fast Open was switched off for a while because connections with it died.",
        "tcp_fastopen_active_disable(), net/ipv4/tcp_fastopen.c",
    )
    .when("It grows: a device on the way does not bear Fast Open."),
    neutral(
        "TCPFastOpenPassiveAltKey",
        "Fast Open cookies made with the second key, as during a change of keys.",
        "tcp_try_fastopen(), net/ipv4/tcp_fastopen.c",
    ),
    good(
        "TCPMigrateReqSuccess",
        "Connection requests moved to another listener of the group when theirs closed (net.ipv4.tcp_migrate_req).",
        "reqsk_timer_handler() and inet_csk_complete_hashdance(), net/ipv4/inet_connection_sock.c",
    ),
    bad(
        "TCPMigrateReqFailure",
        "Connection requests that should move to another listener and could not; the client has to begin again.",
        "reqsk_timer_handler() and inet_csk_complete_hashdance(), net/ipv4/inet_connection_sock.c",
    )
    .when("It grows while a server is restarted.")
    .of(Concerns::Listeners),
];
