//! `bench-measure PROGRAM ARGV0 [ARGUMENT]...`: runs exactly one child and says what it cost.
//!
//! A process of its own for each run, because the kernel adds up the time of all children a
//! process ever had, and keeps the largest memory of any. The child's output goes through a pipe
//! that is read and counted. Its peak memory cannot read as less than this program's own.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};

use crate::step::Failure;

/// No single run may take longer; the child is killed then, and what it cost is a lower bound.
const DEADLINE: Duration = Duration::from_mins(2);

/// What one run cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// From the start of the child until it has been waited for, microseconds.
    pub wall_us: u64,
    /// Time on a processor in user mode, microseconds.
    pub user_us: u64,
    /// Time on a processor in the kernel, microseconds.
    pub system_us: u64,
    /// The largest resident memory, KiB.
    pub peak_kib: u64,
    /// Bytes written to standard output.
    pub output_bytes: u64,
    /// The child was killed at the deadline: it would have cost more.
    pub killed: bool,
}

impl Cost {
    /// Writes the cost as one JSON object.
    pub(crate) fn to_json(self) -> Value {
        json!({
            "wall_us": self.wall_us,
            "user_us": self.user_us,
            "system_us": self.system_us,
            "peak_kib": self.peak_kib,
            "output_bytes": self.output_bytes,
            "killed": self.killed,
        })
    }

    /// Reads what [`Cost::to_json`] wrote.
    pub(crate) fn from_json(json: &Value) -> Option<Self> {
        Some(Self {
            wall_us: json["wall_us"].as_u64()?,
            user_us: json["user_us"].as_u64()?,
            system_us: json["system_us"].as_u64()?,
            peak_kib: json["peak_kib"].as_u64()?,
            output_bytes: json["output_bytes"].as_u64()?,
            killed: json["killed"].as_bool()?,
        })
    }
}

/// Runs the child and prints its cost.
pub(crate) fn run(given: &[OsString]) -> Result<(), Failure> {
    let [program, name, arguments @ ..] = given else {
        return Err(Failure::usage(
            "bench-measure wants a program and its argv[0]",
        ));
    };
    let mut command = Command::new(program);
    if name == super::cases::DUMP {
        command.arg(name);
    } else {
        command.arg0(name);
    }
    command.args(arguments);
    let failed = |error| Failure::check(format!("{}: {error}", program.display()));
    println!("{}", measure(&mut command).map_err(failed)?.to_json());
    Ok(())
}

fn measure(command: &mut Command) -> io::Result<Cost> {
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn()?;
    let (done, watched) = mpsc::channel();
    let pid = child.id();
    let watchdog = std::thread::spawn(move || kill_late(pid, &watched));
    let output_bytes = drain(&mut child)?;
    let status = child.wait()?;
    let wall = start.elapsed();
    drop(done);
    let killed = watchdog.join().unwrap_or(false);
    if !status.success() && !killed {
        return Err(io::Error::other(format!("ended with {status}")));
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(Cost {
        wall_us: u64::try_from(wall.as_micros()).map_err(io::Error::other)?,
        user_us: whole(usage.user_time().num_microseconds())?,
        system_us: whole(usage.system_time().num_microseconds())?,
        peak_kib: whole(usage.max_rss())?,
        output_bytes,
        killed,
    })
}

fn whole(number: i64) -> io::Result<u64> {
    u64::try_from(number).map_err(io::Error::other)
}

/// Reads the child's output to its end and counts it.
fn drain(child: &mut Child) -> io::Result<u64> {
    let mut buffer = vec![0; 1 << 16];
    let mut count = 0;
    let Some(output) = &mut child.stdout else {
        return Ok(0);
    };
    loop {
        match output.read(&mut buffer)? {
            0 => return Ok(count),
            read => count += u64::try_from(read).map_err(io::Error::other)?,
        }
    }
}

/// Kills the child unless it is done (the channel closes) before the deadline; says if it did.
fn kill_late(pid: u32, done: &mpsc::Receiver<()>) -> bool {
    if done.recv_timeout(DEADLINE) != Err(mpsc::RecvTimeoutError::Timeout) {
        return false;
    }
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let killed = pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::KILL));
    // It may have ended in this very moment; then it was not killed.
    matches!(killed, Some(Ok(())))
}
