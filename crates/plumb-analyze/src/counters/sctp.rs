//! `/proc/net/sctp/snmp` (RFC 3873).

use super::entry::{Explanation, bad, gauge, good, neutral};

const RETRANSMIT: &str = "sctp_retransmit(), net/sctp/outqueue.c";
const TIMERS: &str = "timer actions, net/sctp/sm_statefuns.c";
const INQUEUE: &str = "sctp_inq_pop() and sctp_assoc_bh_rcv(), net/sctp";

pub(super) const SCTP: &[Explanation] = &[
    gauge(
        "CurrEstab",
        "Associations that are established now.",
        "sctp_sf_do_5_1D_ca() and others, net/sctp/sm_statefuns.c",
    ),
    neutral(
        "ActiveEstabs",
        "Associations that programs here began and that were established.",
        "sctp_sf_do_5_1E_ca(), net/sctp/sm_statefuns.c",
    ),
    neutral(
        "PassiveEstabs",
        "Associations that others began and that were established.",
        "sctp_sf_do_5_1D_ce(), net/sctp/sm_statefuns.c",
    ),
    bad(
        "Aborteds",
        "Associations that ended with an ABORT, of ours or the peer's.",
        "net/sctp/sm_statefuns.c",
    )
    .above(100, &[("Sctp", "ActiveEstabs"), ("Sctp", "PassiveEstabs")])
    .when("More than a tenth of all associations."),
    good(
        "Shutdowns",
        "Associations that ended in good order.",
        "sctp_sf_do_9_2_final(), net/sctp/sm_statefuns.c",
    ),
    neutral(
        "OutOfBlues",
        "Packets that belong to no association.",
        "sctp_sf_ootb(), net/sctp/sm_statefuns.c",
    )
    .when("It grows fast: peers do not know that we restarted, or somebody scans."),
    bad(
        "ChecksumErrors",
        "Packets dropped because of a wrong checksum.",
        "sctp_rcv_checksum(), net/sctp/input.c",
    )
    .when("It grows: something damages packets on the way."),
    neutral(
        "OutCtrlChunks",
        "Control chunks sent.",
        "sctp_packet_transmit(), net/sctp/output.c",
    ),
    neutral(
        "OutOrderChunks",
        "Data chunks sent that are to be delivered in order.",
        "sctp_outq_flush_data(), net/sctp/outqueue.c",
    ),
    neutral(
        "OutUnorderChunks",
        "Data chunks sent that may be delivered in any order.",
        "sctp_outq_flush_data(), net/sctp/outqueue.c",
    ),
    neutral(
        "InCtrlChunks",
        "Control chunks that came in.",
        "sctp_assoc_bh_rcv(), net/sctp/associola.c",
    ),
    neutral(
        "InOrderChunks",
        "Data chunks that came in to be delivered in order.",
        "sctp_eat_data(), net/sctp/sm_statefuns.c",
    ),
    neutral(
        "InUnorderChunks",
        "Data chunks that came in to be delivered in any order.",
        "sctp_eat_data(), net/sctp/sm_statefuns.c",
    ),
    neutral(
        "FragUsrMsgs",
        "Messages that had to be cut into several chunks.",
        "sctp_datamsg_from_user(), net/sctp/chunk.c",
    ),
    neutral(
        "ReasmUsrMsgs",
        "Messages put together from several chunks.",
        "sctp_make_reassembled_event(), net/sctp/ulpqueue.c",
    ),
    neutral(
        "OutSCTPPacks",
        "SCTP packets sent.",
        "sctp_packet_transmit(), net/sctp/output.c",
    ),
    neutral(
        "InSCTPPacks",
        "SCTP packets that came in.",
        "sctp_rcv(), net/sctp/input.c",
    ),
    bad(
        "T1InitExpireds",
        "Answers to INIT that did not come in time.",
        TIMERS,
    )
    .when("It grows: the peer is not there, or a firewall drops SCTP."),
    bad(
        "T1CookieExpireds",
        "Answers to COOKIE ECHO that did not come in time.",
        TIMERS,
    )
    .when("It grows: handshakes are lost half way."),
    neutral(
        "T2ShutdownExpireds",
        "Answers to SHUTDOWN that did not come in time.",
        TIMERS,
    ),
    bad(
        "T3RtxExpireds",
        "Times data was not acknowledged in time.",
        TIMERS,
    )
    .above(5, &[("Sctp", "OutSCTPPacks")])
    .when("More than 0.5 % of the packets sent: packets are lost."),
    neutral(
        "T4RtoExpireds",
        "Changes of addresses that were not acknowledged in time.",
        TIMERS,
    ),
    neutral(
        "T5ShutdownGuardExpireds",
        "Shutdowns that took too long and were cut short.",
        TIMERS,
    ),
    neutral(
        "DelaySackExpireds",
        "Acknowledgements that waited for more data until their time was up.",
        TIMERS,
    ),
    neutral(
        "AutocloseExpireds",
        "Associations closed because they were idle (SCTP_AUTOCLOSE).",
        TIMERS,
    ),
    neutral(
        "T3Retransmits",
        "Chunks sent again after a timeout.",
        RETRANSMIT,
    )
    .when("It grows fast: packets are lost."),
    neutral(
        "PmtudRetransmits",
        "Chunks sent again because the path's MTU shrank.",
        RETRANSMIT,
    ),
    neutral(
        "FastRetransmits",
        "Chunks sent again early because others had been acknowledged.",
        RETRANSMIT,
    )
    .when("It grows fast: packets are lost or reordered."),
    neutral(
        "InPktSoftirq",
        "Packets handled at once.",
        "sctp_rcv(), net/sctp/input.c",
    ),
    neutral(
        "InPktBacklog",
        "Packets that had to wait because a program held the socket.",
        "sctp_rcv(), net/sctp/input.c",
    ),
    bad(
        "InPktDiscards",
        "Packets dropped on the way in.",
        "sctp_rcv(), net/sctp/input.c",
    )
    .above(10, &[("Sctp", "InSCTPPacks")])
    .when("More than 1 % of what comes in: the backlog is full, or policy refuses them."),
    bad(
        "InDataChunkDiscards",
        "Data chunks dropped on the way in: no room, or not wanted.",
        INQUEUE,
    )
    .when("It grows: the program reads too slowly."),
];
