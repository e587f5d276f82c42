//! Ends: TIME_WAIT, resets of ours, orphans.

use super::super::entry::{Concerns, Explanation, bad, neutral};

const OPENS: &[(&str, &str)] = &[("Tcp", "ActiveOpens"), ("Tcp", "PassiveOpens")];

pub(super) const COUNTERS: &[Explanation] = &[
    neutral("TW", "Connections that closed through TIME_WAIT; some kernels count them when they leave it.", "__inet_twsk_schedule() or tw_timer_handler(), net/ipv4/inet_timewait_sock.c"),
    neutral("TWRecycled", "TIME_WAIT connections whose ports a new connection took over (net.ipv4.tcp_tw_reuse).", "__inet_check_established(), net/ipv4/inet_hashtables.c")
        .when("It grows fast: local ports towards a destination are scarce.")
        .hint("Reuse connections; plumb ports shows how many ports are left."),
    neutral("TWKilled", "Connections whose TIME_WAIT lasted 4 seconds at most instead of a minute.", "__inet_twsk_schedule() or tw_timer_handler(), net/ipv4/inet_timewait_sock.c"),
    bad("TCPTimeWaitOverflow", "Connections closed without TIME_WAIT because net.ipv4.tcp_max_tw_buckets was reached.", "tcp_time_wait(), net/ipv4/tcp_minisocks.c")
        .when("It grows: late packets of old connections may reach new ones.")
        .hint("Reuse connections instead of opening new ones; raise net.ipv4.tcp_max_tw_buckets.")
        .of(Concerns::TimeWait),
    bad("TCPAbortOnData", "Connections that we reset because data came after the program had closed, or because of SO_LINGER 0.", "tcp_rcv_state_process(), net/ipv4/tcp_input.c; __tcp_close(), net/ipv4/tcp.c")
        .above(50, OPENS)
        .when("More than 5 % of all connections: programs close while their peer still sends.")
        .hint("shutdown(SHUT_WR), read to the end, then close; look for SO_LINGER with 0 seconds."),
    bad("TCPAbortOnClose", "Connections that we reset because the program closed with data unread.", "__tcp_close(), net/ipv4/tcp.c")
        .above(50, OPENS)
        .when("More than 5 % of all connections: the peer may lose data that we had sent.")
        .hint("Read to the end before close().")
        .of(Concerns::Unread),
    bad("TCPAbortOnMemory", "Connections that we reset because there were too many orphans, or no memory for TCP.", "__tcp_close(), net/ipv4/tcp.c; tcp_out_of_resources(), net/ipv4/tcp_timer.c")
        .when("It grows: net.ipv4.tcp_max_orphans or tcp_mem was reached.")
        .hint("Look at sockstat.TCP.orphan and sockstat.TCP.mem; raise the limits or find the peers that vanish.")
        .of(Concerns::Orphans),
    bad("TCPAbortOnTimeout", "Connections given up because the peer answered neither data nor probes.", "tcp_write_err() from tcp_write_timeout(), net/ipv4/tcp_timer.c")
        .above(20, OPENS)
        .when("More than 2 % of all connections: hosts or paths go away, or a firewall forgets connections.")
        .hint("Keepalives shorter than the firewall's memory help idle connections.")
        .of(Concerns::Retransmitting),
    neutral("TCPAbortOnLinger", "Connections dropped on reaching FIN_WAIT2 because the program asked not to wait there (TCP_LINGER2 below 0).", "tcp_rcv_state_process(), net/ipv4/tcp_input.c; __tcp_close(), net/ipv4/tcp.c")
        .of(Concerns::Orphans),
    bad("TCPAbortFailed", "Resets that could not be sent for want of memory.", "tcp_send_active_reset(), net/ipv4/tcp_output.c")
        .when("It grows: the machine is out of memory, and peers are not told that a connection is gone."),
];
