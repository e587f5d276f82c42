//! `INET_DIAG_SKMEMINFO`: an array of 32-bit counters (`enum` of `SK_MEMINFO_*` in
//! `include/uapi/linux/sock_diag.h`).
//!
//! Minimum kernel version: 3.6; the backlog came with 3.7 and drops with 4.7. Counters that an
//! older kernel does not send are 0.

use plumb_model::memory::SocketMemory;

use super::frame::u32_at;

/// Fewest bytes that mean anything: everything up to the forward allocation.
const LEAST_BYTES: usize = 20;

/// Decodes the attribute; `None` when it is too short to hold the allocations.
pub fn decode_skmeminfo(payload: &[u8]) -> Option<SocketMemory> {
    if payload.len() < LEAST_BYTES {
        return None;
    }
    let word = |index: usize| u32_at(payload, index * 4).unwrap_or(0);
    Some(SocketMemory {
        rmem_alloc_bytes: word(0),
        rcvbuf_bytes: word(1),
        wmem_alloc_bytes: word(2),
        sndbuf_bytes: word(3),
        forward_alloc_bytes: word(4).cast_signed(),
        wmem_queued_bytes: word(5),
        optmem_bytes: word(6),
        backlog_bytes: word(7),
        drops: word(8),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_stand_in_the_kernels_order() {
        let bytes: Vec<u8> = (1..=9_u32).flat_map(u32::to_ne_bytes).collect();
        let memory = decode_skmeminfo(&bytes).unwrap_or_default();
        assert_eq!((memory.rmem_alloc_bytes, memory.sndbuf_bytes), (1, 4));
        assert_eq!(
            (memory.forward_alloc_bytes, memory.wmem_queued_bytes),
            (5, 6)
        );
        assert_eq!((memory.backlog_bytes, memory.drops), (8, 9));
    }

    #[test]
    fn short_attributes_of_older_kernels_are_read() {
        let bytes: Vec<u8> = (1..=7_u32).flat_map(u32::to_ne_bytes).collect();
        assert_eq!(
            decode_skmeminfo(&bytes).map(|m| (m.optmem_bytes, m.drops)),
            Some((7, 0))
        );
        assert_eq!(decode_skmeminfo(&bytes[..19]), None);
    }
}
