//! Requests to sock_diag about Internet sockets (`include/uapi/linux/inet_diag.h`): dumps as all
//! kernels since 3.3 and as older ones understand them, and the order to close a socket.

use plumb_model::diag::inet::{AF_INET, InetDiag, Protocol};

use super::frame::HEADER_BYTES;
use super::inet_diag::SOCK_DIAG_BY_FAMILY;

/// `TCPDIAG_GETSOCK`: requests for TCP that kernels before 3.3 knew, and answers to them.
pub const TCPDIAG_GETSOCK: u16 = 18;
/// `DCCPDIAG_GETSOCK`: the same for DCCP.
pub const DCCPDIAG_GETSOCK: u16 = 19;
/// `SOCK_DESTROY`.
const SOCK_DESTROY: u16 = 21;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_DUMP: u16 = 0x300;
/// `INET_DIAG_REQ_BYTECODE`.
const BYTECODE: u16 = 1;
/// `INET_DIAG_REQ_SK_BPF_STORAGES`.
const SK_BPF_STORAGES: u16 = 2;
/// `INET_DIAG_REQ_PROTOCOL`, for protocols that do not fit into a byte.
const PROTOCOL: u16 = 3;
/// `INET_DIAG_BC_S_GE`.
const BC_S_GE: u8 = 2;
/// `INET_DIAG_BC_S_LE`.
const BC_S_LE: u8 = 3;
/// The number that answers repeat.
const SEQUENCE: u32 = 123_456;
/// Bytes of `struct inet_diag_sockid`.
const SOCKID_BYTES: usize = 48;

/// A dump of one protocol and family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InetRequest<'a> {
    /// `AF_INET` or `AF_INET6`.
    pub family: u8,
    /// The protocol.
    pub protocol: Protocol,
    /// Bits `1 << state` of the states wanted.
    pub states: u32,
    /// Bits `1 << (INET_DIAG_X - 1)` of attributes wanted beside the row.
    pub extensions: u8,
    /// The filter's program; only sockets that it accepts are dumped.
    pub program: Option<&'a [u8]>,
    /// The payload of the request for the storage of BPF programs: empty for that of all maps.
    pub bpf_storages: Option<&'a [u8]>,
}

/// Encodes the request for a dump: `SOCK_DIAG_BY_FAMILY` with `struct inet_diag_req_v2`.
pub fn encode_inet_dump(request: &InetRequest<'_>) -> Vec<u8> {
    let [protocol, ..] = request.protocol.0.to_le_bytes();
    let mut bytes = header(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP);
    bytes.extend([request.family, protocol, request.extensions, 0]);
    bytes.extend(request.states.to_ne_bytes());
    bytes.extend([0; SOCKID_BYTES]);
    if let Some(program) = request.program {
        attribute(&mut bytes, BYTECODE, program);
    }
    if let Some(maps) = request.bpf_storages {
        attribute(&mut bytes, SK_BPF_STORAGES, maps);
    }
    if request.protocol.0 > u32::from(u8::MAX) {
        attribute(&mut bytes, PROTOCOL, &request.protocol.0.to_ne_bytes());
    }
    finish(bytes)
}

/// Encodes the program that lets sockets of one local port pass (`INET_DIAG_BC_S_GE`, `_S_LE`).
pub fn encode_local_port_program(port: u16) -> Vec<u8> {
    const OPERATION_BYTES: u16 = 4;
    let mut bytes = Vec::new();
    for (at, code) in [(0, BC_S_GE), (8, BC_S_LE)] {
        // A row fails when the program is left four bytes behind its end, at 16.
        let fail = 16 - at + OPERATION_BYTES;
        bytes.extend([code, 8]);
        bytes.extend(fail.to_ne_bytes());
        bytes.extend([0, 0]);
        bytes.extend(port.to_ne_bytes());
    }
    bytes
}

/// Encodes the request for a dump as kernels before 3.3 understand it; `None` for protocols that
/// those did not know. Whatever family the request has, it asks for IPv4 by name, and gets both.
pub fn encode_legacy_dump(request: &InetRequest<'_>) -> Option<Vec<u8>> {
    let kind = match request.protocol {
        Protocol::TCP => TCPDIAG_GETSOCK,
        Protocol::DCCP => DCCPDIAG_GETSOCK,
        _ => return None,
    };
    let mut bytes = header(kind, NLM_F_REQUEST | NLM_F_DUMP);
    bytes.extend([AF_INET, 0, 0, request.extensions]);
    bytes.extend([0; SOCKID_BYTES]);
    bytes.extend(request.states.to_ne_bytes());
    bytes.extend([0; 4]);
    if let Some(program) = request.program {
        attribute(&mut bytes, BYTECODE, program);
    }
    Some(finish(bytes))
}

/// Encodes the order to close the socket of a row; the kernel acknowledges it.
pub fn encode_destroy(row: &InetDiag<'_>) -> Vec<u8> {
    let [protocol, second, ..] = row.protocol.0.to_le_bytes();
    let mut bytes = header(SOCK_DESTROY, NLM_F_REQUEST | NLM_F_ACK);
    bytes.extend([row.family, protocol, 0, 0]);
    bytes.extend(0_u32.to_ne_bytes());
    for port in [row.local.port, row.peer.port] {
        bytes.extend(u16::try_from(port).unwrap_or(0).to_be_bytes());
    }
    bytes.extend(row.local.octets);
    bytes.extend(row.peer.octets);
    bytes.extend(row.interface.to_ne_bytes());
    // The cookie is two words, the low one first.
    let cookie = row.cookie.to_le_bytes();
    let (low, high) = cookie.split_at(4);
    for word in [low, high] {
        let word = word.first_chunk().copied().unwrap_or_default();
        bytes.extend(u32::from_le_bytes(word).to_ne_bytes());
    }
    if second > 0 {
        attribute(&mut bytes, PROTOCOL, &row.protocol.0.to_ne_bytes());
    }
    finish(bytes)
}

/// Encodes the order to close a TCP socket that there cannot be: no port, no address, a cookie that no
/// kernel lives to give. The answer tells whether the kernel could close one.
pub fn encode_destroy_none() -> Vec<u8> {
    // All ones would stand for any cookie.
    const COOKIE: [u32; 2] = [u32::MAX - 1, u32::MAX - 1];
    let [protocol, ..] = Protocol::TCP.0.to_le_bytes();
    let mut bytes = header(SOCK_DESTROY, NLM_F_REQUEST | NLM_F_ACK);
    bytes.extend([AF_INET, protocol, 0, 0]);
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend([0; SOCKID_BYTES - size_of::<[u32; 2]>()]);
    bytes.extend(COOKIE.iter().flat_map(|word| word.to_ne_bytes()));
    finish(bytes)
}

/// A netlink header whose length is filled in by [`finish`].
fn header(kind: u16, flags: u16) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + 128);
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(SEQUENCE.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes
}

/// Appends an attribute and its padding. A payload that no attribute can hold is left out.
fn attribute(bytes: &mut Vec<u8>, kind: u16, payload: &[u8]) {
    let Ok(len) = u16::try_from(payload.len() + 4) else {
        return;
    };
    bytes.extend(len.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

fn finish(mut bytes: Vec<u8>) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    if let Some(slot) = bytes.first_chunk_mut() {
        *slot = len.to_ne_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::inet_diag_record::decode_inet_diag_record;

    fn request(protocol: Protocol, program: Option<&[u8]>) -> Vec<u8> {
        encode_inet_dump(&InetRequest {
            family: AF_INET,
            protocol,
            states: 0xfff,
            extensions: 0,
            program,
            bpf_storages: None,
        })
    }

    /// As strace shows them of iproute2 6.1: `ss -tan`, `ss -Ma`, `ss -tan sport = 22`, `ss -da`.
    #[test]
    fn requests_are_those_of_the_original() {
        let plain = request(Protocol::TCP, None);
        assert_eq!(plain.len(), 72);
        assert_eq!(plain[..8], [72, 0, 0, 0, 20, 0, 1, 3]);
        assert_eq!(plain[16..24], [2, 6, 0, 0, 0xff, 0x0f, 0, 0]);
        let mptcp = request(Protocol::MPTCP, None);
        assert_eq!(mptcp[17], 6, "the low byte of the protocol");
        assert_eq!(mptcp[72..], [8, 0, 3, 0, 6, 1, 0, 0]);
        let filtered = request(Protocol::TCP, Some(&[7, 16, 20, 0]));
        assert_eq!(filtered[72..], [8, 0, 1, 0, 7, 16, 20, 0]);
        let legacy = |protocol, program| {
            encode_legacy_dump(&InetRequest {
                family: AF_INET,
                protocol,
                states: 0xfff,
                extensions: 0,
                program,
                bpf_storages: None,
            })
        };
        assert_eq!(legacy(Protocol::UDP, None), None);
        let filtered = legacy(Protocol::TCP, Some(&[7, 16, 20, 0])).unwrap_or_default();
        assert_eq!(filtered[76..], [8, 0, 1, 0, 7, 16, 20, 0]);
        let legacy = legacy(Protocol::DCCP, None).unwrap_or_default();
        assert_eq!((legacy.len(), legacy[4]), (76, 19));
        assert_eq!(legacy[68..], [0xff, 0x0f, 0, 0, 0, 0, 0, 0]);
    }

    /// As strace shows it of iproute2 6.1: `ss -tan 'sport >= 22 and sport <= 22'`.
    #[test]
    fn a_program_of_one_port_fails_four_bytes_behind_its_end() {
        assert_eq!(
            encode_local_port_program(22),
            [2, 8, 20, 0, 0, 0, 22, 0, 3, 8, 12, 0, 0, 0, 22, 0]
        );
    }

    #[test]
    fn the_order_to_close_names_the_socket_of_the_row() {
        let mut message = [0; 72];
        message[..8].copy_from_slice(&[2, 1, 0, 0, 0, 22, 0x9c, 0x40]);
        message[8..12].copy_from_slice(&[10, 0, 0, 1]);
        message[44..52].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
        let row = decode_inet_diag_record(&message, Protocol::TCP).expect("a whole message");
        let order = encode_destroy(&row);
        assert_eq!(order[4..8], [21, 0, 5, 0]);
        assert_eq!(order[24..72], message[4..52], "struct inet_diag_sockid");
    }
}
