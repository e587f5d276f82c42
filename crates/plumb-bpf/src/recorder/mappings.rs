//! Which files processes map as code, told by perf when they do: a process may end before its
//! `/proc/PID/maps` is read, and without it a stack is only addresses.
//!
//! Minimum kernel version: 3.16 (`PERF_RECORD_MMAP2`). Where perf refuses, stacks of processes that end at
//! once stay without names.

use std::io;

use super::perf::{self, Attributes, Ring, Watched};

/// Pages of each processor's ring: some 2 000 mappings between two looks.
const RING_PAGES: usize = 64;

/// `PERF_TYPE_SOFTWARE` and `PERF_COUNT_SW_DUMMY`: no event but what goes with it.
const SOFTWARE: u32 = 1;
const DUMMY: u64 = 9;
/// `PERF_SAMPLE_TIME`: with it, and [`SAMPLE_ID_ALL`], each record ends with the moment it was made.
const SAMPLE_TIME: u64 = 1 << 2;
/// Bits of `struct perf_event_attr`.
const INHERIT: u64 = 1 << 1;
const MMAP: u64 = 1 << 8;
const COMM: u64 = 1 << 9;
const TASK: u64 = 1 << 13;
const SAMPLE_ID_ALL: u64 = 1 << 18;
const MMAP2: u64 = 1 << 23;
const COMM_EXEC: u64 = 1 << 24;

/// `PERF_RECORD_COMM`, with `PERF_RECORD_MISC_COMM_EXEC` of an execve().
const RECORD_COMM: u32 = 3;
const MISC_EXEC: u16 = 1 << 13;
/// `PERF_RECORD_FORK`.
const RECORD_FORK: u32 = 7;
/// `PERF_RECORD_MMAP2`.
const RECORD_MMAP2: u32 = 10;

/// Something that changed the code of a process.
#[derive(Debug, PartialEq, Eq)]
pub enum Mapping<'a> {
    /// It began another program.
    Began {
        /// The process.
        pid: u32,
    },
    /// It was born with the code of another.
    Forked {
        /// The process.
        pid: u32,
        /// The other.
        parent: u32,
    },
    /// It mapped a file as code.
    Mapped {
        /// The process.
        pid: u32,
        /// The line that `/proc/PID/maps` has for it.
        line: &'a [u8],
    },
}

/// Rings of all processors, and room for what is in them: the moment and the bytes of each record.
pub(super) struct Mappings(Vec<Ring>, Vec<(u64, Vec<u8>)>);

impl Mappings {
    /// Begins to listen to a process and its children to come, or to all.
    pub(super) fn listen(watched: Watched) -> io::Result<Self> {
        let attributes = Attributes::of_records(
            SOFTWARE,
            DUMMY,
            INHERIT | MMAP | COMM | TASK | SAMPLE_ID_ALL | MMAP2 | COMM_EXEC,
        )
        .with_samples(SAMPLE_TIME);
        let rings = perf::processors()?.into_iter().map(|processor| {
            let event = perf::open(&attributes, watched, processor)?;
            Ring::map(event, RING_PAGES)
        });
        let rings = rings.collect::<io::Result<_>>()?;
        Ok(Self(rings, Vec::new()))
    }

    /// Hands on what came, in the order in which it happened: a process may move to another processor between
    /// beginning a program and mapping its code.
    pub(super) fn drain(&mut self, tell: &mut impl FnMut(Mapping<'_>)) {
        let Self(rings, records) = self;
        for ring in rings {
            ring.drain(|record| {
                if let Some((record, time)) = record.split_last_chunk() {
                    records.push((u64::from_ne_bytes(*time), record.to_vec()));
                }
            });
        }
        records.sort_by_key(|(time, _)| *time);
        for (_, record) in records.drain(..) {
            decode(&record, tell);
        }
    }
}

/// Decodes one record: header (kind, misc, size), then what its kind has.
fn decode(record: &[u8], tell: &mut impl FnMut(Mapping<'_>)) -> Option<()> {
    let u32_at = |at: usize| Some(u32::from_ne_bytes(record.get(at..at + 4)?.try_into().ok()?));
    let u64_at = |at: usize| Some(u64::from_ne_bytes(record.get(at..at + 8)?.try_into().ok()?));
    let misc = u16::from_ne_bytes(record.get(4..6)?.try_into().ok()?);
    let pid = u32_at(8)?;
    match u32_at(0)? {
        RECORD_COMM if misc & MISC_EXEC != 0 => tell(Mapping::Began { pid }),
        RECORD_FORK => {
            let parent = u32_at(12)?;
            if parent != pid {
                tell(Mapping::Forked { pid, parent });
            }
        }
        RECORD_MMAP2 => {
            let name = record.get(72..)?;
            let end = name
                .iter()
                .position(|&byte| byte == 0)
                .unwrap_or(name.len());
            let (start, len) = (u64_at(16)?, u64_at(24)?);
            let head = format!(
                "{start:x}-{:x} r-xp {:x} {:x}:{:x} {} ",
                start.checked_add(len)?,
                u64_at(32)?,
                u32_at(40)?,
                u32_at(44)?,
                u64_at(48)?,
            );
            let mut line = head.into_bytes();
            line.extend_from_slice(name.get(..end)?);
            line.push(b'\n');
            tell(Mapping::Mapped { pid, line: &line });
        }
        _ => {}
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u32, misc: u16, words: &[u32], name: &[u8]) -> Vec<u8> {
        let mut bytes = kind.to_ne_bytes().to_vec();
        bytes.extend(misc.to_ne_bytes());
        bytes.extend([0, 0]);
        bytes.extend(words.iter().flat_map(|word| word.to_ne_bytes()));
        bytes.extend_from_slice(name);
        bytes
    }

    fn told(record: &[u8]) -> Vec<String> {
        let mut told = Vec::new();
        decode(record, &mut |mapping| {
            told.push(match mapping {
                Mapping::Mapped { pid, line } => format!("{pid} {}", String::from_utf8_lossy(line)),
                other => format!("{other:?}"),
            });
        });
        told
    }

    #[test]
    fn a_mapping_becomes_the_line_that_proc_has() {
        let words = [
            7, 8, 0x1000, 0, 0x2000, 0, 0x3000, 0, 8, 1, 42, 0, 0, 0, 5, 2,
        ];
        let record = record(RECORD_MMAP2, 0, &words, b"/lib/x.so\0\0\0");
        assert_eq!(told(&record), ["7 1000-3000 r-xp 3000 8:1 42 /lib/x.so\n"]);
        for len in 0..record.len() {
            told(record.get(..len).expect("it is shorter"));
        }
    }

    #[test]
    fn threads_are_not_born_with_code_of_another() {
        assert_eq!(told(&record(RECORD_FORK, 0, &[7, 7, 8, 7], b"")), [""; 0]);
        assert_eq!(
            told(&record(RECORD_FORK, 0, &[9, 7, 9, 7], b"")),
            ["Forked { pid: 9, parent: 7 }"]
        );
    }

    #[test]
    fn only_an_execve_begins_another_program() {
        assert_eq!(told(&record(RECORD_COMM, 0, &[7, 7], b"x\0")), [""; 0]);
        assert_eq!(
            told(&record(RECORD_COMM, MISC_EXEC, &[7, 7], b"x\0")),
            ["Began { pid: 7 }"]
        );
    }
}
