//! Runs one program for a bounded time and keeps what it leaves.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::MemfdFlags;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// The longest any program may run.
const TIME_LIMIT: Duration = Duration::from_secs(20);
/// How often the output of a program that repeats itself is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// When a call is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// When the program ends.
    Exit,
    /// When standard output holds `marker` this many times; for programs that never end.
    Rounds {
        /// What each round prints once.
        marker: &'static str,
        /// How many rounds.
        count: usize,
    },
    /// After this time.
    Elapsed(Duration),
}

/// One way to call netstat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The words after argv[0]; for a shell call the script alone.
    pub words: Vec<OsString>,
    /// Environment beside `LC_ALL` and `PATH`.
    pub environment: Vec<(&'static str, &'static str)>,
    /// The user and group to run as; root if none.
    pub user: Option<u32>,
    /// When the call is over.
    pub until: Until,
    /// Whether `sh -c` runs the words, with netstat in `PATH`.
    pub shell: bool,
}

impl Call {
    /// Calls netstat with these words.
    pub fn words<W: Into<OsString>>(words: impl IntoIterator<Item = W>) -> Self {
        Self {
            words: words.into_iter().map(Into::into).collect(),
            environment: Vec::new(),
            user: None,
            until: Until::Exit,
            shell: false,
        }
    }

    /// Calls `sh -c script`, in which `netstat` is the program under comparison.
    pub fn shell(script: &str) -> Self {
        Self {
            shell: true,
            ..Self::words([script])
        }
    }

    fn command(&self, directory: &Path) -> Command {
        let mut command = if self.shell {
            let mut command = Command::new("sh");
            command.arg("-c");
            command
        } else {
            let mut command = Command::new(directory.join("netstat"));
            command.arg0("netstat");
            command
        };
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", directory.display());
        command
            .args(&self.words)
            .env_clear()
            .env("LC_ALL", "C")
            .env("PATH", path)
            .envs(self.environment.iter().copied())
            .current_dir("/")
            .stdin(Stdio::null());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With this exit status.
    Status(i32),
    /// By this signal.
    Signal(i32),
    /// It would have gone on; we ended it when we had seen enough.
    StillRunning,
    /// It did not end in time.
    TimedOut,
}

/// What a program left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Everything it wrote to standard output.
    pub stdout: Vec<u8>,
    /// Everything it wrote to standard error.
    pub stderr: Vec<u8>,
    /// How it ended.
    pub end: End,
}

impl Outcome {
    /// Replaces the time left in `(1.23/0/0)` by `#`: it ticks.
    pub fn mask_timers(&mut self) {
        self.stdout = mask_timers(&self.stdout);
    }

    /// Says whether a signal ended the program: it crashed.
    pub fn crashed(&self) -> bool {
        // SIGPIPE and SIGTERM are ways to end a healthy program.
        matches!(self.end, End::Signal(signal) if signal != 13 && signal != 15)
    }
}

fn mask_timers(text: &[u8]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&b| b == b'(') {
        masked.extend_from_slice(&rest[..=at]);
        rest = &rest[at + 1..];
        let len = rest
            .iter()
            .take_while(|b| b.is_ascii_digit() || **b == b'.')
            .count();
        if len > 3 && rest.get(len - 3) == Some(&b'.') && rest.get(len) == Some(&b'/') {
            masked.push(b'#');
            rest = &rest[len..];
        }
    }
    masked.extend_from_slice(rest);
    masked
}

/// Runs a call with the `netstat` of `directory`.
pub(super) fn run(
    directory: &Path,
    call: &Call,
    environment: &[(OsString, OsString)],
) -> io::Result<Outcome> {
    let mut stdout = memory("stdout")?;
    let mut stderr = memory("stderr")?;
    let mut child = call
        .command(directory)
        .envs(environment.iter().cloned())
        .stdout(stdout.try_clone()?)
        .stderr(stderr.try_clone()?)
        .spawn()?;
    let end = wait(&mut child, call.until, &mut stdout)?;
    Ok(Outcome {
        stdout: content(&mut stdout)?,
        stderr: content(&mut stderr)?,
        end,
    })
}

fn memory(name: &str) -> io::Result<File> {
    Ok(rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC)?.into())
}

fn content(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn wait(child: &mut Child, until: Until, stdout: &mut File) -> io::Result<End> {
    let start = Instant::now();
    loop {
        let step = match until {
            Until::Exit => TIME_LIMIT,
            Until::Rounds { .. } => LOOK,
            Until::Elapsed(time) => time.saturating_sub(start.elapsed()),
        };
        if ends_within(child, step)? {
            return Ok(end(child.wait()?));
        }
        let enough = match until {
            Until::Exit => false,
            Until::Rounds { marker, count } => rounds(stdout, marker)? >= count,
            Until::Elapsed(time) => start.elapsed() >= time,
        };
        if enough || start.elapsed() >= TIME_LIMIT {
            child.kill()?;
            child.wait()?;
            return Ok(if enough {
                End::StillRunning
            } else {
                End::TimedOut
            });
        }
    }
}

/// Waits on the process itself; says whether it has ended.
fn ends_within(child: &Child, time: Duration) -> io::Result<bool> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("a process without a number"))?;
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    let timeout = Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(time.subsec_nanos()),
    };
    let mut fds = [PollFd::new(&process, PollFlags::IN)];
    Ok(poll(&mut fds, Some(&timeout))? > 0)
}

/// Counts the rounds written so far, without moving the place where the program writes.
fn rounds(stdout: &File, marker: &str) -> io::Result<usize> {
    let len = usize::try_from(stdout.metadata()?.len()).map_err(io::Error::other)?;
    let mut bytes = vec![0; len];
    std::os::unix::fs::FileExt::read_exact_at(stdout, &mut bytes, 0)?;
    Ok(count(&bytes, marker.as_bytes()))
}

/// Counts how often `marker` stands in `text`.
pub(super) fn count(text: &[u8], marker: &[u8]) -> usize {
    text.windows(marker.len())
        .filter(|part| *part == marker)
        .count()
}

fn end(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Status(code),
        (None, Some(signal)) => End::Signal(signal),
        (None, None) => End::TimedOut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_time_left_of_a_timer_is_masked() {
        assert_eq!(
            mask_timers(b"on (1.23/0/0) off (0.00/0/0) (x) (12/3) (servers"),
            b"on (#/0/0) off (#/0/0) (x) (12/3) (servers"
        );
    }

    #[test]
    fn a_program_that_never_ends_is_ended_after_enough_rounds() {
        let mut call = Call::shell("while :; do echo round; sleep 0.01; done");
        call.until = Until::Rounds {
            marker: "round",
            count: 3,
        };
        let outcome = run(Path::new("/bin"), &call, &[]).expect("sh exists");
        assert_eq!(outcome.end, End::StillRunning);
        assert!(count(&outcome.stdout, b"round") >= 3);
    }

    #[test]
    fn streams_and_status_are_kept_apart() {
        let call = Call::shell("echo out; echo err >&2; exit 3");
        let outcome = run(Path::new("/bin"), &call, &[]).expect("sh exists");
        assert_eq!(outcome.stdout, b"out\n");
        assert_eq!(outcome.stderr, b"err\n");
        assert_eq!(outcome.end, End::Status(3));
    }
}
