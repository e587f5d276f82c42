//! A ring of the programs, read by copying nothing: each record is looked at where it lies.

use std::time::Duration;

use aya::Ebpf;
use aya::maps::{MapData, MapError, RingBuf};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

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

    /// Waits until the programs wake us about a record, or the time is over.
    pub(super) fn wait(&self, longest: Duration) {
        let mut wanted = [PollFd::new(&self.0, PollFlags::IN)];
        let longest = Timespec::try_from(longest).ok();
        // Woken by a signal: the caller looks at what there is.
        let _ = poll(&mut wanted, longest.as_ref());
    }

    /// Hands on every record that is there.
    pub(super) fn drain(&mut self, mut each: impl FnMut(&[u8])) {
        while let Some(record) = self.0.next() {
            each(&record);
        }
    }
}
