//! Records that a program leaves in memory shared with us: an array, and a word that counts them.
//!
//! A program with such a mailbox has two maps, `control` and `found`, both mapped. It adds to `found`
//! while its iterator is read, and asks to be called again when there is no more room; between two
//! reads we take what is there and set the count to zero.

use std::os::fd::{AsFd as _, OwnedFd};

use crate::sys::Shared;
use crate::unavailable::Unavailable;

/// The names of the maps, in the order [`Mailbox::map`] takes them.
pub(crate) const MAPS: [&str; 2] = ["control", "found"];

/// Bytes of the count, a `u32`.
const COUNT_LEN: usize = 4;

/// The mailbox of a loaded program, with records of `LEN` bytes.
#[derive(Debug)]
pub(crate) struct Mailbox<const LEN: usize> {
    control: Shared,
    found: Shared,
    count_at: usize,
}

impl<const LEN: usize> Mailbox<LEN> {
    /// Maps the maps: `control` of so many bytes with the count at `count_at`, `found` with room for so
    /// many records.
    pub(crate) fn map(
        maps: &[OwnedFd],
        control_len: usize,
        room: usize,
        count_at: usize,
    ) -> Result<Self, Unavailable> {
        let [control, found] = maps else {
            return Err(Unavailable::new("the program came without its maps"));
        };
        let failed =
            |error| Unavailable::new(format!("cannot map the memory of the program: {error}"));
        Ok(Self {
            control: Shared::map(control.as_fd(), control_len).map_err(failed)?,
            found: Shared::map(found.as_fd(), room * LEN).map_err(failed)?,
            count_at,
        })
    }

    /// Gives every record to `each`, and makes room.
    pub(crate) fn empty(&mut self, each: &mut dyn FnMut(&[u8; LEN])) {
        let count = u32::from_ne_bytes(self.word(self.count_at));
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let (records, _) = self.found.bytes().as_chunks::<LEN>();
        records.iter().take(count).for_each(each);
        let count = self.count_at..self.count_at + COUNT_LEN;
        self.control.bytes_mut()[count].fill(0);
    }

    /// Reads a number from `control`; zeros where that ends before.
    pub(crate) fn word<const N: usize>(&self, at: usize) -> [u8; N] {
        let word = self.control.bytes().get(at..).and_then(<[u8]>::first_chunk);
        word.copied().unwrap_or([0; N])
    }

    /// All of `control`.
    pub(crate) fn control_mut(&mut self) -> &mut [u8] {
        self.control.bytes_mut()
    }
}
