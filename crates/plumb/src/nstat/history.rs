//! The file that remembers counters between two runs.
//!
//! By default it lies in `/tmp`, where anybody may put things in its place. So it is opened without
//! following links and must be ours alone: one name, our user. Runs beside each other wait for
//! its lock.

use std::ffi::OsString;
use std::fmt::Display;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use plumb_model::counter::RatedCounter;
use plumb_wire::proc::nstat::{SourceName, decode_rated};
use plumb_wire::scan::Scanner;
use rustix::fd::OwnedFd;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::{FAILED, Refusal};
use crate::errno;
use crate::output::Output;

/// An open and locked history file.
pub struct History {
    fd: OwnedFd,
    /// Seconds since 1970 of the last change.
    changed: i64,
}

/// Removes the file; what cannot be removed shows when it is opened.
pub fn forget() {
    let _ = std::fs::remove_file(path());
}

/// `$NSTAT_HISTORY`, even when empty, or a name of the user's in `/tmp`.
fn path() -> PathBuf {
    std::env::var_os("NSTAT_HISTORY")
        .unwrap_or_else(|| {
            let uid = rustix::process::getuid().as_raw();
            OsString::from(format!("/tmp/.nstat.u{uid}"))
        })
        .into()
}

impl History {
    /// Opens, locks and checks the file; makes it when there is none.
    pub fn open() -> Result<Self, Refusal> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path(), flags, Mode::RUSR | Mode::WUSR)
            .map_err(|error| refusal("open history file", error))?;
        rustix::fs::flock(&fd, FlockOperation::LockExclusive)
            .map_err(|error| refusal("flock history file", error))?;
        let stat = rustix::fs::fstat(&fd).map_err(|error| refusal("fstat history file", error))?;
        if stat.st_nlink != 1 || stat.st_uid != rustix::process::getuid().as_raw() {
            return Err(Refusal {
                text: "nstat: something is so wrong with history file, that I prefer not to \
                       proceed.\n"
                    .into(),
                status: FAILED,
            });
        }
        Ok(Self {
            fd,
            changed: stat.st_mtime,
        })
    }

    /// Empties the file if this boot of the machine is younger: its counters began anew.
    pub fn reset_if_aged(&self, out: &mut Output) {
        let Some(uptime) = uptime_secs() else {
            return;
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| {
                i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
            });
        if now.saturating_sub(uptime) >= self.changed {
            out.complain(b"nstat: history is aged out, resetting\n");
            self.truncate(out);
        }
    }

    /// Reads what is remembered; `source` learns where it came from.
    pub fn read(&self, source: &mut SourceName) -> Result<Vec<RatedCounter>, Refusal> {
        let mut text = Vec::new();
        let mut buffer = [0; 16 * 1024];
        // A read error ends the file, as the end would.
        while let Ok(got @ 1..) =
            rustix::io::retry_on_intr(|| rustix::io::read(&self.fd, &mut buffer))
        {
            text.extend_from_slice(buffer.get(..got).unwrap_or(&[]));
        }
        Ok(decode_rated(&text, source)?)
    }

    /// Replaces what is remembered, and unlocks.
    pub fn replace(self, text: &[u8], out: &mut Output) -> Result<(), Refusal> {
        self.truncate(out);
        // A device cannot be wound back and need not be.
        let _ = rustix::fs::seek(&self.fd, rustix::fs::SeekFrom::Start(0));
        let mut rest = text;
        while !rest.is_empty() {
            let written = rustix::io::retry_on_intr(|| rustix::io::write(&self.fd, rest)).map_err(
                |error| Refusal {
                    status: 1,
                    ..refusal("write history file", error)
                },
            )?;
            rest = rest.get(written..).unwrap_or(&[]);
        }
        Ok(())
    }

    /// Empties the file; what is no regular file keeps its content, with a word about it.
    fn truncate(&self, out: &mut Output) {
        if let Err(error) = rustix::fs::ftruncate(&self.fd, 0) {
            out.complain(refusal("ftruncate", error).text.as_bytes());
        }
    }
}

/// Seconds since boot, whole ones; `None` where the kernel does not tell.
fn uptime_secs() -> Option<i64> {
    let text = std::fs::read("/proc/uptime").ok()?;
    Scanner::new(&text).signed()
}

fn refusal(operation: impl Display, error: Errno) -> Refusal {
    Refusal {
        text: format!("nstat: {operation}: {}\n", errno::words(error)),
        status: FAILED,
    }
}
