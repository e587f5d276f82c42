//! Another process's memory, read without stopping it. Needs the right to trace the process.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

/// The memory of a process.
#[derive(Debug)]
pub(super) struct Memory(File);

impl Memory {
    /// Opens it; `None` if we may not, or the process has ended.
    pub(super) fn open(pid: u32) -> Option<Self> {
        let file = File::open(format!("/proc/{pid}/mem"));
        file.ok().map(Self)
    }

    /// Reads up to this many bytes, as many as lie there.
    pub(super) fn up_to(&self, address: u64, most: usize) -> Vec<u8> {
        let mut bytes = vec![0; most];
        let mut got = 0;
        while let Some(rest) = bytes.get_mut(got..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, address.saturating_add(got as u64)) {
                Ok(0) | Err(_) => break,
                Ok(more) => got += more,
            }
        }
        bytes.truncate(got);
        bytes
    }

    /// Fills `bytes` with what lies at an address.
    pub(super) fn read(&self, address: u64, bytes: &mut [u8]) -> Option<()> {
        self.0.read_exact_at(bytes, address).ok()
    }

    /// Reads one word.
    pub(super) fn word(&self, address: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        self.read(address, &mut bytes)?;
        Some(u64::from_ne_bytes(bytes))
    }

    /// Reads this many bytes; `None` if they are more than a sane object has.
    pub(super) fn bytes(&self, address: u64, len: u64, most: u64) -> Option<Vec<u8>> {
        let len = usize::try_from(len).ok().filter(|_| len <= most)?;
        let mut bytes = vec![0; len];
        self.read(address, &mut bytes)?;
        Some(bytes)
    }
}

/// Gives the word at a place in bytes that were read.
pub(super) fn word_at(bytes: &[u8], at: usize) -> Option<u64> {
    let word = bytes.get(at..at.checked_add(8)?)?;
    word.try_into().ok().map(u64::from_ne_bytes)
}
