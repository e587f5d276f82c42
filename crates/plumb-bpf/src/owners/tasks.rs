//! Records through shared memory: the program `tasks` looks into the tables of files of all tasks.
//!
//! The program writes records to an array that is mapped here, and says in `struct control` how
//! many. Reading its iterator runs it until the array is full, one task took long, or all tasks were
//! seen; then the records are taken, and reading goes on.
//!
//! Minimum kernel version: 5.17 (`bpf_loop`). Below it [`super::stream`] is used.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::fd::AsFd as _;

use super::Wanted;
use super::choice::Choice;
use super::record::{LEN, decode_socket_file};
use crate::load::{Loaded, Program, load_light};
use crate::sys::Shared;
use crate::unavailable::Unavailable;

/// `probes/owners/tasks.bpf.c`.
pub(crate) const TASKS: Program = Program {
    name: "owners/tasks",
    object: aya::include_bytes_aligned!("../../probes/owners/tasks.bpf.o"),
    light: include_bytes!("../../probes/owners/tasks.light"),
    iterator: "task",
    function: "plumb_tasks",
    maps: &["control", "found"],
};

/// Records in the shared array (`ROOM`).
const ROOM: usize = 16384;
/// Bits of the set of inodes (`FILTER_BITS`), as a power of two.
const FILTER_BITS_LOG2: u32 = 20;
/// `struct control` without the set.
const CONTROL: usize = 40;
/// `struct control`.
const CONTROL_AND_FILTER: usize = CONTROL + (1 << FILTER_BITS_LOG2) / 8;
/// Where `filtered`, `count` and `descriptors` stand in `struct control`.
const FILTERED: usize = 0;
const COUNT: usize = 4;
const DESCRIPTORS: usize = 32;

/// The loaded program and what it shares.
pub(super) struct Tables {
    control: Shared,
    found: Shared,
    iterator: File,
}

impl Tables {
    /// Loads the program and tells it what is wanted.
    pub(super) fn load(wanted: Wanted<'_>) -> Result<Self, Unavailable> {
        let loaded = load_light(&TASKS).map_err(|error| {
            Unavailable::new(format!("cannot {}: {}", error.doing, error.error))
        })?;
        let mut control = shared(&loaded, 0, CONTROL_AND_FILTER)?;
        let found = shared(&loaded, 1, ROOM * LEN)?;
        if let Wanted::Inodes(inodes) = wanted {
            set_filter(control.bytes_mut(), inodes);
        }
        Ok(Self {
            control,
            found,
            iterator: File::from(loaded.open_iterator()?),
        })
    }

    /// Reads all records; gives how many descriptors were looked at.
    pub(super) fn read(&mut self, choice: &mut Choice<'_>) -> Result<u64, Unavailable> {
        let mut nothing = [0; 64];
        loop {
            let got = self.iterator.read(&mut nothing);
            self.take(choice);
            match got {
                Ok(0) => return Ok(self.word::<8>(DESCRIPTORS).map_or(0, u64::from_ne_bytes)),
                Ok(_) => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => {
                    return Err(Unavailable::new(format!(
                        "cannot read the iterator: {error}"
                    )));
                }
            }
        }
    }

    /// Takes the records that are there.
    fn take(&mut self, choice: &mut Choice<'_>) {
        let count = self.word::<4>(COUNT).map_or(0, u32::from_ne_bytes);
        let count = usize::try_from(count).unwrap_or(ROOM);
        let (records, _) = self.found.bytes().as_chunks::<LEN>();
        for record in records.iter().take(count) {
            choice.take(&decode_socket_file(record));
        }
        self.control.bytes_mut()[COUNT..COUNT + 4].fill(0);
    }

    fn word<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.control.bytes().get(at..)?.first_chunk().copied()
    }
}

fn shared(loaded: &Loaded, map: usize, len: usize) -> Result<Shared, Unavailable> {
    let fd = loaded.maps.get(map).map(|fd| fd.as_fd());
    let fd = fd.ok_or_else(|| Unavailable::new("the program came without its maps"))?;
    Shared::map(fd, len)
        .map_err(|error| Unavailable::new(format!("cannot map the program's memory: {error}")))
}

/// Sets the bits of the inodes in `struct control`.
fn set_filter(control: &mut [u8], inodes: &[u64]) {
    control[FILTERED..FILTERED + 4].copy_from_slice(&1_u32.to_ne_bytes());
    let filter = &mut control[CONTROL..];
    for &inode in inodes {
        let bit = hash(inode);
        // The program sees 64-bit words: on a machine of the other byte order their bytes are turned.
        let byte = if cfg!(target_endian = "big") {
            (bit / 8) ^ 7
        } else {
            bit / 8
        };
        if let Some(byte) = filter.get_mut(byte) {
            *byte |= 1 << (bit % 8);
        }
    }
}

/// The bit of an inode, as `wanted()` in the program finds it.
fn hash(inode: u64) -> usize {
    let mixed = inode.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - FILTER_BITS_LOG2);
    usize::try_from(mixed).unwrap_or(0)
}
