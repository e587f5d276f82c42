//! The command that is run to be recorded: held before its first instruction, let go, waited for.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use plumb_collect::sys::signal;
use rustix::process::{Pid, Signal, kill_process};

use super::{Failure, gate};
use crate::verbs::status;

/// How long a command that was interrupted may take to end: what it does with its sockets then is asked for, too.
const GRACE: Duration = Duration::from_secs(3);

/// So many bytes of a program's name the kernel keeps (`TASK_COMM_LEN` without its end).
const NAME_BYTES: usize = 15;

/// A command, held or running.
pub struct Running {
    child: Child,
    name: Vec<u8>,
    held: bool,
    ended: Option<ExitStatus>,
    /// When we were interrupted.
    interrupted: Option<Instant>,
}

/// Gives the name that the kernel gives to the process of a command: that of the program's file.
fn name(command: &[OsString]) -> Vec<u8> {
    let program = command.first().map(Path::new).and_then(Path::file_name);
    let mut name = program.unwrap_or_default().as_bytes().to_vec();
    name.truncate(NAME_BYTES);
    name
}

impl Running {
    /// Starts a command and holds it before its first instruction. What it prints goes to standard error:
    /// standard output is the answer's.
    pub fn hold(command: &[OsString]) -> Result<Self, Failure> {
        let failed = |text: String| Failure {
            text,
            status: status::BLIND,
        };
        let child = Command::new("/proc/self/exe")
            .args(["gate", "--"])
            .args(command)
            .stdout(Stdio::from(std::io::stderr()))
            .spawn()
            .map_err(|error| failed(format!("cannot start the command: {error}")))?;
        let mut running = Self {
            child,
            name: name(command),
            held: true,
            ended: None,
            interrupted: None,
        };
        let stopped = running.id().is_some_and(gate::wait_until_stopped);
        if !stopped {
            running.held = false;
            return Err(failed(String::from(
                "cannot hold the command before it begins",
            )));
        }
        Ok(running)
    }

    /// Gives the name that its process has when it begins, raw bytes.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Gives its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it begin.
    pub fn let_go(&mut self) {
        if let Some(pid) = self.id() {
            self.held = false;
            let _ = kill_process(pid, Signal::CONT);
        }
    }

    /// Gives its exit status once it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// Says whether its end is not waited for any more, because we were interrupted: a terminal interrupts it with
    /// us, and a SIGTERM is handed on, so it has a while to end.
    pub fn is_given_up(&mut self) -> bool {
        let Some(last) = signal::last() else {
            return false;
        };
        if self.interrupted.is_none()
            && last == Signal::TERM.as_raw()
            && let Some(pid) = self.id()
        {
            // One that has just ended needs no signal.
            let _ = kill_process(pid, Signal::TERM);
        }
        let since = self.interrupted.get_or_insert_with(Instant::now);
        signal::interrupts() > 1 || since.elapsed() >= GRACE
    }

    /// Gives its exit status as shells do; one that runs on although we were interrupted has that signal's, and
    /// one that runs on for another reason has none.
    pub fn status(&mut self) -> Option<u8> {
        let interrupted = || signal::last().and_then(|signal| u8::try_from(128 + signal).ok());
        self.ended().map(shell_status).or_else(interrupted)
    }

    fn id(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()).ok()?)
    }
}

impl Drop for Running {
    /// A command that never began must not stay behind.
    fn drop(&mut self) {
        if self.held {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Gives an exit status as shells do: 128 and the number of the signal for one that a signal ended.
pub fn shell_status(ended: ExitStatus) -> u8 {
    let number = ended
        .code()
        .or_else(|| ended.signal().map(|signal| 128 + signal));
    number
        .and_then(|number| u8::try_from(number).ok())
        .unwrap_or(1)
}
