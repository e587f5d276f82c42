//! What all socket families have in common in their messages: taking the first attribute of a
//! type, memory counters, cookies.

use plumb_model::diag::inet::SkMemInfo;

use super::attribute::Attribute;
use super::frame::u32_at;

/// Keeps the first value of its kind: the original looks at no other.
#[inline]
pub(super) fn first<T>(slot: &mut Option<T>, value: impl FnOnce() -> T) {
    if slot.is_none() {
        *slot = Some(value());
    }
}

/// Reads the `SK_MEMINFO_*` counters.
pub(super) fn sk_mem_info(attribute: &Attribute<'_>) -> SkMemInfo {
    let mut words = [0; 9];
    for (index, word) in words.iter_mut().enumerate() {
        *word = attribute.u32(4 * index);
    }
    SkMemInfo {
        words,
        sent_bytes: attribute.len,
    }
}

/// Reads the two words of a cookie, the low one first.
pub(super) fn cookie_at(message: &[u8], at: usize) -> u64 {
    let word = |at| u64::from(u32_at(message, at).unwrap_or(0));
    word(at) | word(at + 4) << 32
}
