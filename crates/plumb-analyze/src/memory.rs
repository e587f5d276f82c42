//! Where the memory of sockets is: what waits to be read, what waits to be sent, and who has it.

mod room;

use std::collections::HashMap;

use plumb_model::diag::inet::SkMemInfo;
use plumb_model::snapshot::Snapshot;

pub use self::room::{Buffer, NEAR_PERCENT, Room, SetBy, is_near, rooms, settings};
use crate::flows::{By, Serving, name};

/// Sums of one group, bytes of kernel memory: overhead of packets included, so more than their payload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Held {
    /// What the group is called.
    pub name: String,
    /// Sockets whose memory is known.
    pub sockets: u64,
    /// Received and not read (`rmem_alloc`).
    pub received_bytes: u64,
    /// To be sent or acknowledged (`wmem_queued`, else `wmem_alloc`).
    pub send_bytes: u64,
    /// Charged and not in use (`fwd_alloc`).
    pub spare_bytes: u64,
    /// Arrived while somebody held the socket (`backlog`).
    pub backlog_bytes: u64,
    /// Options and the like (`optmem`).
    pub option_bytes: u64,
    /// Packets dropped for want of room, since each socket was made.
    pub drops: u64,
    /// Sockets whose receive buffer is near its limit: their program does not read.
    pub full_receive: u64,
    /// Sockets whose send buffer is: the other end does not take what is sent.
    pub full_send: u64,
}

impl Held {
    /// Gives all memory together.
    pub fn total_bytes(&self) -> u64 {
        [
            self.received_bytes,
            self.send_bytes,
            self.spare_bytes,
            self.backlog_bytes,
            self.option_bytes,
        ]
        .iter()
        .fold(0, |sum, bytes| sum.saturating_add(*bytes))
    }
}

/// Adds up the sockets at the places that are wanted; the group that has most comes first.
pub fn held(snapshot: &Snapshot, by: By, wanted: impl Fn(usize) -> bool) -> Vec<Held> {
    let serving = Serving::of(snapshot);
    let mut groups: HashMap<String, Held> = HashMap::new();
    for (place, socket) in snapshot.sockets.iter().enumerate() {
        let Some(memory) = socket.memory.as_ref().filter(|_| wanted(place)) else {
            continue;
        };
        let name = name(snapshot, place, by, &serving);
        let held = groups.entry(name.clone()).or_insert_with(|| Held {
            name,
            ..Held::default()
        });
        add(held, memory);
    }
    let mut groups: Vec<Held> = groups.into_values().collect();
    groups.sort_by(|a, b| {
        b.total_bytes()
            .cmp(&a.total_bytes())
            .then_with(|| a.name.cmp(&b.name))
    });
    groups
}

/// Gives what one socket holds.
pub fn held_by(name: String, memory: &SkMemInfo) -> Held {
    let mut held = Held {
        name,
        ..Held::default()
    };
    add(&mut held, memory);
    held
}

fn add(held: &mut Held, memory: &SkMemInfo) {
    let [
        rmem,
        rcvbuf,
        wmem,
        sndbuf,
        forward,
        queued,
        option,
        backlog,
        drops,
    ] = memory.words;
    let send = queued.max(wmem);
    held.sockets += 1;
    held.received_bytes += u64::from(rmem);
    held.send_bytes += u64::from(send);
    // Signed in the kernel: a moment below zero is nothing to spare.
    held.spare_bytes += u64::try_from(forward.cast_signed()).unwrap_or(0);
    held.option_bytes += u64::from(option);
    held.backlog_bytes += u64::from(backlog);
    held.drops += u64::from(drops);
    held.full_receive += u64::from(is_near(rmem.into(), rcvbuf.into()));
    held.full_send += u64::from(is_near(send.into(), sndbuf.into()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(words: [u32; 9]) -> SkMemInfo {
        SkMemInfo {
            words,
            sent_bytes: 36,
        }
    }

    #[test]
    fn a_full_buffer_says_who_does_not_do_his_part() {
        let mut held = Held::default();
        add(&mut held, &memory([900, 1000, 0, 1000, 0, 0, 0, 0, 2]));
        add(&mut held, &memory([899, 1000, 10, 1000, 0, 950, 0, 0, 0]));
        assert_eq!((held.full_receive, held.full_send, held.drops), (1, 1, 2));
        assert_eq!((held.received_bytes, held.send_bytes), (1799, 950));
    }

    #[test]
    fn memory_below_zero_is_none() {
        let mut held = Held::default();
        add(&mut held, &memory([0, 0, 0, 0, u32::MAX, 0, 7, 0, 0]));
        assert_eq!((held.spare_bytes, held.total_bytes()), (0, 7));
        assert_eq!(
            (held.full_receive, held.full_send),
            (0, 0),
            "no limit is none that is full"
        );
    }
}
