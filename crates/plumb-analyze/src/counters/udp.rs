//! `Udp`, `UdpLite`, `Udp6` and `UdpLite6`: the same counters four times.

use super::entry::{Concerns, Explanation, bad, good, neutral};

pub(super) const UDP: &[Explanation] = &[
    good("InDatagrams", "Datagrams that programs received.", "udp_recvmsg(), net/ipv4/udp.c; udpv6_recvmsg()"),
    bad(
        "NoPorts",
        "Datagrams for a port that nobody here has; their sender is told by ICMP.",
        "__udp4_lib_rcv(), net/ipv4/udp.c; __udp6_lib_rcv()",
    )
    .above(50, &[("Udp", "InDatagrams"), ("Udp6", "InDatagrams")])
    .when("More than 5 % of what programs receive: a program is not running, listens elsewhere, or somebody scans.")
    .hint("See which port: tcpdump 'icmp[0] == 3 and icmp[1] == 3'."),
    bad(
        "InErrors",
        "Datagrams that were lost on this host: no room in the socket's buffer, wrong checksum, or refused by a socket's filter.",
        "__udp_queue_rcv_skb() and udp_queue_rcv_one_skb(), net/ipv4/udp.c",
    )
    .when("It grows: RcvbufErrors, InCsumErrors and MemErrors beside it say why.")
    .hint("If RcvbufErrors grows as fast, see there.")
    .of(Concerns::Datagrams),
    neutral("OutDatagrams", "Datagrams that programs sent.", "udp_send_skb(), net/ipv4/udp.c; udp_v6_send_skb()"),
    bad(
        "RcvbufErrors",
        "Datagrams dropped because the receive buffer of their socket was full: the program reads too slowly.",
        "__udp_queue_rcv_skb(), net/ipv4/udp.c",
    )
    .when("It grows: the program does not keep up, or bursts are larger than its buffer.")
    .hint("Read faster or from several sockets (SO_REUSEPORT); raise SO_RCVBUF and net.core.rmem_max.")
    .of(Concerns::Datagrams),
    bad(
        "SndbufErrors",
        "Datagrams not sent because the send buffer was full or the kernel had no memory.",
        "udp_sendmsg(), net/ipv4/udp.c; udpv6_sendmsg()",
    )
    .when("It grows: the program sends faster than the interface can.")
    .hint("Look at the interface's queue with plumb if; raise SO_SNDBUF or send more slowly."),
    bad(
        "InCsumErrors",
        "Datagrams dropped because of a wrong checksum.",
        "udp_recvmsg() and __udp4_lib_rcv(), net/ipv4/udp.c",
    )
    .when("It grows: something damages packets on the way.")
    .hint("Look at the interface's errors with plumb if; try without checksum offload."),
    neutral(
        "IgnoredMulti",
        "Multicast and broadcast datagrams that came in and nobody here waits for.",
        "__udp4_lib_mcast_deliver(), net/ipv4/udp.c",
    )
    .when("It grows and a program misses multicast: no socket has joined that group on that interface.")
    .hint("netstat -g lists the groups that are joined."),
    bad(
        "MemErrors",
        "Datagrams dropped because UDP as a whole reached net.ipv4.udp_mem.",
        "__udp_queue_rcv_skb(), net/ipv4/udp.c",
    )
    .when("It grows: all UDP buffers together hold too much.")
    .hint("Raise net.ipv4.udp_mem, or find the sockets with the longest queues (ss -uam).")
    .of(Concerns::Datagrams),
];
