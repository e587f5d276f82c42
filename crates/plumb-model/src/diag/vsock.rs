//! Sockets between a virtual machine and its host: `struct vsock_diag_msg`
//! (`include/uapi/linux/vm_sockets_diag.h`).

/// One vsock socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VsockDiag {
    /// Socket type, raw: 1 stream, 2 datagram, 5 sequential packets.
    pub kind: u8,
    /// State, numbered as for TCP; kept raw.
    pub state: u8,
    /// 1 receive side, 2 send side.
    pub shutdown: u8,
    /// The local end.
    pub local: VsockEndpoint,
    /// The peer.
    pub peer: VsockEndpoint,
    /// Inode.
    pub inode: u32,
    /// The kernel's name for the socket.
    pub cookie: u64,
}

impl VsockDiag {
    /// `SOCK_STREAM`.
    pub const STREAM: u8 = 1;
    /// `SOCK_DGRAM`.
    pub const DGRAM: u8 = 2;
}

/// One end; `u32::MAX` stands for any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VsockEndpoint {
    /// Context id: 2 is the host.
    pub cid: u32,
    /// Port.
    pub port: u32,
}

impl VsockEndpoint {
    /// `VMADDR_CID_ANY` and `VMADDR_PORT_ANY`.
    pub const ANY: u32 = u32::MAX;
}
