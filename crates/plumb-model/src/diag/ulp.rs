//! What sits on top of a TCP socket: an upper layer protocol (`INET_DIAG_ULP_INFO`).

use super::attribute::Trailing;

/// An upper layer protocol and what it tells of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ulp<'a> {
    /// `INET_ULP_INFO_NAME`, without its end marker.
    pub name: Option<&'a [u8]>,
    /// `INET_ULP_INFO_TLS`: kernel TLS.
    pub tls: Option<Tls>,
    /// `INET_ULP_INFO_MPTCP`: the socket is a subflow.
    pub mptcp: Option<MptcpSubflow>,
    /// Bytes behind its attributes that are none.
    pub trailing: Option<Trailing>,
}

/// Kernel TLS (`TLS_INFO_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tls {
    /// Protocol version, 0x303 or 0x304.
    pub version: Option<u16>,
    /// Cipher, 51 to 58 of `TLS_CIPHER_*`.
    pub cipher: Option<u16>,
    /// Who decrypts: 1 nobody, 2 software, 3 hardware, 4 hardware with records.
    pub rxconf: Option<u16>,
    /// Who encrypts, numbered alike.
    pub txconf: Option<u16>,
    /// Zero-copy sendfile on hardware (`TLS_INFO_ZC_RO_TX`, a flag). Since kernel 5.19.
    pub zc_ro_tx: bool,
    /// Received records are expected to be unpadded (`TLS_INFO_RX_NO_PAD`, a flag). Since 6.0.
    pub rx_no_pad: bool,
    /// Bytes behind its attributes that are none.
    pub trailing: Option<Trailing>,
}

/// A subflow of an MPTCP connection (`MPTCP_SUBFLOW_ATTR_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MptcpSubflow {
    /// The peer's token.
    pub token_rem: Option<u32>,
    /// Our token.
    pub token_loc: Option<u32>,
    /// Data sequence number of the next write, relative to the first.
    pub relwrite_seq: Option<u32>,
    /// Data sequence number of the current mapping.
    pub map_seq: Option<u64>,
    /// Subflow sequence number of the current mapping.
    pub map_sfseq: Option<u32>,
    /// Offset of subflow sequence numbers.
    pub ssn_offset: Option<u32>,
    /// Bytes of the current mapping.
    pub map_datalen: Option<u16>,
    /// `MPTCP_SUBFLOW_FLAG_*` bits.
    pub flags: Option<u32>,
    /// The peer's address id.
    pub id_rem: Option<u8>,
    /// Our address id.
    pub id_loc: Option<u8>,
    /// Bytes behind its attributes that are none.
    pub trailing: Option<Trailing>,
}
