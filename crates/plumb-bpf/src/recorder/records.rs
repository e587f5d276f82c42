//! Records of a ring, copied one behind the other into one piece of memory.
//!
//! Half of an event's words are zero (an IPv4 address in the room of an IPv6 one, totals that have not begun), and
//! more of a call's: so of each 64 words a mask tells which are not, and they alone are kept.

/// Bytes of a word.
const WORD: usize = 8;
/// Words that one mask tells of.
const GROUP: usize = 64;
/// Bytes of the length in front of each record.
const LENGTH_BYTES: usize = 4;

/// Copied records, handed out in their order.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// For each its length (32 bits), then for each group of words its mask and those that are not zero.
    bytes: Vec<u8>,
    /// Where the next begins.
    at: usize,
    /// The last one handed out, as it was.
    record: Vec<u8>,
}

impl Records {
    /// Copies one. Records of rings are shorter than 1 GB by their nature.
    pub(super) fn push(&mut self, record: &[u8]) {
        let Ok(len) = u32::try_from(record.len()) else {
            return;
        };
        self.bytes.extend_from_slice(&len.to_ne_bytes());
        for group in record.chunks(GROUP * WORD) {
            let mask_at = self.bytes.len();
            self.bytes.extend_from_slice(&[0; WORD]);
            let mut mask = 0_u64;
            for (place, word) in group.chunks(WORD).enumerate() {
                if word.iter().any(|byte| *byte != 0) {
                    mask |= 1 << place;
                    self.bytes.extend_from_slice(word);
                }
            }
            if let Some(room) = self.bytes.get_mut(mask_at..mask_at + WORD) {
                room.copy_from_slice(&mask.to_ne_bytes());
            }
        }
    }

    /// Gives back room that was made for more.
    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// Says how many bytes they take, those handed out included.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Hands out the next.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        let len = self.take(LENGTH_BYTES)?.try_into().ok()?;
        let len = usize::try_from(u32::from_ne_bytes(len)).ok()?;
        self.record.clear();
        self.record.resize(len, 0);
        for start in (0..len).step_by(GROUP * WORD) {
            let mask = u64::from_ne_bytes(self.take(WORD)?.try_into().ok()?);
            for place in (0..GROUP).filter(|place| mask & (1 << place) != 0) {
                let from = start + place * WORD;
                let to = len.min(from + WORD);
                let at = self.at;
                self.at = at + to.checked_sub(from)?;
                let word = self.bytes.get(at..self.at)?;
                self.record.get_mut(from..to)?.copy_from_slice(word);
            }
        }
        Some(&self.record)
    }

    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let at = self.at;
        let taken = self.bytes.get(at..at + count)?;
        self.at = at + count;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_out_as_they_went_in() {
        // Longer than a group, with a last word that is not whole, and with zeros in every place.
        let long: Vec<u8> = (0..GROUP * WORD + 13)
            .map(|at| if at % 3 == 0 { 0 } else { at.to_ne_bytes()[0] })
            .collect();
        let zeros = [0; 130];
        let given = [&b"first"[..], b"", &long, &zeros, b"last"];
        let mut records = Records::default();
        for record in given {
            records.push(record);
        }
        records.shrink();
        for record in given {
            assert_eq!(records.next(), Some(record));
        }
        assert_eq!(records.next(), None);
    }

    #[test]
    fn zeros_take_no_room() {
        let mut records = Records::default();
        let mut event = [0; 128];
        event[8] = 1;
        records.push(&event);
        assert_eq!(records.bytes(), LENGTH_BYTES + 2 * WORD);
    }
}
