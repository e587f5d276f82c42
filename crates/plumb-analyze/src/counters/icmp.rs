//! `Icmp` and `IcmpMsg` of `/proc/net/snmp`.

use super::entry::{Explanation, bad, neutral};

const COUNTS_IN: &str = "icmp_rcv(), net/ipv4/icmp.c";
const COUNTS_OUT: &str = "icmp_push_reply() and icmp_out_count(), net/ipv4/icmp.c";

pub(super) const ICMP: &[Explanation] = &[
    neutral("InMsgs", "ICMP messages that came in, damaged ones included.", COUNTS_IN),
    bad(
        "InErrors",
        "ICMP messages that came in and could not be used: too short, a wrong checksum, or about a packet nobody here sent.",
        "icmp_rcv() and icmp_unreach(), net/ipv4/icmp.c",
    )
    .above(100, &[("Icmp", "InMsgs")])
    .when("More than a tenth of all messages.")
    .hint("See what they are: tcpdump icmp."),
    bad("InCsumErrors", "ICMP messages dropped because of a wrong checksum.", COUNTS_IN)
        .when("It grows: something damages packets on the way.")
        .hint("Look at the interface's errors with plumb if."),
    neutral(
        "InDestUnreachs",
        "Others told us that a destination cannot be reached: host, network, port, or the packet was too large.",
        COUNTS_IN,
    )
    .when("It grows while connections fail: the message says why.")
    .hint("plumb path HOST shows who says so; UDP senders to closed ports cause it, too."),
    neutral("InTimeExcds", "Others told us that a packet's time to live ran out on its way.", COUNTS_IN)
        .when("It grows and nobody runs traceroute: packets go in circles.")
        .hint("Find the loop with plumb path HOST."),
    neutral("InParmProbs", "Others told us that a header of ours makes no sense to them.", COUNTS_IN),
    neutral("InSrcQuenchs", "Requests to send more slowly, which nobody uses any more (RFC 6633).", COUNTS_IN),
    neutral("InRedirects", "Routers told us of a better way to a destination.", COUNTS_IN)
        .when("It grows on a network you do not trust: redirects can divert traffic.")
        .hint("net.ipv4.conf.all.accept_redirects=0 ignores them."),
    neutral("InEchos", "Pings that came in.", COUNTS_IN),
    neutral("InEchoReps", "Answers to our pings.", COUNTS_IN),
    neutral("InTimestamps", "Requests for our clock.", COUNTS_IN),
    neutral("InTimestampReps", "Answers to our requests for a clock.", COUNTS_IN),
    neutral("InAddrMasks", "Requests for our netmask, which nobody answers any more.", COUNTS_IN),
    neutral("InAddrMaskReps", "Answers to requests for a netmask.", COUNTS_IN),
    neutral("OutMsgs", "ICMP messages sent.", COUNTS_OUT),
    neutral(
        "OutErrors",
        "ICMP messages that could not be sent, for want of memory or of a route.",
        "icmp_push_reply() and __icmp_send(), net/ipv4/icmp.c",
    ),
    neutral(
        "OutRateLimitGlobal",
        "ICMP messages not sent because the whole host had reached its rate (net.ipv4.icmp_msgs_per_sec).",
        "icmpv4_global_allow(), net/ipv4/icmp.c",
    )
    .when("It grows fast: somebody scans this host, or many senders go wrong at once.")
    .hint("Find what is answered: Icmp.OutDestUnreachs, Icmp.OutTimeExcds."),
    neutral(
        "OutRateLimitHost",
        "ICMP messages not sent because one destination had its share (net.ipv4.icmp_ratelimit).",
        "icmpv4_xrlim_allow(), net/ipv4/icmp.c",
    ),
    neutral(
        "OutDestUnreachs",
        "We told others that something cannot be reached here, most often a UDP port that nobody has.",
        COUNTS_OUT,
    )
    .when("It grows: somebody keeps sending to a closed port.")
    .hint("Compare with Udp.NoPorts; see which port with tcpdump 'icmp[0] == 3'."),
    neutral("OutTimeExcds", "We told others that a packet's time to live ran out here.", COUNTS_OUT),
    neutral("OutParmProbs", "We told others that a header of theirs makes no sense.", COUNTS_OUT),
    neutral("OutSrcQuenchs", "Requests to send more slowly; Linux sends none.", COUNTS_OUT),
    neutral("OutRedirects", "We told others of a better way.", "ip_rt_send_redirect(), net/ipv4/route.c"),
    neutral("OutEchos", "Pings that programs here sent.", "icmp_out_count(), net/ipv4/icmp.c"),
    neutral("OutEchoReps", "Pings that the kernel answered.", "icmp_echo(), net/ipv4/icmp.c"),
    neutral("OutTimestamps", "Requests for a clock that programs here sent.", COUNTS_OUT),
    neutral("OutTimestampReps", "Requests for our clock that were answered.", "icmp_timestamp(), net/ipv4/icmp.c"),
    neutral("OutAddrMasks", "Requests for a netmask sent.", COUNTS_OUT),
    neutral("OutAddrMaskReps", "Answers about our netmask; Linux sends none.", COUNTS_OUT),
];

pub(super) const ICMP_MSG: &[Explanation] = &[
    neutral(
        "InType*",
        "ICMP messages of this type that came in (0 echo reply, 3 unreachable, 5 redirect, 8 echo, 11 time exceeded).",
        "ICMPMSGIN_INC_STATS in icmp_rcv(), net/ipv4/icmp.c",
    ),
    neutral(
        "OutType*",
        "ICMP messages of this type that were sent (0 echo reply, 3 unreachable, 5 redirect, 8 echo, 11 time exceeded).",
        "ICMPMSGOUT_INC_STATS in icmp_out_count(), net/ipv4/icmp.c",
    ),
];
