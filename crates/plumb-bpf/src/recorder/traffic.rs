//! Bytes that sockets other than TCP's moved, by socket.

use aya::Ebpf;
use aya::maps::HashMap;
use plumb_model::event::Moved;
use plumb_model::id::{Cookie, Pid};

/// `struct moved`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Record {
    sent: u64,
    received: u64,
    tgid: u32,
    reserved: u32,
}

const _: () = assert!(size_of::<Record>() == 24);

#[expect(unsafe_code, reason = "aya asks that values of maps be plain")]
// SAFETY: whole numbers without padding: their sizes add up to the size asserted.
unsafe impl aya::Pod for Record {}

/// Reads the counts as they are now.
pub(super) fn read(object: &Ebpf) -> Vec<(Cookie, Moved)> {
    let Some(map) = object.map("traffic") else {
        return Vec::new();
    };
    let Ok(counts) = HashMap::<_, u64, Record>::try_from(map) else {
        return Vec::new();
    };
    let moved = |record: Record| Moved {
        sent_bytes: record.sent,
        received_bytes: record.received,
        owner: Some(Pid(record.tgid)).filter(|pid| pid.0 != 0),
    };
    counts
        .iter()
        .filter_map(Result::ok)
        .map(|(cookie, record)| (Cookie(cookie), moved(record)))
        .collect()
}
