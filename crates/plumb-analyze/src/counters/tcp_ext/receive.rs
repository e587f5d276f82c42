//! What happens to data that comes in: buffers, windows, order, acknowledgements.

use super::super::entry::{Concerns, Explanation, bad, good, neutral};

pub(super) const COUNTERS: &[Explanation] = &[
    bad(
        "PruneCalled",
        "Times the kernel cleaned up a socket whose receive buffer was over its limit.",
        "tcp_prune_queue(), net/ipv4/tcp_input.c",
    )
    .when("It grows: programs read too slowly, or their buffers are too small.")
    .hint("Read faster; raise net.ipv4.tcp_rmem, or do not set SO_RCVBUF small.")
    .of(Concerns::Unread),
    bad(
        "RcvPruned",
        "Times a packet was dropped because cleaning up the receive buffer was not enough.",
        "tcp_prune_queue(), net/ipv4/tcp_input.c",
    )
    .when("It grows: data is lost at the receiver and has to be sent again.")
    .hint("Read faster; raise net.ipv4.tcp_rmem and tcp_mem.")
    .of(Concerns::Unread),
    bad(
        "OfoPruned",
        "Times data that had come out of order was thrown away for want of buffer space.",
        "tcp_prune_ofo_queue(), net/ipv4/tcp_input.c",
    )
    .when("It grows: losses cost twice, because what followed them is dropped, too.")
    .hint("Raise net.ipv4.tcp_rmem; find the loss with plumb stats --retrans on the sender.")
    .of(Concerns::Unread),
    bad(
        "TCPRcvCollapsed",
        "Packets in a receive queue that were copied together to save memory.",
        "tcp_collapse(), net/ipv4/tcp_input.c",
    )
    .above(10, &[("Tcp", "InSegs")])
    .when("More than 1 % of what comes in: many small segments wait unread, and copying them costs time.")
    .hint("Read faster; raise net.ipv4.tcp_rmem.")
    .of(Concerns::Unread),
    good(
        "TCPRcvCoalesce",
        "Packets joined to the one before them in the receive queue.",
        "tcp_try_coalesce(), net/ipv4/tcp_input.c",
    ),
    good(
        "TCPBacklogCoalesce",
        "Packets joined to the one before them while the socket was busy.",
        "tcp_add_backlog(), net/ipv4/tcp_ipv4.c",
    ),
    bad(
        "TCPBacklogDrop",
        "Packets dropped because the socket was busy and its backlog full.",
        "tcp_add_backlog(), net/ipv4/tcp_ipv4.c",
    )
    .when("It grows: packets come faster than the program or its processor takes them.")
    .hint("Raise the receive buffer; spread connections over processors (RSS, RPS).")
    .of(Concerns::Dropping),
    bad(
        "PFMemallocDrop",
        "Packets dropped because memory was so short that only emergency reserves were left.",
        "sk_filter_trim_cap(), net/core/filter.c",
    )
    .when("It grows: the machine is out of memory.")
    .hint("Free memory; raise vm.min_free_kbytes."),
    neutral(
        "TCPOFOQueue",
        "Packets that came out of order and wait for what is missing.",
        "tcp_data_queue_ofo(), net/ipv4/tcp_input.c",
    )
    .when("It grows fast: packets are lost or reordered on the way to us.")
    .of(Concerns::Reordered),
    bad(
        "TCPOFODrop",
        "Packets out of order that were dropped because the receive buffer was full.",
        "tcp_data_queue_ofo(), net/ipv4/tcp_input.c",
    )
    .when("It grows: they have to be sent again.")
    .hint("Raise net.ipv4.tcp_rmem; read faster.")
    .of(Concerns::Unread),
    neutral(
        "TCPOFOMerge",
        "Packets out of order that repeated data that was there.",
        "tcp_data_queue_ofo(), net/ipv4/tcp_input.c",
    ),
    bad(
        "TCPRcvQDrop",
        "Packets in order that were dropped because the receive queue was full.",
        "tcp_data_queue(), net/ipv4/tcp_input.c",
    )
    .when("It grows: the program does not read, and its peer did not heed the window; or memory is short.")
    .hint("Find who does not read: plumb ls shows receive queues; look at net.ipv4.tcp_mem.")
    .of(Concerns::Unread),
    bad(
        "TCPZeroWindowDrop",
        "Packets dropped because they came although our window was closed.",
        "tcp_data_queue(), net/ipv4/tcp_input.c",
    )
    .when("It grows: a program here does not read and its peer keeps trying.")
    .hint("Find who does not read: plumb ls shows receive queues.")
    .of(Concerns::Unread),
    neutral(
        "TCPFromZeroWindowAdv",
        "Times our closed window opened again: the program has read.",
        "tcp_select_window(), net/ipv4/tcp_output.c",
    ),
    bad(
        "TCPToZeroWindowAdv",
        "Times our window closed because a receive buffer was full: the peer has to wait for the program here.",
        "tcp_select_window(), net/ipv4/tcp_output.c",
    )
    .above(200, &[("Tcp", "InSegs")])
    .when("More than one in five segments: a program here reads too slowly. One that reads as fast as it can at the full speed of a link closes it now and then.")
    .hint("Find it by its receive queue (plumb ls); read in another thread, or raise its buffer.")
    .of(Concerns::Unread),
    neutral(
        "TCPWantZeroWindowAdv",
        "Times our window should have closed, but what was promised may not be taken back.",
        "tcp_select_window(), net/ipv4/tcp_output.c",
    )
    .of(Concerns::Unread),
    neutral(
        "BeyondWindow",
        "Segments dropped because they reach beyond the window we offered.",
        "tcp_validate_incoming(), net/ipv4/tcp_input.c",
    )
    .when("It grows: a peer ignores our window."),
    neutral(
        "TCPHPHits",
        "Segments that took the short way through the receiver: in order, nothing special.",
        "tcp_rcv_established(), net/ipv4/tcp_input.c",
    ),
    neutral("TCPPureAcks", "Acknowledgements without data that came in, off the short way.", "tcp_ack(), net/ipv4/tcp_input.c"),
    neutral("TCPHPAcks", "Acknowledgements that took the short way.", "tcp_ack(), net/ipv4/tcp_input.c"),
    neutral("DelayedACKs", "Acknowledgements that waited for more data and were sent when their time was up.", "tcp_delack_timer_handler(), net/ipv4/tcp_timer.c")
        .when("It grows with each request of a slow protocol: small writes wait for it (Nagle).")
        .hint("Write a request with one call, or set TCP_NODELAY."),
    neutral("DelayedACKLocked", "Delayed acknowledgements that waited longer because a program held the socket.", "tcp_delack_timer(), net/ipv4/tcp_timer.c"),
    neutral(
        "DelayedACKLost",
        "Delayed acknowledgements that were too late: the peer sent its data again.",
        "tcp_send_dupack() and tcp_data_queue(), net/ipv4/tcp_input.c",
    )
    .when("It grows fast: acknowledgements are lost, or peers are impatient."),
    neutral("TCPAckCompressed", "Selective acknowledgements held back and sent as one.", "tcp_event_ack_sent(), net/ipv4/tcp_output.c"),
    neutral("TCPACKSkippedSynRecv", "Acknowledgements not sent in SYN_RECV, because too many were asked for in too short a time.", "tcp_oow_rate_limited() in tcp_check_req(), net/ipv4/tcp_minisocks.c"),
    neutral("TCPACKSkippedPAWS", "Acknowledgements of segments with an old time stamp not sent, for the same reason.", "tcp_oow_rate_limited(), net/ipv4/tcp_input.c"),
    neutral("TCPACKSkippedSeq", "Acknowledgements of segments outside the window not sent, for the same reason.", "tcp_oow_rate_limited(), net/ipv4/tcp_input.c")
        .when("It grows fast: both sides answer each other's answers (an ACK loop)."),
    neutral("TCPACKSkippedFinWait2", "Acknowledgements not sent in FIN_WAIT2, for the same reason.", "tcp_timewait_state_process(), net/ipv4/tcp_minisocks.c"),
    neutral("TCPACKSkippedTimeWait", "Acknowledgements not sent in TIME_WAIT, for the same reason.", "tcp_timewait_state_process(), net/ipv4/tcp_minisocks.c"),
    neutral("TCPACKSkippedChallenge", "Challenges not sent, for the same reason.", "tcp_send_challenge_ack(), net/ipv4/tcp_input.c"),
    neutral("TCPChallengeACK", "Challenges sent: a reset or SYN was not quite right, the peer shall prove itself (RFC 5961).", "tcp_send_challenge_ack(), net/ipv4/tcp_input.c")
        .when("It grows fast: somebody tries to break connections, or peers lost their state."),
    neutral("BusyPollRxPackets", "Packets fetched by a program that polls the card instead of waiting (SO_BUSY_POLL).", "napi_busy_loop(), net/core/dev.c"),
];
