//! `plumb-sockets COMMAND…`: runs a command beside one socket of every kind this kernel has.
//!
//! In a network namespace of its own, which is to be made by whoever calls it: sockets are made where
//! the program runs. Families the kernel lacks are named on standard error. Ends with the command's
//! exit status.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode};

use plumb_testkit::sockets::{self, families, listeners};
use plumb_testkit::temp::TempDir;

fn main() -> ExitCode {
    match run(&std::env::args_os().skip(1).collect::<Vec<_>>()) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("plumb-sockets: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(words: &[OsString]) -> io::Result<u8> {
    let [program, arguments @ ..] = words else {
        return Err(io::Error::other(
            "usage: plumb-sockets COMMAND [ARGUMENT]...",
        ));
    };
    let dir = TempDir::new("sockets")?;
    let mut held = sockets::every_kind(dir.path())?;
    held.extend(listeners::many()?);
    for (family, sockets) in families::every_family() {
        match sockets {
            Ok(sockets) => held.extend(sockets),
            Err(error) => eprintln!("plumb-sockets: no {family} sockets here: {error}"),
        }
    }
    let status = Command::new(program)
        .args(arguments)
        .status()
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", program.display())))?;
    drop(held);
    // As a shell does: 128 and the signal's number.
    let status = status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(u8::try_from(status).unwrap_or(u8::MAX))
}
