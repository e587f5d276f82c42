//! What the kernel tells of an SCTP socket or association: `struct sctp_info`
//! (`include/uapi/linux/sctp.h`).
//!
//! By the kernel's names without their prefix; `sent_bytes` says how much of the struct came, and a
//! field behind that is 0 without meaning it. The address of the primary transport is left to the
//! row's peers.

/// `struct sctp_info` of one socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SctpInfo {
    /// Bytes of the struct the kernel sent; fields at or behind it are unknown.
    pub sent_bytes: usize,
    /// Local verification tag.
    pub tag: u32,
    /// State of the association (`enum sctp_sstat_state`, 0 is closed).
    pub state: u32,
    /// Receive window, bytes.
    pub rwnd: u32,
    /// Chunks not acknowledged.
    pub unackdata: u16,
    /// Chunks waiting to be read.
    pub penddata: u16,
    /// Inbound streams.
    pub instrms: u16,
    /// Outbound streams.
    pub outstrms: u16,
    /// Largest message sent unfragmented, bytes.
    pub fragmentation_point: u32,
    /// Chunks in the inbound queue.
    pub inqueue: u32,
    /// Chunks in the outbound queue.
    pub outqueue: u32,
    /// Errors of the association.
    pub overall_error: u32,
    /// Limit of a burst, packets.
    pub max_burst: u32,
    /// Limit of a segment, bytes.
    pub maxseg: u32,
    /// The peer's receive window, bytes.
    pub peer_rwnd: u32,
    /// The peer's verification tag.
    pub peer_tag: u32,
    /// What the peer can do, bits.
    pub peer_capable: u8,
    /// SACK state towards the peer.
    pub peer_sack: u8,
    /// Counters of the association.
    pub counters: SctpCounters,
    /// The primary transport.
    pub primary: SctpTransport,
    /// Options of the socket.
    pub socket: SctpOptions,
}

/// Counters of an association: `sctpi_isacks` to `sctpi_ictrlchunks`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SctpCounters {
    /// SACKs received.
    pub isacks: u64,
    /// SACKs sent.
    pub osacks: u64,
    /// Packets sent.
    pub opackets: u64,
    /// Packets received.
    pub ipackets: u64,
    /// Chunks retransmitted.
    pub rtxchunks: u64,
    /// TSNs received out of sequence.
    pub outofseqtsns: u64,
    /// Duplicate chunks received.
    pub idupchunks: u64,
    /// Gap acknowledgements received.
    pub gapcnt: u64,
    /// Unordered chunks sent.
    pub ouodchunks: u64,
    /// Unordered chunks received.
    pub iuodchunks: u64,
    /// Ordered chunks sent.
    pub oodchunks: u64,
    /// Ordered chunks received.
    pub iodchunks: u64,
    /// Control chunks sent.
    pub octrlchunks: u64,
    /// Control chunks received.
    pub ictrlchunks: u64,
}

/// The primary transport of an association: `sctpi_p_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SctpTransport {
    /// State of the path.
    pub state: i32,
    /// Congestion window, bytes.
    pub cwnd: u32,
    /// Smoothed round trip time.
    pub srtt_ms: u32,
    /// Retransmission timeout.
    pub rto_ms: u32,
    /// Heartbeat interval.
    pub hbinterval_ms: u32,
    /// Limit of retransmissions.
    pub pathmaxrxt: u32,
    /// Delay of SACKs.
    pub sackdelay_ms: u32,
    /// Packets for each SACK.
    pub sackfreq: u32,
    /// Slow start threshold, bytes.
    pub ssthresh: u32,
    /// Bytes acknowledged towards the next window increase.
    pub partial_bytes_acked: u32,
    /// Bytes in flight.
    pub flight_size: u32,
    /// Errors of the path.
    pub error: u16,
}

/// Options of an SCTP socket: `sctpi_s_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SctpOptions {
    /// Idle seconds after which an association is closed.
    pub autoclose_s: u32,
    /// Adaptation layer indication.
    pub adaptation_ind: u32,
    /// Partial delivery point, bytes.
    pub pd_point: u32,
    /// SCTP_NODELAY.
    pub nodelay: u8,
    /// SCTP_DISABLE_FRAGMENTS.
    pub disable_fragments: u8,
    /// SCTP_I_WANT_MAPPED_V4_ADDR.
    pub v4mapped: u8,
    /// SCTP_FRAGMENT_INTERLEAVE.
    pub frag_interleave: u8,
    /// Style of the socket: 0 one-to-many, 1 one-to-one, 2 peeled off.
    pub kind: u32,
}
