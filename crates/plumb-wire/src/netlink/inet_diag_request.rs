//! What sock_diag is asked for Internet sockets: a dump, the same of kernels before 3.3, and the end
//! of one socket (`include/uapi/linux/inet_diag.h`, `sock_diag.h`).
//!
//! Minimum kernel version: 3.3 for a dump by family, 4.5 for destroying; the legacy dump works on
//! any kernel that has tcp_diag or dccp_diag.

use plumb_model::diag::inet::{AF_INET, DiagEndpoint, InetDiag, Protocol};

use super::frame::HEADER_BYTES;
use super::inet_diag::SOCK_DIAG_BY_FAMILY;
use crate::scan::low32;

/// `TCPDIAG_GETSOCK`: the message type of legacy requests for TCP.
pub const TCPDIAG_GETSOCK: u16 = 18;
/// `DCCPDIAG_GETSOCK`: the message type of legacy requests for DCCP.
pub const DCCPDIAG_GETSOCK: u16 = 19;
/// `SOCK_DESTROY`.
pub const SOCK_DESTROY: u16 = 21;
/// The number ss gives its dump requests; answers to others are skipped.
pub const DUMP_SEQUENCE: u32 = 123_456;

const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
/// `NLM_F_ROOT | NLM_F_MATCH`.
const NLM_F_DUMP: u16 = 0x300;
const REQ_BYTECODE: u16 = 1;
const REQ_SK_BPF_STORAGES: u16 = 2;
const REQ_PROTOCOL: u16 = 3;
const REQ_MAP_FD: u16 = 1;
/// `NLA_F_NESTED`.
const NESTED: u16 = 0x8000;

/// The attributes a dump can ask for: bits `1 << (INET_DIAG_X - 1)`.
pub mod extension {
    /// `INET_DIAG_MEMINFO`.
    pub const MEMINFO: u8 = 1;
    /// `INET_DIAG_INFO`.
    pub const INFO: u8 = 1 << 1;
    /// `INET_DIAG_VEGASINFO`, which stands for DCTCP and BBR, too.
    pub const VEGASINFO: u8 = 1 << 2;
    /// `INET_DIAG_CONG`.
    pub const CONG: u8 = 1 << 3;
    /// `INET_DIAG_TOS`.
    pub const TOS: u8 = 1 << 4;
    /// `INET_DIAG_TCLASS`, which stands for the class id, too.
    pub const TCLASS: u8 = 1 << 5;
    /// `INET_DIAG_SKMEMINFO`.
    pub const SKMEMINFO: u8 = 1 << 6;
}

/// A dump of one table and address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DumpRequest<'a> {
    /// `AF_INET` or `AF_INET6`.
    pub family: u8,
    /// The table.
    pub protocol: Protocol,
    /// Attributes wanted, bits of [`extension`].
    pub extensions: u8,
    /// States wanted, a bit `1 << state` each.
    pub states: u32,
    /// A program that selects rows in the kernel.
    pub bytecode: Option<&'a [u8]>,
    /// Descriptors of the BPF maps whose values are wanted; empty for all.
    pub bpf_maps: Option<&'a [u32]>,
}

/// Encodes a dump request. Protocols above 255 stand in an attribute, and their low byte where
/// the others stand.
pub fn encode_inet_dump(request: &DumpRequest<'_>) -> Vec<u8> {
    let mut message = header(
        SOCK_DIAG_BY_FAMILY,
        NLM_F_REQUEST | NLM_F_DUMP,
        DUMP_SEQUENCE,
    );
    let [low, ..] = request.protocol.0.to_le_bytes();
    message.extend([request.family, low, request.extensions, 0]);
    message.extend(request.states.to_ne_bytes());
    message.extend([0; 48]);
    if request.protocol.0 > 255 {
        attribute(
            &mut message,
            REQ_PROTOCOL,
            &request.protocol.0.to_ne_bytes(),
        );
    }
    if let Some(bytecode) = request.bytecode {
        attribute(&mut message, REQ_BYTECODE, bytecode);
    }
    if let Some(maps) = request.bpf_maps {
        let mut inner = Vec::new();
        for fd in maps {
            attribute(&mut inner, REQ_MAP_FD, &fd.to_ne_bytes());
        }
        attribute(&mut message, REQ_SK_BPF_STORAGES | NESTED, &inner);
    }
    finished(message)
}

/// Encodes the dump request that kernels before 3.3 understand; `None` when the protocol has none.
/// It is for IPv4, but answers hold both versions.
pub fn encode_legacy_dump(request: &DumpRequest<'_>) -> Option<Vec<u8>> {
    let kind = match request.protocol {
        Protocol::TCP => TCPDIAG_GETSOCK,
        Protocol::DCCP => DCCPDIAG_GETSOCK,
        _ => return None,
    };
    let mut message = header(kind, NLM_F_REQUEST | NLM_F_DUMP, DUMP_SEQUENCE);
    message.extend([AF_INET, 0, 0, request.extensions]);
    message.extend([0; 48]);
    message.extend(request.states.to_ne_bytes());
    message.extend([0; 4]);
    if let Some(bytecode) = request.bytecode {
        attribute(&mut message, REQ_BYTECODE, bytecode);
    }
    Some(finished(message))
}

/// Encodes the request to end the socket of a row; the kernel acknowledges with the same `sequence`.
pub fn encode_destroy(row: &InetDiag<'_>, sequence: u32) -> Vec<u8> {
    let mut message = header(SOCK_DESTROY, NLM_F_REQUEST | NLM_F_ACK, sequence);
    let [protocol, ..] = row.protocol.0.to_le_bytes();
    message.extend([row.family, protocol, 0, 0]);
    message.extend([0; 4]);
    message.extend(port(&row.local));
    message.extend(port(&row.peer));
    message.extend(row.local.octets);
    message.extend(row.peer.octets);
    message.extend(row.interface.to_ne_bytes());
    message.extend(low32(row.cookie).to_ne_bytes());
    message.extend(low32(row.cookie >> 32).to_ne_bytes());
    if row.protocol.0 > 255 {
        attribute(&mut message, REQ_PROTOCOL, &row.protocol.0.to_ne_bytes());
    }
    finished(message)
}

fn port(end: &DiagEndpoint) -> [u8; 2] {
    let [_, _, high, low] = end.port.to_be_bytes();
    [high, low]
}

fn header(kind: u16, flags: u16, sequence: u32) -> Vec<u8> {
    let mut message = Vec::with_capacity(HEADER_BYTES + 128);
    message.extend([0; 4]);
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend(sequence.to_ne_bytes());
    message.extend([0; 4]);
    message
}

/// Appends an attribute with its padding. A value that does not fit its length is cut.
fn attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    const LONGEST: usize = u16::MAX as usize - 4;
    let value = value.get(..LONGEST).unwrap_or(value);
    let len = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
    message.extend(len.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

/// Writes the length of the message into its header.
fn finished(mut message: Vec<u8>) -> Vec<u8> {
    let len = u32::try_from(message.len()).unwrap_or(u32::MAX);
    for (to, from) in message.iter_mut().zip(len.to_ne_bytes()) {
        *to = from;
    }
    message
}

#[cfg(test)]
mod tests {
    use super::super::attribute::Attributes;
    use super::super::inet_diag_record::decode_inet_diag_record;
    use super::*;

    const TCP: DumpRequest<'_> = DumpRequest {
        family: 10,
        protocol: Protocol::TCP,
        extensions: extension::INFO | extension::SKMEMINFO,
        states: 0xfff,
        bytecode: None,
        bpf_maps: None,
    };

    #[test]
    fn a_plain_request_is_the_fixed_part() {
        let message = encode_inet_dump(&TCP);
        assert_eq!(message.len(), 72);
        assert_eq!(message[..4], 72_u32.to_ne_bytes());
        assert_eq!(message[4..6], 20_u16.to_ne_bytes());
        assert_eq!(message[16..20], [10, 6, 0x42, 0]);
        assert_eq!(message[20..24], 0xfff_u32.to_ne_bytes());
    }

    #[test]
    fn what_does_not_fit_stands_in_attributes() {
        let request = DumpRequest {
            protocol: Protocol::MPTCP,
            bytecode: Some(&[1, 2, 3, 4]),
            bpf_maps: Some(&[7, 8]),
            ..TCP
        };
        let message = encode_inet_dump(&request);
        assert_eq!(message[17], 6, "262 in one byte");
        let seen: Vec<_> = Attributes::new(&message[72..])
            .map(|attribute| (attribute.kind, attribute.u32(0), attribute.len))
            .collect();
        let program = u32::from_ne_bytes([1, 2, 3, 4]);
        let first = u32::from(8_u16);
        assert_eq!(seen[..2], [(3, 262, 4), (1, program, 4)]);
        assert_eq!((seen[2].0, seen[2].2), (2 | NESTED, 16));
        if cfg!(target_endian = "little") {
            assert_eq!(seen[2].1, first | 1 << 16);
        }
    }

    #[test]
    fn old_kernels_know_two_protocols() {
        let message = encode_legacy_dump(&TCP).expect("TCP has a legacy request");
        assert_eq!(message.len(), 76);
        assert_eq!(message[4..6], 18_u16.to_ne_bytes());
        assert_eq!(message[16..20], [2, 0, 0, 0x42]);
        let udp = DumpRequest {
            protocol: Protocol::UDP,
            ..TCP
        };
        assert_eq!(encode_legacy_dump(&udp), None);
    }

    #[test]
    fn a_destroy_request_names_the_row_it_was_made_of() {
        let mut answer: Vec<u8> = (0..72).collect();
        answer[0] = 10;
        let row = decode_inet_diag_record(&answer, Protocol::TCP).expect("a whole message");
        let message = encode_destroy(&row, 9);
        assert_eq!(message.len(), 72);
        assert_eq!(message[4..8], [21, 0, 5, 0]);
        // The id stands at 4 in an answer and at 8 in a request.
        assert_eq!(message[24..72], answer[4..52]);
    }
}
