//! Records as a stream: what reading an iterator of `files` gives, pinned or our own.

use std::fs::File;
use std::path::Path;

use super::choice::Choice;
use crate::iterator::Reading;
use crate::load::{Program, load_first};
use crate::socket_file::{LEN, decode_socket_file};
use crate::unavailable::Unavailable;

/// The programs, the better first: `probes/owners/files.bpf.c` and `files_plain.bpf.c`.
pub(crate) const FILES: [&Program; 2] = [
    &Program {
        name: "owners/files",
        object: None,
        light: include_bytes!("../../probes/owners/files.light"),
        iterator: "task_file",
        function: "plumb_files",
        maps: &[],
    },
    &Program {
        name: "owners/files_plain",
        object: Some(aya::include_bytes_aligned!(
            "../../probes/owners/files_plain.bpf.o"
        )),
        light: include_bytes!("../../probes/owners/files_plain.light"),
        iterator: "task_file",
        function: "plumb_files",
        maps: &[],
    },
];

/// What is read at once: the kernel fills 32 KiB for each call.
const BUFFER: usize = 64 << 10;

/// Reads a pinned iterator.
pub(super) fn read_pinned(path: &Path, choice: &mut Choice<'_>) -> Result<(), Unavailable> {
    let file = File::open(path).map_err(|error| {
        Unavailable::new(format!(
            "cannot open the iterator {}: {error}",
            path.display()
        ))
    })?;
    read(Reading::new(file), choice)
}

/// Loads the first of these programs that the kernel takes, and reads it.
pub(super) fn read_own(programs: &[&Program], choice: &mut Choice<'_>) -> Result<(), Unavailable> {
    let loaded = load_first(programs)?;
    read(Reading::new(loaded.open_iterator()?), choice)
}

fn read(mut iterator: Reading, choice: &mut Choice<'_>) -> Result<(), Unavailable> {
    let mut buffer = vec![0_u8; BUFFER];
    let mut filled = 0;
    while let Some(got) = iterator.read(&mut buffer[filled..])? {
        filled += got;
        let (records, _) = buffer[..filled].as_chunks::<LEN>();
        for record in records {
            choice.take(&decode_socket_file(record));
        }
        let whole = records.len() * LEN;
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
    }
    ended(filled)
}

/// Half a record at the end means that another plumb pinned what we read.
fn ended(left_over: usize) -> Result<(), Unavailable> {
    if left_over == 0 {
        return Ok(());
    }
    Err(Unavailable::new(
        "the iterator's records are not those of this plumb",
    ))
}
