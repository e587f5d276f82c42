//! Listeners whose queues are looked at: reading an iterator over their table runs a program on each, which tells
//! of those that have dropped what came (`probes/recorder/overflow.h`).

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::Instant;

use aya::Ebpf;
use aya::maps::Map;
use aya::programs::{Iter, Program};

use crate::iterator::Reading;
use crate::sys;

use super::limits;

/// Both programs, linked.
#[derive(Debug)]
pub(super) struct Listeners {
    full: OwnedFd,
    older: OwnedFd,
    looked: Instant,
}

impl Listeners {
    /// Links the programs, which are loaded.
    pub(super) fn of(object: &Ebpf) -> Result<Self, String> {
        let Some(Map::HashMap(watched)) = object.map("watched") else {
            return Err(String::from("no table of listeners"));
        };
        let full = program(object, "full_listeners")?;
        let older = program(object, "older_listeners")?;
        let say = |error: rustix::io::Errno| format!("cannot make the iterator: {error}");
        Ok(Self {
            full: sys::link_iterator_over(full, watched.fd().as_fd()).map_err(say)?,
            older: sys::link_iterator(older).map_err(say)?,
            looked: Instant::now(),
        })
    }

    /// Finds the listeners that were there before, among the sockets that the programs were told of.
    pub(super) fn find_older(&self) {
        run(self.older.as_fd());
    }

    /// Looks at all of them, if the last look is long enough ago.
    pub(super) fn look(&mut self) {
        if self.looked.elapsed() >= limits::LOOK {
            self.look_now();
        }
    }

    /// Looks at all of them.
    pub(super) fn look_now(&mut self) {
        self.looked = Instant::now();
        run(self.full.as_fd());
    }
}

fn program<'o>(object: &'o Ebpf, name: &str) -> Result<BorrowedFd<'o>, String> {
    let found: Option<&Iter> = match object.program(name) {
        Some(Program::Iter(program)) => Some(program),
        _ => None,
    };
    let program = found.ok_or_else(|| format!("no iterator {name}"))?;
    let fd = program.fd().map_err(|error| error.to_string())?;
    Ok(fd.as_fd())
}

/// Reads an iterator to its end. What it tells goes through the ring; a look that fails is made up for by the
/// next one, because drops are counted by the kernel.
fn run(link: BorrowedFd<'_>) {
    let Ok(iterator) = sys::open_iterator(link) else {
        return;
    };
    let mut reading = Reading::new(iterator);
    let mut nothing = [0; 64];
    while let Ok(Some(_)) = reading.read(&mut nothing) {}
}
