//! `plumb gate -- CMD`: waits, stopped, until it is let go, then becomes the command.
//!
//! So a command can be recorded from its first instruction: its process exists and is known before the
//! command begins. Not for people, and not in the help.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use clap::Args;
use rustix::process::{Pid, Signal};

/// Status of shells for a command that is not there.
const NOT_FOUND: u8 = 127;
/// Status of shells for a command that cannot be run.
const NOT_RUNNABLE: u8 = 126;

/// What `plumb gate` is given.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The command.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Waits, then becomes the command; comes back only if that fails.
pub fn run(arguments: &Arguments) -> u8 {
    // Whoever is to let us go may end before; nobody else would.
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::STOP);
    let _ = rustix::process::set_parent_process_death_signal(None);
    let Some((program, rest)) = arguments.command.split_first() else {
        return NOT_FOUND;
    };
    let error = Command::new(program).args(rest).exec();
    eprintln!("plumb: cannot run {}: {error}", program.display());
    if error.kind() == std::io::ErrorKind::NotFound {
        NOT_FOUND
    } else {
        NOT_RUNNABLE
    }
}

/// Waits until a process that was started as a gate has stopped; `false` if it ended instead.
pub fn wait_until_stopped(pid: Pid) -> bool {
    use rustix::process::{WaitOptions, waitpid};
    loop {
        match waitpid(Some(pid), WaitOptions::UNTRACED) {
            Ok(Some((_, state))) => return state.stopped(),
            Err(rustix::io::Errno::INTR) | Ok(None) => {}
            Err(_) => return false,
        }
    }
}
