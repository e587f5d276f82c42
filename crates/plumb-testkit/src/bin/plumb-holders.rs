//! `plumb-holders COMMAND…`: runs a command beside sockets whose holders are hard to find.
//!
//! In network and mount namespaces made by whoever calls it: it mounts over `/proc`. Says on standard
//! error, a line for each socket, how and by whom it is held; ends with the command's exit status.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitCode};

use plumb_testkit::holding::{self, children};

fn main() -> ExitCode {
    match run(&std::env::args_os().skip(1).collect::<Vec<_>>()) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("plumb-holders: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(words: &[OsString]) -> io::Result<u8> {
    let [program, arguments @ ..] = words else {
        return Err(io::Error::other(
            "usage: plumb-holders COMMAND [ARGUMENT]...",
        ));
    };
    if program == children::RECEIVE && arguments.is_empty() {
        return children::receive().map(|()| 0);
    }
    let held = holding::every_way(&std::env::current_exe()?)?;
    for one in &held {
        eprintln!(
            "plumb-holders: {} port {} inode {} pid {} {:?}",
            one.way.word(),
            one.port,
            one.inode,
            one.pid,
            one.way
        );
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
