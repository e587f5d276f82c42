//! Records through shared memory: the program `tasks` looks into the tables of files of all tasks.
//!
//! The program writes records to an array that is mapped here, and says in `struct control` how
//! many. Reading its iterator runs it until the array is full, one task took long, or all tasks were
//! seen; then the records are taken, and reading goes on.
//!
//! Minimum kernel version: 5.17 (`bpf_loop`), with fewer calls since 6.2. Below, [`super::stream`] is used.

use super::Wanted;
use super::choice::Choice;
use crate::iterator::Reading;
use crate::load::{Program, load_first};
use crate::mailbox::{self, Mailbox};
use crate::socket_file::{LEN, decode_socket_file};
use crate::unavailable::Unavailable;

/// The programs, the better first: `probes/owners/tasks.bpf.c` and `tasks_plain.bpf.c`.
pub(crate) const TASKS: [&Program; 2] = [
    &Program {
        name: "owners/tasks",
        object: None,
        light: include_bytes!("../../probes/owners/tasks.light"),
        iterator: "task",
        function: "plumb_tasks",
        maps: &mailbox::MAPS,
    },
    &Program {
        name: "owners/tasks_plain",
        object: None,
        light: include_bytes!("../../probes/owners/tasks_plain.light"),
        iterator: "task",
        function: "plumb_tasks",
        maps: &mailbox::MAPS,
    },
];

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
    mailbox: Mailbox<LEN>,
    iterator: Reading,
}

impl Tables {
    /// Loads the first of these programs that the kernel takes, and tells it what is wanted.
    pub(super) fn load(programs: &[&Program], wanted: Wanted<'_>) -> Result<Self, Unavailable> {
        let loaded = load_first(programs)?;
        let mut mailbox = Mailbox::map(&loaded.maps, CONTROL_AND_FILTER, ROOM, COUNT)?;
        if let Wanted::Inodes(inodes) = wanted {
            set_filter(mailbox.control_mut(), inodes);
        }
        Ok(Self {
            mailbox,
            iterator: Reading::new(loaded.open_iterator()?),
        })
    }

    /// Reads all records; gives how many descriptors were looked at.
    pub(super) fn read(&mut self, choice: &mut Choice<'_>) -> Result<u64, Unavailable> {
        let mut each = |record: &[u8; LEN]| choice.take(&decode_socket_file(record));
        // The program writes nothing to the file itself.
        while self.iterator.read(&mut [0; 64])?.is_some() {
            self.mailbox.empty(&mut each);
        }
        self.mailbox.empty(&mut each);
        Ok(u64::from_ne_bytes(self.mailbox.word(DESCRIPTORS)))
    }
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
