//! Records of a ring, copied one behind the other into one piece of memory.

/// Bytes of the length in front of each.
const LENGTH_BYTES: usize = 4;

/// Copied records, handed out in their order.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Each with its length in front, 32 bits.
    bytes: Vec<u8>,
    /// Where the next begins.
    at: usize,
}

impl Records {
    /// Copies one. Records of rings are shorter than 1 GB by their nature.
    pub(super) fn push(&mut self, record: &[u8]) {
        let Ok(len) = u32::try_from(record.len()) else {
            return;
        };
        self.bytes.extend_from_slice(&len.to_ne_bytes());
        self.bytes.extend_from_slice(record);
    }

    /// Says how many bytes they take, those handed out included.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Hands out the next.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        let start = self.at + LENGTH_BYTES;
        let len = self.bytes.get(self.at..start)?.try_into().ok()?;
        let end = start + usize::try_from(u32::from_ne_bytes(len)).ok()?;
        self.at = end;
        self.bytes.get(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_out_as_they_went_in() {
        let mut records = Records::default();
        for record in [&b"first"[..], b"", b"third"] {
            records.push(record);
        }
        assert_eq!(records.bytes(), 3 * LENGTH_BYTES + 10);
        assert_eq!(records.next(), Some(&b"first"[..]));
        assert_eq!(records.next(), Some(&b""[..]));
        assert_eq!(records.next(), Some(&b"third"[..]));
        assert_eq!(records.next(), None);
    }
}
