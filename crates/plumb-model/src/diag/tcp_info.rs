//! What the kernel tells of a TCP connection: `struct tcp_info` (`include/uapi/linux/tcp.h`).
//!
//! Every field up to kernel 6.18, by the kernel's name without its prefix. The struct has grown
//! with the kernels: `sent_bytes` says how much of it came, and a field behind that is 0 without
//! meaning it. One field each here as there, so there are more than a style would allow.

/// `struct tcp_info` of one socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpInfo {
    /// Bytes of the struct the kernel sent; fields at or behind it are unknown.
    pub sent_bytes: usize,
    /// State, numbered as in the row itself.
    pub state: u8,
    /// Congestion state: 0 open, 1 disorder, 2 CWR, 3 recovery, 4 loss.
    pub ca_state: u8,
    /// Retransmission timeouts without progress.
    pub retransmits: u8,
    /// Unanswered probes.
    pub probes: u8,
    /// Exponent of the timeout's backoff.
    pub backoff: u8,
    /// Negotiated options, the `OPTION_*` bits.
    pub options: u8,
    /// Window shift the peer asked for (`tcpi_snd_wscale`).
    pub snd_wscale: u8,
    /// Our window shift (`tcpi_rcv_wscale`).
    pub rcv_wscale: u8,
    /// The bits behind the shifts: see [`TcpInfo::app_limited`] and
    /// [`TcpInfo::fastopen_client_fail`].
    pub bits: u8,
    /// Retransmission timeout.
    pub rto_us: u32,
    /// Delayed ACK timeout.
    pub ato_us: u32,
    /// Largest segment we send, bytes.
    pub snd_mss: u32,
    /// Largest segment seen, bytes.
    pub rcv_mss: u32,
    /// Segments in flight; the accept backlog of a listener.
    pub unacked: u32,
    /// Segments selectively acknowledged; the backlog limit of a listener.
    pub sacked: u32,
    /// Segments thought lost.
    pub lost: u32,
    /// Segments retransmitted and not yet acknowledged.
    pub retrans: u32,
    /// Forward acknowledged segments; 0 since kernel 4.15.
    pub fackets: u32,
    /// Time since data was last sent.
    pub last_data_sent_ms: u32,
    /// Never filled by any kernel.
    pub last_ack_sent_ms: u32,
    /// Time since data last came.
    pub last_data_recv_ms: u32,
    /// Time since an acknowledgement last came.
    pub last_ack_recv_ms: u32,
    /// Path MTU, bytes.
    pub pmtu: u32,
    /// Receive slow start threshold, bytes.
    pub rcv_ssthresh: u32,
    /// Smoothed round trip time.
    pub rtt_us: u32,
    /// Its variation.
    pub rttvar_us: u32,
    /// Send slow start threshold, segments.
    pub snd_ssthresh: u32,
    /// Congestion window, segments.
    pub snd_cwnd: u32,
    /// Segment size we announced, bytes.
    pub advmss: u32,
    /// Reordering metric, segments.
    pub reordering: u32,
    /// Round trip time seen by the receiver.
    pub rcv_rtt_us: u32,
    /// Receive buffer tuning goal, bytes.
    pub rcv_space: u32,
    /// Segments ever retransmitted.
    pub total_retrans: u32,
    /// Pacing rate, bytes per second; all ones when there is none. Since 3.15.
    pub pacing_rate: u64,
    /// Limit of the pacing rate, bytes per second. Since 3.15.
    pub max_pacing_rate: u64,
    /// Bytes acknowledged (RFC 4898 ThruOctetsAcked). Since 4.1.
    pub bytes_acked: u64,
    /// Bytes received (RFC 4898 ThruOctetsReceived). Since 4.1.
    pub bytes_received: u64,
    /// Segments sent. Since 4.2.
    pub segs_out: u32,
    /// Segments received. Since 4.2.
    pub segs_in: u32,
    /// Bytes in the send queue that were not sent yet. Since 4.6.
    pub notsent_bytes: u32,
    /// Smallest round trip time of late; all ones before the first. Since 4.6.
    pub min_rtt_us: u32,
    /// Segments with data received. Since 4.6.
    pub data_segs_in: u32,
    /// Segments with data sent. Since 4.6.
    pub data_segs_out: u32,
    /// Delivery rate, bytes per second. Since 4.9.
    pub delivery_rate: u64,
    /// Time busy sending. Since 4.10.
    pub busy_time_us: u64,
    /// Part of it limited by the peer's window. Since 4.10.
    pub rwnd_limited_us: u64,
    /// Part of it limited by the send buffer. Since 4.10.
    pub sndbuf_limited_us: u64,
    /// Segments delivered. Since 4.18.
    pub delivered: u32,
    /// Of them with congestion marks. Since 4.18.
    pub delivered_ce: u32,
    /// Data bytes sent, retransmissions included. Since 4.19.
    pub bytes_sent: u64,
    /// Data bytes retransmitted. Since 4.19.
    pub bytes_retrans: u64,
    /// Duplicate selective acknowledgements. Since 4.19.
    pub dsack_dups: u32,
    /// Reordering events. Since 4.19.
    pub reord_seen: u32,
    /// Segments received out of order. Since 5.4.
    pub rcv_ooopack: u32,
    /// The peer's window, bytes. Since 5.4.
    pub snd_wnd: u32,
    /// Our window, bytes. Since 6.2.
    pub rcv_wnd: u32,
    /// Changes of the flow hash after timeouts. Since 6.2.
    pub rehash: u32,
    /// Retransmission timeouts. Since 6.7.
    pub total_rto: u16,
    /// Recoveries from them. Since 6.7.
    pub total_rto_recoveries: u16,
    /// Time spent in them. Since 6.7.
    pub total_rto_time_ms: u32,
    /// Accurate ECN counters. Since 6.18.
    pub accecn: AccurateEcn,
}

/// The Accurate ECN part of [`TcpInfo`] (RFC 9768 counters), kernel 6.18 and later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AccurateEcn {
    /// Segments received with a congestion mark.
    pub received_ce: u32,
    /// Bytes delivered with ECT(1).
    pub delivered_e1_bytes: u32,
    /// Bytes delivered with ECT(0).
    pub delivered_e0_bytes: u32,
    /// Bytes delivered with a congestion mark.
    pub delivered_ce_bytes: u32,
    /// Bytes received with ECT(1).
    pub received_e1_bytes: u32,
    /// Bytes received with ECT(0).
    pub received_e0_bytes: u32,
    /// Bytes received with a congestion mark.
    pub received_ce_bytes: u32,
    /// Why Accurate ECN was given up, bits.
    pub fail_mode: u16,
    /// Whether its option was seen.
    pub opt_seen: u16,
}

impl TcpInfo {
    /// `TCPI_OPT_TIMESTAMPS`.
    pub const OPTION_TIMESTAMPS: u8 = 1;
    /// `TCPI_OPT_SACK`.
    pub const OPTION_SACK: u8 = 2;
    /// `TCPI_OPT_WSCALE`.
    pub const OPTION_WSCALE: u8 = 4;
    /// `TCPI_OPT_ECN`.
    pub const OPTION_ECN: u8 = 8;
    /// `TCPI_OPT_ECN_SEEN`.
    pub const OPTION_ECN_SEEN: u8 = 16;
    /// `TCPI_OPT_SYN_DATA`: data in the SYN was acknowledged.
    pub const OPTION_SYN_DATA: u8 = 32;
    /// `TCPI_OPT_USEC_TS`: timestamps count microseconds. Since kernel 6.7.
    pub const OPTION_USEC_TS: u8 = 64;
    /// `TCPI_OPT_TFO_CHILD`: born of a Fast Open SYN. Since kernel 6.11.
    pub const OPTION_TFO_CHILD: u8 = 128;

    /// Says whether the delivery rate was limited by the application (`tcpi_delivery_rate_app_limited`).
    pub fn app_limited(&self) -> bool {
        self.bits & 1 != 0
    }

    /// Gives why the last Fast Open attempt failed (`tcpi_fastopen_client_fail`, 0 to 3).
    pub fn fastopen_client_fail(&self) -> u8 {
        self.bits >> 1 & 3
    }
}
