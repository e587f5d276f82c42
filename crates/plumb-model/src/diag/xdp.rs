//! XDP sockets: `struct xdp_diag_msg` and its attributes (`include/uapi/linux/xdp_diag.h`).

use super::attribute::{RawAttribute, Trailing};
use super::inet::SkMemInfo;

/// One XDP socket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct XdpDiag<'a> {
    /// Socket type, raw: 3.
    pub kind: u8,
    /// Inode.
    pub inode: u32,
    /// The kernel's name for the socket.
    pub cookie: u64,
    /// `XDP_DIAG_INFO`: interface and queue.
    pub binding: Option<XdpBinding>,
    /// `XDP_DIAG_UID`.
    pub uid: Option<u32>,
    /// `XDP_DIAG_RX_RING`: descriptors.
    pub rx_ring: Option<u32>,
    /// `XDP_DIAG_TX_RING`: descriptors.
    pub tx_ring: Option<u32>,
    /// `XDP_DIAG_UMEM`.
    pub umem: Option<XdpUmem>,
    /// `XDP_DIAG_UMEM_FILL_RING`: descriptors.
    pub fill_ring: Option<u32>,
    /// `XDP_DIAG_UMEM_COMPLETION_RING`: descriptors.
    pub completion_ring: Option<u32>,
    /// `XDP_DIAG_MEMINFO`.
    pub memory: Option<SkMemInfo>,
    /// `XDP_DIAG_STATS`.
    pub statistics: Option<XdpStatistics>,
    /// Attributes of types this program does not know.
    pub unknown: Vec<RawAttribute<'a>>,
    /// Bytes behind the last attribute that are none.
    pub trailing: Option<Trailing>,
}

/// `struct xdp_diag_info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XdpBinding {
    /// Index of the interface, 0 for none.
    pub interface: u32,
    /// Queue of the interface.
    pub queue: u32,
}

/// `struct xdp_diag_umem`: the memory shared with the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XdpUmem {
    /// Bytes in all.
    pub size_bytes: u64,
    /// Id.
    pub id: u32,
    /// Pages.
    pub pages: u32,
    /// Bytes of a chunk.
    pub chunk_bytes: u32,
    /// Bytes in front of each packet.
    pub headroom_bytes: u32,
    /// Interface it is bound to, 0 for none.
    pub interface: u32,
    /// Queue it is bound to.
    pub queue: u32,
    /// `XDP_DU_F_*`: 1 zero copy.
    pub flags: u32,
    /// Sockets that share it.
    pub references: u32,
}

impl XdpUmem {
    /// `XDP_DU_F_ZEROCOPY`.
    pub const ZERO_COPY: u32 = 1;
}

/// `struct xdp_diag_stats`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XdpStatistics {
    /// Dropped for other reasons.
    pub rx_dropped: u64,
    /// Received with invalid descriptors.
    pub rx_invalid: u64,
    /// Dropped because the receive ring was full.
    pub rx_ring_full: u64,
    /// Times the fill ring was empty.
    pub fill_ring_empty: u64,
    /// Sent with invalid descriptors.
    pub tx_invalid: u64,
    /// Times the send ring was empty.
    pub tx_ring_empty: u64,
}
