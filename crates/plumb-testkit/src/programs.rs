//! Where the programs of this crate lie, for tests of other crates: beside the programs that cargo builds.

use std::io;
use std::path::PathBuf;

/// Finds a program of the testkit; `cargo build --workspace --bins` makes them all.
pub fn find(name: &str) -> io::Result<PathBuf> {
    let test = std::env::current_exe()?;
    // Tests lie in `deps`, programs in the folder above it.
    let folders = test.ancestors().skip(1).take(2);
    folders
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .ok_or_else(|| {
            io::Error::other(format!(
                "there is no {name}: cargo build --workspace --bins"
            ))
        })
}
