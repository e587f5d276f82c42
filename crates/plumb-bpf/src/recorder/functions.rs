//! Bytes by the code that moved them, and the writers of what waits in queues (`probes/recorder/writers.h`).

use aya::Ebpf;
use aya::maps::HashMap;
use plumb_model::event::StackId;
use plumb_model::id::{Cookie, Pid};
use plumb_model::usage::{Queue, Usage, Written};

/// `WRITES`.
const WRITES: usize = 32;

/// `struct use_key`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Key {
    cookie: u64,
    stack: u64,
}

/// `struct used`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Record {
    sent: u64,
    received: u64,
    sends: u64,
    receives: u64,
    tgid: u32,
    reserved: u32,
}

/// `struct written`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Piece {
    stack: u64,
    end_seq: u32,
    len: u32,
}

/// `struct queue`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Ring {
    last_reader: u64,
    last_writer: u64,
    next: u32,
    base: u32,
    writes: [Piece; WRITES],
}

const _: () = assert!(size_of::<Key>() == 16);
const _: () = assert!(size_of::<Record>() == 40);
const _: () = assert!(size_of::<Ring>() == 24 + 16 * WRITES);

#[expect(unsafe_code, reason = "aya asks that keys of maps be plain")]
// SAFETY: whole numbers without padding: their sizes add up to the size asserted.
unsafe impl aya::Pod for Key {}
#[expect(unsafe_code, reason = "aya asks that values of maps be plain")]
// SAFETY: whole numbers without padding: their sizes add up to the size asserted.
unsafe impl aya::Pod for Record {}
#[expect(unsafe_code, reason = "aya asks that values of maps be plain")]
// SAFETY: whole numbers without padding: their sizes add up to the size asserted.
unsafe impl aya::Pod for Ring {}

/// Reads what each code has moved through each socket. Of a stack that could not be taken the id is 0.
pub(super) fn read_uses(object: &Ebpf) -> Vec<(Cookie, Option<StackId>, Usage)> {
    let Some(Ok(uses)) = object.map("uses").map(HashMap::<_, Key, Record>::try_from) else {
        return Vec::new();
    };
    let used = |record: Record| Usage {
        sent_bytes: record.sent,
        received_bytes: record.received,
        sends: record.sends,
        receives: record.receives,
        owner: Some(Pid(record.tgid)).filter(|pid| pid.0 != 0),
    };
    uses.iter()
        .filter_map(Result::ok)
        .map(|(key, record)| (Cookie(key.cookie), stack(key.stack), used(record)))
        .collect()
}

/// Reads who wrote what may wait in the queues of each socket.
pub(super) fn read_queues(object: &Ebpf) -> Vec<(Cookie, Queue)> {
    let Some(Ok(queues)) = object.map("queues").map(HashMap::<_, u64, Ring>::try_from) else {
        return Vec::new();
    };
    queues
        .iter()
        .filter_map(Result::ok)
        .map(|(cookie, ring)| (Cookie(cookie), queue(&ring)))
        .collect()
}

fn queue(ring: &Ring) -> Queue {
    let next = usize::try_from(ring.next).unwrap_or(usize::MAX);
    let newest_first = (1..=WRITES.min(next)).map(|back| (next - back) % WRITES);
    let written = |at: usize| {
        let piece = ring.writes.get(at)?;
        Some(Written {
            by: stack(piece.stack),
            end_seq: piece.end_seq,
            len: piece.len,
        })
    };
    Queue {
        last_reader: stack(ring.last_reader),
        last_writer: stack(ring.last_writer),
        writes: newest_first.filter_map(written).collect(),
        acked_base: (next > 0).then_some(ring.base),
        overflowed: next > WRITES,
    }
}

fn stack(id: u64) -> Option<StackId> {
    Some(StackId(id)).filter(|id| id.0 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_stand_newest_first_also_when_the_ring_went_round() {
        let mut ring = Ring {
            last_reader: 0,
            last_writer: 9,
            next: 2,
            base: 1,
            writes: [Piece {
                stack: 0,
                end_seq: 0,
                len: 0,
            }; WRITES],
        };
        for (at, piece) in ring.writes.iter_mut().enumerate() {
            piece.end_seq = u32::try_from(at).unwrap_or(0);
        }
        let ends = |ring: &Ring| -> Vec<u32> {
            let queue = queue(ring);
            queue.writes.iter().map(|piece| piece.end_seq).collect()
        };
        assert_eq!(ends(&ring), [1, 0]);
        ring.next = 34;
        assert_eq!(ends(&ring)[..3], [1, 0, 31]);
        assert_eq!(ends(&ring).len(), WRITES);
        assert!(queue(&ring).overflowed);
        assert_eq!(queue(&ring).last_reader, None);
    }
}
