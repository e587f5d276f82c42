//! One answer of sock_diag for an Internet socket, with all its attributes
//! (`include/uapi/linux/inet_diag.h`).
//!
//! Of each attribute the first counts. Lengths are judged as the original ss judges them, see
//! [`super::attribute`]; kernels send what fits. Nothing is allocated for a row that has no key,
//! address list or unknown attribute. Minimum kernel version: 3.3; what a kernel does not know it
//! does not send.

use plumb_model::diag::attribute::RawAttribute;
use plumb_model::diag::congestion::{Bbr, Dctcp, Vegas};
use plumb_model::diag::inet::{
    DiagEndpoint, DiagTimer, Extensions, InetDiag, Info, Md5Key, MemInfo, Protocol,
};

use super::attribute::{Attribute, Attributes, padded};
use super::bpf_storage::decode_bpf_storages;
use super::diag_values::{first, sk_mem_info};
use super::frame::{u16_at, u32_at};
use super::mptcp_info::decode_mptcp_info;
use super::sctp_info::{decode_sctp_addresses, decode_sctp_info};
use super::tcp_info::decode_tcp_info;
use super::ulp::decode_ulp;

/// Bytes of `struct inet_diag_msg`.
const MESSAGE_BYTES: usize = 72;
/// Most bytes of a congestion control's name that count.
const NAME_BYTES: usize = 15;
/// Bytes of `struct tcp_diag_md5sig`, and where its key begins.
const MD5_BYTES: usize = 100;
const MD5_KEY_AT: usize = 20;

/// Decodes one message of a table; `None` when it is shorter than `struct inet_diag_msg`.
///
/// ```
/// use plumb_model::diag::inet::Protocol;
/// use plumb_wire::netlink::inet_diag_record::decode_inet_diag_record;
///
/// let mut message = [0; 72];
/// message[..2].copy_from_slice(&[2, 10]);
/// let row = decode_inet_diag_record(&message, Protocol::TCP).expect("a whole message");
/// assert_eq!((row.family, row.state), (2, 10));
/// assert!(decode_inet_diag_record(&message[..71], Protocol::TCP).is_none());
/// ```
#[inline]
pub fn decode_inet_diag_record(payload: &[u8], table: Protocol) -> Option<InetDiag<'_>> {
    let (message, rest) = payload.split_first_chunk::<MESSAGE_BYTES>()?;
    let word = |at: usize| u32_at(message, at).unwrap_or(0);
    let mut row = InetDiag {
        protocol: table,
        family: message[0],
        state: u32::from(message[1]),
        timer: DiagTimer {
            code: u32::from(message[2]),
            retransmits: u32::from(message[3]),
            expires_ms: word(52),
        },
        local: endpoint(message, 4, 8),
        peer: endpoint(message, 6, 24),
        interface: word(40),
        cookie: u64::from(word(44)) | u64::from(word(48)) << 32,
        recv_q: word(56),
        send_q: word(60),
        uid: word(64),
        inode: u64::from(word(68)),
        extensions: Extensions::default(),
        trailing: None,
        from_proc: None,
    };
    decode_extensions(rest, &mut row);
    Some(row)
}

fn endpoint(message: &[u8; MESSAGE_BYTES], port_at: usize, at: usize) -> DiagEndpoint {
    DiagEndpoint {
        octets: padded(message.get(at..).unwrap_or(&[])),
        port: u32::from(u16::from_be(u16_at(message, port_at).unwrap_or(0))),
    }
}

fn decode_extensions<'a>(bytes: &'a [u8], row: &mut InetDiag<'a>) {
    let mut attributes = Attributes::new(bytes);
    let mut info = None;
    let mut protocol = None;
    let mut sockopt = None;
    for attribute in attributes.by_ref() {
        match attribute.kind {
            2 => first(&mut info, || attribute),
            10 => first(&mut protocol, || Protocol(u32::from(attribute.u8(0)))),
            22 => first(&mut sockopt, || attribute),
            _ => take(&attribute, &mut row.extensions),
        }
    }
    row.trailing = attributes.trailing();
    row.protocol = protocol.unwrap_or(row.protocol);
    // The one attribute that is ignored when it is too short.
    row.extensions.sockopt = sockopt
        .filter(|attribute| attribute.len >= 2)
        .map(|attribute| u16::from_le_bytes(attribute.array(0)));
    row.extensions.info = info.map(|info| match row.protocol {
        Protocol::MPTCP => Info::Mptcp(decode_mptcp_info(info.payload())),
        Protocol::SCTP => Info::Sctp(decode_sctp_info(info.payload())),
        _ => Info::Tcp(decode_tcp_info(info.payload())),
    });
}

/// Takes one attribute that needs no other to be understood.
#[inline]
fn take<'a>(attribute: &Attribute<'a>, to: &mut Extensions<'a>) {
    match attribute.kind {
        1 => first(&mut to.meminfo, || meminfo(attribute)),
        3 => first(&mut to.congestion.vegas, || vegas(attribute)),
        4 => first(&mut to.congestion.name, || attribute.string(NAME_BYTES)),
        5 => first(&mut to.tos, || attribute.u8(0)),
        6 => first(&mut to.tclass, || attribute.u8(0)),
        7 => first(&mut to.skmeminfo, || sk_mem_info(attribute)),
        8 => first(&mut to.shutdown, || attribute.u8(0)),
        9 => first(&mut to.congestion.dctcp, || dctcp(attribute)),
        11 => first(&mut to.v6only, || attribute.u8(0)),
        12 => first(&mut to.locals, || decode_sctp_addresses(attribute)),
        13 => first(&mut to.peers, || decode_sctp_addresses(attribute)),
        // Padding.
        14 => {}
        15 => first(&mut to.mark, || attribute.u32(0)),
        16 => first(&mut to.congestion.bbr, || bbr(attribute)),
        17 => first(&mut to.class_id, || attribute.u32(0)),
        18 => first(&mut to.md5_keys, || md5_keys(attribute)),
        19 => first(&mut to.ulp, || decode_ulp(attribute)),
        // The one attribute that comes with `NLA_F_NESTED`.
        20 | 0x8014 => first(&mut to.bpf_storages, || decode_bpf_storages(attribute)),
        21 => first(&mut to.cgroup_id, || attribute.u64(0)),
        kind => to.unknown.push(RawAttribute {
            kind,
            payload: attribute.payload(),
        }),
    }
}

fn meminfo(attribute: &Attribute<'_>) -> MemInfo {
    MemInfo {
        rmem: attribute.u32(0),
        wmem: attribute.u32(4),
        fmem: attribute.u32(8),
        tmem: attribute.u32(12),
    }
}

fn vegas(attribute: &Attribute<'_>) -> Vegas {
    Vegas {
        enabled: attribute.u32(0),
        rtt_count: attribute.u32(4),
        rtt_us: attribute.u32(8),
        min_rtt_us: attribute.u32(12),
    }
}

fn dctcp(attribute: &Attribute<'_>) -> Dctcp {
    Dctcp {
        enabled: attribute.u16(0),
        ce_state: attribute.u16(2),
        alpha: attribute.u32(4),
        ab_ecn: attribute.u32(8),
        ab_tot: attribute.u32(12),
    }
}

/// Unlike the others this struct is not read over its end.
fn bbr(attribute: &Attribute<'_>) -> Bbr {
    let bytes: [u8; 20] = padded(attribute.payload());
    let word = |at: usize| u32_at(&bytes, at).unwrap_or(0);
    Bbr {
        bandwidth: u64::from(word(0)) | u64::from(word(4)) << 32,
        min_rtt_us: word(8),
        pacing_gain: word(12),
        cwnd_gain: word(16),
    }
}

/// The first key is there even if the attribute is empty.
fn md5_keys<'a>(attribute: &Attribute<'a>) -> Vec<Md5Key<'a>> {
    (0..attribute.len.max(1))
        .step_by(MD5_BYTES)
        .map(|at| {
            let key = attribute.open().get(at + MD5_KEY_AT..).unwrap_or(&[]);
            let len = usize::from(attribute.u16(at + 2));
            Md5Key {
                family: attribute.u8(at),
                prefix_len: attribute.u8(at + 1),
                address: attribute.array(at + 4),
                key: key.get(..len).unwrap_or(key),
            }
        })
        .collect()
}
