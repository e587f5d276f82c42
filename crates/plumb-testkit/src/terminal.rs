//! A program on a terminal of its own, as a person would run it.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// What is read at most before a program counts as gone wild.
const MOST_BYTES: usize = 1 << 20;
/// How long is waited for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A terminal and the program on it, which is ended when this is dropped.
pub struct Terminal {
    child: Child,
    ours: File,
    /// Everything the program has written.
    pub seen: Vec<u8>,
}

impl Terminal {
    /// Starts a program on a new terminal of a size.
    pub fn start(command: &mut Command, rows: u16, columns: u16) -> io::Result<Self> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&ours, size)?;
        let name = ptsname(&ours, Vec::new())?;
        let name = name.to_str().map_err(io::Error::other)?;
        let theirs = File::options().read(true).write(true).open(name)?;
        let child = command
            .stdin(OwnedFd::from(theirs.try_clone()?))
            .stdout(OwnedFd::from(theirs.try_clone()?))
            .stderr(OwnedFd::from(theirs))
            .spawn()?;
        // The command has the terminal open until it is dropped, and then nobody would see its end.
        command
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        Ok(Self {
            child,
            ours: File::from(ours),
            seen: Vec::new(),
        })
    }

    /// Types.
    pub fn type_in(&mut self, text: &str) -> io::Result<()> {
        self.ours.write_all(text.as_bytes())
    }

    /// Reads until `done` says so, or the program has left the terminal, or patience is at its end; says
    /// whether it is done.
    pub fn read_until(&mut self, done: impl Fn(&[u8]) -> bool) -> bool {
        let start = Instant::now();
        let mut piece = [0; 4096];
        while !done(&self.seen) {
            if self.seen.len() > MOST_BYTES || start.elapsed() > PATIENCE {
                return false;
            }
            let mut fds = [PollFd::new(&self.ours, PollFlags::IN)];
            let second = Timespec {
                tv_sec: 1,
                tv_nsec: 0,
            };
            if matches!(poll(&mut fds, Some(&second)), Ok(0)) {
                continue;
            }
            match self.ours.read(&mut piece) {
                Ok(got @ 1..) => self
                    .seen
                    .extend_from_slice(piece.get(..got).unwrap_or_default()),
                _ => return done(&self.seen),
            }
        }
        true
    }
}

impl Terminal {
    /// Interrupts the program, as Ctrl-C does.
    pub fn interrupt(&self) -> io::Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("no process"))?;
        Ok(kill_process(pid, Signal::INT)?)
    }

    /// Reads what the program still writes and waits for its end.
    pub fn end(&mut self) -> io::Result<ExitStatus> {
        self.read_until(|_| false);
        self.child.wait()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
