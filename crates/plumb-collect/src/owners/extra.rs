//! Owners that a walk over `/proc/PID/fd` does not see, for all sockets at once: threads with a table of
//! descriptors of their own, files registered with an io_uring, messages that nobody has received.
//!
//! What the personalities show with `--all-owners`, behind the owners that the originals show.

use plumb_bpf::in_flight::Probe;
use plumb_bpf::owners::{self, Wanted};
use plumb_model::Inode;
use plumb_model::attribution::How;
use rustc_hash::FxHashMap;

use super::odd::{self, Ways};

/// A process that holds a socket in a way of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    /// The process.
    pub pid: u32,
    /// Its name (`comm`), raw bytes.
    pub name: Vec<u8>,
    /// How it holds the socket.
    pub how: How,
}

/// The extra owners of all sockets, by the low 32 bits of their inode.
#[derive(Debug, Default)]
pub struct Extras(FxHashMap<u32, Vec<Extra>>);

impl Extras {
    /// Looks into every corner of all processes, and into the messages of this network namespace.
    pub fn collect() -> Self {
        let mut extras = Self::default();
        for holding in odd::look(None, Ways::Corners) {
            let extra = Extra {
                pid: holding.pid,
                name: holding.comm,
                how: holding.how,
            };
            extras.0.entry(holding.inode).or_default().push(extra);
        }
        extras.add_in_flight();
        for extras in extras.0.values_mut() {
            extras.sort_unstable_by_key(|extra| (extra.pid, extra.how));
        }
        extras
    }

    /// Without BPF nothing is known of messages.
    fn add_in_flight(&mut self) {
        let mut carried: FxHashMap<u64, Vec<u32>> = FxHashMap::default();
        if let Ok(mut probe) = Probe::load() {
            // What was told before reading ended is true.
            let _ = probe.read(&mut |file| {
                if let Ok(inode) = u32::try_from(file.inode) {
                    carried.entry(file.carrier).or_default().push(inode);
                }
            });
        }
        let carriers: Vec<u64> = carried.keys().copied().collect();
        if carriers.is_empty() {
            return;
        }
        let _ = owners::read(Wanted::Inodes(&carriers), &mut |file| {
            let carrier = Inode(file.inode);
            for &inode in carried.get(&file.inode).map_or(&[][..], Vec::as_slice) {
                self.0.entry(inode).or_default().push(Extra {
                    pid: file.tgid,
                    name: file.comm().to_vec(),
                    how: How::InFlight { carrier },
                });
            }
        });
    }

    /// Gives those of a socket, by process.
    pub fn of(&self, inode: u64) -> &[Extra] {
        let low = u32::try_from(inode & u64::from(u32::MAX)).unwrap_or(0);
        self.0.get(&low).map_or(&[], Vec::as_slice)
    }
}
