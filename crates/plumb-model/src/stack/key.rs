//! What two stacks of the same code have in common: a hash over functions and modules.
//!
//! FNV-1a, because the value is compared between runs and machines (history, CI) and must not depend on the
//! release of a hasher. Addresses count only where there is no name.

use std::fmt;

use super::Frame;
use crate::known::Known;

/// A stack's identity across processes and runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(u64);

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// Makes the key of these frames.
pub(super) fn of(frames: &[Frame]) -> Key {
    let mut hash = OFFSET_BASIS;
    for frame in frames {
        let module = frame.module_name().unwrap_or_default();
        hash = add(hash, module);
        hash = add(hash, &[0]);
        match &frame.function {
            Known::Known(name) => hash = add(hash, name.as_bytes()),
            // A JIT's code without a name lies elsewhere in every run: that it was there is all that counts.
            Known::Unknown(_) if module.is_empty() => hash = add(hash, b"?"),
            Known::Unknown(_) => hash = add(hash, &frame.module_offset.to_le_bytes()),
        }
        hash = add(hash, &[0xff]);
    }
    Key(hash)
}

fn add(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
    })
}
