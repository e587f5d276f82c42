//! Bytes by the code that moved them, and send queues by the code that wrote them.
//!
//! What no call was seen for (splice(), bytes from before the recorder) is an entry of its own, so that the sums
//! are the kernel's own totals.

use std::collections::HashMap;

use plumb_model::event::StackId;
use plumb_model::id::Cookie;
use plumb_model::usage::{Queue, Usage};

/// Whose bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Writer {
    /// This code's.
    Code(StackId),
    /// Those of code whose stack could not be taken.
    NoStack,
    /// Nobody's who was seen.
    Unseen,
    /// Written before anybody looked, or by a call that has not returned since.
    Before,
}

impl From<Option<StackId>> for Writer {
    fn from(code: Option<StackId>) -> Self {
        code.map_or(Self::NoStack, Self::Code)
    }
}

/// What each code has moved through each socket.
pub type Uses = HashMap<(Cookie, Option<StackId>), Usage>;

/// What one code moved between two readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Whose it is.
    pub writer: Writer,
    /// How much.
    pub moved: Usage,
    /// Through how many sockets.
    pub sockets: u64,
}

/// Adds up by code what was moved between two readings through sockets that are wanted; `path` gives one id for
/// all stacks of the same code. The code that moved most comes first.
pub fn shares(
    before: &Uses,
    after: &Uses,
    wants: impl Fn(Cookie) -> bool,
    mut path: impl FnMut(StackId) -> StackId,
) -> Vec<Share> {
    let mut sums: HashMap<Writer, Share> = HashMap::new();
    for (key @ (cookie, code), now) in after {
        let was = before.get(key).copied().unwrap_or_default();
        let moved = since(was, *now);
        if !wants(*cookie) || moved.sends + moved.receives == 0 {
            continue;
        }
        let writer = Writer::from(code.map(&mut path));
        let share = sums.entry(writer).or_insert(Share {
            writer,
            moved: Usage {
                owner: now.owner,
                ..Usage::default()
            },
            sockets: 0,
        });
        share.moved.sent_bytes += moved.sent_bytes;
        share.moved.received_bytes += moved.received_bytes;
        share.moved.sends += moved.sends;
        share.moved.receives += moved.receives;
        share.sockets += 1;
    }
    let mut shares: Vec<Share> = sums.into_values().collect();
    let bytes = |share: &Share| {
        share
            .moved
            .sent_bytes
            .saturating_add(share.moved.received_bytes)
    };
    shares.sort_by(|a, b| bytes(b).cmp(&bytes(a)).then(a.writer.cmp(&b.writer)));
    shares
}

fn since(was: Usage, now: Usage) -> Usage {
    Usage {
        sent_bytes: now.sent_bytes.saturating_sub(was.sent_bytes),
        received_bytes: now.received_bytes.saturating_sub(was.received_bytes),
        sends: now.sends.saturating_sub(was.sends),
        receives: now.receives.saturating_sub(was.receives),
        owner: now.owner,
    }
}

/// Gives what no call was seen for, of what the sockets moved in all: the code that did it is unseen.
pub fn unattributed(shares: &[Share], received_bytes: u64, sent_bytes: u64) -> Option<Share> {
    let sum = |of: fn(&Usage) -> u64| shares.iter().map(|share| of(&share.moved)).sum::<u64>();
    let moved = Usage {
        received_bytes: received_bytes.saturating_sub(sum(|moved| moved.received_bytes)),
        sent_bytes: sent_bytes.saturating_sub(sum(|moved| moved.sent_bytes)),
        ..Usage::default()
    };
    (moved.received_bytes + moved.sent_bytes > 0).then_some(Share {
        writer: Writer::Unseen,
        moved,
        sockets: 0,
    })
}

/// Splits the bytes of a send queue by who wrote them. `acked_bytes` is `tcp_info`'s, and tells where the queue
/// begins; where it is not known, the newest write is taken for its end. What is in the queue and in no write
/// was written before anybody looked, or by a call that was not seen or has not returned.
pub fn split(queue: &Queue, queued_bytes: u64, acked_bytes: Option<u64>) -> Vec<(Writer, u64)> {
    let mut parts: Vec<(Writer, u64)> = Vec::new();
    let newest = queue.writes.first().map_or(0, |written| written.end_seq);
    let end = acked_bytes
        .zip(queue.acked_base)
        .map_or(newest, |(acked, base)| {
            sequence(base, acked.saturating_add(queued_bytes))
        });
    // How far back from the end everything has a writer.
    let mut told = 0_u64;
    for written in &queue.writes {
        // A write from after the reading of the queue ends behind it.
        let after = end
            .wrapping_sub(written.end_seq)
            .cast_signed()
            .min(0)
            .unsigned_abs();
        let back = u64::from(end.wrapping_sub(written.end_seq.wrapping_sub(after)));
        let len = u64::from(written.len.saturating_sub(after));
        let until = back.saturating_add(len).min(queued_bytes);
        let from = back.min(queued_bytes);
        put(&mut parts, Writer::Unseen, from.saturating_sub(told));
        told = told.max(from);
        put(&mut parts, written.by.into(), until.saturating_sub(told));
        told = told.max(until);
    }
    let rest = if queue.overflowed {
        Writer::Unseen
    } else {
        Writer::Before
    };
    put(&mut parts, rest, queued_bytes.saturating_sub(told));
    parts
}

/// Sequence numbers wrap.
#[expect(clippy::cast_possible_truncation, reason = "they count modulo 2^32")]
fn sequence(base: u32, bytes: u64) -> u32 {
    base.wrapping_add(bytes as u32)
}

fn put(parts: &mut Vec<(Writer, u64)>, writer: Writer, bytes: u64) {
    if bytes == 0 {
        return;
    }
    match parts.iter_mut().find(|(known, _)| *known == writer) {
        Some((_, sum)) => *sum += bytes,
        None => parts.push((writer, bytes)),
    }
}

/// Shares `bytes` out in proportion to the parts; the sum of what is given is `bytes` exactly.
pub fn proportional(parts: &[(Writer, u64)], bytes: u64) -> Vec<(Writer, u64)> {
    let whole: u128 = parts.iter().map(|(_, part)| u128::from(*part)).sum();
    if whole == 0 {
        return vec![(Writer::Before, bytes)];
    }
    let (mut before, mut given) = (0_u128, 0_u64);
    let mut shared = Vec::with_capacity(parts.len());
    for (writer, part) in parts {
        before += u128::from(*part);
        let until = u64::try_from(u128::from(bytes) * before / whole).unwrap_or(bytes);
        shared.push((*writer, until - given));
        given = until;
    }
    shared
}

#[cfg(test)]
mod tests;
