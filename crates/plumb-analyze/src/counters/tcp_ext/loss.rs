//! Retransmission: what was lost, what was thought lost, how it was repaired.

use super::super::entry::{Concerns, Explanation, bad, good, neutral};

const SENT: &[(&str, &str)] = &[("Tcp", "OutSegs")];

pub(super) const COUNTERS: &[Explanation] = &[
    bad(
        "TCPTimeouts",
        "Retransmission timeouts: nothing was acknowledged for so long that the sender began again slowly.",
        "tcp_retransmit_timer(), net/ipv4/tcp_timer.c",
    )
    .above(5, SENT)
    .when("More than 0.5 % of the segments sent: each costs at least 200 ms.")
    .hint("Loss at the end of a burst, or a path that is gone; plumb stats --retrans tells more.")
    .of(Concerns::Retransmitting),
    bad(
        "TCPLostRetransmit",
        "Retransmitted segments that were lost as well.",
        "tcp_mark_skb_lost(), net/ipv4/tcp_input.c",
    )
    .above(5, SENT)
    .when("More than 0.5 % of the segments sent: loss comes in long bursts, or a policer drops all above a rate.")
    .of(Concerns::Retransmitting),
    neutral(
        "TCPFastRetrans",
        "Segments sent again early because acknowledgements showed that they were lost.",
        "tcp_xmit_retransmit_queue(), net/ipv4/tcp_output.c",
    )
    .when("It grows fast: packets are lost on the way.")
    .of(Concerns::Retransmitting),
    neutral(
        "TCPSlowStartRetrans",
        "Segments sent again after a timeout, while beginning slowly.",
        "tcp_xmit_retransmit_queue(), net/ipv4/tcp_output.c",
    )
    .when("It grows fast: whole windows are lost.")
    .of(Concerns::Retransmitting),
    bad(
        "TCPRetransFail",
        "Retransmissions that could not be handed to the interface.",
        "__tcp_retransmit_skb(), net/ipv4/tcp_output.c",
    )
    .when("It grows: no route, a firewall on output, or no memory here.")
    .hint("Look at routes (plumb path) and at firewall rules on output.")
    .of(Concerns::Retransmitting),
    bad(
        "TCPSpuriousRtxHostQueues",
        "Retransmissions given up because the first copy still waits in a queue of this host.",
        "__tcp_retransmit_skb(), net/ipv4/tcp_output.c",
    )
    .above(5, SENT)
    .when("More than 0.5 % of the segments sent: the interface or its queue is the bottleneck.")
    .hint("Look at the queue with plumb if; use fq or fq_codel.")
    .of(Concerns::Retransmitting),
    neutral("TCPLossProbes", "Probes sent when the end of a burst went unanswered, to find losses before the timeout.", "tcp_send_loss_probe(), net/ipv4/tcp_output.c")
        .when("It grows fast: the ends of bursts are lost, or acknowledgements late."),
    good("TCPLossProbeRecovery", "Losses that a probe repaired, so that no timeout was needed.", "tcp_process_tlp_ack(), net/ipv4/tcp_input.c"),
    neutral("TCPSackRecovery", "Times a loss was repaired with selective acknowledgements.", "tcp_enter_recovery(), net/ipv4/tcp_input.c")
        .of(Concerns::Retransmitting),
    neutral("TCPRenoRecovery", "Times a loss was repaired without selective acknowledgements: the peer knows none.", "tcp_enter_recovery(), net/ipv4/tcp_input.c")
        .when("It grows: a peer or a device in between strips SACK, which makes losses dear.")
        .hint("See that net.ipv4.tcp_sack=1 on both sides.")
        .of(Concerns::Retransmitting),
    neutral("TCPSackRecoveryFail", "Repairs with selective acknowledgements that a timeout overtook.", "tcp_retransmit_timer(), net/ipv4/tcp_timer.c"),
    neutral("TCPRenoRecoveryFail", "Repairs without selective acknowledgements that a timeout overtook.", "tcp_retransmit_timer(), net/ipv4/tcp_timer.c"),
    neutral("TCPSackFailures", "Timeouts after a repair with selective acknowledgements, at reordered packets.", "tcp_retransmit_timer(), net/ipv4/tcp_timer.c"),
    neutral("TCPRenoFailures", "Timeouts after a repair without selective acknowledgements, at reordered packets.", "tcp_retransmit_timer(), net/ipv4/tcp_timer.c"),
    neutral("TCPLossFailures", "Timeouts while already repairing after a timeout.", "tcp_retransmit_timer(), net/ipv4/tcp_timer.c")
        .when("It grows: paths are gone for seconds, or peers are.")
        .of(Concerns::Retransmitting),
    neutral("TCPSACKReneging", "Peers that took back what they had acknowledged selectively; all was sent again.", "tcp_check_sack_reneging(), net/ipv4/tcp_input.c")
        .when("It grows: the peer is short of memory."),
    neutral("TCPSACKReorder", "Reordering found by selective acknowledgements.", "tcp_check_sack_reordering(), net/ipv4/tcp_input.c")
        .when("It grows fast: paths of different length are mixed (bonding, multipath).")
        .of(Concerns::Reordered),
    neutral("TCPRenoReorder", "Reordering found by counting acknowledgements.", "tcp_check_reno_reordering(), net/ipv4/tcp_input.c")
        .of(Concerns::Reordered),
    neutral("TCPTSReorder", "Reordering found by time stamps: a segment thought lost was only late.", "tcp_try_undo_partial(), net/ipv4/tcp_input.c")
        .of(Concerns::Reordered),
    good("TCPFullUndo", "Slowing down taken back: all that was thought lost had arrived.", "tcp_try_undo_recovery(), net/ipv4/tcp_input.c"),
    good("TCPPartialUndo", "Slowing down partly taken back, likewise.", "tcp_try_undo_partial(), net/ipv4/tcp_input.c"),
    good("TCPDSACKUndo", "Slowing down taken back because the peer told that it had everything twice.", "tcp_try_undo_dsack(), net/ipv4/tcp_input.c"),
    good("TCPLossUndo", "Slowing down after a timeout taken back: the timeout was too early.", "tcp_try_undo_loss(), net/ipv4/tcp_input.c"),
    neutral("TCPSpuriousRTOs", "Timeouts that came too early: the acknowledgement was only late (F-RTO).", "tcp_try_undo_loss(), net/ipv4/tcp_input.c")
        .when("It grows fast: delays jump, as on mobile links or full queues."),
    neutral("TCPDSACKOldSent", "We told peers that data came twice.", "tcp_dsack_set(), net/ipv4/tcp_input.c")
        .when("It grows fast: peers send again needlessly, or acknowledgements are lost."),
    neutral("TCPDSACKOfoSent", "We told peers that data out of order came twice.", "tcp_dsack_set(), net/ipv4/tcp_input.c"),
    neutral("TCPDSACKRecv", "Peers told that what we sent again had already arrived.", "tcp_check_dsack(), net/ipv4/tcp_input.c")
        .when("Its share of Tcp.RetransSegs is large: most retransmissions were needless.")
        .of(Concerns::Duplicates),
    neutral("TCPDSACKOfoRecv", "Peers told that data out of order came twice.", "tcp_check_dsack(), net/ipv4/tcp_input.c")
        .of(Concerns::Duplicates),
    neutral("TCPDSACKRecvSegs", "Segments that peers told they have twice.", "tcp_dsack_seen(), net/ipv4/tcp_input.c")
        .of(Concerns::Duplicates),
    neutral("TCPDSACKIgnoredOld", "Reports of duplicates about data long acknowledged, not used.", "tcp_sacktag_write_queue(), net/ipv4/tcp_input.c"),
    neutral("TCPDSACKIgnoredNoUndo", "Reports of duplicates not used because nothing was to be taken back.", "tcp_sacktag_write_queue(), net/ipv4/tcp_input.c"),
    neutral("TCPDSACKIgnoredDubious", "Reports of duplicates not used because they cannot be true.", "tcp_dsack_seen(), net/ipv4/tcp_input.c"),
    neutral("TCPSACKDiscard", "Selective acknowledgements that make no sense.", "tcp_sacktag_write_queue(), net/ipv4/tcp_input.c")
        .when("It grows: a peer or a device in between is broken, as one that rewrites sequence numbers."),
    neutral("TCPSackShifted", "Acknowledged parts of packets moved to their neighbour in the send queue.", "tcp_shifted_skb(), net/ipv4/tcp_input.c"),
    neutral("TCPSackMerged", "Acknowledged packets joined with their neighbour in the send queue.", "tcp_shifted_skb(), net/ipv4/tcp_input.c"),
    neutral("TCPSackShiftFallback", "Acknowledged packets that could not be joined with their neighbour.", "tcp_shift_skb_data(), net/ipv4/tcp_input.c"),
    bad("TCPWqueueTooBig", "Packets that were not cut for selective retransmission because the send queue was too large already.", "tcp_fragment(), net/ipv4/tcp_output.c")
        .when("It grows: a peer makes us cut packets very small (CVE-2019-11478), or SO_SNDBUF is tiny.")
        .hint("Do not set SO_SNDBUF below 128 KiB; see net.ipv4.tcp_min_snd_mss."),
    neutral("TcpTimeoutRehash", "Timeouts after which the flow was given another hash, so that it may take another path.", "tcp_write_timeout(), net/ipv4/tcp_timer.c")
        .when("It grows: paths fail and others are tried."),
    neutral("TcpDuplicateDataRehash", "Times data came repeatedly, so that our acknowledgements were given another path.", "tcp_rcv_spurious_retrans(), net/ipv4/tcp_input.c")
        .when("It grows: our acknowledgements get lost."),
    neutral("TCPPLBRehash", "Times a flow was given another path because of congestion (PLB).", "tcp_plb_check_rehash(), net/ipv4/tcp_plb.c"),
];
