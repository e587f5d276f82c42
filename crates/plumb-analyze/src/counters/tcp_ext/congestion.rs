//! Sending: congestion control, delivery, corking, probes, path MTU.

use super::super::entry::{Concerns, Explanation, bad, good, neutral};

pub(super) const COUNTERS: &[Explanation] = &[
    neutral("TCPOrigDataSent", "Segments with data sent for the first time.", "tcp_event_new_data_sent(), net/ipv4/tcp_output.c"),
    good("TCPDelivered", "Segments that peers acknowledged as arrived.", "tcp_newly_delivered(), net/ipv4/tcp_input.c"),
    neutral("TCPDeliveredCE", "Segments that arrived with a congestion mark (ECN).", "tcp_newly_delivered(), net/ipv4/tcp_input.c")
        .when("Its share of TCPDelivered is large: a queue on the way is full.")
        .of(Concerns::Congested),
    neutral("TCPAutoCorking", "Small writes held back a moment because earlier data still waits in the interface's queue.", "tcp_should_autocork() in tcp_push(), net/ipv4/tcp.c")
        .hint("net.ipv4.tcp_autocorking=0 switches it off."),
    neutral("TCPHystartTrainDetect", "Times slow start ended early because acknowledgements came in a long train (CUBIC).", "hystart_update(), net/ipv4/tcp_cubic.c"),
    neutral("TCPHystartTrainCwnd", "Sum of the congestion windows at that moment; divided by TCPHystartTrainDetect it is their mean.", "hystart_update(), net/ipv4/tcp_cubic.c"),
    neutral("TCPHystartDelayDetect", "Times slow start ended early because the delay rose (CUBIC).", "hystart_update(), net/ipv4/tcp_cubic.c"),
    neutral("TCPHystartDelayCwnd", "Sum of the congestion windows at that moment.", "hystart_update(), net/ipv4/tcp_cubic.c"),
    neutral("TCPWinProbe", "Probes sent to peers whose window is closed.", "tcp_write_wakeup(), net/ipv4/tcp_output.c")
        .when("It grows: a peer's program does not read.")
        .hint("The peer has to read; plumb ls shows what waits to be sent.")
        .of(Concerns::ZeroWindow),
    neutral("TCPKeepAlive", "Keepalive probes sent on idle connections.", "tcp_keepalive_timer(), net/ipv4/tcp_timer.c")
        .of(Concerns::Keepalive),
    neutral("TCPMTUPFail", "Probes with larger packets that did not get through.", "tcp_mtup_probe_failed(), net/ipv4/tcp_input.c"),
    good("TCPMTUPSuccess", "Probes with larger packets that got through; the path's MTU was raised.", "tcp_mtup_probe_success(), net/ipv4/tcp_input.c"),
    bad("TCPMemoryPressures", "Times TCP as a whole came under memory pressure (second number of net.ipv4.tcp_mem).", "tcp_enter_memory_pressure(), net/ipv4/tcp.c")
        .when("It grows: buffers no longer grow and windows shrink on the whole host.")
        .hint("Find the sockets that hold the memory (ss -tm); raise net.ipv4.tcp_mem.")
        .of(Concerns::Unread),
    bad("TCPMemoryPressuresChrono", "Milliseconds that TCP spent under memory pressure.", "tcp_leave_memory_pressure(), net/ipv4/tcp.c")
        .when("It grows.")
        .hint("As for TCPMemoryPressures."),
];
