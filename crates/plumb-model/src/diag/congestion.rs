//! What the kernel tells of a congestion control: its name and, of three of them, their state.

/// The congestion control of a TCP socket, as far as its attributes came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Congestion<'a> {
    /// `INET_DIAG_CONG`: the name, without its end marker.
    pub name: Option<&'a [u8]>,
    /// `INET_DIAG_VEGASINFO`, which several algorithms send.
    pub vegas: Option<Vegas>,
    /// `INET_DIAG_DCTCPINFO`.
    pub dctcp: Option<Dctcp>,
    /// `INET_DIAG_BBRINFO`.
    pub bbr: Option<Bbr>,
}

/// `struct tcpvegas_info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vegas {
    /// 0 when Vegas is not in control.
    pub enabled: u32,
    /// Round trip times sampled.
    pub rtt_count: u32,
    /// Round trip time; 0x7fffffff when there is none.
    pub rtt_us: u32,
    /// Smallest round trip time.
    pub min_rtt_us: u32,
}

/// `struct tcp_dctcp_info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dctcp {
    /// 0 when DCTCP fell back to Reno.
    pub enabled: u16,
    /// Whether the last segment carried a congestion mark.
    pub ce_state: u16,
    /// Estimate of marked bytes, 1024 is all of them.
    pub alpha: u32,
    /// Marked bytes acknowledged.
    pub ab_ecn: u32,
    /// Bytes acknowledged.
    pub ab_tot: u32,
}

/// `struct tcp_bbr_info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bbr {
    /// Bandwidth, bytes per second.
    pub bandwidth: u64,
    /// Smallest round trip time.
    pub min_rtt_us: u32,
    /// Gain of the pacing rate, 256 is one.
    pub pacing_gain: u32,
    /// Gain of the window, 256 is one.
    pub cwnd_gain: u32,
}
