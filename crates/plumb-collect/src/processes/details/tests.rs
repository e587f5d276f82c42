//! Processes of this machine, odd on purpose.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use plumb_testkit::temp::TempDir;

use super::*;

struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Ending {
    /// Starts a program that waits for its standard input to end.
    fn start(program: &Path) -> Self {
        let child = Command::new(program).stdin(Stdio::piped()).spawn();
        Self(child.expect("it is a copy of cat"))
    }

    fn described(&self) -> Process {
        described(Pid(self.0.id()))
    }
}

/// Describes a child once it has become the program it was started as: `spawn` returns in the middle of
/// `execve`, before name and command line are set.
fn described(pid: Pid) -> Process {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let process = describe(Path::new("/proc"), pid, Wanted::ALL);
        let is_there = matches!(&process.cmdline, Known::Known(words) if !words.is_empty());
        if is_there || Instant::now() > deadline {
            return process;
        }
        std::thread::yield_now();
    }
}

/// Copies `cat` under a name.
fn program(dir: &TempDir, name: &[u8]) -> PathBuf {
    let path = dir.path().join(OsStr::from_bytes(name));
    std::fs::copy("/bin/cat", &path).expect("there is a cat, and the folder is ours");
    path
}

#[test]
fn we_describe_ourselves() {
    let us = Pid(std::process::id());
    let process = describe(Path::new("/proc"), us, Wanted::ALL);
    let parent = rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    assert_eq!(process.parent.ok(), u32::try_from(parent).ok().map(Pid));
    assert_eq!(
        process.uid,
        Known::Known(Uid(rustix::process::geteuid().as_raw()))
    );
    let exe = std::env::current_exe().expect("/proc is mounted");
    let told = process.exe.ok().expect("our own is readable");
    assert_eq!(
        (told.path.as_slice(), told.deleted),
        (exe.as_os_str().as_bytes(), false)
    );
    let cmdline = process.cmdline.ok().expect("our own is readable");
    let first = std::env::args_os().next().expect("it has a name");
    assert!(cmdline.starts_with(first.as_bytes()));
    assert!(
        process
            .cgroup
            .ok()
            .is_none_or(|path| path.starts_with(b"/"))
    );
    assert!(process.start_ticks.ok().expect("stat is whole") > 0);
}

#[test]
fn only_what_is_asked_for_is_read() {
    let process = describe(
        Path::new("/proc"),
        Pid(std::process::id()),
        Wanted::default(),
    );
    assert!(!process.comm.is_empty());
    assert_eq!(process.cmdline, Known::Unknown(Reason::NotInSource));
    assert_eq!(process.exe, Known::Unknown(Reason::NotInSource));
    assert_eq!(process.uid, Known::Unknown(Reason::NotInSource));
    assert_eq!(process.cgroup, Known::Unknown(Reason::NotInSource));
}

#[test]
fn many_are_described_in_their_order() {
    let us = Pid(std::process::id());
    let nobody = Pid(u32::MAX);
    let pids: Vec<Pid> = (0..500).map(|place| [us, nobody][place % 2]).collect();
    let described = describe_all(Path::new("/proc"), &pids, Wanted::default());
    assert!(described.iter().map(|process| process.pid).eq(pids));
    assert!(
        described
            .iter()
            .step_by(2)
            .all(|process| !process.comm.is_empty())
    );
    let ended = Known::Unknown(Reason::ProcessEnded);
    assert!(
        described
            .iter()
            .skip(1)
            .step_by(2)
            .all(|process| process.start_ticks == ended)
    );
}

#[test]
fn a_deleted_executable_is_told_from_one_that_is_called_so() {
    let dir = TempDir::new("exe").expect("the temporary folder is writable");
    for (name, remove, link) in [
        (&b"plain"[..], false, false),
        (b"plain gone", true, false),
        (b"really (deleted)", false, false),
        (b"really gone (deleted)", true, false),
        (b"gone, with another name", true, true),
        (b"\xff\n(x) (deleted)", false, false),
    ] {
        let path = program(&dir, name);
        let child = Ending::start(&path);
        if link {
            let other = dir.path().join("other");
            std::fs::hard_link(&path, other).expect("the folder is ours");
        }
        if remove {
            std::fs::remove_file(&path).expect("the folder is ours");
        }
        let exe = child.described().exe.ok().expect("our child is readable");
        assert_eq!(exe.deleted, remove, "{}", path.display());
        assert_eq!(exe.path, path.as_os_str().as_bytes());
    }
}

#[test]
fn a_name_of_brackets_and_newlines_is_whole() {
    let dir = TempDir::new("comm").expect("the temporary folder is writable");
    let child = Ending::start(&program(&dir, b"a) S 1 (\nb\xff"));
    let process = child.described();
    assert_eq!(process.comm, b"a) S 1 (\nb\xff");
    assert_eq!(process.parent, Known::Known(Pid(std::process::id())));
}

#[test]
fn who_has_ended_is_said_to_have() {
    let mut child = Ending::start(Path::new("/bin/cat"));
    let pid = Pid(child.0.id());
    let folder = super::super::open_directory(rustix::fs::CWD, &format!("/proc/{}", pid.0));
    let folder = folder.expect("it lives");
    child.0.kill().expect("it is ours");
    child.0.wait().expect("it is ours");
    let process = describe(Path::new("/proc"), pid, Wanted::ALL);
    assert_eq!(process.start_ticks, Known::Unknown(Reason::ProcessEnded));
    // A folder opened before stays that of the dead, whoever has the id now.
    assert_eq!(
        file(folder.as_fd(), "status", 10),
        Known::Unknown(Reason::ProcessEnded)
    );
}

#[test]
fn threads_of_the_kernel_execute_nothing() {
    let process = describe(Path::new("/proc"), Pid(2), Wanted::ALL);
    if process.comm == b"kthreadd" {
        assert_eq!(process.cmdline, Known::Known(Vec::new()));
        assert_eq!(process.exe.ok(), None);
    }
}

mod needs_root {
    use plumb_testkit::holding::covered;
    use plumb_testkit::sandbox;

    use super::*;

    #[test]
    fn a_process_behind_a_mount_is_described_all_the_same() {
        sandbox::run(|| {
            let held = covered::covered().expect("root may mount in here");
            assert_eq!(uncovered::covered(), [Pid(held.pid)]);
            let process = described(Pid(held.pid));
            assert_eq!(process.comm, b"sleep");
            assert_eq!(process.cmdline, Known::Known(b"sleep\x001000\0".to_vec()));
            drop(held);
        });
    }

    #[test]
    fn another_process_mounted_over_it_is_not_taken_for_it() {
        sandbox::run(|| {
            let child = Ending::start(Path::new("/bin/cat"));
            let place = format!("/proc/{}", child.0.id());
            rustix::mount::mount_bind("/proc/1", &place).expect("root may mount in here");
            assert_eq!(child.described().comm, b"cat");
            let cover = rustix::mount::UnmountFlags::DETACH;
            rustix::mount::unmount(place, cover).expect("it is mounted");
        });
    }
}
