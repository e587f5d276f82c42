//! Runs one program for a bounded time and keeps what it leaves.

use std::ffi::OsString;
use std::io::{self, Seek, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::stream::{self, Stdout, Stream};

/// What the next process number follows. See `proc_sys_kernel(5)`.
const LAST_PID: &str = "/proc/sys/kernel/ns_last_pid";
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

/// One way to call the program under comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The words after argv[0]; for a shell call the script alone.
    pub words: Vec<OsString>,
    /// Environment beside `LC_ALL` and `PATH`.
    pub environment: Vec<(&'static str, OsString)>,
    /// What standard input holds.
    pub stdin: Vec<u8>,
    /// What stands behind standard output.
    pub stdout: Stdout,
    /// The user and group to run as; root if none.
    pub user: Option<u32>,
    /// When the call is over.
    pub until: Until,
    /// Whether `sh -c` runs the words, with the program in `PATH`.
    pub shell: bool,
}

impl Call {
    /// Calls the program with these words.
    pub fn words<W: Into<OsString>>(words: impl IntoIterator<Item = W>) -> Self {
        Self {
            words: words.into_iter().map(Into::into).collect(),
            environment: Vec::new(),
            stdin: Vec::new(),
            stdout: Stdout::File,
            user: None,
            until: Until::Exit,
            shell: false,
        }
    }

    /// Calls `sh -c script`, which finds the program under comparison by its name.
    pub fn shell(script: &str) -> Self {
        Self {
            shell: true,
            ..Self::words([script])
        }
    }

    /// Adds a variable to the environment.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    fn command(&self, place: &Place<'_>) -> Command {
        let mut command = if self.shell {
            let mut command = Command::new("/bin/sh");
            command.arg("-c");
            command
        } else {
            let mut command = Command::new(place.directory.join(place.name));
            command.arg0(place.name);
            command
        };
        if let Some(user) = self.user {
            // Changing the user through std makes sockets of ours, which would be listed; so does
            // a name that std has to look up in the program's PATH.
            let user = user.to_string();
            let program = if self.shell { "sh" } else { place.name };
            command = Command::new("/usr/bin/setpriv");
            command.args([
                "--reuid",
                &user,
                "--regid",
                &user,
                "--clear-groups",
                program,
            ]);
            command.args(self.shell.then_some("-c"));
        }
        let path = format!(
            "{}:/usr/sbin:/usr/bin:/sbin:/bin",
            place.directory.display()
        );
        command
            .args(&self.words)
            .env_clear()
            .env("LC_ALL", "C")
            .env("PATH", path)
            .envs(self.environment.iter().cloned())
            .current_dir(place.work);
        command
    }
}

/// Where a program is, and where it runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p> {
    /// The directory it is in.
    pub directory: &'p Path,
    /// The name it has there, and in `argv[0]`.
    pub name: &'p str,
    /// Its working directory.
    pub work: &'p Path,
    /// The number its process number shall follow.
    pub pid_before: Option<&'p str>,
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
    /// Says whether a signal ended the program: it crashed.
    pub fn crashed(&self) -> bool {
        // SIGPIPE and SIGTERM are ways to end a healthy program.
        matches!(self.end, End::Signal(signal) if signal != 13 && signal != 15)
    }
}

/// Runs a call with the program of `place`.
pub(super) fn run(
    place: &Place<'_>,
    call: &Call,
    environment: &[(OsString, OsString)],
) -> io::Result<Outcome> {
    let mut stdout = Stream::open(call.stdout)?;
    let mut stderr = stream::memory("stderr")?;
    let mut command = call.command(place);
    command
        .envs(environment.iter().cloned())
        .stdin(stdin(&call.stdin)?)
        .stdout(stdout.for_program()?)
        .stderr(stderr.try_clone()?);
    // After the thread that reads a terminal was started: it takes a number, too.
    if let Some(pid) = place.pid_before {
        std::fs::write(LAST_PID, pid)?;
    }
    let mut child = command.spawn()?;
    // It holds the far end of a terminal, which must be the program's alone.
    drop(command);
    let end = wait(&mut child, call.until, &stdout)?;
    Ok(Outcome {
        stdout: stdout.content()?,
        stderr: stream::content(&mut stderr)?,
        end,
    })
}

fn stdin(content: &[u8]) -> io::Result<Stdio> {
    if content.is_empty() {
        return Ok(Stdio::null());
    }
    let mut file = stream::memory("stdin")?;
    file.write_all(content)?;
    file.rewind()?;
    Ok(file.into())
}

fn wait(child: &mut Child, until: Until, stdout: &Stream) -> io::Result<End> {
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
            Until::Rounds {
                marker,
                count: least,
            } => count(&stdout.so_far()?, marker.as_bytes()) >= least,
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

    fn run_shell(call: &Call) -> Outcome {
        let place = Place {
            directory: Path::new("/bin"),
            name: "sh",
            work: Path::new("/"),
            pid_before: None,
        };
        run(&place, call, &[]).expect("sh exists")
    }

    #[test]
    fn a_program_that_never_ends_is_ended_after_enough_rounds() {
        let mut call = Call::shell("while :; do echo round; sleep 0.01; done");
        call.until = Until::Rounds {
            marker: "round",
            count: 3,
        };
        let outcome = run_shell(&call);
        assert_eq!(outcome.end, End::StillRunning);
        assert!(count(&outcome.stdout, b"round") >= 3);
    }

    #[test]
    fn streams_and_status_are_kept_apart() {
        let call = Call::shell("echo out; echo err >&2; exit 3");
        let outcome = run_shell(&call);
        assert_eq!(outcome.stdout, b"out\n");
        assert_eq!(outcome.stderr, b"err\n");
        assert_eq!(outcome.end, End::Status(3));
    }

    #[test]
    fn a_terminal_has_its_width_and_passes_bytes_on_as_they_are() {
        let mut call = Call::shell("stty size <&1; printf 'a\\nb\\n'; cat");
        call.stdout = Stdout::Terminal(77);
        call.stdin = b"from stdin".to_vec();
        let outcome = run_shell(&call);
        let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
        assert_eq!(text, "24 77\na\nb\nfrom stdin");
    }

    #[test]
    fn a_program_on_a_terminal_can_be_ended_after_enough_rounds() {
        let mut call = Call::shell("while :; do echo round; sleep 0.01; done");
        call.stdout = Stdout::Terminal(0);
        call.until = Until::Rounds {
            marker: "round",
            count: 3,
        };
        let outcome = run_shell(&call);
        assert_eq!(outcome.end, End::StillRunning);
        assert!(count(&outcome.stdout, b"round") >= 3);
    }
}
