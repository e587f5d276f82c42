//! `Ip` of `/proc/net/snmp` and `IpExt` of `/proc/net/netstat`: IPv4.

use super::entry::{Explanation, bad, gauge, good, neutral, setting};

const RECEIVED: &[(&str, &str)] = &[("Ip", "InReceives")];

pub(super) const IP: &[Explanation] = &[
    setting(
        "Forwarding",
        "Whether this host forwards IPv4 packets: 1 yes, 2 no (net.ipv4.ip_forward).",
        "snmp_seq_show_ipstats(), net/ipv4/proc.c",
    ),
    setting(
        "DefaultTTL",
        "The time to live that sent packets begin with (net.ipv4.ip_default_ttl).",
        "snmp_seq_show_ipstats(), net/ipv4/proc.c",
    ),
    neutral(
        "InReceives",
        "IPv4 packets that came in, damaged ones included.",
        "ip_rcv_core(), net/ipv4/ip_input.c",
    ),
    bad(
        "InHdrErrors",
        "Packets dropped because their header was wrong: version, length, checksum, options, or a time to live that ran out on the way through.",
        "ip_rcv_core(), net/ipv4/ip_input.c; ip_forward(), net/ipv4/ip_forward.c",
    )
    .when("It grows: a peer or a device in between damages headers, or packets go in circles here.")
    .hint("Look for a routing loop with plumb path, and at the interface's errors with plumb if."),
    bad(
        "InAddrErrors",
        "Packets dropped because their destination is not this host and they may not be forwarded, or their addresses make no sense.",
        "ip_error(), net/ipv4/route.c",
    )
    .above(10, RECEIVED)
    .when("More than 1 % of what comes in: others send us what is not ours, as with a wrong route or a forgotten ip_forward.")
    .hint("If this host should route, set net.ipv4.ip_forward=1; else find who sends (tcpdump on the interface)."),
    neutral(
        "ForwDatagrams",
        "Packets passed on to another host.",
        "ip_forward(), net/ipv4/ip_forward.c",
    ),
    bad(
        "InUnknownProtos",
        "Packets for this host of a protocol that nothing here speaks; their sender gets an ICMP error.",
        "ip_protocol_deliver_rcu(), net/ipv4/ip_input.c",
    )
    .above(10, RECEIVED)
    .when("More than 1 % of what comes in: a tunnel or a routing daemon is missing here.")
    .hint("Find the protocol number with tcpdump 'ip proto N'."),
    bad(
        "InDiscards",
        "Sound packets dropped for lack of memory or by a hook on the way in.",
        "ip_rcv_core(), net/ipv4/ip_input.c",
    )
    .when("It grows: the kernel had no memory for packets.")
    .hint("Look at free memory and vm.min_free_kbytes."),
    good(
        "InDelivers",
        "Packets handed to TCP, UDP, ICMP and the like on this host.",
        "ip_local_deliver_finish(), net/ipv4/ip_input.c",
    ),
    neutral(
        "OutRequests",
        "Packets that this host wanted to send, forwarded ones left out.",
        "__ip_local_out(), net/ipv4/ip_output.c",
    ),
    bad(
        "OutDiscards",
        "Packets to be sent that were dropped: no memory, no room in the queue, or a filter refused them.",
        "ip_push_pending_frames() and __ip_append_data(), net/ipv4/ip_output.c; raw_send_hdrinc(), net/ipv4/raw.c",
    )
    .when("It grows: programs think they have sent what never left.")
    .hint("Look at the queue of the interface with plumb if, and at firewall rules on output."),
    bad(
        "OutNoRoutes",
        "Packets dropped because no route leads to their destination.",
        "__ip_queue_xmit(), net/ipv4/ip_output.c; udp_sendmsg(), net/ipv4/udp.c",
    )
    .when("It grows: a route is missing or an interface is down.")
    .hint("Ask plumb path HOST which route would be taken."),
    bad(
        "ReasmTimeout",
        "Packets whose fragments did not all come within net.ipv4.ipfrag_time.",
        "ip_expire(), net/ipv4/ip_fragment.c",
    )
    .when("It grows: fragments are lost on the way or dropped by a firewall.")
    .hint("Avoid fragments: lower the MTU, or let path MTU discovery work."),
    neutral(
        "ReasmReqds",
        "Fragments that came in to be put together.",
        "ip_defrag(), net/ipv4/ip_fragment.c",
    ),
    good(
        "ReasmOKs",
        "Packets put together from their fragments.",
        "ip_frag_reasm(), net/ipv4/ip_fragment.c",
    ),
    bad(
        "ReasmFails",
        "Packets that could not be put together: a fragment was missing, wrong, or there was no memory.",
        "ip_expire() and ip_frag_queue(), net/ipv4/ip_fragment.c",
    )
    .when("It grows: large datagrams are lost whole because a part is.")
    .hint("Avoid fragments; if they must be, raise net.ipv4.ipfrag_high_thresh."),
    good(
        "FragOKs",
        "Packets cut into fragments to fit the path.",
        "ip_do_fragment(), net/ipv4/ip_output.c",
    ),
    bad(
        "FragFails",
        "Packets too large for the path that may not be cut (DF); the sender is told.",
        "ip_fragment(), net/ipv4/ip_output.c; ip_forward()",
    )
    .when("It keeps growing: somebody ignores the ICMP message that tells the MTU.")
    .hint("Let ICMP type 3 code 4 pass; compare MTUs along the path with plumb path."),
    neutral(
        "FragCreates",
        "Fragments made when packets were cut.",
        "ip_do_fragment(), net/ipv4/ip_output.c",
    ),
    neutral(
        "OutTransmits",
        "Packets given to the link layer, forwarded ones and fragments included.",
        "ip_finish_output2(), net/ipv4/ip_output.c",
    ),
];

pub(super) const IP_EXT: &[Explanation] = &[
    bad(
        "InNoRoutes",
        "Packets that came in for another network and could not be passed on: this host does not forward, or has no route.",
        "ip_error(), net/ipv4/route.c",
    )
    .when("It grows: others take this host for a router that it is not, or a route is missing here.")
    .hint("Ask plumb path for the destination."),
    bad(
        "InTruncatedPkts",
        "Packets shorter than their header says.",
        "ip_rcv_core(), net/ipv4/ip_input.c",
    )
    .when("It grows: a driver, a cable or a device in between cuts packets.")
    .hint("Look at the interface's errors with plumb if."),
    neutral("InMcastPkts", "Multicast packets that came in.", "ip_rcv_finish_core(), net/ipv4/ip_input.c"),
    neutral("OutMcastPkts", "Multicast packets sent.", "ip_finish_output2(), net/ipv4/ip_output.c"),
    neutral("InBcastPkts", "Broadcast packets that came in.", "ip_rcv_finish_core(), net/ipv4/ip_input.c"),
    neutral("OutBcastPkts", "Broadcast packets sent.", "ip_finish_output2(), net/ipv4/ip_output.c"),
    neutral("InOctets", "Bytes of IPv4 packets that came in, headers included.", "ip_rcv_core(), net/ipv4/ip_input.c"),
    neutral("OutOctets", "Bytes of IPv4 packets sent, headers included.", "ip_finish_output2(), net/ipv4/ip_output.c; __ip_local_out() in older kernels"),
    neutral("InMcastOctets", "Bytes of multicast packets that came in.", "ip_rcv_finish_core(), net/ipv4/ip_input.c"),
    neutral("OutMcastOctets", "Bytes of multicast packets sent.", "ip_finish_output2(), net/ipv4/ip_output.c"),
    neutral("InBcastOctets", "Bytes of broadcast packets that came in.", "ip_rcv_finish_core(), net/ipv4/ip_input.c"),
    neutral("OutBcastOctets", "Bytes of broadcast packets sent.", "ip_finish_output2(), net/ipv4/ip_output.c"),
    bad(
        "InCsumErrors",
        "Packets dropped because the checksum of their IPv4 header is wrong.",
        "ip_rcv_core(), net/ipv4/ip_input.c",
    )
    .when("It grows: hardware damages packets.")
    .hint("Look at cables, switch ports and the card; compare with plumb if's CRC errors."),
    neutral("InNoECTPkts", "Packets that came without ECN: their sender does not understand congestion marks.", "ip_rcv_core(), net/ipv4/ip_input.c"),
    neutral("InECT1Pkts", "Packets marked ECT(1), as L4S senders do.", "ip_rcv_core(), net/ipv4/ip_input.c"),
    neutral("InECT0Pkts", "Packets marked ECT(0): their sender understands ECN.", "ip_rcv_core(), net/ipv4/ip_input.c"),
    neutral(
        "InCEPkts",
        "Packets that a router marked because its queue filled, instead of dropping them (ECN CE).",
        "ip_rcv_core(), net/ipv4/ip_input.c",
    ),
    bad(
        "ReasmOverlaps",
        "Fragments dropped because they overlap others, which sound senders never do.",
        "ip_frag_queue(), net/ipv4/ip_fragment.c",
    )
    .when("It grows: a broken sender, or somebody trying to get past a firewall.")
    .hint("Find the source with tcpdump 'ip[6:2] & 0x3fff != 0'."),
];

/// Groups of `sockstat` and `sockstat6`: sockets in use now.
pub(super) const SOCKSTAT: &[Explanation] = &[
    gauge("used", "Sockets of every kind that this namespace has.", "sock_inuse_get(), net/core/sock.c"),
    gauge(
        "inuse",
        "Sockets of the protocol in use; for TCP those with a local port, TIME_WAIT left out.",
        "sock_prot_inuse_add() callers, net/core/sock.c",
    ),
    gauge(
        "orphan",
        "TCP connections of the whole host that no process holds any more and that still have to say goodbye.",
        "tcp_orphan_count_sum(), net/ipv4/tcp.c",
    )
    .when("It nears net.ipv4.tcp_max_orphans: then connections are reset.")
    .hint("Peers that vanish keep them; shorten net.ipv4.tcp_orphan_retries or find who closes early.")
    .of(super::entry::Concerns::Orphans),
    gauge(
        "tw",
        "TCP connections in TIME_WAIT.",
        "sockstat_seq_show(), net/ipv4/proc.c",
    )
    .when("It nears net.ipv4.tcp_max_tw_buckets, or uses the local ports up towards one destination.")
    .hint("Keep connections alive instead of opening new ones; plumb ports shows how many ports are left.")
    .of(super::entry::Concerns::TimeWait),
    gauge("alloc", "TCP sockets that exist on the whole host, in whatever state.", "proto_sockets_allocated_sum_positive(), net/ipv4/proc.c"),
    gauge(
        "mem",
        "Pages of memory in the queues of the protocol's sockets, on the whole host.",
        "proto_memory_allocated(), net/ipv4/proc.c",
    )
    .when("It nears the second number of net.ipv4.tcp_mem (or udp_mem): buffers are then squeezed.")
    .hint("Find the sockets that hold it with plumb ls or ss -m."),
    gauge("memory", "Bytes that fragments waiting for the others take.", "fqdir_mem, net/ipv4/ip_fragment.c"),
];
