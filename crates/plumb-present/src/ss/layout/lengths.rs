//! How long the cells of a batch are, in as little memory as that takes.

/// Lengths of cells: a byte each, or [`LONG`] and two more for the few that need them.
#[derive(Debug, Default)]
pub(super) struct Lengths {
    bytes: Vec<u8>,
}

/// Says that a length follows in two bytes.
const LONG: u8 = u8::MAX;

impl Lengths {
    /// Makes room for this many short lengths.
    pub(super) fn reserve(&mut self, cells: usize) {
        self.bytes.reserve(cells);
    }

    /// Forgets all lengths, keeps the room.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Adds a length.
    #[inline]
    pub(super) fn push(&mut self, length: u16) {
        match u8::try_from(length) {
            Ok(short) if short != LONG => self.bytes.push(short),
            _ => {
                let [low, high] = length.to_le_bytes();
                self.bytes.extend_from_slice(&[LONG, low, high]);
            }
        }
    }

    /// Gives all lengths in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        let mut bytes = self.bytes.iter().copied();
        std::iter::from_fn(move || match bytes.next()? {
            LONG => Some(usize::from(u16::from_le_bytes([
                bytes.next()?,
                bytes.next()?,
            ]))),
            short => Some(usize::from(short)),
        })
    }
}
