//! Answers of sock_diag that no kernel here would give, for the original and for ours.
//!
//! Ours reads them from the directory that `PLUMB_DIAG_DIR` names. The original takes its sockets
//! from the kernel alone, so a small library that the C compiler builds here comes between the two
//! (`shim.c`, by `LD_PRELOAD`); ours makes its system calls itself and does not notice it.

pub mod rows;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use crate::differential::Call;
use crate::temp::TempDir;

const SHIM: &str = include_str!("shim.c");

/// A directory of answers and the library that gives them.
#[derive(Debug)]
pub struct Answers {
    dir: TempDir,
    shim: PathBuf,
    _build: TempDir,
}

impl Answers {
    /// Builds the library; there are no answers yet, so every table is the kernel's.
    pub fn new() -> io::Result<Self> {
        let build = TempDir::new("shim")?;
        let source = build.path().join("shim.c");
        let shim = build.path().join("shim.so");
        fs::write(&source, SHIM)?;
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-Wall", "-Werror", "-o"])
            .arg(&shim)
            .arg(&source)
            .output()?;
        if !built.status.success() {
            let why = String::from_utf8_lossy(&built.stderr).into_owned();
            return Err(io::Error::other(why));
        }
        Ok(Self {
            dir: TempDir::new("answers")?,
            shim,
            _build: build,
        })
    }

    /// Sets the answer for a table: `unix`, `netlink`, `packet`, `tipc`, `vsock` or `xdp`.
    pub fn set(&self, table: &str, messages: &[u8]) -> io::Result<()> {
        fs::write(self.dir.path().join(table), messages)
    }

    /// Gives a call that gets these answers.
    pub fn call<W: Into<OsString>>(&self, words: impl IntoIterator<Item = W>) -> Call {
        Call::words(words)
            .with("LD_PRELOAD", self.shim.as_os_str())
            .with("PLUMB_DIAG_DIR", self.dir.path().as_os_str())
    }
}
