//! `softnet_stat`, and what every interface counts (`struct rtnl_link_stats64`).

use super::entry::{Explanation, bad, gauge, neutral};

pub(super) const SOFTNET: &[Explanation] = &[
    neutral("processed", "Packets that this processor took from cards and from other processors.", "__netif_receive_skb() via net_rx_action(), net/core/dev.c"),
    bad("dropped", "Packets dropped because the processor's queue of packets was full (net.core.netdev_max_backlog).", "enqueue_to_backlog(), net/core/dev.c")
        .when("It grows: this processor does not keep up; veth, loopback and RPS go through this queue.")
        .hint("Raise net.core.netdev_max_backlog; spread the work (RSS, RPS)."),
    bad("time_squeeze", "Times a round of receiving ended with work left, because its time or its budget was up.", "net_rx_action(), net/core/dev.c")
        .above(1, &[("softnet", "processed")])
        .when("More than one in a thousand packets: receiving is short of processor time.")
        .hint("Raise net.core.netdev_budget and netdev_budget_usecs; spread interrupts over processors."),
    neutral("cpu_collision", "Always 0 in newer kernels.", "nowhere since Linux 4.7"),
    neutral("received_rps", "Times other processors woke this one to take packets (RPS).", "rps_trigger_softirq(), net/core/dev.c"),
    bad("flow_limit_count", "Packets of a large flow dropped so that small ones get through (net.core.flow_limit_cpu_bitmap).", "skb_flow_limit(), net/core/dev.c")
        .when("It grows: one flow would fill the processor's queue."),
    gauge("backlog_len", "Packets that wait in this processor's queue now.", "softnet_seq_show(), net/core/net-procfs.c"),
    gauge("input_qlen", "Of those, packets not looked at yet.", "softnet_seq_show(), net/core/net-procfs.c"),
    gauge("process_qlen", "Of those, packets being looked at.", "softnet_seq_show(), net/core/net-procfs.c"),
];

const DRIVER: &str = "the driver, or dev_get_tstats64(), net/core/dev.c";
const RECEIVED: &[(&str, &str)] = &[("interface", "rx_packets")];

pub(super) const INTERFACE: &[Explanation] = &[
    neutral("rx_packets", "Packets received.", DRIVER),
    neutral("tx_packets", "Packets sent.", DRIVER),
    neutral("rx_bytes", "Bytes received.", DRIVER),
    neutral("tx_bytes", "Bytes sent.", DRIVER),
    bad("rx_errors", "Packets received with an error of any kind.", "the driver")
        .when("It grows: the errors beside it say which; cables, transceivers, duplex.")
        .hint("plumb if NAME -o wide shows the causes."),
    bad("tx_errors", "Packets that could not be sent for an error of any kind.", "the driver")
        .when("It grows: the errors beside it say which; carrier, a full card, a broken tunnel.")
        .hint("plumb if NAME -o wide shows the causes."),
    bad("rx_dropped", "Packets received and then dropped: no memory, no protocol for them, or not for us.", "the driver; __netif_receive_skb_core(), net/core/dev.c")
        .above(10, RECEIVED)
        .when("More than 1 % of the packets received; below that it is often VLANs or protocols nobody here wants."),
    bad("tx_dropped", "Packets dropped on the way to the interface: no room, no carrier, or a queueing discipline refused them.", "the driver; __dev_queue_xmit(), net/core/dev.c")
        .when("It grows: more is sent than the interface or its queue can take.")
        .hint("plumb if NAME shows the queue; look for shaping (tc)."),
    neutral("multicast", "Multicast packets received.", "the driver"),
    bad("collisions", "Times two stations sent at once, which only happens at half duplex.", "the driver")
        .when("It grows: duplex does not match.")
        .hint("ethtool IF shows speed and duplex of both ends."),
    bad("rx_length_errors", "Packets of impossible length.", "the driver")
        .when("It grows: MTUs differ, or VLAN tags make packets too long."),
    bad("rx_over_errors", "Packets lost because the card had no buffer for them.", "the driver")
        .when("It grows: the ring of the card is too small or emptied too slowly.")
        .hint("ethtool -G IF rx N enlarges it."),
    bad("rx_crc_errors", "Packets whose frame checksum was wrong.", "the driver")
        .when("It grows: cable, transceiver, or port.")
        .hint("Change the cable or the port; clean the fibre."),
    bad("rx_frame_errors", "Packets whose bits did not fit into bytes.", "the driver")
        .when("It grows: cable, or duplex does not match."),
    bad("rx_fifo_errors", "Packets lost because the card's memory ran over.", "the driver")
        .when("It grows: the host empties the card too slowly.")
        .hint("ethtool -G IF rx N; spread interrupts over processors."),
    bad("rx_missed_errors", "Packets lost because the host had no room for them.", "the driver")
        .when("It grows: the ring of the card is too small or emptied too slowly.")
        .hint("ethtool -G IF rx N; spread interrupts over processors."),
    bad("tx_aborted_errors", "Packets given up while being sent, as after too many collisions.", "the driver")
        .when("It grows: duplex does not match."),
    bad("tx_carrier_errors", "Packets lost because the carrier went away while sending.", "the driver")
        .when("It grows: cable or port; the link flaps."),
    bad("tx_fifo_errors", "Packets lost because the card's memory ran empty while sending.", "the driver")
        .when("It grows: the bus is too slow or too busy."),
    bad("tx_heartbeat_errors", "Missing heartbeats of old Ethernet.", "the driver"),
    bad("tx_window_errors", "Collisions later than they may be.", "the driver")
        .when("It grows: cable too long, or duplex does not match."),
    neutral("rx_compressed", "Compressed packets received (PPP and the like).", "the driver"),
    neutral("tx_compressed", "Compressed packets sent (PPP and the like).", "the driver"),
    neutral("rx_nohandler", "Packets dropped on an interface that is not the active one of its bond or team.", "__netif_receive_skb_core(), net/core/dev.c"),
    neutral("rx_otherhost_dropped", "Packets dropped because their link-layer address is another host's; usual while capturing promiscuously.", "ip_rcv_core(), net/ipv4/ip_input.c; ip6_rcv_core()"),
];
