//! `Tcp` of `/proc/net/snmp` (RFC 4022).

use super::entry::{Concerns, Explanation, bad, gauge, good, neutral, setting};

const OPENS: &[(&str, &str)] = &[("Tcp", "ActiveOpens"), ("Tcp", "PassiveOpens")];

pub(super) const TCP: &[Explanation] = &[
    setting("RtoAlgorithm", "How the retransmission timeout is computed: 1 (other than the ones the RFC lists).", "snmp_seq_show(), net/ipv4/proc.c"),
    setting("RtoMin", "Shortest retransmission timeout in milliseconds.", "tcp4_mib defaults, net/ipv4/af_inet.c"),
    setting("RtoMax", "Longest retransmission timeout in milliseconds.", "tcp4_mib defaults, net/ipv4/af_inet.c"),
    setting("MaxConn", "Limit of connections; -1, there is none.", "tcp4_mib defaults, net/ipv4/af_inet.c"),
    neutral(
        "ActiveOpens",
        "Connections that programs here began: each is a first SYN sent.",
        "tcp_connect(), net/ipv4/tcp_output.c",
    )
    .when("It grows by hundreds a second towards one destination: connections are not reused.")
    .hint("Keep connections alive or pool them; plumb ports shows what they cost."),
    neutral(
        "PassiveOpens",
        "Connections that others began and that got through the handshake here.",
        "tcp_create_openreq_child(), net/ipv4/tcp_minisocks.c",
    ),
    bad(
        "AttemptFails",
        "Connections that ended before they were established: refused, timed out, or reset during the handshake.",
        "tcp_done(), net/ipv4/tcp.c; tcp_check_req(), net/ipv4/tcp_minisocks.c",
    )
    .above(100, OPENS)
    .when("More than a tenth of all attempts: nobody listens there, or a firewall answers.")
    .hint("plumb connects --failed shows who tries what."),
    bad(
        "EstabResets",
        "Connections that went from established (or CLOSE_WAIT) to closed at once: reset by either side.",
        "tcp_set_state(), net/ipv4/tcp.c",
    )
    .above(200, OPENS)
    .when("More than a fifth of all connections: programs close with data unread, time out, or crash.")
    .hint("Compare with TcpExt.TCPAbortOnData, TCPAbortOnClose (ours) and Tcp.OutRsts; plumb trace shows who resets."),
    gauge(
        "CurrEstab",
        "Connections that are established or in CLOSE_WAIT now.",
        "tcp_set_state(), net/ipv4/tcp.c",
    ),
    neutral("InSegs", "Segments that came in, damaged ones included.", "tcp_v4_rcv(), net/ipv4/tcp_ipv4.c; tcp_v6_rcv()"),
    neutral(
        "OutSegs",
        "Segments sent, retransmitted ones left out; acknowledgements and resets count.",
        "__tcp_transmit_skb(), net/ipv4/tcp_output.c; tcp_v4_send_reset()",
    ),
    bad(
        "RetransSegs",
        "Segments sent again because nobody acknowledged them in time.",
        "__tcp_retransmit_skb(), net/ipv4/tcp_output.c",
    )
    .above(10, &[("Tcp", "OutSegs")])
    .when("More than 1 % of what is sent: packets are lost, or acknowledgements late. Below 0.1 % is usual.")
    .hint("plumb stats --retrans says of which kind; compare destinations by retransmits with plumb ls.")
    .of(Concerns::Retransmitting),
    bad(
        "InErrs",
        "Segments dropped because they were malformed or their checksum was wrong.",
        "tcp_v4_rcv(), net/ipv4/tcp_ipv4.c; tcp_v6_rcv()",
    )
    .when("It grows: something damages packets on the way.")
    .hint("Compare with Tcp.InCsumErrors; look at the interface's errors with plumb if."),
    neutral(
        "OutRsts",
        "Resets sent: to a port where nobody listens, to data nobody wants, or because a program closed hard.",
        "tcp_v4_send_reset(), net/ipv4/tcp_ipv4.c; tcp_send_active_reset(), net/ipv4/tcp_output.c",
    )
    .when("It grows fast: somebody connects to a closed port, or programs here close with data unread.")
    .hint("Compare with TcpExt.TCPAbortOnClose and TCPAbortOnData; plumb trace shows each."),
    bad(
        "InCsumErrors",
        "Segments dropped because of a wrong checksum.",
        "tcp_v4_rcv(), net/ipv4/tcp_ipv4.c; tcp_v6_rcv()",
    )
    .when("It grows: hardware, a tunnel or checksum offload damages packets.")
    .hint("Switch checksum offload off to see (ethtool -K IF rx off tx off)."),
];

/// Rows of `/proc/net/protocols`.
pub(super) const PROTOCOLS: &[Explanation] = &[
    gauge(
        "sockets",
        "Sockets of the protocol in this namespace.",
        "proto_seq_printf(), net/core/sock.c",
    ),
    gauge(
        "memory",
        "Pages of memory in the queues of the protocol's sockets, on the whole host.",
        "proto_seq_printf(), net/core/sock.c",
    )
    .when("It nears the limits in net.ipv4.tcp_mem or udp_mem.")
    .hint("Find the sockets that hold it with ss -m."),
    gauge(
        "pressure",
        "Whether the protocol is short of memory now: 1 yes, 0 no.",
        "proto_memory_pressure(), net/core/sock.c",
    )
    .when("It is 1: buffers do not grow, receive windows shrink, programs wait in send().")
    .hint("Raise net.ipv4.tcp_mem, or find the sockets that hold the memory with ss -m."),
];

/// Rows of `/proc/net/tls_stat` (kernel TLS).
pub(super) const TLS: &[Explanation] = &[
    gauge(
        "CurrTxSw",
        "Sockets that encrypt in the kernel, in software.",
        "tls_sw_* in net/tls/tls_main.c",
    ),
    gauge(
        "CurrRxSw",
        "Sockets that decrypt in the kernel, in software.",
        "net/tls/tls_main.c",
    ),
    gauge(
        "CurrTxDevice",
        "Sockets whose card encrypts.",
        "net/tls/tls_main.c",
    ),
    gauge(
        "CurrRxDevice",
        "Sockets whose card decrypts.",
        "net/tls/tls_main.c",
    ),
    neutral(
        "TxSw",
        "Sockets that were set to encrypt in the kernel, in software.",
        "do_tls_setsockopt_conf(), net/tls/tls_main.c",
    ),
    neutral(
        "RxSw",
        "Sockets that were set to decrypt in the kernel, in software.",
        "do_tls_setsockopt_conf(), net/tls/tls_main.c",
    ),
    neutral(
        "TxDevice",
        "Sockets that were set to encrypt in the card.",
        "do_tls_setsockopt_conf(), net/tls/tls_main.c",
    ),
    neutral(
        "RxDevice",
        "Sockets that were set to decrypt in the card.",
        "do_tls_setsockopt_conf(), net/tls/tls_main.c",
    ),
    bad(
        "DecryptError",
        "TLS records that could not be decrypted: wrong key, or damaged.",
        "tls_do_decryption() and its callers, net/tls/tls_sw.c",
    )
    .when("It grows: connections break with EBADMSG."),
    neutral(
        "RxDeviceResync",
        "Times the card lost its place in a stream and was put right.",
        "tls_device_rx_resync_new_rec(), net/tls/tls_device.c",
    ),
    neutral(
        "DecryptRetry",
        "Records decrypted twice, because their padding was guessed wrong.",
        "tls_decrypt_sw(), net/tls/tls_sw.c",
    ),
    neutral(
        "RxNoPadViolation",
        "Records with padding from a peer that had promised none.",
        "tls_decrypt_sw(), net/tls/tls_sw.c",
    ),
    good(
        "RxRekeyOk",
        "Changes of the receiving key that worked.",
        "do_tls_setsockopt_conf(), net/tls/tls_main.c",
    ),
    bad(
        "RxRekeyError",
        "Changes of the receiving key that failed.",
        "do_tls_setsockopt_conf(), net/tls/tls_main.c",
    ),
    good(
        "TxRekeyOk",
        "Changes of the sending key that worked.",
        "do_tls_setsockopt_conf(), net/tls/tls_main.c",
    ),
    bad(
        "TxRekeyError",
        "Changes of the sending key that failed.",
        "do_tls_setsockopt_conf(), net/tls/tls_main.c",
    ),
    neutral(
        "RxRekeyReceived",
        "Requests of peers to change the key.",
        "tls_check_pending_rekey(), net/tls/tls_sw.c",
    ),
];
