//! `RTM_NEWNEIGHTBL`: what a table of neighbours counted (`struct ndt_stats`, `linux/neighbour.h`).
//!
//! The kernel counts for the whole machine, and tells here in every network namespace what `/proc/net/stat/arp_cache` and
//! `ndisc_cache` have in the first one alone. Messages about the parameters of one interface, which are of the same type,
//! carry no counts.

use super::super::frame::attributes;

/// `RTM_NEWNEIGHTBL`.
pub const NEW_TABLE: u16 = 64;

const NDTA_NAME: u16 = 1;
const NDTA_STATS: u16 = 7;
/// Bytes of `struct ndtmsg`.
pub(super) const BODY_BYTES: usize = 4;
/// The counts of `struct ndt_stats`, by the names that `/proc/net/stat` has for them.
const COUNTS: [&str; 11] = [
    "allocs",
    "destroys",
    "hash_grows",
    "res_failed",
    "lookups",
    "hits",
    "rcv_probes_mcast",
    "rcv_probes_ucast",
    "periodic_gc_runs",
    "forced_gc_runs",
    "table_fulls",
];

/// A table and its counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeighbourTable {
    /// `arp_cache` or `ndisc_cache`.
    pub name: Vec<u8>,
    /// Counts with their names; an older kernel has fewer.
    pub counts: Vec<(&'static str, u64)>,
}

/// Decodes the payload of a message; `None` for one without counts.
pub fn decode_neighbour_table(payload: &[u8]) -> Option<NeighbourTable> {
    let (mut name, mut counts) = (None, None);
    for (kind, value) in attributes(payload.get(BODY_BYTES..)?) {
        match kind {
            NDTA_NAME => name = value.strip_suffix(b"\0").map(<[u8]>::to_vec),
            NDTA_STATS => counts = Some(value),
            _ => {}
        }
    }
    let words = counts?.chunks_exact(8).map(|word| {
        let mut octets = [0; 8];
        octets.copy_from_slice(word);
        u64::from_ne_bytes(octets)
    });
    Some(NeighbourTable {
        name: name?,
        counts: COUNTS.into_iter().zip(words).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message with a name and so many counts, each ten times its place.
    fn message(counts: u64) -> Vec<u8> {
        let mut payload = vec![2, 0, 0, 0];
        payload.extend([14, 0, 1, 0]);
        payload.extend(b"arp_cache\0\0\0");
        let len = u16::try_from(4 + counts * 8).expect("few");
        payload.extend(len.to_ne_bytes());
        payload.extend([7, 0]);
        payload.extend((0..counts).flat_map(|place| (place * 10).to_ne_bytes()));
        payload
    }

    #[test]
    fn a_table_has_its_counts_by_name_and_older_kernels_have_fewer() {
        let table = decode_neighbour_table(&message(11)).expect("a whole message");
        assert_eq!(table.name, b"arp_cache");
        assert_eq!(table.counts.last(), Some(&("table_fulls", 100)));
        let older = decode_neighbour_table(&message(10)).expect("a whole message");
        assert_eq!(older.counts.last(), Some(&("forced_gc_runs", 90)));
        // Parameters of one interface.
        assert_eq!(decode_neighbour_table(&message(11)[..16]), None);
        assert_eq!(decode_neighbour_table(&[2, 0]), None);
    }
}
