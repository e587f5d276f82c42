//! The tables of IPX, AX.25, X.25, NET/ROM and ROSE, one module each.
//!
//! The original reads them line by line into one fixed buffer and cuts fields out at fixed places,
//! so a short line is completed by what an earlier one left behind. [`LineBuffer`] does the same;
//! where the original would read memory nobody ever wrote, a line counts as damaged.

pub mod ax25;
pub mod ipx;
pub mod netrom;
pub mod rose;
pub mod x25;

use crate::lines::pieces;
use crate::scan::{Scanner, low32};

/// Bytes of a line that are read at a time; a longer line is read as several.
const LINE_BYTES: usize = 255;

fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    pieces(content, LINE_BYTES)
}

/// `%d` into 32 bits.
fn int(scanner: &mut Scanner<'_>) -> Option<i32> {
    scanner
        .signed()
        .map(|value| low32(value.cast_unsigned()).cast_signed())
}

/// Skips `count` conversions of `%*d`.
fn skip_ints(scanner: &mut Scanner<'_>, count: usize) -> Option<()> {
    (0..count).try_for_each(|_| scanner.signed().map(|_| ()))
}

/// The one buffer all lines of a table go through.
#[derive(Debug, Clone)]
struct LineBuffer {
    bytes: [u8; LINE_BYTES + 1],
}

impl LineBuffer {
    fn new() -> Self {
        Self {
            bytes: [0; LINE_BYTES + 1],
        }
    }

    /// Puts a line and its end over what is there.
    fn load(&mut self, line: &[u8]) {
        let with_end = line.iter().copied().take(LINE_BYTES).chain([0]);
        for (slot, byte) in self.bytes.iter_mut().zip(with_end) {
            *slot = byte;
        }
    }

    /// Ends the text before `at` there.
    fn end_at(&mut self, at: usize) {
        if let Some(slot) = self.bytes.get_mut(at) {
            *slot = 0;
        }
    }

    /// Finds the first of `wanted` at or behind `from`.
    fn find(&self, from: usize, wanted: &[u8]) -> Option<usize> {
        let tail = self.bytes.get(from..)?;
        Some(from + tail.iter().position(|b| wanted.contains(b))?)
    }

    /// Gives the text that starts at `from`.
    fn text(&self, from: usize) -> &[u8] {
        Scanner::new(self.bytes.get(from..).unwrap_or(&[])).rest()
    }
}
