//! Runs one guest: qemu in software emulation, its three ports as files, a limit in time.
//!
//! No hardware virtualisation is asked for: where it exists and fails, it fails late and oddly. The
//! guest has one processor, no network and no disk. It ends with us, however we end, and is ended by
//! its process id alone.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::guest::Progress;
use crate::step::Failure;

/// The ports through which a guest hands out what its command wrote, and how it ended.
const PORTS: [&str; 3] = ["stdout", "stderr", "status"];
/// The processor: whatever qemu can do, but for CMPXCHG16B. qemu 7.2 (Debian 12) sometimes breaks the
/// flags in it, and kernel 6.12 uses it so often that on a busy machine 7 of 10 boots died, with
/// double faults and broken lists; without it none did.
const PROCESSOR: &str = "max,-cx16";
/// How often new output is passed on.
const TICK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};
/// What the names of folders of runs begin with; the number of our process follows, and `-` with the guest's name.
const RUN_FOLDER: &str = "run-";
/// How many lines of the console are shown when a guest fails.
const CONSOLE_LINES: usize = 40;

/// A guest to be run.
pub(crate) struct Guest<'a> {
    /// What tells it from others that run beside it.
    pub name: &'a str,
    /// The kernel to boot.
    pub image: &'a Path,
    /// Its first file system.
    pub files: &'a [u8],
    /// Its memory, in MiB.
    pub memory_mib: u32,
    /// How long it may take from its start to its end.
    pub timeout: Duration,
}

/// A folder for the files of one run, gone with it.
struct RunFolder(PathBuf);

impl Drop for RunFolder {
    fn drop(&mut self) {
        // What cannot be removed is below target/ and does no harm there.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn run_folder(name: &str) -> String {
    format!("{RUN_FOLDER}{}-{name}", std::process::id())
}

/// Removes the folders of runs that were killed.
fn remove_leftovers(cache: &Path) {
    for entry in std::fs::read_dir(cache).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let run = name.to_str().and_then(|name| name.strip_prefix(RUN_FOLDER));
        let pid = run.and_then(|run| run.split('-').next());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            drop(RunFolder(entry.path()));
        }
    }
}

/// A guest that is ended with the value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A file that grows, and where its growth goes.
struct Follow<'a> {
    from: File,
    to: &'a mut dyn Write,
}

impl Follow<'_> {
    fn pass_on(&mut self) -> io::Result<()> {
        io::copy(&mut self.from, self.to)?;
        self.to.flush()
    }
}

/// Runs a guest below `cache`, passes on what its command writes, and gives its exit status.
pub(crate) fn run(
    guest: &Guest,
    cache: &Path,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<u8, Failure> {
    remove_leftovers(cache);
    let folder = RunFolder(cache.join(run_folder(guest.name)));
    let files = || -> io::Result<_> {
        std::fs::create_dir_all(&folder.0)?;
        std::fs::write(folder.0.join("files.cpio"), guest.files)?;
        let open = |port: &str| {
            File::create(folder.0.join(port))?;
            File::open(folder.0.join(port))
        };
        Ok([open("stdout")?, open("stderr")?])
    };
    let [from_stdout, from_stderr] =
        files().map_err(|error| Failure::check(format!("{}: {error}", folder.0.display())))?;
    let mut follows = [
        Follow {
            from: from_stdout,
            to: stdout,
        },
        Follow {
            from: from_stderr,
            to: stderr,
        },
    ];
    let mut child = command(guest, &folder.0)
        .spawn()
        .map(Running)
        .map_err(|error| Failure::lacking(format!("cannot start qemu: {error}")))?;
    let in_time = wait(&mut child.0, guest.timeout, &mut follows)
        .map_err(|error| Failure::check(format!("cannot pass on a guest's output: {error}")))?;
    let status = std::fs::read_to_string(folder.0.join("status")).unwrap_or_default();
    match Progress::decode(&status) {
        Progress::Ended(status) => Ok(status),
        progress => Err(Failure::check(format!(
            "{}{}",
            complaint(progress, in_time, guest.timeout),
            console(&folder.0)
        ))),
    }
}

fn command(guest: &Guest, folder: &Path) -> Command {
    // With setpriv the kernel ends the guest when we are gone, even if we were killed.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", "qemu-system-x86_64"]);
    command.args(["-machine", "pc", "-accel", "tcg", "-smp", "1"]);
    command.args(["-cpu", PROCESSOR]);
    command.args(["-m", &guest.memory_mib.to_string()]);
    command.args(["-nodefaults", "-no-user-config", "-nographic", "-no-reboot"]);
    command.arg("-kernel").arg(guest.image);
    command.args(["-initrd", "files.cpio"]);
    command.args(["-append", "console=ttyS0 quiet panic=-1 mitigations=off"]);
    command.args(["-chardev", "file,id=console,path=console"]);
    command.args(["-serial", "chardev:console"]);
    command.args(["-device", "virtio-serial-pci"]);
    for port in PORTS {
        command.args(["-chardev", &format!("file,id={port},path={port}")]);
        let device = format!("virtserialport,chardev={port},name={port}");
        command.args(["-device", &device]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.current_dir(folder);
    command
}

/// Waits for the end of the guest and says whether it came in time.
fn wait(child: &mut Child, timeout: Duration, follows: &mut [Follow]) -> io::Result<bool> {
    let end = Instant::now() + timeout;
    let pid = Pid::from_child(child);
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    loop {
        poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&TICK))?;
        // Asked before the last bytes are read, so that none can come after them.
        let ended = child.try_wait()?.is_some();
        for follow in follows.iter_mut() {
            follow.pass_on()?;
        }
        if ended {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
    }
}

fn complaint(progress: Progress, in_time: bool, timeout: Duration) -> String {
    let seconds = timeout.as_secs();
    let where_it_was = match progress {
        Progress::Booting => "before its command ran",
        Progress::Running | Progress::Ended(_) => "while its command ran",
    };
    if in_time {
        format!("the guest died {where_it_was}")
    } else {
        format!("the guest was ended after {seconds} s, {where_it_was} (--timeout)")
    }
}

/// Gives the end of the console, where the kernel says what went wrong.
fn console(folder: &Path) -> String {
    let bytes = std::fs::read(folder.join("console")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().collect();
    let first = lines.len().saturating_sub(CONSOLE_LINES);
    let mut end = String::from("\nits console:");
    for line in &lines[first..] {
        end.push_str("\n    ");
        end.extend(line.chars().filter(|c| !c.is_control()));
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_that_failed_says_when() {
        let limit = Duration::from_secs(7);
        assert_eq!(
            complaint(Progress::Booting, true, limit),
            "the guest died before its command ran"
        );
        assert_eq!(
            complaint(Progress::Running, false, limit),
            "the guest was ended after 7 s, while its command ran (--timeout)"
        );
    }
}
