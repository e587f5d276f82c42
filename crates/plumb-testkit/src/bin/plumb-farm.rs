//! `plumb-farm --sockets N --processes P -- COMMAND…`: runs a command beside a farm of sockets.
//!
//! Makes new network, mount and process namespaces (`unshare`, so root is needed), brings loopback
//! up, waits until the farm stands, runs the command in there and ends with its exit status. When
//! it ends, however it ends, the kernel ends everything in its process namespace.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode};

use plumb_testkit::farm::{self, Farm, Plan};

/// The first word of the command line inside the new namespaces.
const INSIDE: &str = "inside";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match run(&arguments) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("plumb-farm: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[OsString]) -> io::Result<ExitCode> {
    let words: Vec<&str> = arguments.iter().map_while(|word| word.to_str()).collect();
    match words.as_slice() {
        [farm::WORKER, index, connections] => {
            farm::work(number(index)?, number(connections)?)?;
            Ok(ExitCode::SUCCESS)
        }
        [INSIDE, sockets, processes, ..] => {
            inside(plan(sockets, processes)?, &arguments[3..]).map(ExitCode::from)
        }
        ["--sockets", sockets, "--processes", processes, "--", _, ..] => {
            plan(sockets, processes)?;
            Err(enter(sockets, processes, &arguments[5..]))
        }
        _ => Err(io::Error::other(
            "usage: plumb-farm --sockets N --processes P -- COMMAND [ARGUMENT]...",
        )),
    }
}

/// Becomes `unshare`, which starts this program again inside; returns only if that failed.
fn enter(sockets: &str, processes: &str, command: &[OsString]) -> io::Error {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    let error = Command::new("unshare")
        .args(["--net", "--mount", "--propagation", "private"])
        .args(["--pid", "--fork", "--kill-child", "--mount-proc", "--"])
        .arg(program)
        .args([INSIDE, sockets, processes])
        .args(command)
        .exec();
    io::Error::new(error.kind(), format!("cannot run unshare: {error}"))
}

fn inside(plan: Plan, command: &[OsString]) -> io::Result<u8> {
    let [program, arguments @ ..] = command else {
        return Err(io::Error::other("no command given"));
    };
    plumb_testkit::loopback::bring_up()?;
    let farm = Farm::start(&std::env::current_exe()?, plan)?;
    let status = Command::new(program)
        .args(arguments)
        .status()
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", program.display())))?;
    drop(farm);
    // As a shell does: 128 and the signal's number.
    let status = status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(u8::try_from(status).unwrap_or(u8::MAX))
}

fn plan(sockets: &str, processes: &str) -> io::Result<Plan> {
    Plan::new(number(sockets)?, number(processes)?).map_err(io::Error::other)
}

fn number(text: &str) -> io::Result<usize> {
    text.parse()
        .map_err(|error| io::Error::other(format!("{text}: {error}")))
}
