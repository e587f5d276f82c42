//! Attributes as the original ss takes them apart: flag bits count, and a value may be read over
//! its end.
//!
//! The original trusts the length of almost no attribute: it reads a number of the size it expects
//! from where the attribute begins, whatever follows. So a value comes with the bytes behind it,
//! up to the end of the message; what would be read behind that is taken for zeros.

use plumb_model::diag::attribute::Trailing;

use super::frame::{u16_at, u32_at};

/// Bytes of `struct rtattr`.
const HEADER_BYTES: usize = 4;

/// One attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its type, flag bits included.
    pub kind: u16,
    /// Bytes it says to have.
    pub len: usize,
    /// Its bytes and all behind them in the message.
    open: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// Gives the bytes it says to have.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        self.open.get(..self.len).unwrap_or(self.open)
    }

    /// Gives its bytes and all behind them in the message.
    #[inline]
    pub fn open(&self) -> &'a [u8] {
        self.open
    }

    /// Reads a byte at `at`.
    #[inline]
    pub fn u8(&self, at: usize) -> u8 {
        self.open.get(at).copied().unwrap_or(0)
    }

    /// Reads a host-order `u16` at `at`.
    #[inline]
    pub fn u16(&self, at: usize) -> u16 {
        u16::from_ne_bytes(self.array(at))
    }

    /// Reads a host-order `u32` at `at`.
    #[inline]
    pub fn u32(&self, at: usize) -> u32 {
        match u32_at(self.open, at) {
            Some(value) => value,
            None => u32::from_ne_bytes(self.array(at)),
        }
    }

    /// Reads a host-order `u64` at `at`.
    #[inline]
    pub fn u64(&self, at: usize) -> u64 {
        u64::from_ne_bytes(self.array(at))
    }

    /// Reads `N` bytes at `at`.
    pub fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        padded(self.open.get(at..).unwrap_or(&[]))
    }

    /// Reads a string: all bytes before the first NUL, at most `longest`.
    pub fn string(&self, longest: usize) -> &'a [u8] {
        let text = self.open.get(..longest).unwrap_or(self.open);
        let end = text.iter().position(|&b| b == 0).unwrap_or(text.len());
        text.get(..end).unwrap_or(text)
    }

    /// Takes the attributes inside it.
    pub fn nested(&self) -> Attributes<'a> {
        Attributes {
            rest: self.open,
            remaining: i32::try_from(self.len).unwrap_or(i32::MAX),
        }
    }
}

/// Copies the first `N` bytes; missing ones are 0.
pub fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    if let Some(whole) = bytes.first_chunk() {
        return *whole;
    }
    let mut array = [0; N];
    for (to, &from) in array.iter_mut().zip(bytes) {
        *to = from;
    }
    array
}

/// A run of attributes.
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    rest: &'a [u8],
    remaining: i32,
}

impl<'a> Attributes<'a> {
    /// Starts at the first attribute of a message.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            remaining: i32::try_from(bytes.len()).unwrap_or(i32::MAX),
        }
    }

    /// Says what is left when there are no more attributes.
    #[inline]
    pub fn trailing(&self) -> Option<Trailing> {
        (self.remaining != 0).then(|| Trailing {
            remaining: self.remaining,
            claimed: u16::from_ne_bytes(padded(self.rest)),
        })
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    #[inline]
    fn next(&mut self) -> Option<Attribute<'a>> {
        if self.remaining < 4 {
            return None;
        }
        let claimed = u16_at(self.rest, 0)?;
        let kind = u16_at(self.rest, 2)?;
        let len = usize::from(claimed).checked_sub(HEADER_BYTES)?;
        if i32::from(claimed) > self.remaining {
            return None;
        }
        let attribute = Attribute {
            kind,
            len,
            open: self.rest.get(HEADER_BYTES..).unwrap_or(&[]),
        };
        let step = usize::from(claimed).next_multiple_of(4);
        self.rest = self.rest.get(step..).unwrap_or(&[]);
        self.remaining -= i32::try_from(step).unwrap_or(i32::MAX);
        Some(attribute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn a_value_is_read_over_its_end() {
        let bytes = bytes(&[6, 5, 0x4142, 0, 4, 7]);
        let mut attributes = Attributes::new(&bytes);
        let first = attributes.next().expect("the first attribute is whole");
        assert_eq!((first.kind, first.len, first.u16(0)), (5, 2, 0x4142));
        assert_eq!(first.u16(4), 4, "the length of the next one");
        assert_eq!(first.u64(6), u64::from(7_u16), "zeros behind the message");
        assert_eq!(attributes.next().map(|a| (a.kind, a.len)), Some((7, 0)));
        assert_eq!(attributes.next(), None);
        assert_eq!(attributes.trailing(), None);
    }

    #[test]
    fn what_is_no_attribute_is_counted() {
        let left = |words: &[u16]| {
            let bytes = bytes(words);
            let mut attributes = Attributes::new(&bytes);
            attributes.by_ref().for_each(drop);
            attributes
                .trailing()
                .map(|trailing| (trailing.remaining, trailing.claimed))
        };
        assert_eq!(left(&[4, 1, 3, 5]), Some((4, 3)));
        assert_eq!(left(&[4, 1, 9, 5]), Some((4, 9)));
        assert_eq!(left(&[5, 1, 0]), Some((-2, 0)));
        assert_eq!(left(&[]), None);
    }
}
