//! `MPTcpExt` of `/proc/net/netstat` (RFC 8684).

use super::entry::{Explanation, bad, gauge, good, neutral};

const OPTIONS: &str = "subflow handshake, net/mptcp/subflow.c";
const INPUT: &str = "mptcp_incoming_options(), net/mptcp/options.c";
const PM: &str = "path manager, net/mptcp/pm.c and pm_netlink.c";
const PROTOCOL: &str = "net/mptcp/protocol.c";

pub(super) const MPTCP_EXT: &[Explanation] = &[
    neutral("MPCapableSYNRX", "SYNs that came in and asked for MPTCP.", OPTIONS),
    neutral("MPCapableSYNTX", "SYNs sent that asked for MPTCP.", OPTIONS),
    good("MPCapableSYNACKRX", "SYN/ACKs of peers that agree to MPTCP.", OPTIONS),
    good("MPCapableACKRX", "Last parts of handshakes that agree to MPTCP.", OPTIONS),
    neutral("MPCapableFallbackACK", "Connections from others that became plain TCP with the last part of the handshake.", OPTIONS),
    neutral("MPCapableFallbackSYNACK", "Connections from here that became plain TCP: the peer, or a device in between, does not know MPTCP.", OPTIONS)
        .when("It grows with MPCapableSYNTX: no connection there ever gets a second path."),
    neutral("MPCapableSYNTXDrop", "Connections that became plain TCP because SYNs asking for MPTCP were dropped on the way.", OPTIONS)
        .when("It grows: a firewall drops unknown TCP options."),
    neutral("MPCapableSYNTXDisabled", "SYNs sent without MPTCP because it had failed shortly before (net.mptcp.blackhole_timeout).", "mptcp_active_detect_blackhole(), net/mptcp/ctrl.c"),
    neutral("MPCapableEndpAttempt", "Connections to an endpoint of ours that may not be used for a first path.", OPTIONS),
    bad("MPFallbackTokenInit", "Connections that became plain TCP because no token could be made for them.", OPTIONS),
    neutral("MPTCPRetrans", "Pieces of data sent again on another path.", "__mptcp_retrans(), net/mptcp/protocol.c")
        .when("It grows fast: one of the paths is bad."),
    bad("MPJoinNoTokenFound", "Second paths refused because no connection has their token.", OPTIONS)
        .when("It grows: a load balancer sends second paths to the wrong server."),
    neutral("MPJoinSynRx", "SYNs for a second path that came in.", OPTIONS),
    neutral("MPJoinSynBackupRx", "SYNs for a second path that is a backup only.", OPTIONS),
    neutral("MPJoinSynAckRx", "Answers to our second paths.", OPTIONS),
    neutral("MPJoinSynAckBackupRx", "Answers to our second paths that ask to be a backup only.", OPTIONS),
    bad("MPJoinSynAckHMacFailure", "Answers to our second paths with a wrong signature.", OPTIONS),
    good("MPJoinAckRx", "Second paths of others that were established.", OPTIONS),
    bad("MPJoinAckHMacFailure", "Second paths of others dropped because of a wrong signature.", OPTIONS),
    neutral("MPJoinRejected", "Second paths of others refused because their number is limited.", OPTIONS),
    neutral("MPJoinSynTx", "SYNs sent for a second path.", "__mptcp_subflow_connect(), net/mptcp/subflow.c"),
    bad("MPJoinSynTxCreatSkErr", "Second paths not begun because no socket could be made.", "__mptcp_subflow_connect(), net/mptcp/subflow.c"),
    bad("MPJoinSynTxBindErr", "Second paths not begun because their address could not be bound.", "__mptcp_subflow_connect(), net/mptcp/subflow.c"),
    bad("MPJoinSynTxConnectErr", "Second paths not begun because connecting failed.", "__mptcp_subflow_connect(), net/mptcp/subflow.c"),
    bad("DSSNotMatching", "Paths whose new mapping contradicts an older one.", "get_mapping_status(), net/mptcp/subflow.c"),
    bad("DSSCorruptionFallback", "Connections that became plain TCP because their mappings were damaged on the way.", "mptcp_subflow_data_available(), net/mptcp/subflow.c"),
    bad("DSSCorruptionReset", "Paths reset because their mappings were damaged on the way.", "mptcp_subflow_data_available(), net/mptcp/subflow.c"),
    neutral("InfiniteMapTx", "Mappings without end sent: from here on plain TCP.", PROTOCOL),
    neutral("InfiniteMapRx", "Mappings without end that came in: from here on plain TCP.", "get_mapping_status(), net/mptcp/subflow.c"),
    bad("DSSNoMatchTCP", "Mappings whose place does not fit the TCP stream.", "get_mapping_status(), net/mptcp/subflow.c"),
    bad("DataCsumErr", "Data whose MPTCP checksum was wrong.", "validate_data_csum(), net/mptcp/subflow.c")
        .when("It grows: a device in between rewrites data."),
    neutral("OFOQueueTail", "Data out of order put at the end of the queue.", "mptcp_data_queue_ofo(), net/mptcp/protocol.c"),
    neutral("OFOQueue", "Data that came out of order between paths.", "mptcp_data_queue_ofo(), net/mptcp/protocol.c"),
    neutral("OFOMerge", "Data out of order joined with its neighbours.", "mptcp_data_queue_ofo(), net/mptcp/protocol.c"),
    bad("NoDSSInWindow", "Data that came without a mapping where one was needed.", "mptcp_subflow_discard_data() paths, net/mptcp"),
    neutral("DuplicateData", "Data that came twice, on two paths.", "__mptcp_move_skb(), net/mptcp/protocol.c"),
    neutral("AddAddr", "Addresses that peers offered.", INPUT),
    neutral("AddAddrTx", "Addresses that we offered.", PM),
    neutral("AddAddrTxDrop", "Addresses not offered because the options had no room.", PM),
    neutral("EchoAdd", "Confirmations of our addresses.", INPUT),
    neutral("EchoAddTx", "Confirmations of peers' addresses sent.", PM),
    neutral("EchoAddTxDrop", "Confirmations not sent because the options had no room.", PM),
    neutral("PortAdd", "Addresses offered with a port.", INPUT),
    neutral("AddAddrDrop", "Addresses that peers offered and we did not take.", PM),
    neutral("MPJoinPortSynRx", "SYNs for a second path to a port of its own.", OPTIONS),
    neutral("MPJoinPortSynAckRx", "Answers from a port of its own.", OPTIONS),
    neutral("MPJoinPortAckRx", "Second paths to a port of their own that were established.", OPTIONS),
    bad("MismatchPortSynRx", "SYNs for a second path to a port that was not offered.", OPTIONS),
    bad("MismatchPortAckRx", "Last parts of handshakes for a port that was not offered.", OPTIONS),
    neutral("RmAddr", "Addresses that peers took back.", INPUT),
    neutral("RmAddrDrop", "Addresses taken back that we had no note of, or no room for.", PM),
    neutral("RmAddrTx", "Addresses that we took back.", PM),
    neutral("RmAddrTxDrop", "Addresses not taken back because the options had no room.", PM),
    neutral("RmSubflow", "Paths closed because their address was taken back.", PM),
    neutral("MPPrioTx", "Changes of priority sent.", PM),
    neutral("MPPrioRx", "Changes of priority that came in.", INPUT),
    neutral("MPFailTx", "Reports of damage sent (MP_FAIL).", PROTOCOL)
        .when("It grows: a device in between rewrites data."),
    neutral("MPFailRx", "Reports of damage that came in (MP_FAIL).", INPUT)
        .when("It grows: a device in between rewrites data."),
    neutral("MPFastcloseTx", "Connections that we ended at once (MP_FASTCLOSE).", PROTOCOL),
    neutral("MPFastcloseRx", "Connections that peers ended at once (MP_FASTCLOSE).", INPUT),
    neutral("MPRstTx", "Resets of single paths sent, with their reason.", PROTOCOL),
    neutral("MPRstRx", "Resets of single paths that came in, with their reason.", INPUT),
    bad("RcvPruned", "Data dropped because the receive buffer was full.", "__mptcp_move_skb() and mptcp_data_ready(), net/mptcp/protocol.c")
        .when("It grows: the program reads too slowly."),
    neutral("SubflowStale", "Paths set aside because they went unanswered.", "mptcp_pm_subflow_chk_stale(), net/mptcp/pm.c")
        .when("It grows: a path is gone."),
    good("SubflowRecover", "Paths set aside that work again.", "mptcp_pm_subflow_chk_stale(), net/mptcp/pm.c"),
    neutral("SndWndShared", "Sending held back by the window of another path.", "mptcp_check_allowed_size(), net/mptcp/protocol.c"),
    neutral("RcvWndShared", "Windows offered that another path had moved already.", "mptcp_set_rwin(), net/mptcp/options.c"),
    neutral("RcvWndConflictUpdate", "Windows corrected because two paths offered different ones.", "mptcp_set_rwin(), net/mptcp/options.c"),
    neutral("RcvWndConflict", "Windows that two paths offered differently at once.", "mptcp_set_rwin(), net/mptcp/options.c"),
    gauge("MPCurrEstab", "MPTCP connections that are established now.", "mptcp_set_state(), net/mptcp/protocol.c"),
    bad("Blackhole", "Times MPTCP was switched off for a while because SYNs that asked for it died.", "mptcp_active_disable(), net/mptcp/ctrl.c")
        .when("It grows: a firewall drops unknown TCP options."),
    neutral("MPCapableDataFallback", "Connections that became plain TCP because the first data came without a mapping.", OPTIONS),
    neutral("MD5SigFallback", "Connections that became plain TCP because they are signed with MD5.", OPTIONS),
    neutral("DssFallback", "Connections that became plain TCP because data came without a mapping.", "mptcp_subflow_data_available(), net/mptcp/subflow.c"),
    neutral("SimultConnectFallback", "Connections that became plain TCP because both sides began at once.", OPTIONS),
    bad("FallbackFailed", "Connections that should have become plain TCP and could not; they were reset.", "mptcp_try_fallback() callers, net/mptcp"),
    neutral("WinProbe", "Probes sent because the window of the whole connection was closed.", "mptcp_sendmsg_frag(), net/mptcp/protocol.c"),
];
