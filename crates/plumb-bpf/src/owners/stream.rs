//! Records as a stream: what reading an iterator of `files` gives, pinned or our own.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use super::choice::Choice;
use super::record::{LEN, decode_socket_file};
use crate::load::{Program, load};
use crate::unavailable::Unavailable;

/// `probes/owners/files.bpf.c`.
pub(crate) const FILES: Program = Program {
    name: "owners/files",
    object: aya::include_bytes_aligned!("../../probes/owners/files.bpf.o"),
    light: include_bytes!("../../probes/owners/files.light"),
    iterator: "task_file",
    function: "plumb_files",
    maps: &[],
};

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
    read(file, choice)
}

/// Loads the program and reads it.
pub(super) fn read_own(choice: &mut Choice<'_>) -> Result<(), Unavailable> {
    let loaded = load(&FILES)?;
    let file = loaded.open_iterator()?;
    read(File::from(file), choice)
}

fn read(mut file: File, choice: &mut Choice<'_>) -> Result<(), Unavailable> {
    let mut buffer = vec![0_u8; BUFFER];
    let mut filled = 0;
    loop {
        let got = match file.read(&mut buffer[filled..]) {
            Ok(0) => return ended(filled),
            Ok(got) => got,
            // The kernel ends a call that passed a million files without a socket.
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                continue;
            }
            Err(error) => {
                return Err(Unavailable::new(format!(
                    "cannot read the iterator: {error}"
                )));
            }
        };
        filled += got;
        let (records, _) = buffer[..filled].as_chunks::<LEN>();
        for record in records {
            choice.take(&decode_socket_file(record));
        }
        let whole = records.len() * LEN;
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
    }
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
