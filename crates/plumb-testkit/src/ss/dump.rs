//! Writes dumps as `TCPDIAG_FILE` takes them: netlink messages of `sock_diag` in a file.
//!
//! The layouts are those of `linux/netlink.h` and `linux/inet_diag.h`. A [`Row`] is one socket with
//! whatever attributes are put into it, right or wrong; [`TcpInfo`](super::tcp_info) has a file of
//! its own. Nothing here checks that a kernel would say it.

use std::net::{IpAddr, SocketAddr};

/// `SOCK_DIAG_BY_FAMILY`.
const BY_FAMILY: u16 = 20;
/// `NLMSG_ERROR`.
pub const ERROR: u16 = 2;
/// `NLMSG_DONE`.
pub const DONE: u16 = 3;
/// `NLM_F_MULTI`.
const MULTI: u16 = 2;
/// The sequence number that ss gives its requests.
const SEQUENCE: u32 = 123_456;

/// Attributes of `enum` `INET_DIAG_*`.
pub mod attribute {
    /// `struct inet_diag_meminfo`: four words.
    pub const MEMINFO: u16 = 1;
    /// `struct tcp_info`.
    pub const INFO: u16 = 2;
    /// `struct tcpvegas_info`: enabled, rtt count, rtt, smallest rtt.
    pub const VEGAS: u16 = 3;
    /// The name of the congestion control.
    pub const CONG: u16 = 4;
    /// One byte.
    pub const TOS: u16 = 5;
    /// One byte.
    pub const TCLASS: u16 = 6;
    /// `SK_MEMINFO_VARS` words.
    pub const SKMEMINFO: u16 = 7;
    /// One byte: bit 0 receiving, bit 1 sending.
    pub const SHUTDOWN: u16 = 8;
    /// `struct tcp_dctcp_info`.
    pub const DCTCP: u16 = 9;
    /// One byte.
    pub const PROTOCOL: u16 = 10;
    /// One byte.
    pub const V6ONLY: u16 = 11;
    /// `struct sockaddr_storage` after `struct sockaddr_storage`.
    pub const LOCALS: u16 = 12;
    /// As the locals.
    pub const PEERS: u16 = 13;
    /// One word.
    pub const MARK: u16 = 15;
    /// `struct tcp_bbr_info`: five words.
    pub const BBR: u16 = 16;
    /// One word.
    pub const CLASS_ID: u16 = 17;
    /// `struct tcp_diag_md5sig` after `struct tcp_diag_md5sig`.
    pub const MD5SIG: u16 = 18;
    /// Nested: name, tls, mptcp.
    pub const ULP_INFO: u16 = 19;
    /// Two words.
    pub const CGROUP_ID: u16 = 21;
    /// `struct inet_diag_sockopt`: two bytes of bits.
    pub const SOCKOPT: u16 = 22;
}

/// One socket: `struct inet_diag_msg`, with the attributes that follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `idiag_family`.
    pub family: u8,
    /// `idiag_state`.
    pub state: u8,
    /// `idiag_timer` and `idiag_retrans`.
    pub timer: (u8, u8),
    /// `id.idiag_sport`, `id.idiag_dport`.
    pub ports: (u16, u16),
    /// `id.idiag_src`, `id.idiag_dst`, as on the wire.
    pub addresses: ([u8; 16], [u8; 16]),
    /// `id.idiag_if`.
    pub interface: u32,
    /// `id.idiag_cookie`, the low word first.
    pub cookie: u64,
    /// `idiag_expires`, in milliseconds.
    pub expires: u32,
    /// `idiag_rqueue` and `idiag_wqueue`.
    pub queues: (u32, u32),
    /// `idiag_uid`.
    pub uid: u32,
    /// `idiag_inode`.
    pub inode: u32,
    /// Kinds and contents, in order.
    pub attributes: Vec<(u16, Vec<u8>)>,
}

impl Row {
    /// Gives an established socket between two endpoints, with nothing special about it.
    pub fn between(local: SocketAddr, peer: SocketAddr) -> Self {
        Self {
            family: if local.is_ipv6() { 10 } else { 2 },
            state: 1,
            timer: (0, 0),
            ports: (local.port(), peer.port()),
            addresses: (octets(local.ip()), octets(peer.ip())),
            interface: 0,
            cookie: 1,
            expires: 0,
            queues: (0, 0),
            uid: 0,
            inode: 500,
            attributes: Vec::new(),
        }
    }

    /// Gives the established socket 10.0.0.1:22 to 10.0.0.2:40000.
    pub fn plain() -> Self {
        Self::between(
            SocketAddr::from(([10, 0, 0, 1], 22)),
            SocketAddr::from(([10, 0, 0, 2], 40_000)),
        )
    }

    /// Adds an attribute.
    #[must_use]
    pub fn with(mut self, kind: u16, content: impl Into<Vec<u8>>) -> Self {
        self.attributes.push((kind, content.into()));
        self
    }

    /// Encodes the message.
    pub fn message(&self) -> Vec<u8> {
        message(BY_FAMILY, &self.payload())
    }

    fn payload(&self) -> Vec<u8> {
        let mut bytes = vec![self.family, self.state, self.timer.0, self.timer.1];
        bytes.extend(self.ports.0.to_be_bytes());
        bytes.extend(self.ports.1.to_be_bytes());
        bytes.extend(self.addresses.0);
        bytes.extend(self.addresses.1);
        bytes.extend(self.interface.to_ne_bytes());
        bytes.extend(self.cookie.to_le_bytes());
        bytes.extend(words(&[
            self.expires,
            self.queues.0,
            self.queues.1,
            self.uid,
            self.inode,
        ]));
        for (kind, content) in &self.attributes {
            attribute(&mut bytes, *kind, content);
        }
        bytes
    }
}

/// Gives an address as `idiag_src` holds it.
pub fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V6(address) => address.octets(),
        IpAddr::V4(address) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&address.octets());
            bytes
        }
    }
}

/// Encodes words as the kernel stores them.
pub fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// Appends an attribute (`struct nlattr`) and pads it.
pub fn attribute(bytes: &mut Vec<u8>, kind: u16, content: &[u8]) {
    let len = u16::try_from(4 + content.len()).unwrap_or(u16::MAX);
    bytes.extend(len.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(content);
    pad(bytes);
}

/// Encodes a message (`struct nlmsghdr` and a payload) and pads it.
pub fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(16 + payload.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::new();
    bytes.extend(len.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(MULTI.to_ne_bytes());
    bytes.extend(SEQUENCE.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend(payload);
    pad(&mut bytes);
    bytes
}

/// Encodes the message that ends a dump.
pub fn done() -> Vec<u8> {
    message(DONE, &0_i32.to_ne_bytes())
}

/// Encodes an error (`struct nlmsgerr`): a positive errno, and the request it answers.
pub fn error(errno: i32) -> Vec<u8> {
    let mut payload = errno.wrapping_neg().to_ne_bytes().to_vec();
    payload.extend([0; 16]);
    message(ERROR, &payload)
}

/// Encodes a whole dump.
pub fn dump(rows: &[Row]) -> Vec<u8> {
    let mut bytes: Vec<u8> = rows.iter().flat_map(Row::message).collect();
    bytes.extend(done());
    bytes
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_layout_of_inet_diag_msg() {
        let bytes = Row::plain().with(attribute::TOS, [7]).message();
        assert_eq!(bytes.len(), 16 + 72 + 8);
        assert_eq!(
            bytes[..4],
            96_u32.to_ne_bytes(),
            "as the kernel, padding counts"
        );
        assert_eq!(bytes[20..24], [0, 22, 0x9c, 0x40], "ports, network order");
        assert_eq!(bytes[24..28], [10, 0, 0, 1]);
        assert_eq!(bytes[84..88], 500_u32.to_ne_bytes(), "the inode is last");
        assert_eq!(bytes[88..], [5, 0, 5, 0, 7, 0, 0, 0]);
    }

    #[test]
    fn a_dump_ends_with_done() {
        let bytes = dump(&[]);
        assert_eq!(bytes.len(), 20);
        assert_eq!(bytes[4..6], DONE.to_ne_bytes());
    }
}
