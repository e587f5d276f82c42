//! `/proc/net/snmp6`: IPv6 and ICMPv6.

use super::entry::{Explanation, bad, good, neutral};

const RECEIVED: &[(&str, &str)] = &[("Ip6", "InReceives")];
const ICMP_IN: &str = "icmpv6_rcv(), net/ipv6/icmp.c";
const ICMP_OUT: &str = "icmpv6_push_pending_frames() and ndisc_send_skb(), net/ipv6";

pub(super) const IP6: &[Explanation] = &[
    neutral("InReceives", "IPv6 packets that came in, damaged ones included.", "ip6_rcv_core(), net/ipv6/ip6_input.c"),
    bad("InHdrErrors", "Packets dropped because their header or an extension of it was wrong, or their hop limit ran out on the way through.", "ip6_rcv_core(), net/ipv6/ip6_input.c; ip6_forward(), net/ipv6/ip6_output.c")
        .when("It grows: a peer or a device in between damages headers, or packets go in circles here.")
        .hint("Look for a routing loop with plumb path, and at the interface's errors with plumb if."),
    neutral("InTooBigErrors", "Packets to be forwarded that are too large for the next link; the sender is told.", "ip6_forward(), net/ipv6/ip6_output.c")
        .when("It keeps growing: somebody ignores the message that tells the MTU.")
        .hint("Let ICMPv6 type 2 pass; compare MTUs along the path with plumb path."),
    bad("InNoRoutes", "Packets that came in for another host and for which there is no route.", "ip6_pkt_drop(), net/ipv6/route.c")
        .above(10, RECEIVED)
        .when("More than 1 % of what comes in: a route is missing, or others take this host for a router.")
        .hint("Ask plumb path for the destination."),
    bad("InAddrErrors", "Packets dropped because their addresses make no sense here.", "ip6_rcv_core(), net/ipv6/ip6_input.c; ip6_pkt_drop(), net/ipv6/route.c")
        .above(10, RECEIVED)
        .when("More than 1 % of what comes in: others send us what is not ours."),
    bad("InUnknownProtos", "Packets for this host of a protocol that nothing here speaks.", "ip6_protocol_deliver_rcu(), net/ipv6/ip6_input.c")
        .above(10, RECEIVED)
        .when("More than 1 % of what comes in: a tunnel or a routing daemon is missing here."),
    bad("InTruncatedPkts", "Packets shorter than their header says.", "ip6_rcv_core(), net/ipv6/ip6_input.c")
        .when("It grows: a driver or a device in between cuts packets."),
    bad("InDiscards", "Sound packets dropped on the way in, for lack of memory or because IPv6 is switched off on the interface.", "ip6_rcv_core(), net/ipv6/ip6_input.c")
        .above(10, RECEIVED)
        .when("More than 1 % of what comes in. Where IPv6 is switched off (net.ipv6.conf.IF.disable_ipv6) this is as it should be."),
    good("InDelivers", "Packets handed to TCP, UDP, ICMPv6 and the like on this host.", "ip6_protocol_deliver_rcu() paths, net/ipv6/ip6_input.c"),
    neutral("OutForwDatagrams", "Packets passed on to another host.", "ip6_forward(), net/ipv6/ip6_output.c"),
    neutral("OutRequests", "Packets that this host wanted to send.", "ip6_xmit() and __ip6_local_out(), net/ipv6/ip6_output.c"),
    bad("OutDiscards", "Packets to be sent that were dropped: no memory, IPv6 switched off on the interface, or a filter refused them.", "ip6_finish_output2() and ip6_send_skb(), net/ipv6/ip6_output.c")
        .above(10, &[("Ip6", "OutRequests")])
        .when("More than 1 % of what is sent: programs think they have sent what never left."),
    bad("OutNoRoutes", "Packets dropped because no route leads to their destination.", "ip6_pkt_drop(), net/ipv6/route.c; ip6_route_output users")
        .above(10, &[("Ip6", "OutRequests")])
        .when("More than 1 % of what is sent: names resolve to IPv6 addresses, and this host has no way there.")
        .hint("Ask plumb path HOST; without IPv6 to the outside this is usual."),
    bad("ReasmTimeout", "Packets whose fragments did not all come within net.ipv6.ip6frag_time.", "ip6frag_expire_frag_queue(), include/net/ipv6_frag.h")
        .when("It grows: fragments are lost on the way or dropped by a firewall.")
        .hint("Avoid fragments: let path MTU discovery work."),
    neutral("ReasmReqds", "Fragments that came in to be put together.", "ipv6_frag_rcv(), net/ipv6/reassembly.c"),
    good("ReasmOKs", "Packets put together from their fragments.", "ip6_frag_reasm(), net/ipv6/reassembly.c"),
    bad("ReasmFails", "Packets that could not be put together.", "ip6_frag_queue() and ip6_frag_reasm(), net/ipv6/reassembly.c")
        .when("It grows: large datagrams are lost whole because a part is.")
        .hint("Avoid fragments; if they must be, raise net.ipv6.ip6frag_high_thresh."),
    good("FragOKs", "Packets cut into fragments to fit the path.", "ip6_fragment(), net/ipv6/ip6_output.c"),
    bad("FragFails", "Packets that could not be cut into fragments.", "ip6_fragment(), net/ipv6/ip6_output.c")
        .when("It grows: large datagrams do not leave."),
    neutral("FragCreates", "Fragments made when packets were cut.", "ip6_fragment(), net/ipv6/ip6_output.c"),
    neutral("InMcastPkts", "Multicast packets that came in.", "ip6_mc_input(), net/ipv6/ip6_input.c"),
    neutral("OutMcastPkts", "Multicast packets sent.", "ip6_finish_output2(), net/ipv6/ip6_output.c"),
    neutral("InOctets", "Bytes of IPv6 packets that came in, headers included.", "ip6_rcv_core(), net/ipv6/ip6_input.c"),
    neutral("OutOctets", "Bytes of IPv6 packets sent, headers included.", "ip6_finish_output2(), net/ipv6/ip6_output.c; ip6_xmit() in older kernels"),
    neutral("InMcastOctets", "Bytes of multicast packets that came in.", "ip6_mc_input(), net/ipv6/ip6_input.c"),
    neutral("OutMcastOctets", "Bytes of multicast packets sent.", "ip6_finish_output2(), net/ipv6/ip6_output.c"),
    neutral("InBcastOctets", "Always 0: IPv6 has no broadcast.", "nowhere; the list is shared with IPv4"),
    neutral("OutBcastOctets", "Always 0: IPv6 has no broadcast.", "nowhere; the list is shared with IPv4"),
    neutral("InNoECTPkts", "Packets that came without ECN: their sender does not understand congestion marks.", "ip6_rcv_core(), net/ipv6/ip6_input.c"),
    neutral("InECT1Pkts", "Packets marked ECT(1), as L4S senders do.", "ip6_rcv_core(), net/ipv6/ip6_input.c"),
    neutral("InECT0Pkts", "Packets marked ECT(0): their sender understands ECN.", "ip6_rcv_core(), net/ipv6/ip6_input.c"),
    neutral("InCEPkts", "Packets that a router marked because its queue filled, instead of dropping them (ECN CE).", "ip6_rcv_core(), net/ipv6/ip6_input.c"),
    neutral("OutTransmits", "Packets given to the link layer, forwarded ones and fragments included.", "ip6_finish_output2(), net/ipv6/ip6_output.c"),
];

pub(super) const ICMP6: &[Explanation] = &[
    neutral(
        "InMsgs",
        "ICMPv6 messages that came in, damaged ones included.",
        ICMP_IN,
    ),
    bad(
        "InErrors",
        "ICMPv6 messages that came in and could not be used.",
        ICMP_IN,
    )
    .above(100, &[("Icmp6", "InMsgs")])
    .when("More than a tenth of all messages."),
    neutral("OutMsgs", "ICMPv6 messages sent.", ICMP_OUT),
    neutral(
        "OutErrors",
        "ICMPv6 messages that could not be sent.",
        "icmp6_send(), net/ipv6/icmp.c",
    ),
    bad(
        "InCsumErrors",
        "ICMPv6 messages dropped because of a wrong checksum.",
        ICMP_IN,
    )
    .when("It grows: something damages packets on the way."),
    neutral(
        "OutRateLimitHost",
        "ICMPv6 messages not sent because one destination had its share (net.ipv6.icmp.ratelimit).",
        "icmpv6_xrlim_allow(), net/ipv6/icmp.c",
    ),
    neutral(
        "InDestUnreachs",
        "Others told us that a destination cannot be reached.",
        ICMP_IN,
    )
    .when("It grows while connections fail.")
    .hint("plumb path HOST shows who says so."),
    neutral(
        "InPktTooBigs",
        "Routers told us that a packet was too large for the next link; the path's MTU was lowered.",
        ICMP_IN,
    ),
    neutral(
        "InTimeExcds",
        "Others told us that a packet's hop limit ran out, or that fragments were missing.",
        ICMP_IN,
    )
    .when("It grows and nobody runs traceroute: packets go in circles."),
    neutral(
        "InParmProblems",
        "Others told us that a header of ours makes no sense to them.",
        ICMP_IN,
    ),
    neutral("InEchos", "Pings that came in.", ICMP_IN),
    neutral("InEchoReplies", "Answers to our pings.", ICMP_IN),
    neutral(
        "InGroupMembQueries",
        "Routers asked which multicast groups are wanted (MLD).",
        ICMP_IN,
    ),
    neutral(
        "InGroupMembResponses",
        "Hosts reported their multicast groups (MLDv1).",
        ICMP_IN,
    ),
    neutral(
        "InGroupMembReductions",
        "Hosts left multicast groups (MLDv1).",
        ICMP_IN,
    ),
    neutral("InRouterSolicits", "Hosts asked for routers.", ICMP_IN),
    neutral(
        "InRouterAdvertisements",
        "Routers told of themselves.",
        ICMP_IN,
    ),
    neutral(
        "InNeighborSolicits",
        "Neighbours asked for our link-layer address.",
        ICMP_IN,
    ),
    neutral(
        "InNeighborAdvertisements",
        "Neighbours told us their link-layer address.",
        ICMP_IN,
    ),
    neutral("InRedirects", "Routers told us of a better way.", ICMP_IN)
        .when("It grows on a network you do not trust.")
        .hint("net.ipv6.conf.all.accept_redirects=0 ignores them."),
    neutral(
        "InMLDv2Reports",
        "Hosts reported their multicast groups (MLDv2).",
        ICMP_IN,
    ),
    neutral(
        "OutDestUnreachs",
        "We told others that something cannot be reached here, most often a UDP port that nobody has.",
        ICMP_OUT,
    ),
    neutral(
        "OutPktTooBigs",
        "We told senders that a packet is too large for the next link.",
        ICMP_OUT,
    ),
    neutral(
        "OutTimeExcds",
        "We told others that a hop limit ran out here.",
        ICMP_OUT,
    ),
    neutral(
        "OutParmProblems",
        "We told others that a header of theirs makes no sense.",
        ICMP_OUT,
    ),
    neutral("OutEchos", "Pings that programs here sent.", ICMP_OUT),
    neutral(
        "OutEchoReplies",
        "Pings that the kernel answered.",
        "icmpv6_echo_reply(), net/ipv6/icmp.c",
    ),
    neutral(
        "OutGroupMembQueries",
        "Questions for multicast groups sent.",
        ICMP_OUT,
    ),
    neutral(
        "OutGroupMembResponses",
        "Our multicast groups reported (MLDv1).",
        "igmp6_send(), net/ipv6/mcast.c",
    ),
    neutral(
        "OutGroupMembReductions",
        "Multicast groups that we left (MLDv1).",
        "igmp6_send(), net/ipv6/mcast.c",
    ),
    neutral(
        "OutRouterSolicits",
        "We asked for routers.",
        "ndisc_send_rs(), net/ipv6/ndisc.c",
    ),
    neutral(
        "OutRouterAdvertisements",
        "We told of ourselves as a router (a program like radvd).",
        ICMP_OUT,
    ),
    neutral(
        "OutNeighborSolicits",
        "We asked neighbours for their link-layer address.",
        "ndisc_send_ns(), net/ipv6/ndisc.c",
    )
    .when("It grows without answers (InNeighborAdvertisements): a neighbour is gone."),
    neutral(
        "OutNeighborAdvertisements",
        "We told neighbours our link-layer address.",
        "ndisc_send_na(), net/ipv6/ndisc.c",
    ),
    neutral(
        "OutRedirects",
        "We told others of a better way.",
        "ndisc_send_redirect(), net/ipv6/ndisc.c",
    ),
    neutral(
        "OutMLDv2Reports",
        "Our multicast groups reported (MLDv2).",
        "mld_sendpack(), net/ipv6/mcast.c",
    ),
    neutral(
        "InType*",
        "ICMPv6 messages of this type that came in (1 unreachable, 2 too big, 3 time exceeded, 128 and 129 ping, 133 to 137 neighbour discovery, 143 MLDv2).",
        ICMP_IN,
    ),
    neutral(
        "OutType*",
        "ICMPv6 messages of this type that were sent (1 unreachable, 2 too big, 3 time exceeded, 128 and 129 ping, 133 to 137 neighbour discovery, 143 MLDv2).",
        ICMP_OUT,
    ),
];
