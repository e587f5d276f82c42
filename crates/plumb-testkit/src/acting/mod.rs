//! A program in C that does known things with sockets, in functions whose names are known: for recordings under
//! kernels whose guests have no compiler and no interpreter.
//!
//! Where [`BUILT`] names a program, that is it: `cargo xtask vm smoke` builds it outside of the guest, with
//! [`COMPILER`]'s words.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the program where it has been built already.
pub const BUILT: &str = "PLUMB_ACT";
/// The compiler and its options; the source and `-o` FILE follow.
pub const COMPILER: [&str; 4] = ["cc", "-O2", "-g", "-fomit-frame-pointer"];
/// The function that opens connections.
pub const OPENS: &str = "open_here";
/// The function that reads them to their end.
pub const READS: &str = "read_end_here";
/// Bytes that `act move` sends, and as many that it receives: over UDP, UDP of IPv6, and UNIX sockets.
pub const MOVED: [u64; 5] = [10 * 300, 9 * 200, 8 * 1000, 7 * 100, 6 * 50];

/// Gives the program, built in a folder if need be.
pub fn program(folder: &Path) -> PathBuf {
    if let Some(built) = std::env::var_os(BUILT) {
        return PathBuf::from(built);
    }
    let source = folder.join("act.c");
    let built = folder.join("act");
    std::fs::write(&source, include_str!("act.c")).expect("the folder may be written to");
    let status = Command::new(COMPILER[0])
        .args(&COMPILER[1..])
        .arg(&source)
        .arg("-o")
        .arg(&built)
        .status()
        .expect("this machine has a C compiler");
    assert!(status.success(), "act.c does not build");
    built
}
