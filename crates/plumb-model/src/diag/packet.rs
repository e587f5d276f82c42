//! Packet sockets: `struct packet_diag_msg` and its attributes
//! (`include/uapi/linux/packet_diag.h`), or a row of `/proc/net/packet`.

use super::attribute::{RawAttribute, Trailing};
use super::inet::SkMemInfo;

/// One packet socket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PacketDiag<'a> {
    /// Socket type, raw: 3 raw, 2 datagram (without link layer header), 10 the obsolete one.
    pub kind: u32,
    /// Ethernet protocol (`ETH_P_*`), host order; 3 for all, 0 for none.
    pub protocol: u16,
    /// Interface the socket is bound to, 0 for all; `None` when the kernel did not say.
    pub interface: Option<u32>,
    /// Received and not yet read, bytes; `None` when the kernel did not say.
    pub recv_q: Option<u32>,
    /// Owning user (`PACKET_DIAG_UID`); `None` when the kernel did not say.
    pub uid: Option<u32>,
    /// Inode.
    pub inode: u32,
    /// The kernel's name for the socket; `None` from `/proc`.
    pub cookie: Option<u64>,
    /// `PACKET_DIAG_INFO`.
    pub info: Option<PacketInfo>,
    /// `PACKET_DIAG_MCLIST`, undecoded.
    pub memberships: Option<&'a [u8]>,
    /// `PACKET_DIAG_RX_RING`.
    pub rx_ring: Option<PacketRing>,
    /// `PACKET_DIAG_TX_RING`.
    pub tx_ring: Option<PacketRing>,
    /// `PACKET_DIAG_FANOUT`.
    pub fanout: Option<PacketFanout>,
    /// `PACKET_DIAG_MEMINFO`.
    pub memory: Option<SkMemInfo>,
    /// `PACKET_DIAG_FILTER`: the classic BPF program.
    pub filter: Option<Vec<BpfInstruction>>,
    /// Attributes of types this program does not know.
    pub unknown: Vec<RawAttribute<'a>>,
    /// Bytes behind the last attribute that are none.
    pub trailing: Option<Trailing>,
}

impl PacketDiag<'_> {
    /// `SOCK_RAW`.
    pub const RAW: u32 = 3;
    /// `ETH_P_ALL`.
    pub const ALL: u16 = 3;
}

/// `struct packet_diag_info`, without the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketInfo {
    /// Version of the ring headers (`TPACKET_V1` is 0).
    pub version: u32,
    /// Bytes reserved in front of each frame.
    pub reserve_bytes: u32,
    /// From how many bytes on a packet is copied although there is a ring.
    pub copy_threshold_bytes: u32,
    /// Source of time stamps.
    pub timestamp: u32,
    /// `PDI_*` bits: 1 running, 2 auxdata, 4 origdev, 8 vnet header, 16 loss.
    pub flags: u32,
}

/// `struct packet_diag_ring`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketRing {
    /// Bytes of a block.
    pub block_bytes: u32,
    /// Blocks.
    pub blocks: u32,
    /// Bytes of a frame.
    pub frame_bytes: u32,
    /// Frames.
    pub frames: u32,
    /// Time after which a block is handed on although it is not full.
    pub retire_ms: u32,
    /// Private bytes of each block.
    pub private_bytes: u32,
    /// `TP_FT_*` bits.
    pub features: u32,
}

/// The fanout group of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketFanout {
    /// Group id.
    pub id: u16,
    /// `PACKET_FANOUT_*`, flags in the high bits.
    pub kind: u16,
}

/// One instruction of a classic BPF program (`struct sock_filter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BpfInstruction {
    /// Operation.
    pub code: u16,
    /// Jump if true.
    pub jump_true: u8,
    /// Jump if false.
    pub jump_false: u8,
    /// Operand.
    pub operand: u32,
}
