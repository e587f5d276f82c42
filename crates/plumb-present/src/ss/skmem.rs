//! `-m`: the memory of a socket.

use plumb_model::diag::inet::{MemInfo, SkMemInfo};

use crate::text::Decimal;

/// Names of the counters, in the kernel's order.
const NAMES: [&[u8]; 9] = [
    b"r", b",rb", b",t", b",tb", b",f", b",w", b",o", b",bl", b",d",
];
/// Counters that are always shown; the others only when the kernel sent them.
const ALWAYS: usize = 7;

/// Appends ` skmem:(…)`, which every kind of socket may have.
pub fn write_skmem(out: &mut Vec<u8>, memory: &SkMemInfo) {
    out.extend_from_slice(b" skmem:(");
    for (index, (name, &word)) in NAMES.iter().zip(&memory.words).enumerate() {
        if index < ALWAYS || memory.sent_bytes >= 4 * (index + 1) {
            push(out, name, word);
        }
    }
    out.push(b')');
}

/// Appends the memory of an Internet socket: the newer attribute, else the older one.
pub fn write_memory(out: &mut Vec<u8>, newer: Option<&SkMemInfo>, older: Option<&MemInfo>) {
    match (newer, older) {
        (Some(memory), _) => write_skmem(out, memory),
        (None, Some(memory)) => {
            push(out, b" mem:(r", memory.rmem);
            push(out, b",w", memory.wmem);
            push(out, b",f", memory.fmem);
            push(out, b",t", memory.tmem);
            out.push(b')');
        }
        (None, None) => {}
    }
}

fn push(out: &mut Vec<u8>, name: &[u8], word: u32) {
    out.extend_from_slice(name);
    out.extend_from_slice(Decimal::new(u64::from(word)).as_bytes());
}
