//! `struct sctp_info` (`include/uapi/linux/sctp.h`), as the kernel sends it in `INET_DIAG_INFO`,
//! and the address lists beside it.
//!
//! What is not sent is 0, and `sent_bytes` says where it begins.
//! Minimum kernel version: 4.7 (SCTP in sock_diag).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use plumb_model::diag::inet::SctpAddress;
use plumb_model::diag::sctp_info::{SctpCounters, SctpInfo, SctpOptions, SctpTransport};

use super::attribute::{Attribute, padded};
use super::frame::{u16_at, u32_at};

const SCTP_INFO_BYTES: usize = 368;
/// Bytes of `struct sockaddr_storage`.
const ADDRESS_BYTES: usize = 128;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// Decodes the attribute.
pub fn decode_sctp_info(payload: &[u8]) -> SctpInfo {
    let bytes: [u8; SCTP_INFO_BYTES] = padded(payload);
    let word = |at: usize| u32_at(&bytes, at).unwrap_or(0);
    let short = |at: usize| u16_at(&bytes, at).unwrap_or(0);
    SctpInfo {
        sent_bytes: payload.len(),
        tag: word(0),
        state: word(4),
        rwnd: word(8),
        unackdata: short(12),
        penddata: short(14),
        instrms: short(16),
        outstrms: short(18),
        fragmentation_point: word(20),
        inqueue: word(24),
        outqueue: word(28),
        overall_error: word(32),
        max_burst: word(36),
        maxseg: word(40),
        peer_rwnd: word(44),
        peer_tag: word(48),
        peer_capable: bytes[52],
        peer_sack: bytes[53],
        counters: decode_counters(&bytes),
        primary: decode_primary(&bytes),
        socket: SctpOptions {
            autoclose_s: word(344),
            adaptation_ind: word(348),
            pd_point: word(352),
            nodelay: bytes[356],
            disable_fragments: bytes[357],
            v4mapped: bytes[358],
            frag_interleave: bytes[359],
            kind: word(360),
        },
    }
}

fn decode_counters(bytes: &[u8; SCTP_INFO_BYTES]) -> SctpCounters {
    let long =
        |index: usize| u64::from_ne_bytes(padded(bytes.get(56 + 8 * index..).unwrap_or(&[])));
    SctpCounters {
        isacks: long(0),
        osacks: long(1),
        opackets: long(2),
        ipackets: long(3),
        rtxchunks: long(4),
        outofseqtsns: long(5),
        idupchunks: long(6),
        gapcnt: long(7),
        ouodchunks: long(8),
        iuodchunks: long(9),
        oodchunks: long(10),
        iodchunks: long(11),
        octrlchunks: long(12),
        ictrlchunks: long(13),
    }
}

fn decode_primary(bytes: &[u8; SCTP_INFO_BYTES]) -> SctpTransport {
    let word = |index: usize| u32_at(bytes, 296 + 4 * index).unwrap_or(0);
    SctpTransport {
        state: word(0).cast_signed(),
        cwnd: word(1),
        srtt_ms: word(2),
        rto_ms: word(3),
        hbinterval_ms: word(4),
        pathmaxrxt: word(5),
        sackdelay_ms: word(6),
        sackfreq: word(7),
        ssthresh: word(8),
        partial_bytes_acked: word(9),
        flight_size: word(10),
        error: u16_at(bytes, 340).unwrap_or(0),
    }
}

/// Decodes `INET_DIAG_LOCALS` and `INET_DIAG_PEERS`. The first address is there even if the attribute
/// is empty, and a last one that is cut off counts, too.
pub fn decode_sctp_addresses(attribute: &Attribute<'_>) -> Vec<SctpAddress> {
    (0..attribute.len.max(1))
        .step_by(ADDRESS_BYTES)
        .map(|at| {
            let family = attribute.u16(at);
            let ip = match family {
                AF_INET => Some(IpAddr::V4(Ipv4Addr::from(attribute.array::<4>(at + 4)))),
                AF_INET6 => Some(IpAddr::V6(Ipv6Addr::from(attribute.array::<16>(at + 8)))),
                _ => None,
            };
            SctpAddress { family, ip }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_where_the_kernel_puts_them() {
        let bytes: Vec<u8> = (0..SCTP_INFO_BYTES)
            .map(|at| u8::try_from(at % 251).unwrap_or(0))
            .collect();
        let info = decode_sctp_info(&bytes);
        assert_eq!(info.peer_tag.to_ne_bytes(), [48, 49, 50, 51]);
        assert_eq!(info.counters.ictrlchunks.to_ne_bytes()[0], 160);
        assert_eq!(info.primary.state.to_ne_bytes()[0], 45);
        assert_eq!(info.primary.error.to_ne_bytes(), [89, 90]);
        assert_eq!(info.socket.kind.to_ne_bytes()[0], 109);
        assert_eq!(decode_sctp_info(&bytes[..54]).peer_sack, 53);
        assert_eq!(decode_sctp_info(&bytes[..53]).peer_sack, 0);
    }
}
