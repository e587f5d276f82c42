//! A ring of the programs.

use std::os::fd::{AsFd, BorrowedFd};

use aya::Ebpf;
use aya::maps::{MapData, MapError, RingBuf};

use super::records::Records;

/// One ring.
pub(super) struct Ring(RingBuf<MapData>);

impl Ring {
    /// Takes the ring of this name out of the object.
    pub(super) fn take(object: &mut Ebpf, name: &'static str) -> Result<Self, MapError> {
        let missing = || MapError::InvalidName {
            name: name.to_owned(),
        };
        let map = object.take_map(name).ok_or_else(missing)?;
        Ok(Self(RingBuf::try_from(map)?))
    }

    /// Copies the records that are there, up to about so many bytes: while they are copied, others come.
    pub(super) fn copy(&mut self, most_bytes: usize, to: &mut Records) {
        while to.bytes() < most_bytes
            && let Some(record) = self.0.next()
        {
            to.push(&record);
        }
    }
}

impl AsFd for Ring {
    /// Becomes readable when a program wakes those who wait for a record.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
