//! Time stamps (PAWS), signatures (MD5, AO), ICMP, filters on the way in.

use super::super::entry::{Explanation, bad, good, neutral};

pub(super) const COUNTERS: &[Explanation] = &[
    neutral("PAWSActive", "SYN/ACKs dropped because of an impossible time stamp.", "tcp_rcv_synsent_state_process(), net/ipv4/tcp_input.c")
        .when("It grows: a device in between rewrites time stamps."),
    neutral("PAWSEstab", "Segments of established connections dropped because their time stamp is older than one seen before.", "tcp_validate_incoming(), net/ipv4/tcp_input.c")
        .when("It grows fast: several hosts behind one NAT address share ports, or packets are very late."),
    neutral("PAWSOldAck", "Acknowledgements without data dropped because of an old time stamp: only reordered, no harm.", "tcp_validate_incoming(), net/ipv4/tcp_input.c"),
    neutral("PAWSTimewait", "Segments for TIME_WAIT connections dropped because of an old time stamp.", "tcp_timewait_state_process(), net/ipv4/tcp_minisocks.c")
        .when("It grows with failing connects: clients behind NAT share an address."),
    neutral("TSEcrRejected", "Segments dropped because they echo a time stamp that we never sent.", "tcp_check_req(), net/ipv4/tcp_minisocks.c")
        .when("It grows: a peer is broken, or packets are forged."),
    neutral("OutOfWindowIcmps", "ICMP errors about a segment that the connection cannot have sent lately.", "tcp_v4_err(), net/ipv4/tcp_ipv4.c; tcp_v6_err()")
        .when("It grows fast: somebody forges ICMP errors."),
    neutral("LockDroppedIcmps", "ICMP errors ignored because a program used the socket at that moment.", "tcp_v4_err(), net/ipv4/tcp_ipv4.c; tcp_v6_err()"),
    neutral("ArpFilter", "ARP questions not answered because the route back leads out of another interface (net.ipv4.conf.*.arp_filter).", "arp_filter(), net/ipv4/arp.c"),
    bad("IPReversePathFilter", "IPv4 packets dropped because the route back to their source leads out of another interface (rp_filter).", "ip_rcv_finish_core(), net/ipv4/ip_input.c")
        .when("It grows: routing is asymmetric, or sources are forged.")
        .hint("net.ipv4.conf.IF.rp_filter=2 accepts any route back; log_martians=1 logs them."),
    bad("TCPMinTTLDrop", "Segments dropped because their time to live is below what the socket asked for (IP_MINTTL).", "tcp_v4_rcv(), net/ipv4/tcp_ipv4.c; tcp_v6_rcv()")
        .when("It grows: a peer is farther away than allowed, as with BGP's TTL security."),
    bad("TCPMD5NotFound", "Segments dropped because they should be signed with MD5 and are not.", "tcp_inbound_md5_hash() and tcp_inbound_hash(), net/ipv4/tcp.c")
        .when("It grows: the peer has no key for us.")
        .hint("Compare the keys on both sides."),
    bad("TCPMD5Unexpected", "Segments dropped because they are signed with MD5 and we have no key.", "tcp_inbound_md5_hash() and tcp_inbound_hash(), net/ipv4/tcp.c")
        .when("It grows: we have no key for the peer.")
        .hint("Compare the keys on both sides."),
    bad("TCPMD5Failure", "Segments dropped because their MD5 signature is wrong.", "tcp_inbound_md5_hash() and tcp_inbound_hash(), net/ipv4/tcp.c")
        .when("It grows: the keys differ.")
        .hint("Compare the keys on both sides."),
    bad("TCPAORequired", "Segments dropped because they should be signed with TCP-AO and are not.", "tcp_inbound_hash(), net/ipv4/tcp.c")
        .when("It grows: the peer does not sign."),
    bad("TCPAOBad", "Segments dropped because their TCP-AO signature is wrong.", "tcp_ao_verify_hash(), net/ipv4/tcp_ao.c")
        .when("It grows: the keys differ."),
    bad("TCPAOKeyNotFound", "Segments dropped because no TCP-AO key matches.", "tcp_inbound_ao_hash(), net/ipv4/tcp_ao.c")
        .when("It grows: a key is missing here."),
    good("TCPAOGood", "Segments with a right TCP-AO signature.", "tcp_ao_verify_hash(), net/ipv4/tcp_ao.c"),
    neutral("TCPAODroppedIcmps", "ICMP errors ignored for connections that TCP-AO protects.", "tcp_ao_ignore_icmp(), net/ipv4/tcp_ao.c"),
];
