//! The words net-tools 2.10 has for the kernel's counters: interface facts, one table per block.
//!
//! `{}` stands for the number. A counter that is missing here prints as `Name: N`; some are missing
//! on purpose, because the original never finds the description it has for them: `Ip.Forwarding`,
//! seventeen of `TcpExt` (`TCPTimeouts`, `TCPLoss`, `TWKilled` and others) and
//! `Icmp6OutRouterAdvertisements`. Exempt from the length rule: it is a table.

/// When and how a described counter is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Even at 0.
    Always,
    /// Unless it is 0.
    NonZero,
    /// Unless it is 0, under the title of received ICMP messages.
    Received,
    /// Unless it is 0, under the title of sent ICMP messages.
    Sent,
    /// Never.
    Never,
}

/// One described counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description {
    /// The counter's name.
    pub counter: &'static str,
    /// The line, with `{}` for the number.
    pub text: &'static str,
    /// When it is printed.
    pub when: When,
}

/// Finds the description of a counter of the block that `table` belongs to.
pub fn describe(table: &[Description], counter: &[u8]) -> Option<Description> {
    table
        .iter()
        .find(|description| description.counter.as_bytes() == counter)
        .copied()
}

const fn row(counter: &'static str, text: &'static str, when: When) -> Description {
    Description {
        counter,
        text,
        when,
    }
}

/// Block `Ip`.
#[rustfmt::skip]
pub const IP: &[Description] = &[
    row("DefaultTTL", "", When::Never),
    row("ForwDatagrams", "{} forwarded", When::Always),
    row("FragCreates", "{} fragments created", When::NonZero),
    row("FragFails", "{} outgoing packets failed fragmentation", When::NonZero),
    row("FragOKs", "{} outgoing packets fragmented ok", When::NonZero),
    row("InAddrErrors", "{} with invalid addresses", When::NonZero),
    row("InDelivers", "{} incoming packets delivered", When::Always),
    row("InDiscards", "{} incoming packets discarded", When::Always),
    row("InHdrErrors", "{} with invalid headers", When::NonZero),
    row("InReceives", "{} total packets received", When::Always),
    row("InUnknownProtos", "{} with unknown protocol", When::NonZero),
    row("OutDiscards", "{} outgoing packets dropped", When::NonZero),
    row("OutNoRoutes", "{} dropped because of missing route", When::NonZero),
    row("OutRequests", "{} requests sent out", When::Always),
    row("ReasmFails", "{} packet reassemblies failed", When::NonZero),
    row("ReasmOKs", "{} packets reassembled ok", When::NonZero),
    row("ReasmReqds", "{} reassemblies required", When::NonZero),
    row("ReasmTimeout", "{} fragments dropped after timeout", When::NonZero),
];

/// Block `Icmp`.
#[rustfmt::skip]
pub const ICMP: &[Description] = &[
    row("InAddrMaskReps", "address mask replies: {}", When::Received),
    row("InAddrMasks", "address mask request: {}", When::Received),
    row("InDestUnreachs", "destination unreachable: {}", When::Received),
    row("InEchoReps", "echo replies: {}", When::Received),
    row("InEchos", "echo requests: {}", When::Received),
    row("InErrors", "{} input ICMP message failed", When::Always),
    row("InMsgs", "{} ICMP messages received", When::Always),
    row("InParmProbs", "wrong parameters: {}", When::Received),
    row("InRedirects", "redirects: {}", When::Received),
    row("InSrcQuenchs", "source quenches: {}", When::Received),
    row("InTimeExcds", "timeout in transit: {}", When::Received),
    row("InTimestampReps", "timestamp reply: {}", When::Received),
    row("InTimestamps", "timestamp request: {}", When::Received),
    row("OutAddrMaskReps", "address mask replies: {}", When::Sent),
    row("OutAddrMasks", "address mask requests: {}", When::Sent),
    row("OutDestUnreachs", "destination unreachable: {}", When::Sent),
    row("OutEchoReps", "echo replies: {}", When::Sent),
    row("OutEchos", "echo requests: {}", When::Sent),
    row("OutErrors", "{} ICMP messages failed", When::Always),
    row("OutMsgs", "{} ICMP messages sent", When::Always),
    row("OutParmProbs", "wrong parameters: {}", When::Sent),
    row("OutRedirects", "redirect: {}", When::Sent),
    row("OutSrcQuenchs", "source quench: {}", When::Sent),
    row("OutTimeExcds", "time exceeded: {}", When::Sent),
    row("OutTimestampReps", "timestamp replies: {}", When::Sent),
    row("OutTimestamps", "timestamp requests: {}", When::Sent),
];

/// Block `Tcp`, of either family.
#[rustfmt::skip]
pub const TCP: &[Description] = &[
    row("ActiveOpens", "{} active connection openings", When::Always),
    row("AttemptFails", "{} failed connection attempts", When::Always),
    row("CurrEstab", "{} connections established", When::Always),
    row("EstabResets", "{} connection resets received", When::Always),
    row("InErrs", "{} bad segments received", When::Always),
    row("InSegs", "{} segments received", When::Always),
    row("MaxConn", "", When::Never),
    row("OutRsts", "{} resets sent", When::Always),
    row("OutSegs", "{} segments sent out", When::Always),
    row("PassiveOpens", "{} passive connection openings", When::Always),
    row("RetransSegs", "{} segments retransmitted", When::Always),
    row("RtoAlgorithm", "", When::Never),
    row("RtoMax", "", When::Never),
    row("RtoMin", "", When::Never),
];

/// Block `Udp`.
#[rustfmt::skip]
pub const UDP: &[Description] = &[
    row("InDatagrams", "{} packets received", When::Always),
    row("InErrors", "{} packet receive errors", When::Always),
    row("NoPorts", "{} packets to unknown port received", When::Always),
    row("OutDatagrams", "{} packets sent", When::Always),
    row("RcvbufErrors", "{} receive buffer errors", When::Always),
    row("SndbufErrors", "{} send buffer errors", When::Always),
];

/// Block `TcpExt`.
#[rustfmt::skip]
pub const TCPEXT: &[Description] = &[
    row("DelayedACKLocked", "{} delayed acks further delayed because of locked socket", When::NonZero),
    row("DelayedACKLost", "Quick ack mode was activated {} times", When::NonZero),
    row("DelayedACKs", "{} delayed acks sent", When::NonZero),
    row("EmbryonicRsts", "{} resets received for embryonic SYN_RECV sockets", When::NonZero),
    row("ListenDrops", "{} SYNs to LISTEN sockets dropped", When::NonZero),
    row("ListenOverflows", "{} times the listen queue of a socket overflowed", When::NonZero),
    row("LockDroppedIcmps", "{} ICMP packets dropped because socket was locked", When::NonZero),
    row("OfoPruned", "{} packets dropped from out-of-order queue because of socket buffer overrun", When::NonZero),
    row("OutOfWindowIcmps", "{} ICMP packets dropped because they were out-of-window", When::NonZero),
    row("PAWSActive", "{} active connections rejected because of time stamp", When::NonZero),
    row("PAWSEstab", "{} packets rejected in established connections because of timestamp", When::NonZero),
    row("PAWSPassive", "{} passive connections rejected because of time stamp", When::NonZero),
    row("PruneCalled", "{} packets pruned from receive queue because of socket buffer overrun", When::NonZero),
    row("RcvPruned", "{} packets pruned from receive queue", When::NonZero),
    row("SockMallocOOM", "Ran {} times out of system memory during packet sending", When::NonZero),
    row("SyncookiesFailed", "{} invalid SYN cookies received", When::NonZero),
    row("SyncookiesRecv", "{} SYN cookies received", When::NonZero),
    row("SyncookiesSent", "{} SYN cookies sent", When::NonZero),
    row("TCPAbortFailed", "{} times unable to send RST due to no memory", When::NonZero),
    row("TCPAbortOnClose", "{} connections reset due to early user close", When::NonZero),
    row("TCPAbortOnData", "{} connections reset due to unexpected data", When::NonZero),
    row("TCPAbortOnLinger", "{} connections aborted after user close in linger timeout", When::NonZero),
    row("TCPAbortOnMemory", "{} connections aborted due to memory pressure", When::NonZero),
    row("TCPAbortOnSyn", "{} connections reset due to unexpected SYN", When::NonZero),
    row("TCPAbortOnTimeout", "{} connections aborted due to timeout", When::NonZero),
    row("TCPDirectCopyFromBacklog", "{} bytes directly in process context from backlog", When::NonZero),
    row("TCPFACKReorder", "Detected reordering {} times using FACK", When::NonZero),
    row("TCPFastRetrans", "{} fast retransmits", When::NonZero),
    row("TCPForwardRetrans", "{} forward retransmits", When::NonZero),
    row("TCPFullUndo", "{} congestion windows fully recovered without slow start", When::NonZero),
    row("TCPHPAcks", "{} predicted acknowledgments", When::NonZero),
    row("TCPHPHits", "{} packet headers predicted", When::Always),
    row("TCPHPHitsToUser", "{} packet headers predicted and directly queued to user", When::NonZero),
    row("TCPLossFailures", "{} timeouts in loss state", When::NonZero),
    row("TCPLossUndo", "{} congestion windows recovered without slow start after partial ack", When::NonZero),
    row("TCPLostRetransmits", "{} retransmits lost", When::NonZero),
    row("TCPMemoryPressures", "TCP ran low on memory {} times", When::NonZero),
    row("TCPPartialUndo", "{} congestion windows partially recovered using Hoe heuristic", When::NonZero),
    row("TCPPrequeued", "{} packets directly queued to recvmsg prequeue", When::NonZero),
    row("TCPPureAcks", "{} acknowledgments not containing data payload received", When::NonZero),
    row("TCPRcvCollapsed", "{} packets collapsed in receive queue due to low socket buffer", When::NonZero),
    row("TCPRenoFailures", "{} timeouts after reno fast retransmit", When::NonZero),
    row("TCPRenoRecovery", "{} times recovered from packet loss due to fast retransmit", When::NonZero),
    row("TCPRenoReorder", "Detected reordering {} times using reno fast retransmit", When::NonZero),
    row("TCPSACKReorder", "Detected reordering {} times using SACK", When::NonZero),
    row("TCPSchedulerFailed", "{} times receiver scheduled too late for direct processing", When::NonZero),
    row("TCPSlowStartRetrans", "{} retransmits in slow start", When::NonZero),
    row("TCPTSReorder", "Detected reordering {} times using time stamp", When::NonZero),
    row("TW", "{} TCP sockets finished time wait in fast timer", When::NonZero),
    row("TWRecycled", "{} time wait sockets recycled by time stamp", When::NonZero),
];

/// Block `Sctp`; the blanks at two ends are real.
#[rustfmt::skip]
pub const SCTP: &[Description] = &[
    row("SctpAborteds", "{} Number of Aborteds ", When::Always),
    row("SctpActiveEstabs", "{} Active Associations", When::Always),
    row("SctpChecksumErrors", "{} Number of Packets with invalid Checksum", When::Always),
    row("SctpCurrEstab", "{} Current Associations", When::Always),
    row("SctpFragUsrMsgs", "{} Number of messages fragmented", When::Always),
    row("SctpInCtrlChunks", "{} Number of control chunks received", When::Always),
    row("SctpInOrderChunks", "{} Number of ordered chunks received", When::Always),
    row("SctpInSCTPPacks", "{} Number of SCTP packets received", When::Always),
    row("SctpInUnorderChunks", "{} Number of Unordered chunks received", When::Always),
    row("SctpOutCtrlChunks", "{} Number of control chunks sent", When::Always),
    row("SctpOutOfBlues", "{} Number of Out of Blue packets", When::Always),
    row("SctpOutOrderChunks", "{} Number of ordered chunks sent", When::Always),
    row("SctpOutSCTPPacks", "{} Number of SCTP packets sent", When::Always),
    row("SctpOutUnorderChunks", "{} Number of Unordered chunks sent", When::Always),
    row("SctpPassiveEstabs", "{} Passive Associations", When::Always),
    row("SctpReasmUsrMsgs", "{} Number of messages reassembled ", When::Always),
    row("SctpShutdowns", "{} Number of Graceful Terminations", When::Always),
];

/// Block `Ip6`.
#[rustfmt::skip]
pub const IP6: &[Description] = &[
    row("Ip6FragCreates", "{} fragments created", When::NonZero),
    row("Ip6FragFails", "{} outgoing packets failed fragmentation", When::NonZero),
    row("Ip6FragOKs", "{} outgoing packets fragmented ok", When::NonZero),
    row("Ip6InAddrErrors", "{} with invalid addresses", When::NonZero),
    row("Ip6InDelivers", "{} incoming packets delivered", When::Always),
    row("Ip6InDiscards", "{} incoming packets discarded", When::Always),
    row("Ip6InHdrErrors", "{} with invalid headers", When::NonZero),
    row("Ip6InMcastPkts", "{} incoming multicast packets", When::NonZero),
    row("Ip6InNoRoutes", "{} incoming packets with no route", When::NonZero),
    row("Ip6InReceives", "{} total packets received", When::Always),
    row("Ip6InTooBigErrors", "{} with packets too big", When::NonZero),
    row("Ip6InTruncatedPkts", "{} with truncated packets", When::NonZero),
    row("Ip6InUnknownProtos", "{} with unknown protocol", When::NonZero),
    row("Ip6OutDiscards", "{} outgoing packets dropped", When::NonZero),
    row("Ip6OutForwDatagrams", "{} forwarded", When::Always),
    row("Ip6OutMcastPkts", "{} outgoing multicast packets", When::NonZero),
    row("Ip6OutNoRoutes", "{} dropped because of missing route", When::NonZero),
    row("Ip6OutRequests", "{} requests sent out", When::Always),
    row("Ip6ReasmFails", "{} packet reassemblies failed", When::NonZero),
    row("Ip6ReasmOKs", "{} packets reassembled ok", When::NonZero),
    row("Ip6ReasmReqds", "{} reassemblies required", When::NonZero),
    row("Ip6ReasmTimeout", "{} fragments dropped after timeout", When::NonZero),
];

/// Block `Icmp6`.
#[rustfmt::skip]
pub const ICMP6: &[Description] = &[
    row("Icmp6InDestUnreachs", "destination unreachable: {}", When::Received),
    row("Icmp6InEchoReplies", "echo replies: {}", When::Received),
    row("Icmp6InEchos", "echo requests: {}", When::Received),
    row("Icmp6InErrors", "{} input ICMP message failed", When::Always),
    row("Icmp6InGroupMembQueries", "group member queries: {}", When::Received),
    row("Icmp6InGroupMembReductions", "group member reductions: {}", When::Received),
    row("Icmp6InGroupMembResponses", "group member responses: {}", When::Received),
    row("Icmp6InMsgs", "{} ICMP messages received", When::Always),
    row("Icmp6InNeighborAdvertisements", "neighbour advertisement: {}", When::Received),
    row("Icmp6InNeighborSolicits", "neighbour solicits: {}", When::Received),
    row("Icmp6InParmProblems", "parameter problem: {}", When::Received),
    row("Icmp6InPktTooBigs", "packets too big: {}", When::Received),
    row("Icmp6InRedirects", "redirects: {}", When::Received),
    row("Icmp6InRouterAdvertisements", "router advertisement: {}", When::Received),
    row("Icmp6InRouterSolicits", "router solicits: {}", When::Received),
    row("Icmp6InTimeExcds", "received ICMPv6 time exceeded: {}", When::Received),
    row("Icmp6OutDestUnreachs", "destination unreachable: {}", When::Sent),
    row("Icmp6OutEchoReplies", "echo replies: {}", When::Sent),
    row("Icmp6OutEchos", "echo requests: {}", When::Sent),
    row("Icmp6OutGroupMembQueries", "group member queries: {}", When::Sent),
    row("Icmp6OutGroupMembReductions", "group member reductions: {}", When::Sent),
    row("Icmp6OutGroupMembResponses", "group member responses: {}", When::Sent),
    row("Icmp6OutMsgs", "{} ICMP messages sent", When::Always),
    row("Icmp6OutNeighborAdvertisements", "neighbor advertisements: {}", When::Sent),
    row("Icmp6OutNeighborSolicits", "neighbor solicits: {}", When::Sent),
    row("Icmp6OutParmProblems", "parameter problem: {}", When::Sent),
    row("Icmp6OutPktTooBigs", "packets too big: {}", When::Sent),
    row("Icmp6OutRedirects", "redirects: {}", When::Sent),
    row("Icmp6OutRouterSolicits", "router solicits: {}", When::Sent),
    row("Icmp6OutTimeExcds", "sent ICMPv6 time exceeded: {}", When::Sent),
];

/// Block `Udp6`.
#[rustfmt::skip]
pub const UDP6: &[Description] = &[
    row("Udp6InDatagrams", "{} packets received", When::Always),
    row("Udp6InErrors", "{} packet receive errors", When::Always),
    row("Udp6NoPorts", "{} packets to unknown port received", When::Always),
    row("Udp6OutDatagrams", "{} packets sent", When::Always),
];
